// Disk: a whole block device with a queue of requests, and its partitions.
//
// A driver derives from it and gives issue(); it calls finished() for each request that is done. A bio with kBioPreflush or
// kBioFua becomes a flush, the write, and a flush, as far as the disk has a cache.
//
// Guarantees: issue() is called under the queue's spin lock, one request at a time.
#pragma once

#include "block/block_device.h"
#include "block/request_queue.h"
#include "core/vector.h"

struct AttributeGroup;
class Device;
class Partition;

class Disk : public BlockDevice {
  public:
    Disk(const char* disk_name, u64 device_number) : BlockDevice(disk_name, device_number) {}

    /// The queue's settings, under its lock.
    template <class F>
    decltype(auto) with_queue(F f) {
        return queue_.with([&](Queue& queue) { return f(queue.requests); });
    }
    void plug() override;
    void unplug() override;
    /// What sysfs calls rotational, and how it was made.
    virtual const char* serial() const { return ""; }
    /// What it is plugged into; null: nothing that /sys shows.
    virtual Device* hardware() const { return nullptr; }

    /// Its own attributes in /sys/block/NAME; null: none.
    virtual const AttributeGroup* attributes() const { return nullptr; }
    /// May a partition table be on it?
    virtual bool has_partitions() const { return true; }

  protected:
    /// Gives the request to the hardware: `op` on all bios of `leader` (a flush: on none of its memory). False when there is no
    /// room now; it comes again after the next finished().
    virtual bool issue(Bio& leader, BlockOp op) = 0;
    /// Called once after a series of issue().
    virtual void kick() {}
    /// From the driver's interrupt handler, without its locks.
    void finished(Bio& leader, Errno result);
    /// Runs `f` under the queue's lock, which also guards the driver's own state.
    template <class F>
    decltype(auto) with_lock(F f) {
        return queue_.with([&](Queue&) { return f(); });
    }
    void start(Bio& bio) override;

  private:
    struct Queue {
        RequestQueue requests;
        u32 plugs = 0;
    };
    void run(Queue& queue);
    static BlockOp phase_op(const Bio& bio);
    bool next_phase(Bio& bio) const;

    Guarded<Queue, LockRank::kBlockQueue> queue_;
    friend class Partition;
};

/// Sectors [first, first + count) of a disk.
class Partition final : public BlockDevice {
  public:
    Partition(RefPtr<Disk> disk, const char* partition_name, u64 device_number, u64 first, u64 count,
              u32 number);
    Disk& disk() const { return *disk_; }
    u64 first_sector() const { return first_; }
    u32 partition_number() const { return partition_number_; }
    bool has_write_cache() const override { return disk_->has_write_cache(); }
    bool can_discard() const override { return disk_->can_discard(); }
    const Partition* as_partition() const override { return this; }
    void plug() override { disk_->plug(); }
    void unplug() override { disk_->unplug(); }

    char uuid[40] = "";   ///< PARTUUID, in lower case
    char label[40] = "";  ///< PARTLABEL

  protected:
    void start(Bio& bio) override;

  private:
    RefPtr<Disk> disk_;
    u64 first_;
    u32 partition_number_;
};
