// BlockDevice: a disk, a partition or a loop device: sectors of 512 bytes that are read and written by bios.
//
// Guarantees: submit() never sleeps and never fails: what is wrong with a bio is its status (EIO beyond the end,
// EROFS, EOPNOTSUPP for a discard that the device lacks). The synchronous helpers sleep. What was written is on
// stable storage after a flush that was submitted later is done, or when done itself if it had kBioFua.
#pragma once

#include "block/bio.h"
#include "core/refcount.h"
#include "sync/guarded.h"

class BlockPages;
class File;
class Partition;

/// What /proc/diskstats and /sys/block/*/stat show; sectors of 512 bytes, times in nanoseconds.
struct BlockStats {
    struct Kind {
        u64 ios = 0;
        u64 merges = 0;
        u64 sectors = 0;
        u64 ns = 0;
    };
    Kind kinds[4];  // by BlockOp
    u32 in_flight = 0;
    u64 busy_ns = 0;      // time with something in flight
    u64 weighted_ns = 0;  // the same times what was in flight
    u64 last_change_ns = 0;
};

class BlockDevice : public RefCounted {
  public:
    BlockDevice(const char* device_name, u64 device_number);
    ~BlockDevice() override;

    const char* name() const { return name_; }
    u64 number() const { return number_; }  ///< as st_rdev
    u64 sectors() const { return __atomic_load_n(&sectors_, __ATOMIC_RELAXED); }
    u64 bytes() const { return sectors() << kSectorShift; }
    u32 logical_block_size() const { return logical_block_size_; }
    u32 physical_block_size() const { return physical_block_size_; }
    bool read_only() const { return __atomic_load_n(&read_only_, __ATOMIC_RELAXED); }
    void set_read_only(bool on) { __atomic_store_n(&read_only_, on, __ATOMIC_RELAXED); }
    /// The device has a cache that loses what no flush has written; without one a flush has nothing to do.
    virtual bool has_write_cache() const { return false; }
    virtual bool can_discard() const { return false; }
    virtual const Partition* as_partition() const { return nullptr; }

    /// Between plug() and unplug() bios may be kept back, so that they can be merged. Do not sleep in between.
    virtual void plug() {}
    virtual void unplug() {}

    /// Starts `bio`; bio.done is called when it has ended.
    void submit(Bio& bio);

    // Synchronous; EIO, ENOSPC, EROFS. `data` is in the direct map; all in bytes but `sector`.
    Result<void> transfer(BlockOp op, u64 sector, void* data, u32 size, u8 flags = 0);
    Result<void> read(u64 sector, void* data, u32 size) {
        return transfer(BlockOp::kRead, sector, data, size);
    }
    Result<void> write(u64 sector, const void* data, u32 size, u8 flags = 0) {
        return transfer(BlockOp::kWrite, sector, const_cast<void*>(data), size, flags);
    }
    Result<void> flush();
    Result<void> discard(u64 sector, u64 count);

    /// The device's own page cache: of its device file, and of a file system's metadata (fs/buffer_cache.h).
    /// Made at first use; ENOMEM. It lives as long as the device.
    Result<BlockPages*> pages();
    /// It, if it was ever used.
    BlockPages* pages_if_any() const { return __atomic_load_n(&pages_, __ATOMIC_ACQUIRE); }

    /// A consistent copy.
    BlockStats stats();
    void count_merge(BlockOp op);

    /// Mounted, or a disk of which something is: nobody else may write it as a whole (EBUSY).
    /// Who has claimed it counts as an opener.
    bool claim();
    void unclaim();
    bool claimed() const { return __atomic_load_n(&claimed_, __ATOMIC_RELAXED); }

    /// Requests of its own kind (loop); `file` is the one it is asked through. ENOTTY.
    virtual Result<long> ioctl(File& /*file*/, u32 /*request*/, u64 /*argument*/) { return Errno::ENOTTY; }

    /// Open files and claims of it, and of a disk's partitions.
    u32 openers() const { return __atomic_load_n(&openers_, __ATOMIC_RELAXED); }
    void add_opener();
    /// What the last one has written is on its way afterwards. Sleeps.
    void remove_opener();

  protected:
    /// The last opener is gone (loop's autoclear). May sleep.
    virtual void released() {}
    /// Hands a checked bio to the driver; ends with end(bio, …), also from an interrupt handler.
    virtual void start(Bio& bio) = 0;
    /// Accounts for `bio` and completes it.
    static void end(Bio& bio, Errno result);
    void set_sectors(u64 sectors) { __atomic_store_n(&sectors_, sectors, __ATOMIC_RELAXED); }
    void set_block_sizes(u32 logical, u32 physical) {
        logical_block_size_ = logical;
        physical_block_size_ = physical;
    }

  private:
    void account_start(Bio& bio);
    void account_end(Bio& bio);
    Errno check(const Bio& bio) const;

    char name_[32];
    u64 number_;
    u64 sectors_ = 0;
    u32 logical_block_size_ = kSectorSize;
    u32 physical_block_size_ = kSectorSize;
    bool read_only_ = false;
    bool claimed_ = false;
    u32 openers_ = 0;
    BlockPages* pages_ = nullptr;
    Guarded<BlockStats, LockRank::kBlockStats> stats_;
};
