// Permission checks on inodes.
#include "fs/cred.h"
#include "fs/posix_acl.h"

namespace {

// What owner, group and others may do, or the access list; the mode's group bits are the list's mask, so a list
// that gives nothing need not be read.
Result<bool> granted(const Inode& inode, u32 mask, const Credentials& cred) {
    const auto holds = [mask](u32 bits) { return (mask & ~bits & 7) == 0; };
    if (cred.fsuid == inode.uid) return holds(inode.mode >> 6);
    if ((inode.mode & 070) != 0) {
        if (const RefPtr<PosixAcl> acl = TRY(get_acl(inode, kAclAccess))) {
            return acl->permits(cred, inode.uid, inode.gid, mask);
        }
    }
    return holds(cred.in_group(inode.gid) ? inode.mode >> 3 : inode.mode);
}

}  // namespace

Result<void> inode_permission(const Inode& inode, u32 mask, const Credentials& cred) {
    if (TRY(granted(inode, mask, cred))) return {};
    if (inode.is_dir()) {
        if (capable_over(inode, kCapDacOverride, cred)) return {};
        if ((mask & kMayWrite) == 0 && capable_over(inode, kCapDacReadSearch, cred)) return {};
        return Errno::EACCES;
    }
    if (mask == kMayRead && capable_over(inode, kCapDacReadSearch, cred)) return {};
    // Nobody, not even root, executes what has no x bit at all.
    if (((mask & kMayExec) == 0 || (inode.mode & 0111) != 0) && capable_over(inode, kCapDacOverride, cred))
        return {};
    return Errno::EACCES;
}

Result<void> owner_or_capable(const Inode& inode) {
    const Credentials& cred = current_cred();
    if (cred.fsuid == inode.uid || capable_over(inode, kCapFowner, cred)) return {};
    return Errno::EPERM;
}

Result<void> may_delete(const Inode& directory, const Inode& victim, bool is_dir) {
    TRY(inode_permission(directory, kMayWrite | kMayExec));
    const Credentials& cred = current_cred();
    if ((directory.mode & S_ISVTX) && cred.fsuid != victim.uid && cred.fsuid != directory.uid &&
        !capable_over(victim, kCapFowner, cred)) {
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
    if (const UserNamespace* ns = directory.sb->user_ns.get()) {
        const Credentials& cred = current_cred();
        if (ns->uid_here(cred.fsuid) == kNoId || ns->gid_here(cred.fsgid) == kNoId) return Errno::EOVERFLOW;
    }
    return inode_permission(directory, kMayWrite | kMayExec);
}
