// User and group ids, supplementary groups, capabilities (credentials(7), setresuid(2), capabilities(7)).
//
// Guarantees: the rules of POSIX and Linux for who may become whom; leaving uid 0 drops the capabilities.
#include "core/refcount.h"
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u32 kKeep = ~0u;  // -1: leave this id as it is
constexpr u32 kCapVersion1 = 0x19980330, kCapVersion2 = 0x20071026, kCapVersion3 = 0x20080522;

constexpr u64 cap_bit(int cap) {
    return 1ull << cap;
}
constexpr int kCapMacOverride = 32;
constexpr u64 kFileCaps = cap_bit(kCapChown) | cap_bit(kCapDacOverride) | cap_bit(kCapDacReadSearch) |
                          cap_bit(kCapFowner) | cap_bit(kCapFsetid) | cap_bit(kCapLinuxImmutable) |
                          cap_bit(kCapMknod) | cap_bit(kCapMacOverride);

const Credentials& cred() {
    return current()->cred;
}

/// After a change of user ids (capabilities(7), "Effect of user ID changes on capabilities").
void fix_capabilities(const Credentials& old, Credentials& c) {
    if (c.securebits & kSecureNoSetuidFixup) return;
    const uid_t root = c.root_uid();
    const bool had_root = old.uid == root || old.euid == root || old.suid == root;
    const bool has_root = c.uid == root || c.euid == root || c.suid == root;
    if (had_root && !has_root) {
        if (!(c.securebits & kSecureKeepCaps)) c.cap_permitted = c.cap_effective = 0;
        c.cap_ambient = 0;
    }
    if (old.euid == root && c.euid != root) c.cap_effective = 0;
    if (old.euid != root && c.euid == root) c.cap_effective = c.cap_permitted;
}

bool is_own_uid(uid_t id) {
    return id == cred().uid || id == cred().euid || id == cred().suid;
}
bool is_own_gid(gid_t id) {
    return id == cred().gid || id == cred().egid || id == cred().sgid;
}

/// Ids that a program names, -1 standing for none. EINVAL when the namespace does not have it.
Result<uid_t> named_uid(uid_t id) {
    const uid_t kernel = id == kKeep ? kKeep : cred().kernel_uid(id);
    if (kernel == kNoId && id != kKeep) return Errno::EINVAL;
    return uid_t{kernel};
}
Result<gid_t> named_gid(gid_t id) {
    const gid_t kernel = id == kKeep ? kKeep : cred().kernel_gid(id);
    if (kernel == kNoId && id != kKeep) return Errno::EINVAL;
    return gid_t{kernel};
}

/// Ascending, as getgroups shows them (Shell's sort).
void sort_groups(Vec<gid_t>& gids) {
    for (size_t gap = gids.size() / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < gids.size(); i++) {
            const gid_t moving = gids[i];
            size_t at = i;
            for (; at >= gap && gids[at - gap] > moving; at -= gap) gids[at] = gids[at - gap];
            gids[at] = moving;
        }
    }
}

}  // namespace

SysResult sys_getuid() {
    return cred().shown_uid(cred().uid);
}
SysResult sys_geteuid() {
    return cred().shown_uid(cred().euid);
}
SysResult sys_getgid() {
    return cred().shown_gid(cred().gid);
}
SysResult sys_getegid() {
    return cred().shown_gid(cred().egid);
}

