// Character devices by number: which driver opens (major, minor), and the names devtmpfs shows.
#pragma once

#include "fs/file.h"

/// A range of minors of one major and what opens them. Registered once, never taken away.
struct CharDevice {
    const char* name;  ///< the driver's, for /proc/devices
    u32 major;
    u32 first_minor;
    u32 minors;
    Result<RefPtr<File>> (*open)(Inode& inode, int flags);
    CharDevice* next;
};
void register_chrdev(CharDevice* device);
CharDevice* first_chrdev();

/// The file of the device that `inode` stands for; ENXIO when no driver has its number.
Result<RefPtr<File>> open_chrdev(Inode& inode, int flags);
