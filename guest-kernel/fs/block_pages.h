// BlockPages: the page cache of a block device as a whole: what its device file reads and writes, and where a file
// system's metadata lies as Buffers (fs/buffer_cache.h). One memory for both, as in Linux.
//
// Guarantees: a page with buffers is written buffer by buffer: only what is dirty, and nothing that is held.
#pragma once

#include "fs/mapped_pages.h"

struct Buffer;

class BlockPages final : public MappedPages {
  public:
    explicit BlockPages(BlockDevice& device) : MappedPages(device, kSectorShift, nullptr) { refresh_size(); }
    ~BlockPages() override { drop_all(); }

    /// After the device's size has changed.
    void refresh_size() { set_size(device().bytes()); }
    /// The size of buffers, a power of two from 512 to 4096. EBUSY while buffers of another size are in use. What is
    /// cached is written out and goes.
    Result<void> set_buffer_size(u32 size);
    u32 buffer_size() const { return buffer_size_; }
    /// The buffer of `block`, perhaps not up to date; with a reference. ENOMEM, EIO (beyond the end).
    Result<Buffer*> buffer(u64 block);
    /// It if it is there; with a reference. Or null.
    Buffer* cached_buffer(u64 block);

    Result<BlockExtent> map_blocks(u64 first, u64 count, bool create) override;
    void read_pages(Page** pages, u32 count) override;
    void write_pages(Page** pages, u32 count) override;
    Result<void> write_end(u64 position, u32 length, u32 copied, Page* page, void* state) override;
    void release_private(Page& page) override;
    bool private_unused(const Page& page) override;
    bool is_device() const override { return true; }

  private:
    Result<void> attach(Page* page);
    Errno read_buffers(Page* page);
    void write_buffers(Page* page);

    u32 buffer_size_ = 4096;
};
