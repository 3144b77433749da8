// MappedPages: the page cache of a file whose blocks lie on a block device. The file system says where they are;
// reading, writing and preparing pages follow from that.
//
// Guarantees: neighbouring blocks go in one bio; a page whose blocks lie apart is moved piece by piece; what lies
// beyond the file's end is zero on the device and in memory.
#pragma once

#include "block/block_device.h"
#include "fs/page_cache.h"

/// Where consecutive blocks of a file are.
struct BlockExtent {
    enum class Kind : u8 {
        kHole,    // nowhere: zeroes
        kMapped,  // at `block` of the device and the following
    };
    Kind kind = Kind::kHole;
    bool fresh = false;  // allocated just now: what the device holds there means nothing
    u64 block = 0;       // in blocks of the file
    u64 count = 0;       // at least 1
};

class MappedPages : public PageCache {
  public:
    /// Blocks of 2^block_shift bytes (9 to 12), as the file system counts them on `device`, which outlives this.
    MappedPages(BlockDevice& device, u32 block_shift, RefCounted* owner)
        : PageCache(owner), device_(device), block_shift_(block_shift) {}

    /// Where blocks [first, first + count) are, as far as they lie together (count >= 1). `create`: allocate what
    /// is a hole; ENOSPC, EDQUOT. An extent that was allocated but never written (ext4's unwritten) is a hole for
    /// reading; for `create` it becomes mapped and fresh. Called with a page locked; may take LockRank::kBlockMap.
    virtual Result<BlockExtent> map_blocks(u64 first, u64 count, bool create) = 0;
    /// write_end() has made the file longer (size() has grown already).
    virtual void size_grown() {}

    void read_pages(Page** pages, u32 count) override;
    void write_pages(Page** pages, u32 count) override;
    Result<Page*> write_begin(u64 position, u32 length, void** state) override;
    Result<void> write_end(u64 position, u32 length, u32 copied, Page* page, void* state) override;

    BlockDevice& device() const { return device_; }
    u32 block_shift() const { return block_shift_; }

  protected:
    u64 sector_of(u64 block) const { return block << (block_shift_ - kSectorShift); }

  private:
    Errno move_pieces(Page* page, BlockOp op);
    void move_pages(Page** pages, u32 count, BlockOp op);

    BlockDevice& device_;
    u32 block_shift_;
};
