// Whose rights a file operation uses, and the checks made with them (path_resolution(7), capabilities(7)).
#pragma once

#include "fs/inode.h"
#include "task/task.h"

constexpr u32 kMayExec = 1;
constexpr u32 kMayWrite = 2;
constexpr u32 kMayRead = 4;

inline const Credentials& current_cred() {
    return current()->cred;
}

/// May `cred` (its fsuid, fsgid, groups and capabilities) use `inode` as `mask` (kMay… bits) says? EACCES if
/// not.
Result<void> inode_permission(const Inode& inode, u32 mask, const Credentials& cred = current_cred());

/// The capability in the caller's own user namespace, which must know the inode's owner and group.
inline bool capable_over(const Inode& inode, Capability cap, const Credentials& cred = current_cred()) {
    return cred.has_here(cap) && (!cred.user_ns || (cred.user_ns->uid_here(inode.uid) != kNoId &&
                                                    cred.user_ns->gid_here(inode.gid) != kNoId));
}

/// Owner of the inode, or CAP_FOWNER. EPERM if not.
Result<void> owner_or_capable(const Inode& inode);

/// May the entry `victim` be removed from or replaced in `directory`: write and search there, and the sticky
/// bit.
Result<void> may_delete(const Inode& directory, const Inode& victim, bool is_dir);
/// May something be made in `directory`? ENOENT when it was removed.
Result<void> may_create(const Inode& directory);
