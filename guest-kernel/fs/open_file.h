// Opening: from an inode to a File for what the file systems do not open themselves, and open(2)'s walk.
#pragma once

#include "fs/file.h"

/// A file of `inode` by its type: a directory, a fifo (may sleep for the other end), a device by
/// its number; ENXIO for sockets and devices without a driver.
Result<RefPtr<File>> open_default(Inode& inode, int flags);

/// open(2) relative to `dirfd`, with flags as the program gave them; `resolve`: openat2's.
Result<RefPtr<File>> open_at(int dirfd, const char* path, int flags, u32 mode, u32 resolve = 0);

/// Gives `file` what all opened files have: its path (detached, shown as `label` by /proc/PID/fd) and flags.
/// For files that no path leads to: pipes, epoll, memfd.
Result<void> set_detached(File& file, const char* label, int flags);
