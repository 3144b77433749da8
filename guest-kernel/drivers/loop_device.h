// LoopDevice: a disk whose sectors are the bytes of a file (loop(4)).
//
// Bios are done by a thread of the device's own, which reads and writes the file as a program would; so submit() never
// sleeps, and whatever the file's own file system needs is done outside the locks of the one that lies on the device.
//
// Guarantees: the file stays open from set_up() to the end of clear(); when that returns nothing of it is used any more. What
// lies behind the file's end reads as zeroes.
#pragma once

#include "block/disk.h"
#include "fs/file.h"
#include "sync/wait_queue.h"

// The seam with programs: <linux/loop.h>.
enum LoopFlags : u32 {
    LO_FLAGS_READ_ONLY = 1,
    LO_FLAGS_AUTOCLEAR = 4,
    LO_FLAGS_PARTSCAN = 8,
    LO_FLAGS_DIRECT_IO = 16,
};

struct LoopInfo {  // struct loop_info64
    u64 lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
    u32 lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
    char lo_file_name[64];
    char lo_crypt_name[64];
    u8 lo_encrypt_key[32];
    u64 lo_init[2];
};

struct LoopConfig {  // struct loop_config
    u32 fd, block_size;
    LoopInfo info;
    u64 reserved[8];
};

class LoopDevice final : public Disk {
  public:
    static constexpr u32 kMajor = 7;

    LoopDevice(u32 number, const char* its_name);

    bool has_write_cache() const override { return !read_only(); }
    bool can_discard() const override { return backing() && !read_only(); }
    bool has_partitions() const override { return (flags() & LO_FLAGS_PARTSCAN) != 0; }
    const AttributeGroup* attributes() const override;
    Result<long> ioctl(File& file, u32 request, u64 argument) override;

    /// Its parts as /sys/block/loopN/loop shows them; an empty backing() means that it is free.
    RefPtr<File> backing() const;
    u32 flags() const { return __atomic_load_n(&flags_, __ATOMIC_RELAXED); }
    u64 offset() const { return __atomic_load_n(&offset_, __ATOMIC_RELAXED); }
    u64 size_limit() const { return __atomic_load_n(&size_limit_, __ATOMIC_RELAXED); }

    bool registered = false;  ///< under the lock of the loop devices, as all changes are

  protected:
    bool issue(Bio& leader, BlockOp op) override;
    void kick() override;
    void released() override;

  private:
    struct Work {
        List<Bio, &Bio::queue_node> waiting;
        RefPtr<File> file;
        bool busy = false;
    };
    Result<void> set_up(File& control, const LoopConfig& config);
    Result<void> clear();
    Result<void> change_file(File& control, int fd);
    Result<void> set_status(const LoopInfo& info);
    Result<void> get_status(LoopInfo* out);
    Result<void> set_block_size(u64 size);
    Result<void> take_info(const LoopInfo& info);
    Result<void> check_file(const File& file);
    Result<void> require_bound() const { return backing() ? Result<void>() : Result<void>(Errno::ENXIO); }
    void refresh_size();
    void drop_pages();
    Result<long> ioctl_locked(File& file, u32 request, u64 argument);

    static void run(void* device);
    Errno serve(Bio& leader, BlockOp op, File& file);
    Errno move(Bio& bio, File& file);
    bool idle();

    const u32 loop_number_;
    bool has_thread_ = false;
    u32 flags_ = 0;
    u64 offset_ = 0;
    u64 size_limit_ = 0;
    char file_name_[64] = "";
    mutable Guarded<Work, LockRank::kBlockStats> work_;
    WaitQueue wake_, idle_;
};

/// Taken over every change of a device, from its checks on.
Mutex& loop_lock();
