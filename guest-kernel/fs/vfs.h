// The VFS as a whole: its start, the file system types, and mount(2) below its system call.
//
// The VFS names no file system: each registers its type.
//
// Guarantees: after mount_root() tasks can open files.
#pragma once

#include "fs/file.h"
#include "fs/inode.h"

class BlockDevice;

/// A type that mount(2) knows. Registered once, never taken away.
struct FileSystemType {
    const char* name;
    bool nodev;  ///< needs no block device ("nodev" in /proc/filesystems)
    /// An instance: fresh, or the one there is. `options`: mount's data, may be null.
    Result<RefPtr<SuperBlock>> (*mount)(const char* source, const char* options);
    FileSystemType* next;
    /// Of a type that lies on a block device (nodev false): an instance over `device`, which is claimed for it and
    /// outlives it. `flags`: MS_RDONLY and others of mount(2). EINVAL when there is no such file system there.
    Result<RefPtr<SuperBlock>> (*mount_device)(BlockDevice& device, u64 flags, const char* options) = nullptr;
    bool user_mount = false;  ///< also for who has CAP_SYS_ADMIN in a user namespace only (FS_USERNS_MOUNT)
};
void register_filesystem(FileSystemType* type);
FileSystemType* first_filesystem();
FileSystemType* find_filesystem(const char* name);

/// Makes an instance of `type` the root of the tree, at boot. Panics when memory is short.
void mount_root(const FileSystemType& type, const char* options);

/// mount(2): `flags` are MS_…; any of the strings may be null. Errors as mount(2).
Result<void> do_mount(const char* source, const char* target, const char* type, u64 flags, const char* data);
/// An instance of `type`, or the one there is; `flags`: MS_RDONLY. Errors as mount(2).
Result<RefPtr<SuperBlock>> make_instance(const FileSystemType& type, const char* source, u64 flags,
                                         const char* options);
/// mount -o remount of the instance itself. EPERM: the caller has no rights over its user namespace; EROFS, EINVAL.
Result<void> remount_instance(SuperBlock& super, u64 flags, const char* options);
/// umount2(2).
Result<void> do_umount(const char* target, int flags);

/// The options of a mount as /proc/mounts shows them: "rw,nosuid,relatime,size=64k".
Result<KString> mount_options_text(const Path& mounted_at);
