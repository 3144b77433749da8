// The registry of character devices.
#include "fs/chrdev.h"

namespace {
CharDevice* g_devices = nullptr;
}

void register_chrdev(CharDevice* device) {
    CharDevice** link = &g_devices;
    while (*link && (*link)->major <= device->major) link = &(*link)->next;
    device->next = *link;
    *link = device;
}

CharDevice* first_chrdev() {
    return g_devices;
}

Result<RefPtr<File>> open_chrdev(Inode& inode, int flags) {
    const u32 major = dev_major(inode.rdev);
    const u32 minor = dev_minor(inode.rdev);
    for (CharDevice* d = g_devices; d; d = d->next) {
        if (d->major == major && minor >= d->first_minor && minor - d->first_minor < d->minors) {
            return d->open(inode, flags);
        }
    }
    return Errno::ENXIO;
}
