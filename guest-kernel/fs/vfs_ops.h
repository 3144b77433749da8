// Changing the tree: the calls that make, remove and rename names, below their system calls, and the changes
// of an inode's mode, owner, size and times. Paths are walked from `dirfd` (AT_FDCWD or a directory's
// descriptor).
#pragma once

#include "abi/fcntl.h"
#include "fs/inode.h"

Result<void> vfs_mkdir(int dirfd, const char* path, u32 mode);
/// `mode` carries the type (0 means a regular file). EPERM for devices without CAP_MKNOD.
Result<void> vfs_mknod(int dirfd, const char* path, u32 mode, dev_t device);
Result<void> vfs_symlink(const char* target, int dirfd, const char* path);
/// `flags`: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH.
Result<void> vfs_link(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path, int flags);
Result<void> vfs_unlink(int dirfd, const char* path);
Result<void> vfs_rmdir(int dirfd, const char* path);
/// EINVAL for what vfs_rename refuses before it looks at a name.
Result<void> check_rename_flags(u32 flags);
Result<void> vfs_rename(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path, u32 flags);

Result<void> vfs_chmod(const Path& path, u32 mode);
/// An id of ~0u leaves that id alone.
Result<void> vfs_chown(const Path& path, u32 uid, u32 gid);
/// Checks as truncate(2): write permission, EISDIR, EINVAL, ETXTBSY.
Result<void> vfs_truncate(const Path& path, u64 size);
/// Null times mean now for both; tv_nsec may be UTIME_NOW or UTIME_OMIT.
Result<void> vfs_utimes(const Path& path, const KernelTimespec* times);
