// prctl(2): a process's small attributes.
//
// Guarantees: options that are not here answer EINVAL, as a Linux without that feature answers.
#include "core/string.h"
#include "mm/mm_struct.h"
#include "syscall/syscalls.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

enum PrctlOption : int {
    kSetPdeathsig = 1,
    kGetPdeathsig = 2,
    kGetDumpable = 3,
    kSetDumpable = 4,
    kGetKeepcaps = 7,
    kSetKeepcaps = 8,
    kSetName = 15,
    kGetName = 16,
    kGetSeccomp = 21,
    kSetSeccomp = 22,
    kCapbsetRead = 23,
    kCapbsetDrop = 24,
    kGetTiming = 13,
    kSetTiming = 14,
    kGetTsc = 25,
    kGetSecurebits = 27,
    kSetSecurebits = 28,
    kGetTimerslack = 30,
    kSetTimerslack = 29,
    kSetChildSubreaper = 36,
    kGetChildSubreaper = 37,
    kSetNoNewPrivs = 38,
    kGetNoNewPrivs = 39,
    kGetTidAddress = 40,
    kSetThpDisable = 41,
    kGetThpDisable = 42,
    kCapAmbient = 47,
};

constexpr u64 kSeccompModeStrict = 1;

SysResult set_name(u64 address) {
    char name[16] = {};
    const Result<size_t> length = strncpy_from_user(name, address, sizeof(name));
    if (!length.ok() && length.error() != Errno::ENAMETOOLONG) return length.error();
    name[15] = '\0';
    memcpy(current()->comm, name, sizeof(name));
    return 0;
}

// capabilities(7): a locked bit stays, no unknown bit, and CAP_SETPCAP.
SysResult set_securebits(Credentials& cred, u64 bits) {
    const u32 old = cred.securebits;
    const u32 locked = (old & kSecureAllLocks) >> 1;
    if (locked & (old ^ bits) || old & kSecureAllLocks & ~bits || bits & ~u64{kSecureAll | kSecureAllLocks} ||
        !cred.has_here(kCapSetpcap)) {
        return Errno::EPERM;
    }
    cred.securebits = static_cast<u32>(bits);
    return 0;
}

SysResult change_ambient(Credentials& cred, u64 what, u64 cap, u64 a4, u64 a5) {
    constexpr u64 kIsSet = 1, kRaise = 2, kLower = 3, kClearAll = 4;
    if (what == kClearAll) {
        if (cap || a4 || a5) return Errno::EINVAL;
        cred.cap_ambient = 0;
        return 0;
    }
    if (cap > kCapLast || a4 || a5) return Errno::EINVAL;
    const u64 bit = 1ull << cap;
    switch (what) {
        case kIsSet:
            return (cred.cap_ambient & bit) != 0;
        case kRaise:
            if (!(cred.cap_permitted & cred.cap_inheritable & bit) ||
                cred.securebits & kSecureNoAmbientRaise) {
                return Errno::EPERM;
            }
            cred.cap_ambient |= bit;
            return 0;
        case kLower:
            cred.cap_ambient &= ~bit;
            return 0;
        default:
            return Errno::EINVAL;
    }
}

}  // namespace

SysResult sys_prctl(int option, u64 a2, u64 a3, u64 a4, u64 a5) {
    task_struct* task = current();
    Credentials& cred = task->cred;
    switch (option) {
        case kSetPdeathsig:
            if (a2 > kSigMax) return Errno::EINVAL;
            task->pdeath_signal = static_cast<i32>(a2);
            return 0;
        case kGetPdeathsig:
            TRY(UserPtr<i32>(a2).write(task->pdeath_signal));
            return 0;
        case kGetDumpable:
            return task->mm->dumpable;
        case kSetDumpable:
            if (a2 > 1) return Errno::EINVAL;
            task->mm->dumpable = a2;
            return 0;
        case kGetKeepcaps:
            return (cred.securebits & kSecureKeepCaps) != 0;
        case kSetKeepcaps:
            if (a2 > 1) return Errno::EINVAL;
            if (cred.securebits & kSecureKeepCaps << 1) return Errno::EPERM;
            cred.securebits = a2 ? cred.securebits | kSecureKeepCaps : cred.securebits & ~kSecureKeepCaps;
            return 0;
        case kSetName:
            return set_name(a2);
        case kGetName:
            TRY(UserBytes(a2).copy_out(task->comm, sizeof(task->comm)));
            return 0;
        case kCapbsetRead:
            if (a2 > kCapLast) return Errno::EINVAL;
            return cred.cap_bset >> a2 & 1;
        case kCapbsetDrop:
            if (!cred.has_here(kCapSetpcap)) return Errno::EPERM;
            if (a2 > kCapLast) return Errno::EINVAL;
            cred.cap_bset &= ~(1ull << a2);
            return 0;
        case kGetSeccomp:
            return 0;  // in strict mode this call is not allowed
        case kSetSeccomp:
            if (a2 != kSeccompModeStrict) return Errno::EINVAL;
            task->work.set(kWorkSeccompStrict);
            return 0;
        case kGetTimerslack:
            return static_cast<long>(task->timer_slack);
        case kSetTimerslack:
            // Timers here are exact: any slack is honoured.
            task->timer_slack = static_cast<i64>(a2) > 0 ? a2 : kDefaultTimerSlack;
            return 0;
        case kSetChildSubreaper:
            task->signal->is_child_subreaper = a2 != 0;
            return 0;
        case kGetChildSubreaper:
            TRY(UserPtr<i32>(a2).write(task->signal->is_child_subreaper));
            return 0;
        case kGetSecurebits:
            return long{cred.securebits};
        case kSetSecurebits:
            return set_securebits(cred, a2);
        case kCapAmbient:
            return change_ambient(cred, a2, a3, a4, a5);
        case kGetTiming:
            return 0;  // PR_TIMING_STATISTICAL
        case kSetTiming:
            return a2 == 0 ? SysResult(0L) : SysResult(Errno::EINVAL);
        case kGetTsc:
            TRY(UserPtr<i32>(a2).write(1));  // PR_TSC_ENABLE
            return 0;
        case kSetNoNewPrivs:
            if (a2 != 1 || a3 || a4 || a5) return Errno::EINVAL;
            cred.no_new_privs = true;
            return 0;
        case kGetNoNewPrivs:
            if (a2 || a3 || a4 || a5) return Errno::EINVAL;
            return cred.no_new_privs;
        case kSetThpDisable:
            if (a3 || a4 || a5) return Errno::EINVAL;
            task->mm->thp_disabled = a2 != 0;
            return 0;
        case kGetThpDisable:
            if (a2 || a3 || a4 || a5) return Errno::EINVAL;
            return task->mm->thp_disabled;
        case kGetTidAddress:
            TRY(UserPtr<UserWord>(a2).write({task->clear_child_tid}));
            return 0;
        default:
            return Errno::EINVAL;
    }
}
