// The signal system calls: sigaction, sigprocmask, kill and its kin, sigsuspend, sigtimedwait, sigaltstack.
//
// Guarantees: errors and their order as in the manual pages of section 2.
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/signal.h"

void discard_ignored(int sig);

namespace {

bool valid(int sig) {
    return sig >= 1 && sig <= kSigMax;
}

Result<void> check_size(u64 size) {
    if (size != sizeof(SigSet)) return Errno::EINVAL;
    return {};
}

/// kill, tkill, tgkill, sigqueue to one task that was found. Signal 0 only checks.
Result<void> send_checked(task_struct* task, const KSigInfo& info, bool whole_process) {
    if (info.signo < 0 || info.signo > kSigMax) return Errno::EINVAL;
    TRY(check_kill_permission(task, info.signo));
    if (info.signo == 0) return {};
    return send_signal_info(task, info, whole_process);
}

/// Collects references to processes for which `accept` holds, so that permission checks and sends need no
/// lock.
template <class F>
Result<Vec<task_struct*>> collect(F accept) {
    Vec<task_struct*> tasks;
    TRY(tasks.reserve(task_table.lock()->nr_threads + 8));
    const auto table = task_table.lock();
    for (task_struct& task : table->list) {
        if (task.pid != task.tgid || !accept(task)) continue;
        if (!tasks.push(&task).ok()) break;
        task_get(&task);
    }
    return tasks;
}

/// `forgiving`: EPERM does not count (kill(-1), which reaches only whom the caller may signal).
template <class F>
SysResult kill_many(int sig, bool forgiving, F accept) {
    Vec<task_struct*> tasks = TRY(collect(accept));
    const KSigInfo info = siginfo_from_current(sig, kSiUser);
    bool sent = false;
    Errno error = Errno::ESRCH;
    for (task_struct* task : tasks) {
        const Result<void> result = send_checked(task, info, true);
        if (result.ok() || (forgiving && result.error() == Errno::EPERM))
            sent = true;
        else if (result.error() != Errno::ESRCH)
            error = result.error();
        task_put(task);
    }
    if (!sent) return error;
    return 0;
}

SysResult tkill(pid_t tgid, pid_t tid, const KSigInfo& info) {
    const TaskRef task = find_task_by_vpid(tid);
    if (!task || (tgid > 0 && task->tgid != global_pid(tgid))) return Errno::ESRCH;
    const Result<void> result = send_checked(task.get(), info, false);
    if (!result.ok()) return result.error();
    return 0;
}

}  // namespace

Result<KSigAction> change_action(int sig, const KSigAction* action) {
    if (!valid(sig)) return Errno::EINVAL;
    if (action && (sig == kSigKill || sig == kSigStop)) return Errno::EINVAL;
    SighandStruct& sighand = *current()->sighand;
    KSigAction before;
    if (action) {
        KSigAction fresh = *action;
        fresh.mask &= ~kUnblockable;
        fresh.flags &= kSaNocldstop | kSaNocldwait | kSaSiginfo | kSaRestorer | kSaOnstack | kSaRestart |
                       kSaNodefer | kSaResethand;
        if (in_ia32_call()) fresh.flags |= kSaIa32Abi;
        before = sighand.set(sig, fresh);
        discard_ignored(sig);
    } else {
        before = sighand.get(sig);
    }
    before.flags &= ~u64{kSaIa32Abi};
    return before;
}

SysResult sys_rt_sigaction(int sig, UserPtr<KSigAction> action, UserPtr<KSigAction> old, u64 size) {
    TRY(check_size(size));
    KSigAction fresh{};
    if (action) fresh = TRY(action.read());
    const KSigAction before = TRY(change_action(sig, action ? &fresh : nullptr));
    if (old) TRY(old.write(before));
    return 0;
}

Result<void> change_blocked(int how, SigSet given, SigSet kept) {
    const SigSet before = current()->blocked;
    switch (how) {
        case kSigBlock:
            set_current_blocked(before | given);
            return {};
        case kSigUnblock:
            set_current_blocked(before & ~given);
            return {};
        case kSigSetmask:
            set_current_blocked(given | kept);
            return {};
        default:
            return Errno::EINVAL;
    }
}

