// What execve gives a process: set-user-ID, file capabilities, root's, ambient ones (capabilities(7),
// "Transformation of capabilities during execve()").
//
// Guarantees: nothing is gained under no_new_privs or on a nosuid mount.
#include "core/string.h"
#include "fs/mount.h"
#include "fs/xattr.h"
#include "task/exec.h"
#include "task/task.h"

namespace {

struct FileCaps {
    u64 permitted = 0, inheritable = 0;
    bool effective = false, there = false;
};

/// Is the kernel's id that of the root of the caller's user namespace, or of one around it?
bool roots_namespace(u32 root_id) {
    for (const UserNamespace* ns = &current()->cred.ns(); ns; ns = ns->parent) {
        if (ns->uid_here(root_id) == 0) return true;
    }
    return false;
}

/// The file's struct vfs_cap_data of revision 2 or 3, if it has one.
FileCaps file_caps(Inode& inode) {
    struct {
        u32 magic;
        struct {
            u32 permitted, inheritable;
        } word[2];
        u32 root_id;
    } data = {};
    FileCaps caps;
    const Result<size_t> size = inode.getxattr(kXattrCapability, &data, sizeof(data));
    if (!size.ok() || (size.value() != 20 && size.value() != 24)) return caps;
    const u32 revision = data.magic >> 24;
    if (revision == 3 && !roots_namespace(data.root_id)) return caps;
    if (revision != 3 && current()->cred.user_ns && !roots_namespace(0)) return caps;
    for (int i = 0; i < 2; i++) {
        caps.permitted |= u64{data.word[i].permitted} << 32 * i;
        caps.inheritable |= u64{data.word[i].inheritable} << 32 * i;
    }
    caps.permitted &= kAllCaps;
    caps.inheritable &= kAllCaps;
    caps.effective = data.magic & 1;
    caps.there = true;
    return caps;
}

}  // namespace

Result<void> prepare_credentials(BinaryProgram& program) {
    const Credentials& old = current()->cred;
    Credentials& fresh = program.cred;
    fresh = old;
    Inode& inode = *program.file->inode;
    const bool may_gain = !(program.file->path.mount && program.file->path.mount->flags & MS_NOSUID);
    const uid_t root = old.root_uid();
    const bool known = old.ns().uid_here(inode.uid) != kNoId && old.ns().gid_here(inode.gid) != kNoId;
    if (may_gain && known && !old.no_new_privs) {
        const u32 mode = inode.mode;
        if (mode & S_ISUID) fresh.euid = inode.uid;
        if ((mode & (S_ISGID | 0010)) == (S_ISGID | 0010)) fresh.egid = inode.gid;
    }
    const FileCaps caps = may_gain ? file_caps(inode) : FileCaps();
    bool effective = caps.there && caps.effective;
    fresh.cap_permitted = (old.cap_bset & caps.permitted) | (old.cap_inheritable & caps.inheritable);
    if (caps.there && caps.effective && caps.permitted & ~fresh.cap_permitted) return Errno::EPERM;
    const bool caps_alone =
        caps.there && old.uid != root && fresh.euid == root;  // they win over set-user-ID root
    if (!(old.securebits & kSecureNoroot) && !caps_alone) {
        if (fresh.euid == root || old.uid == root) fresh.cap_permitted = old.cap_bset | old.cap_inheritable;
        if (fresh.euid == root) effective = true;
    }
    const bool set_id = fresh.euid != old.uid || fresh.egid != old.gid;
    if (old.no_new_privs && (set_id || fresh.cap_permitted & ~old.cap_permitted)) {
        fresh.euid = old.uid;
        fresh.egid = old.gid;
        fresh.cap_permitted &= old.cap_permitted;
    }
    fresh.suid = fresh.fsuid = fresh.euid;
    fresh.sgid = fresh.fsgid = fresh.egid;
    if (caps.there || set_id) fresh.cap_ambient = 0;
    fresh.cap_permitted |= fresh.cap_ambient;
    fresh.cap_effective = effective ? fresh.cap_permitted : fresh.cap_ambient;
    fresh.securebits &= ~kSecureKeepCaps;
    program.secure = set_id || (old.uid != root && (effective || fresh.cap_permitted & ~fresh.cap_ambient));
    return {};
}
