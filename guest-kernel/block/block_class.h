// Block devices as /sys shows them: /sys/class/block, /sys/block, and their nodes in devtmpfs.
#pragma once

#include "block/disk.h"
#include "drivers/base/device.h"

/// The device that is shown as `object`.
BlockDevice& block_device_of(Kobject& object);
/// Shows `device`; `up` is its disk's entry when it is a partition of `disk`. ENOMEM, EEXIST.
Result<RefPtr<Device>> show_block_device(const RefPtr<BlockDevice>& device, Disk* disk, RefPtr<Device> up);
