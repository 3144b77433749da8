// Calls of 32-bit programs about processes and signals that x86-64 has no longer, or with other arguments.
#include "abi/clone.h"
#include "core/string.h"
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/namespaces.h"
#include "task/signal.h"
#include "task/task.h"
#include "task/uts.h"

namespace {

constexpr u32 kRobustHeadSize = 12;  // struct compat_robust_list_head

/// The signals that a mask of one word has.
SigSet lower_half(SigSet set) {
    return set & 0xffffffff;
}

}  // namespace

SysResult ia32_clone(u64 flags, u64 stack, u64 parent_tid, u64 tls, u64 child_tid) {
    return sys_clone(flags, stack, parent_tid, child_tid, tls);
}

SysResult ia32_waitpid(pid_t pid, UserPtr<i32> status, int options) {
    return sys_wait4(pid, status, options, UserPtr<KRusage>());
}

SysResult ia32_nice(int increment) {
    const int now = current()->static_prio - 120;
    increment = increment < -40 ? -40 : increment > 40 ? 40 : increment;
    const Result<long> set = sys_setpriority(0, 0, now + increment);
    if (!set.ok()) return set.error() == Errno::EACCES ? Errno::EPERM : set.error();
    return 0l;
}

SysResult ia32_stime(UserPtr<UserLong> time) {
    const i64 seconds = TRY(time.read()).value;
    if (!current()->cred.has(kCapSysTime)) return Errno::EPERM;
    if (seconds < 0) return Errno::EINVAL;
    TRY(set_real_ns(static_cast<u64>(seconds) * kNsPerSec));
    return 0l;
}

SysResult ia32_set_robust_list(u64 head, u32 size) {
    if (size != kRobustHeadSize) return Errno::EINVAL;
    current()->ia32_robust_list = head;
    return 0l;
}
SysResult ia32_get_robust_list(pid_t pid, UserPtr<u32> head, UserPtr<u32> size) {
    TaskRef task;
    if (pid) {
        task = find_task_by_pid(pid);
        if (!task) return Errno::ESRCH;
        if (task->cred.uid != current()->cred.euid && !current()->cred.has(kCapSysPtrace))
            return Errno::EPERM;
    }
    TRY(size.write(kRobustHeadSize));
    TRY(head.write(static_cast<u32>(pid ? task->ia32_robust_list : current()->ia32_robust_list)));
    return 0l;
}

SysResult ia32_old_getrlimit(int resource, u64 limit) {
    constexpr u64 kMost = 0x7fffffff;
    if (resource < 0 || resource >= kRlimitCount) return Errno::EINVAL;
    const RlimitPair& r = current()->signal->rlimits[resource];
    const u32 words[2] = {static_cast<u32>(min(r.cur, kMost)), static_cast<u32>(min(r.max, kMost))};
    TRY(UserBytes(limit).copy_out(words, sizeof(words)));
    return 0l;
}

SysResult ia32_olduname(u64 name) {
    if (!name) return Errno::EFAULT;
    KUtsname uts;
    read_uts(uts);
    TRY(UserBytes(name).copy_out(&uts, 5 * sizeof(uts.sysname)));  // without the domain
    return 0l;
}

SysResult ia32_socketcall(int call, u64 arguments) {
    constexpr u8 kCounts[] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};
    if (call < 1 || call >= static_cast<int>(sizeof(kCounts))) return Errno::EINVAL;
    u32 a[6] = {};
    TRY(UserBytes(arguments).copy_in(a, kCounts[call] * sizeof(a[0])));
    const int fd = static_cast<int>(a[0]), second = static_cast<int>(a[1]), third = static_cast<int>(a[2]);
    switch (call) {
        case 1:
            return sys_socket(fd, second, third);
        case 2:
            return sys_bind(fd, a[1], third);
        case 3:
            return sys_connect(fd, UserBytes(a[1]), third);
        case 4:
            return sys_listen(fd, second);
        case 5:
            return sys_accept(fd, a[1], a[2]);
        case 6:
            return sys_getsockname(fd, a[1], a[2]);
        case 7:
            return sys_getpeername(fd, a[1], a[2]);
        case 8:
            return sys_socketpair(fd, second, third, UserPtr<i32>(a[3]));
        case 9:  // send
            return sys_sendto(fd, UserBytes(a[1]), a[2], a[3], 0, 0);
        case 10:  // recv
            return sys_recvfrom(fd, UserBytes(a[1]), a[2], a[3], 0, 0);
        case 11:
            return sys_sendto(fd, UserBytes(a[1]), a[2], a[3], a[4], static_cast<int>(a[5]));
        case 12:
            return sys_recvfrom(fd, UserBytes(a[1]), a[2], a[3], a[4], a[5]);
        case 13:
            return sys_shutdown(fd, second);
        case 14:
            return sys_setsockopt(fd, second, third, a[3], static_cast<int>(a[4]));
        case 15:
            return sys_getsockopt(fd, second, third, a[3], a[4]);
        case 16:
            return sys_sendmsg(fd, a[1], a[2]);
        case 17:
            return sys_recvmsg(fd, a[1], a[2]);
        case 18:
            return sys_accept4(fd, a[1], a[2], static_cast<int>(a[3]));
        case 19:
            return sys_recvmmsg(fd, a[1], a[2], a[3], UserTimespec(a[4]));
        default:
            return sys_sendmmsg(fd, a[1], a[2], a[3]);
    }
}

SysResult ia32_signal(int sig, u32 handler) {
    KSigAction action{};
    action.handler = handler;
    action.flags = kSaResethand | kSaNodefer;
    const KSigAction before = TRY(change_action(sig, &action));
    return static_cast<long>(before.handler);
}

SysResult ia32_sigaction(int sig, u64 user_action, u64 user_old) {
    struct {
        u32 handler, mask, flags, restorer;
    } raw = {};
    static_assert(sizeof(raw) == 16);
    KSigAction action{};
    if (user_action) {
        TRY(UserBytes(user_action).copy_in(&raw, sizeof(raw)));
        action = {raw.handler, raw.flags, raw.restorer, raw.mask};
    }
    const KSigAction before = TRY(change_action(sig, user_action ? &action : nullptr));
    if (user_old) {
        raw = {static_cast<u32>(before.handler), static_cast<u32>(before.mask),
               static_cast<u32>(before.flags), static_cast<u32>(before.restorer)};
        TRY(UserBytes(user_old).copy_out(&raw, sizeof(raw)));
    }
    return 0l;
}

SysResult ia32_sigprocmask(int how, UserPtr<u32> set, UserPtr<u32> old) {
    const SigSet before = current()->blocked;
    if (set) {
        const SigSet given = TRY(set.read());
        TRY(change_blocked(how, given, how == kSigSetmask ? before & ~0xffffffffull : 0));
    }
    if (old) TRY(old.write(static_cast<u32>(before)));
    return 0l;
}

SysResult ia32_sigpending(UserPtr<u32> set) {
    const task_struct* task = current();
    const SigSet pending = (task->pending.signal | task->signal->shared_pending.signal) & task->blocked;
    TRY(set.write(static_cast<u32>(lower_half(pending))));
    return 0l;
}

SysResult ia32_sigsuspend(int, int, u32 mask) {
    return wait_with_sigmask(mask);
}

SysResult ia32_sgetmask() {
    return static_cast<long>(lower_half(current()->blocked));
}
SysResult ia32_ssetmask(u32 mask) {
    const SigSet before = current()->blocked;
    set_current_blocked(mask);
    return static_cast<long>(lower_half(before));
}
