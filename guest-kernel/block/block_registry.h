// The block devices there are: by number for device files, by name for root= and /proc/partitions.
//
// Guarantees: a device that is found stays while its reference is held, also after it was taken away (then its bios end
// with EIO).
#pragma once

#include "block/disk.h"
#include "core/string_buf.h"
#include "fs/file.h"

/// Registers a disk: reads its partitions, and makes nodes in devtmpfs. `minors`: how many numbers it has from its own on.
void register_disk(RefPtr<Disk> disk, u32 minors);
/// A disk without a medium so far (loop): its partitions come with rescan_partitions(), numbered by the major of
/// extended devices. EEXIST, ENOMEM.
Result<void> register_empty_disk(RefPtr<Disk> disk);
/// Takes a disk without partitions away.
void unregister_disk(Disk& disk);
/// The partitions of a disk whose medium is gone go.
void remove_partitions(Disk& disk);
/// Reads the disk's partition table anew. EBUSY while one of its partitions is in use, EINVAL for what cannot have any.
Result<void> rescan_partitions(BlockDevice& device);

/// In the order in which they were registered, a disk before its partitions. ENOMEM.
Result<Vec<RefPtr<BlockDevice>>> list_block_devices();
RefPtr<BlockDevice> find_block_device(dev_t number);
RefPtr<BlockDevice> find_block_device(const char* name);

/// Names of drivers and their majors, for /proc/devices.
struct BlockMajor {
    const char* name;
    u32 major;
    BlockMajor* next;
};
void register_blkdev(BlockMajor* major);
BlockMajor* first_blkdev();

/// Opens a block device's node.
Result<RefPtr<File>> open_block_device(Inode& inode, int flags);
/// The device that `path` names: ENOTBLK when it is no block device's node, ENXIO without a driver.
Result<RefPtr<BlockDevice>> block_device_at(const char* path);

/// Its transfers, a disk's with those of its partitions; the 17 numbers of /proc/diskstats and /sys/block/*/stat.
BlockStats block_stats(BlockDevice& device);
Result<void> append_block_stats(BlockDevice& device, KString& out);
/// /proc/partitions and /proc/diskstats.
Result<void> show_partitions(KString& out);
Result<void> show_diskstats(KString& out);
