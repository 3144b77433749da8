// CachedFile: an open file whose data is in a page cache: read, write, seek, fsync, O_APPEND, O_DIRECT, O_SYNC,
// read-ahead. What a disk file system opens for a regular file, and a block device for its device file.
//
// Guarantees: a read takes no lock of the inode; writes and truncations of one file exclude each other by
// Inode::lock. O_DIRECT transfers are aligned to the device's logical block (EINVAL) and go to the device each time,
// coherent with the cache; O_SYNC and O_DSYNC writes are on stable storage when write(2) returns.
#pragma once

#include "fs/file.h"
#include "fs/page_cache.h"

/// How an open file is read (posix_fadvise(2)), and how far ahead of its reader the cache is.
struct ReadAhead {
    static constexpr u32 kDefaultPages = 32;  // 128 KiB, as Linux
    u64 next = 0;                             // the page after the last one read
    u64 end = 0;                              // the window ends before this page
    u32 window = 0;                           // pages; 0: no sequence yet
    u32 max = kDefaultPages;                  // 0: POSIX_FADV_RANDOM
};

class CachedFile : public File {
  public:
    /// `direct_alignment`: of O_DIRECT transfers, a power of two.
    CachedFile(Inode& file_inode, PageCache& cache, u32 direct_alignment = 512)
        : File(file_inode),
          cache_(cache),
          alignment_(direct_alignment),
          seen_error_(cache.error_sequence()) {}

    Result<size_t> read(IovIter& to, loff_t& pos) override;
    Result<size_t> write(IovIter& from, loff_t& pos) override;
    Result<loff_t> seek(loff_t offset, int whence) override;
    /// Writes the file's dirty pages, waits, tells of failures since the last call; then the inode's sync().
    Result<void> sync(bool data_only) override;
    MemoryObject* memory_object() override { return &cache_; }
    CachedFile* as_cached_file() override { return this; }

    PageCache& cache() const { return cache_; }
    /// EIO or ENOSPC if a write-back has failed since this file was told last.
    Result<void> check_error() { return cache_.check_error(&seen_error_); }

    ReadAhead read_ahead;

  protected:
    /// Where data ends; a block device's file has no inode size.
    virtual u64 data_end() const { return cache_.size(); }
    /// Before data is written, under the inode's lock: sizes, seals, read-only. May shorten `from`.
    virtual Result<void> check_write(IovIter& from, loff_t pos);
    /// After it.
    virtual void wrote();
    /// For O_DSYNC and O_SYNC: bytes [from, to) were written.
    virtual Result<void> sync_written(u64 from, u64 to, bool data_only);

  private:
    Result<Page*> page_for_read(u64 index, u64 wanted);
    Result<size_t> read_cached(IovIter& to, u64 at);
    Result<size_t> write_cached(IovIter& from, u64 at);
    Result<void> prepare_direct(const IovIter& it, u64 at);

    PageCache& cache_;
    u32 alignment_;
    u32 seen_error_;
};
