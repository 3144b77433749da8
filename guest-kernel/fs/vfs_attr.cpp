// Changes of an inode's attributes: chmod(2), chown(2), truncate(2), utimensat(2).
#include "fs/cred.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/posix_acl.h"
#include "fs/vfs_ops.h"
#include "fs/xattr.h"

namespace {

// What a write or a change of owner takes away: set-user-ID, and set-group-ID when the group may execute.
void strip_set_ids(Inode& inode) {
    drop_file_capabilities(inode);
    inode.mode &= ~S_ISUID;
    if (inode.mode & S_IXGRP) inode.mode &= ~S_ISGID;
}

}  // namespace

Result<void> vfs_chmod(const Path& path, u32 mode) {
    TRY(require_writable(path));
    Inode& inode = path.inode();
    MutexGuard guard(inode.lock);
    TRY(inode.may_setattr());
    TRY(owner_or_capable(inode));
    if (inode.is_symlink()) return Errno::EOPNOTSUPP;
    u32 bits = mode & S_IALLUGO;
    const Credentials& cred = current_cred();
    if ((bits & S_ISGID) && !cred.in_group(inode.gid) && !capable_over(inode, kCapFsetid)) bits &= ~S_ISGID;
    inode.mode = (inode.mode & S_IFMT) | bits;
    inode.touch_ctime();
    TRY(acl_chmod(inode));
    TRY(inode.attributes_changed(false));
    notify_path(path, kInAttrib);
    return {};
}

Result<void> vfs_chown(const Path& path, u32 uid, u32 gid) {
    TRY(require_writable(path));
    Inode& inode = path.inode();
    MutexGuard guard(inode.lock);
    TRY(inode.may_setattr());
    const Credentials& cred = current_cred();
    if (!capable_over(inode, kCapChown)) {
        if (uid != ~0u && (cred.fsuid != inode.uid || uid != inode.uid)) return Errno::EPERM;
        if (gid != ~0u && (cred.fsuid != inode.uid || (gid != inode.gid && !cred.in_group(gid)))) {
            return Errno::EPERM;
        }
    }
    if (uid != ~0u) inode.uid = uid;
    if (gid != ~0u) inode.gid = gid;
    if (!inode.is_dir()) strip_set_ids(inode);
    inode.touch_ctime();
    TRY(inode.attributes_changed(false));
    if (uid != ~0u || gid != ~0u) notify_path(path, kInAttrib);
    return {};
}

Result<void> vfs_truncate(const Path& path, u64 size) {
    Inode& inode = path.inode();
    if (inode.is_dir()) return Errno::EISDIR;
    if (!inode.is_regular()) return Errno::EINVAL;
    TRY(require_writable(path));
    TRY(inode_permission(inode, kMayWrite));
    TRY(inode.get_write_access());
    inode.lock.lock();
    Result<void> done = inode.set_size(size);
    if (done.ok() && !current_cred().has(kCapFsetid) && (inode.mode & (S_ISUID | S_ISGID))) {
        strip_set_ids(inode);
        done = inode.attributes_changed(false);
    }
    inode.lock.unlock();
    inode.put_write_access();
    if (done.ok()) notify_path(path, kInModify);
    return done;
}

Result<void> vfs_utimes(const Path& path, const KernelTimespec* times) {
    TRY(require_writable(path));
    Inode& inode = path.inode();
    MutexGuard guard(inode.lock);
    TRY(inode.may_setattr());
    const bool both_now = !times || (times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW);
    if (both_now) {
        if (!owner_or_capable(inode).ok()) TRY(inode_permission(inode, kMayWrite));
    } else {
        TRY(owner_or_capable(inode));
    }
    const timespec64 now = ns_to_timespec(ktime_get_real_ns());
    for (int i = 0; i < 2; i++) {
        timespec64& stamp = i == 0 ? inode.atime : inode.mtime;
        if (!times || times[i].tv_nsec == UTIME_NOW) {
            stamp = now;
        } else if (times[i].tv_nsec != UTIME_OMIT) {
            stamp = {times[i].tv_sec, times[i].tv_nsec};
        }
    }
    inode.touch_ctime();
    TRY(inode.attributes_changed(false));
    const bool read_time = !times || times[0].tv_nsec != UTIME_OMIT;
    const bool write_time = !times || times[1].tv_nsec != UTIME_OMIT;
    notify_path(path, read_time && write_time ? kInAttrib : read_time ? kInAccess : kInModify);
    return {};
}
