// Permission checks on inodes.
#include "fs/cred.h"

Result<void> inode_permission(const Inode& inode, u32 mask, const Credentials& cred) {
    u32 granted;
    if (cred.fsuid == inode.uid) {
        granted = inode.mode >> 6;
    } else if (cred.in_group(inode.gid)) {
        granted = inode.mode >> 3;
    } else {
        granted = inode.mode;
    }
    if ((mask & ~granted & 7) == 0) return {};
    if (inode.is_dir()) {
        if (cred.has(kCapDacOverride)) return {};
        if ((mask & kMayWrite) == 0 && cred.has(kCapDacReadSearch)) return {};
        return Errno::EACCES;
    }
    if (mask == kMayRead && cred.has(kCapDacReadSearch)) return {};
    // Nobody, not even root, executes what has no x bit at all.
    if (((mask & kMayExec) == 0 || (inode.mode & 0111) != 0) && cred.has(kCapDacOverride)) return {};
    return Errno::EACCES;
}

Result<void> owner_or_capable(const Inode& inode) {
    const Credentials& cred = current_cred();
    if (cred.fsuid == inode.uid || cred.has(kCapFowner)) return {};
    return Errno::EPERM;
}

Result<void> may_delete(const Inode& directory, const Inode& victim, bool is_dir) {
    TRY(inode_permission(directory, kMayWrite | kMayExec));
    const Credentials& cred = current_cred();
    if ((directory.mode & S_ISVTX) && cred.fsuid != victim.uid && cred.fsuid != directory.uid &&
        !cred.has(kCapFowner)) {
        return Errno::EPERM;
    }
    if (is_dir) {
        if (!victim.is_dir()) return Errno::ENOTDIR;
    } else if (victim.is_dir()) {
        return Errno::EISDIR;
    }
    return {};
}

Result<void> may_create(const Inode& directory) {
    if (directory.nlink == 0) return Errno::ENOENT;
    return inode_permission(directory, kMayWrite | kMayExec);
}
