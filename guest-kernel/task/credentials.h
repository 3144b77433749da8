// Who a task is: user and group ids, supplementary groups, capabilities (credentials(7), capabilities(7)).
//
// Guarantees: one copy per thread, as in Linux; changed by that thread only, which itself reads it without a lock. Changes
// of more than a word, and others' looks at more than one, are under task_struct::alloc_lock (commit_creds,
// get_task_cred).
#pragma once

#include "core/refcount.h"
#include "core/types.h"
#include "core/vector.h"

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

struct Credentials {
    uid_t uid = 0, euid = 0, suid = 0, fsuid = 0;
    gid_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
    u64 cap_permitted = kAllCaps, cap_effective = kAllCaps, cap_inheritable = 0, cap_bset = kAllCaps;
    u64 cap_ambient = 0;
    bool no_new_privs = false;
    u32 securebits = 0;  // capabilities(7), "The securebits flags"
    RefPtr<GroupInfo> groups;

    bool in_group(gid_t id) const {
        if (id == fsgid) return true;
        if (groups) {
            for (gid_t g : groups->gids) {
                if (g == id) return true;
            }
        }
        return false;
    }
    bool has(Capability cap) const { return cap_effective >> cap & 1; }
};

struct task_struct;
/// The current task becomes `fresh`.
void commit_creds(Credentials&& fresh);
/// What `task` is now, in one piece.
Credentials get_task_cred(task_struct* task);
