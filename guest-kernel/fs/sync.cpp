// sync(2) and syncfs(2) (fs/sync.h).
#include "fs/sync.h"

#include "block/block_registry.h"
#include "fs/mount.h"
#include "fs/writeback.h"

Result<void> sync_filesystem(SuperBlock& super) {
    sync_all_pages();
    return super.sync();
}

void sync_everything() {
    sync_all_pages();
    Result<Vec<RefPtr<Mount>>> mounts = list_mounts();
    if (mounts.ok()) {
        for (RefPtr<Mount>& mount : mounts.value()) (void)mount->sb->sync().ok();
    }
    sync_all_pages();  // what the file systems have made of it: their metadata
    Result<Vec<RefPtr<BlockDevice>>> devices = list_block_devices();
    if (!devices.ok()) return;
    for (RefPtr<BlockDevice>& device : devices.value()) {
        if (device->sectors() > 0) (void)device->flush().ok();
    }
}