SysResult sys_rt_sigprocmask(int how, UserPtr<SigSet> set, UserPtr<SigSet> old, u64 size) {
    TRY(check_size(size));
    const SigSet before = current()->blocked;
    if (set) TRY(change_blocked(how, TRY(set.read()), 0));
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_rt_sigpending(UserPtr<SigSet> set, u64 size) {
    if (size > sizeof(SigSet)) return Errno::EINVAL;
    const task_struct* task = current();
    const SigSet pending = (task->pending.signal | task->signal->shared_pending.signal) & task->blocked;
    if (copy_to_user(set.address(), &pending, size)) return Errno::EFAULT;
    return 0;
}

SysResult sys_rt_sigsuspend(UserPtr<SigSet> set, u64 size) {
    TRY(check_size(size));
    return wait_with_sigmask(TRY(set.read()));
}

SysResult wait_with_sigmask(SigSet mask) {
    set_temporary_sigmask(mask);
    while (!signal_pending(current())) {
        set_current_state(TASK_INTERRUPTIBLE);
        schedule();
    }
    current()->state = TASK_RUNNING;
    return Errno::ERESTARTNOHAND;
}

SysResult sys_pause() {
    while (!signal_pending(current())) {
        set_current_state(TASK_INTERRUPTIBLE);
        schedule();
    }
    current()->state = TASK_RUNNING;
    return Errno::ERESTARTNOHAND;
}

SysResult sys_rt_sigtimedwait(UserPtr<SigSet> set, UserPtr<KSigInfo> user_info, UserPtr<timespec64> timeout,
                              u64 size) {
    TRY(check_size(size));
    const SigSet wanted = TRY(set.read()) & ~kUnblockable;
    u64 deadline = kNoTimeout;
    if (timeout) {
        const timespec64 t = TRY(timeout.read());
        if (!timespec_valid(t)) return Errno::EINVAL;
        deadline = wait_detail::deadline_after(timespec_to_ns(t));
    }
    task_struct* task = current();
    KSigInfo info;
    int sig = dequeue_signal(~wanted, &info);
    if (!sig && !(deadline != kNoTimeout && deadline <= ktime_get_ns())) {
        // Unblock what is waited for, so that it wakes us; it is taken below and never delivered.
        task->real_blocked = task->blocked;
        set_current_blocked(task->blocked & ~wanted);
        set_current_state(TASK_INTERRUPTIBLE);
        if (!signal_pending(task)) schedule_until(deadline);
        task->state = TASK_RUNNING;
        sig = dequeue_signal(~wanted, &info);
        const SigSet blocked = task->real_blocked;
        task->real_blocked = 0;
        set_current_blocked(blocked);
        if (!sig) {
            if (deadline != kNoTimeout && deadline <= ktime_get_ns()) return Errno::EAGAIN;
            return Errno::EINTR;
        }
    }
    if (!sig) return Errno::EAGAIN;
    if (user_info) TRY(user_info.write(info));
    return sig;
}

SysResult sys_sigaltstack(UserPtr<KSigAltStack> stack, UserPtr<KSigAltStack> old) {
    constexpr u64 kMinSigStackSize = 2048;
    task_struct* task = current();
    const bool on_it = on_sig_stack(current_pt_regs()->rsp);
    KSigAltStack before = task->sas;
    if (on_it) before.flags |= kSsOnstack;
    if (stack) {
        KSigAltStack fresh = TRY(stack.read());
        if (on_it) return Errno::EPERM;
        if (fresh.flags & ~(kSsDisable | kSsOnstack)) return Errno::EINVAL;
        if (fresh.flags & kSsDisable) {
            fresh = {0, kSsDisable, 0, 0};
        } else {
            if (fresh.size < kMinSigStackSize) return Errno::ENOMEM;
            fresh.flags = 0;
        }
        task->sas = fresh;
    }
    if (old) TRY(old.write(before));
    return 0;
}

SysResult sys_kill(pid_t pid, int sig) {
    if (pid > 0) {
        const TaskRef task = find_task_by_vpid(pid);
        if (!task) return Errno::ESRCH;
        const Result<void> result = send_checked(task.get(), siginfo_from_current(sig, kSiUser), true);
        if (!result.ok()) return result.error();
        return 0;
    }
    if (pid == static_cast<pid_t>(0x80000000)) return Errno::ESRCH;
    if (pid == -1) {
        const pid_t self = current()->tgid;
        const PidNamespace& ns = current_pid_ns();
        return kill_many(sig, true, [self, &ns](const task_struct& t) {
            return t.tgid != self && task_nr_locked(&t, ns) > 1 && !(t.flags & PF_KTHREAD);
        });
    }
    const pid_t pgrp = pid == 0 ? current()->signal->pgrp : global_pid(-pid);
    return kill_many(sig, false,
                     [pgrp](const task_struct& t) { return pgrp && t.signal->pgrp == pgrp && t.tgid > 0; });
}

SysResult sys_tkill(pid_t tid, int sig) {
    if (tid <= 0) return Errno::EINVAL;
    return tkill(0, tid, siginfo_from_current(sig, kSiTkill));
}

SysResult sys_tgkill(pid_t tgid, pid_t tid, int sig) {
    if (tid <= 0 || tgid <= 0) return Errno::EINVAL;
    return tkill(tgid, tid, siginfo_from_current(sig, kSiTkill));
}

SysResult sys_rt_sigqueueinfo(pid_t pid, int sig, UserPtr<KSigInfo> user_info) {
    KSigInfo info = TRY(user_info.read());
    info.signo = sig;
    if ((info.code >= 0 || info.code == kSiTkill) && pid != current()->vtgid) return Errno::EPERM;
    const TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    const Result<void> result = send_checked(task.get(), info, true);
    if (!result.ok()) return result.error();
    return 0;
}

SysResult sys_rt_tgsigqueueinfo(pid_t tgid, pid_t tid, int sig, UserPtr<KSigInfo> user_info) {
    KSigInfo info = TRY(user_info.read());
    info.signo = sig;
    if (tgid <= 0 || tid <= 0) return Errno::EINVAL;
    if ((info.code >= 0 || info.code == kSiTkill) && tid != current()->vpid) return Errno::EPERM;
    return tkill(tgid, tid, info);
}

SysResult sys_restart_syscall() {
    task_struct* task = current();
    if (!task->restart_block.fn) return Errno::EINTR;
    const CallLayout layout = task->call_layout;
    task->call_layout = task->restart_block.layout;
    const long result = task->restart_block.fn(task);
    task->call_layout = layout;
    if (result < 0) return static_cast<Errno>(-result);
    return result;
}
