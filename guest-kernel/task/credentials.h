// Who a task is: user and group ids, supplementary groups, capabilities (credentials(7), capabilities(7)).
//
// Guarantees: one copy per thread, as in Linux; changed by that thread only, which itself reads it without a lock. Changes
// of more than a word, and others' looks at more than one, are under task_struct::alloc_lock (commit_creds,
// get_task_cred). Ids are the kernel's (task/user_namespace.h).
#pragma once

#include "core/refcount.h"
#include "core/types.h"
#include "core/vector.h"
#include "task/user_namespace.h"

struct GroupInfo : RefCounted {
    Vec<gid_t> gids;
};

enum Capability : int {
    kCapChown = 0,
    kCapDacOverride = 1,
    kCapDacReadSearch = 2,
    kCapFowner = 3,
    kCapFsetid = 4,
    kCapKill = 5,
    kCapSetgid = 6,
    kCapSetuid = 7,
    kCapSetpcap = 8,
    kCapLinuxImmutable = 9,
    kCapNetAdmin = 12,
    kCapIpcLock = 14,
    kCapIpcOwner = 15,
    kCapSysModule = 16,
    kCapSysRawio = 17,
    kCapSysChroot = 18,
    kCapSysPtrace = 19,
    kCapSysAdmin = 21,
    kCapSysBoot = 22,
    kCapSysNice = 23,
    kCapSysResource = 24,
    kCapSysTime = 25,
    kCapSysTtyConfig = 26,
    kCapMknod = 27,
    kCapSetfcap = 31,
    kCapSyslog = 34,
    kCapCheckpointRestore = 40,
    kCapLast = kCapCheckpointRestore,
};
constexpr u64 kAllCaps = (1ull << (kCapLast + 1)) - 1;

// Bits of Credentials::securebits; the bit after each locks it.
constexpr u32 kSecureNoroot = 1, kSecureNoSetuidFixup = 4, kSecureKeepCaps = 16, kSecureNoAmbientRaise = 64;
constexpr u32 kSecureAll = kSecureNoroot | kSecureNoSetuidFixup | kSecureKeepCaps | kSecureNoAmbientRaise;
constexpr u32 kSecureAllLocks = kSecureAll << 1;

struct task_struct;

struct Credentials {
    uid_t uid = 0, euid = 0, suid = 0, fsuid = 0;
    gid_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
    u64 cap_permitted = kAllCaps, cap_effective = kAllCaps, cap_inheritable = 0, cap_bset = kAllCaps;
    u64 cap_ambient = 0;
    bool no_new_privs = false;
    u32 securebits = 0;  // capabilities(7), "The securebits flags"
    RefPtr<GroupInfo> groups;
    RefPtr<UserNamespace> user_ns;  // null: the first

    bool in_group(gid_t id) const {
        if (id == fsgid) return true;
        if (groups) {
            for (gid_t g : groups->gids) {
                if (g == id) return true;
            }
        }
        return false;
    }
    /// In the first user namespace: over the machine.
    bool has(Capability cap) const { return !user_ns && has_here(cap); }
    /// In its own user namespace.
    bool has_here(Capability cap) const { return cap_effective >> cap & 1; }
    /// Over what belongs to `target` (null: the first).
    bool has_in(const UserNamespace* target, Capability cap) const;
    /// Over another task: in its user namespace.
    bool has_over(const task_struct* other, Capability cap) const;
    UserNamespace& ns() const { return user_ns ? *user_ns : init_user_namespace(); }
    /// Ids as programs that have these credentials know them: to the kernel's (kNoId: none), and to be shown.
    uid_t kernel_uid(uid_t id) const { return user_ns ? user_ns->kernel_uid(id) : id; }
    gid_t kernel_gid(gid_t id) const { return user_ns ? user_ns->kernel_gid(id) : id; }
    uid_t shown_uid(uid_t id) const { return user_ns ? user_ns->shown_uid(id) : id; }
    gid_t shown_gid(gid_t id) const { return user_ns ? user_ns->shown_gid(id) : id; }
    /// The kernel's id of this namespace's root; kNoId if there is none.
    uid_t root_uid() const { return user_ns ? user_ns->kernel_uid(0) : 0; }
    /// All rights in `ns`, and none elsewhere (unshare, setns).
    void enter_user_ns(RefPtr<UserNamespace> ns);
};

/// The current task becomes `fresh`.
void commit_creds(Credentials&& fresh);
/// What `task` is now, in one piece.
Credentials get_task_cred(task_struct* task);
