// Buffers: single blocks of a block device in memory, for a file system's own data: super block, bitmaps, inode
// tables, directories, the journal. They are pieces of the pages of BlockPages.
//
//   BufferCache cache(device, block_size);
//   BufferRef b = TRY(cache.read(block));         // up to date, or EIO
//   b->data …;  b.mark_dirty();                   // written back in a while
//   TRY(b.write());                               // or now
//
// Guarantees: one Buffer per block; it and its memory stay while there is a reference or while it is dirty. `lock`
// also waits until a write in flight is over: change a buffer that must not reach the device half changed under its
// lock. A held buffer is not written by anybody but write(): the journal's, until its transaction has committed.
#pragma once

#include "fs/block_pages.h"

enum BufferState : u32 {
    kBufferUptodate = 1u << 0,
    kBufferDirty = 1u << 1,
    kBufferLocked = 1u << 2,      // being read, written or changed
    kBufferHeld = 1u << 3,        // not to be written back
    kBufferWriteError = 1u << 4,  // the last write failed
};

struct Buffer {
    u64 block;
    u8* data;
    u32 size;
    u32 state;
    u32 refs;
    Page* page;
    BlockPages* cache;
    void* journal;  // the journal's own

    bool has(u32 mask) const { return (__atomic_load_n(&state, __ATOMIC_ACQUIRE) & mask) != 0; }
    void set(u32 mask) { __atomic_fetch_or(&state, mask, __ATOMIC_ACQ_REL); }
    bool clear(u32 mask) { return (__atomic_fetch_and(&state, ~mask, __ATOMIC_ACQ_REL) & mask) != 0; }
    bool uptodate() const { return has(kBufferUptodate); }
    bool dirty() const { return has(kBufferDirty); }

    /// Sleeps; after LockRank::kBlockMap, before nothing: no page lock is taken under it.
    void lock();
    bool try_lock();
    void unlock();
    /// What it holds is right (a block just made), and need not be read.
    void set_uptodate() { set(kBufferUptodate); }
    /// Differs from what is stored.
    void mark_dirty();
    void hold() { set(kBufferHeld); }
    void release_hold();
    /// Reads it if it is not up to date. EIO.
    Result<void> read();
    /// Writes it if it is dirty, held or not, and waits; `flags` as of a bio (kBioFua …). EIO, EROFS, ENOSPC.
    Result<void> write(u8 flags = 0);
    /// The block is no longer used: it need not be written.
    void forget() { clear(kBufferDirty | kBufferHeld); }

    u64 sector() const { return block * (size >> kSectorShift); }
    void get();
    void put();
};

/// A reference to a Buffer.
class BufferRef {
  public:
    BufferRef() = default;
    explicit BufferRef(Buffer* taken) : buffer_(taken) {}  ///< takes over the reference
    BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
        if (buffer_) buffer_->get();
    }
    BufferRef(BufferRef&& other) : buffer_(other.leak()) {}
    ~BufferRef() {
        if (buffer_) buffer_->put();
    }
    BufferRef& operator=(BufferRef other) {
        std::swap(buffer_, other.buffer_);
        return *this;
    }
    Buffer* get() const { return buffer_; }
    Buffer* operator->() const { return buffer_; }
    Buffer& operator*() const { return *buffer_; }
    explicit operator bool() const { return buffer_ != nullptr; }
    Buffer* leak() {
        Buffer* taken = buffer_;
        buffer_ = nullptr;
        return taken;
    }

  private:
    Buffer* buffer_ = nullptr;
};

class BufferCache {
  public:
    /// Over `device`, which outlives it. EBUSY, ENOMEM; EINVAL for a size that is not 512 to 4096 or less than the
    /// device's logical block.
    static Result<BufferCache> make(BlockDevice& device, u32 block_size);

    u32 block_size() const { return pages_->buffer_size(); }
    BlockDevice& device() const { return pages_->device(); }
    /// Not read: for a block that will be filled as a whole. EIO beyond the end, ENOMEM.
    Result<BufferRef> get(u64 block);
    /// Up to date. EIO, ENOMEM.
    Result<BufferRef> read(u64 block);
    /// It, if it is there.
    BufferRef cached(u64 block) { return BufferRef(pages_->cached_buffer(block)); }
    /// Begins to read; waits for nothing.
    void read_ahead(u64 block, u64 count);
    /// Writes everything dirty that is not held, and waits. EIO. Does not flush the device.
    Result<void> sync() { return pages_->write_and_wait(); }
    /// Begins to write the same.
    void start_sync() { pages_->write_back(0, ~0ull, false); }
    /// Blocks [block, block + count) are no longer used: nothing of them need be written.
    void forget(u64 block, u64 count);

  private:
    explicit BufferCache(BlockPages* pages) : pages_(pages) {}
    template <class T>
    friend class Result;
    BlockPages* pages_;
};