SysResult sys_setuid(uid_t uid) {
    if (uid == kKeep) return Errno::EINVAL;
    uid = TRY(named_uid(uid));
    const Credentials old = cred();
    Credentials c = cred();
    if (c.has_here(kCapSetuid))
        c.uid = c.suid = uid;
    else if (uid != c.uid && uid != c.suid)
        return Errno::EPERM;
    c.euid = c.fsuid = uid;
    fix_capabilities(old, c);
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_setgid(gid_t gid) {
    if (gid == kKeep) return Errno::EINVAL;
    gid = TRY(named_gid(gid));
    Credentials c = cred();
    if (c.has_here(kCapSetgid))
        c.gid = c.sgid = gid;
    else if (gid != c.gid && gid != c.sgid)
        return Errno::EPERM;
    c.egid = c.fsgid = gid;
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_setreuid(uid_t ruid, uid_t euid) {
    ruid = TRY(named_uid(ruid));
    euid = TRY(named_uid(euid));
    const Credentials old = cred();
    Credentials c = cred();
    if (!c.has_here(kCapSetuid)) {
        if (ruid != kKeep && ruid != c.uid && ruid != c.euid) return Errno::EPERM;
        if (euid != kKeep && !is_own_uid(euid)) return Errno::EPERM;
    }
    if (ruid != kKeep) c.uid = ruid;
    if (euid != kKeep) c.euid = euid;
    if (ruid != kKeep || (euid != kKeep && euid != old.uid)) c.suid = c.euid;
    c.fsuid = c.euid;
    fix_capabilities(old, c);
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_setregid(gid_t rgid, gid_t egid) {
    rgid = TRY(named_gid(rgid));
    egid = TRY(named_gid(egid));
    Credentials c = cred();
    const gid_t old_gid = c.gid;
    if (!c.has_here(kCapSetgid)) {
        if (rgid != kKeep && rgid != c.gid && rgid != c.egid) return Errno::EPERM;
        if (egid != kKeep && !is_own_gid(egid)) return Errno::EPERM;
    }
    if (rgid != kKeep) c.gid = rgid;
    if (egid != kKeep) c.egid = egid;
    if (rgid != kKeep || (egid != kKeep && egid != old_gid)) c.sgid = c.egid;
    c.fsgid = c.egid;
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_setresuid(uid_t ruid, uid_t euid, uid_t suid) {
    ruid = TRY(named_uid(ruid));
    euid = TRY(named_uid(euid));
    suid = TRY(named_uid(suid));
    const Credentials old = cred();
    Credentials c = cred();
    if (!c.has_here(kCapSetuid)) {
        for (uid_t id : {ruid, euid, suid}) {
            if (id != kKeep && !is_own_uid(id)) return Errno::EPERM;
        }
    }
    if (ruid != kKeep) c.uid = ruid;
    if (euid != kKeep) c.euid = euid;
    if (suid != kKeep) c.suid = suid;
    c.fsuid = c.euid;
    fix_capabilities(old, c);
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid) {
    rgid = TRY(named_gid(rgid));
    egid = TRY(named_gid(egid));
    sgid = TRY(named_gid(sgid));
    Credentials c = cred();
    if (!c.has_here(kCapSetgid)) {
        for (gid_t id : {rgid, egid, sgid}) {
            if (id != kKeep && !is_own_gid(id)) return Errno::EPERM;
        }
    }
    if (rgid != kKeep) c.gid = rgid;
    if (egid != kKeep) c.egid = egid;
    if (sgid != kKeep) c.sgid = sgid;
    c.fsgid = c.egid;
    commit_creds(std::move(c));
    return 0;
}

SysResult sys_getresuid(UserPtr<uid_t> ruid, UserPtr<uid_t> euid, UserPtr<uid_t> suid) {
    TRY(ruid.write(cred().shown_uid(cred().uid)));
    TRY(euid.write(cred().shown_uid(cred().euid)));
    TRY(suid.write(cred().shown_uid(cred().suid)));
    return 0;
}

SysResult sys_getresgid(UserPtr<gid_t> rgid, UserPtr<gid_t> egid, UserPtr<gid_t> sgid) {
    TRY(rgid.write(cred().shown_gid(cred().gid)));
    TRY(egid.write(cred().shown_gid(cred().egid)));
    TRY(sgid.write(cred().shown_gid(cred().sgid)));
    return 0;
}

SysResult sys_setfsuid(uid_t uid) {
    Credentials c = cred();
    const uid_t old = c.shown_uid(c.fsuid), root = c.root_uid();
    const bool was_root = c.fsuid == root;
    uid = c.kernel_uid(uid);
    if (uid == kNoId || uid == c.fsuid || !(is_own_uid(uid) || c.has_here(kCapSetuid))) return old;
    c.fsuid = uid;
    // capabilities(7): what concerns files goes with file system uid 0, and comes back with it.
    if (!(c.securebits & kSecureNoSetuidFixup)) {
        if (was_root) c.cap_effective &= ~kFileCaps;
        if (uid == root) c.cap_effective |= c.cap_permitted & kFileCaps;
    }
    commit_creds(std::move(c));
    return old;
}

SysResult sys_setfsgid(gid_t gid) {
    const gid_t old = cred().shown_gid(cred().fsgid);
    gid = cred().kernel_gid(gid);
    if (gid != kNoId && (is_own_gid(gid) || cred().has_here(kCapSetgid))) current()->cred.fsgid = gid;
    return old;
}

namespace {

/// As the program's list has them: 32 bits, or 16 (where 65534 stands for what does not fit).
template <class T>
SysResult get_groups(int size, UserPtr<T> list) {
    constexpr gid_t kOverflow = 65534;
    if (size < 0) return Errno::EINVAL;
    const size_t count = cred().groups ? cred().groups->gids.size() : 0;
    if (size == 0) return static_cast<long>(count);
    if (static_cast<size_t>(size) < count) return Errno::EINVAL;
    for (size_t i = 0; i < count; i++) {
        const gid_t gid = cred().shown_gid(cred().groups->gids[i]);
        const bool fits = static_cast<T>(gid) == gid;
        TRY(list.offset(static_cast<i64>(i)).write(static_cast<T>(fits ? gid : kOverflow)));
    }
    return static_cast<long>(count);
}

template <class T>
SysResult set_groups(int size, UserPtr<T> list) {
    constexpr int kMaxGroups = 65536;
    const UserNamespace& ns = cred().ns();
    const bool allowed = ns.is_first() || (ns.gids.is_set() && ns.setgroups_allowed);
    if (!cred().has_here(kCapSetgid) || !allowed) return Errno::EPERM;
    if (size < 0 || size > kMaxGroups) return Errno::EINVAL;
    RefPtr<GroupInfo> info = TRY(make_ref<GroupInfo>());
    for (int i = 0; i < size; i++) {
        const T named = TRY(list.offset(i).read());
        const gid_t id = cred().kernel_gid(named == static_cast<T>(~0u) ? ~0u : named);
        if (id == kNoId) return Errno::EINVAL;
        TRY(info->gids.push(gid_t{id}));
    }
    sort_groups(info->gids);
    Credentials c = cred();
    c.groups = std::move(info);
    commit_creds(std::move(c));
    return 0;
}

}  // namespace

SysResult sys_getgroups(int size, UserPtr<gid_t> list) {
    return get_groups(size, list);
}
SysResult sys_setgroups(int size, UserPtr<gid_t> list) {
    return set_groups(size, list);
}
SysResult ia32_getgroups16(int size, UserPtr<u16> list) {
    return get_groups(size, list);
}
SysResult ia32_setgroups16(int size, UserPtr<u16> list) {
    return set_groups(size, list);
}

namespace {

/// Is the header's version one that there is? If not, the newest is written back; the rest of the header is not looked at.
Result<bool> knows_version(UserPtr<KCapHeader> user_header) {
    const UserPtr<u32> user_version(user_header.address());
    static_assert(offsetof(KCapHeader, version) == 0);
    const u32 version = TRY(user_version.read());
    if (version == kCapVersion1 || version == kCapVersion2 || version == kCapVersion3) return true;
    TRY(user_version.write(kCapVersion3));
    return false;
}

}  // namespace

SysResult sys_capget(UserPtr<KCapHeader> user_header, UserPtr<KCapData> data) {
    if (!TRY(knows_version(user_header))) {
        if (!data) return 0;
        return Errno::EINVAL;
    }
    const KCapHeader header = TRY(user_header.read());
    if (header.pid < 0) return Errno::EINVAL;
    TaskRef task;
    if (header.pid && header.pid != current()->vpid) {
        task = find_task_by_vpid(header.pid);
        if (!task) return Errno::ESRCH;
    }
    const Credentials c = task ? get_task_cred(task.get()) : cred();
    const int words = header.version == kCapVersion1 ? 1 : 2;
    for (int i = 0; data && i < words; i++) {
        TRY(data.offset(i).write({static_cast<u32>(c.cap_effective >> 32 * i),
                                  static_cast<u32>(c.cap_permitted >> 32 * i),
                                  static_cast<u32>(c.cap_inheritable >> 32 * i)}));
    }
    return 0;
}

SysResult sys_capset(UserPtr<KCapHeader> user_header, UserPtr<KCapData> data) {
    if (!TRY(knows_version(user_header))) return Errno::EINVAL;
    const KCapHeader header = TRY(user_header.read());
    if (header.pid && header.pid != current()->vpid) return Errno::EPERM;
    u64 effective = 0, permitted = 0, inheritable = 0;
    for (int i = 0; i < (header.version == kCapVersion1 ? 1 : 2); i++) {
        const KCapData word = TRY(data.offset(i).read());
        effective |= static_cast<u64>(word.effective) << 32 * i;
        permitted |= static_cast<u64>(word.permitted) << 32 * i;
        inheritable |= static_cast<u64>(word.inheritable) << 32 * i;
    }
    Credentials c = cred();
    permitted &= kAllCaps;
    effective &= kAllCaps;
    inheritable &= kAllCaps;
    if (permitted & ~c.cap_permitted || effective & ~permitted) return Errno::EPERM;
    if (!c.has_here(kCapSetpcap) && inheritable & ~(c.cap_inheritable | c.cap_permitted)) return Errno::EPERM;
    if (inheritable & ~(c.cap_inheritable | c.cap_bset)) return Errno::EPERM;
    c.cap_permitted = permitted;
    c.cap_effective = effective;
    c.cap_inheritable = inheritable;
    c.cap_ambient &= permitted & inheritable;
    commit_creds(std::move(c));
    return 0;
}
