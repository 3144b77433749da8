// Sending signals and keeping them (task/signal.h); signal(7), and POSIX 2.4.
//
// Guarantees: a standard signal is pending at most once per set, a real-time one is queued each time. SIGCONT
// removes pending stops and SIGKILL wakes whatever can be woken.
#include "task/signal.h"

#include "abi/poll.h"
#include "core/panic.h"
#include "core/string.h"
#include "sched/sched.h"
#include "task/pid_namespace.h"
#include "task/process_timers.h"
#include "task/queued_signals.h"

namespace {

constexpr SigSet kStopSet = sig_mask(kSigStop) | sig_mask(kSigTstp) | sig_mask(kSigTtin) | sig_mask(kSigTtou);
constexpr SigSet kIgnoredByDefault =
    sig_mask(kSigCont) | sig_mask(kSigChld) | sig_mask(kSigWinch) | sig_mask(kSigUrg);
constexpr SigSet kSynchronous = sig_mask(kSigSegv) | sig_mask(kSigBus) | sig_mask(kSigIll) |
                                sig_mask(kSigTrap) | sig_mask(kSigFpe) | sig_mask(kSigSys);

/// `outside`: the kernel sends it, or somebody whom the receiver's PID namespace does not see.
bool sig_ignored(const task_struct* task, int sig, bool outside) {
    if (task->flags & PF_KTHREAD) return true;
    // It may be handled once it is unblocked, or rt_sigtimedwait is waiting for it.
    if ((task->blocked | task->real_blocked) & sig_mask(sig)) return false;
    const u64 handler = task->sighand->handler(sig);
    if (handler == kSigIgn) return true;
    if (handler == kSigDfl) {
        // An init is neither killed nor stopped from within, the first one not even by SIGKILL.
        const bool only_kernels = sig == kSigKill || sig == kSigStop;
        if (task->signal->unkillable && !(outside && only_kernels && task->tgid != 1)) return true;
        return kIgnoredByDefault & sig_mask(sig);
    }
    return false;
}

/// Take `entry` off its queue.
void release(SigQueue& entry) {
    entry.node.remove();
    if (!entry.timer) delete &entry;
}

void remove_from(SigPending* pending, SigSet set) {
    pending->signal &= ~set;
    pending->queue.for_each_safe([&](SigQueue& entry) {
        if (set & sig_mask(entry.info.signo)) release(entry);
    });
}

template <class F>
void for_each_thread(SignalStruct* signal, F visit) {
    for (ListNode* n = signal->threads_head.next; n != &signal->threads_head; n = n->next) {
        visit(reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(n) - offsetof(task_struct, thread_node)));
    }
}

/// Under the lock. Effects of a signal at the moment it is sent: stops cancel continues and the other way
/// round.
void prepare_signal(task_struct* task, int sig) {
    SignalStruct* signal = task->signal;
    if (kStopSet & sig_mask(sig)) {
        remove_from(&signal->shared_pending, sig_mask(kSigCont));
        for_each_thread(signal, [&](task_struct* t) { remove_from(&t->pending, sig_mask(kSigCont)); });
    } else if (sig == kSigCont) {
        remove_from(&signal->shared_pending, kStopSet);
        for_each_thread(signal, [&](task_struct* t) {
            remove_from(&t->pending, kStopSet);
            t->jobctl_stop = false;
            try_to_wake_up(t, TASK_STOPPED);
        });
        if (signal->stopped) {
            signal->stopped = false;
            signal->continue_reported = false;
            signal->stop_reported = true;
        }
    }
}

bool wants_signal(const task_struct* task, int sig) {
    return !(task->blocked & sig_mask(sig)) && !(task->flags & PF_EXITING) && task->exit_state == 0 &&
           (sig == kSigKill || task->state != TASK_STOPPED);
}

bool is_fatal(const task_struct* task, int sig) {
    if (sig == kSigKill) return true;
    return task->sighand->handler(sig) == kSigDfl && !(kIgnoredByDefault & sig_mask(sig)) &&
           !(kStopSet & sig_mask(sig)) && !(task->real_blocked & sig_mask(sig)) && !task->signal->unkillable;
}

/// Under the lock: choose who is to look at the signal and wake it.
void complete_signal(task_struct* task, int sig, bool whole_process) {
    task_struct* target = nullptr;
    if (wants_signal(task, sig))
        target = task;
    else if (whole_process) {
        for_each_thread(task->signal, [&](task_struct* t) {
            if (!target && wants_signal(t, sig)) target = t;
        });
    }
    if (!target) return;
    if (sig == kSigKill && whole_process) {
        // Every thread dies: no need to wait until one of them runs.
        for_each_thread(task->signal, [](task_struct* t) {
            t->pending.signal |= sig_mask(kSigKill);
            signal_wake_up(t, true);
        });
        return;
    }
    signal_wake_up(target, is_fatal(target, sig));
}

/// Under the lock: the signal is queued; who reads a signalfd or takes signals is told.
void post(task_struct* task, SigPending* pending, int sig, bool whole_process) {
    pending->signal |= sig_mask(sig);
    task->signal->signalfd_wait.wake_all(POLLIN | POLLRDNORM);
    complete_signal(task, sig, whole_process);
}

/// Somebody is told of as the sender.
bool names_sender(const KSigInfo& info) {
    return info.code == kSiUser || info.code == kSiTkill || info.code == kSiQueue || info.signo == kSigChld;
}

Result<void> send_locked(task_struct* task, const KSigInfo& given, bool whole_process) {
    const int sig = given.signo;
    KSigInfo info = given;
    bool outside = info.code > 0;
    if (task->pid_ns && names_sender(info) && !task_nr_locked(current(), *task->pid_ns)) {
        outside = true;
        if (info.signo != kSigChld) info.kill.pid = 0;
    }
    prepare_signal(task, sig);
    if (sig_ignored(task, sig, outside)) return {};
    SigPending* pending = whole_process ? &task->signal->shared_pending : &task->pending;
    if (sig < kSigRtMin && pending->signal & sig_mask(sig)) return {};
    // What the kernel or kill() tells by a standard signal is not refused (signal(7): it queues once).
    const bool spared = sig < kSigRtMin && info.code >= 0;
    const u64 limit = spared ? kRlimInfinity : task->signal->rlimits[kRlimitSigpending].cur;
    SigQueue* entry = make_sig_queue(task->cred.uid, limit);
    if (!entry && sig >= kSigRtMin && info.code != kSiUser) return Errno::EAGAIN;
    if (entry) {
        entry->info = info;
        pending->queue.push_back(entry);
    }
    post(task, pending, sig, whole_process);
    return {};
}

}  // namespace

SigQueue::~SigQueue() {
    uncharge_queued_signal(payer);
}

SigQueue* make_sig_queue(uid_t payer, u64 limit) {
    if (!charge_queued_signal(payer, limit)) return nullptr;
    auto* entry = new (std::nothrow) SigQueue;
    if (entry)
        entry->payer = payer;
    else
        uncharge_queued_signal(payer);
    return entry;
}

bool send_timer_signal(task_struct* task, SigQueue& entry, bool whole_process) {
    if (!task->sighand || task->exit_state == EXIT_DEAD) return false;
    IrqGuard guard(task->signal->lock);
    const int sig = entry.info.signo;
    prepare_signal(task, sig);
    if (entry.node.linked()) {
        entry.info.timer.overrun++;
        return true;
    }
    if (sig_ignored(task, sig, true)) return false;
    SigPending* pending = whole_process ? &task->signal->shared_pending : &task->pending;
    // Also behind a pending signal of that number: the timer goes on only when this entry is delivered.
    pending->queue.push_back(&entry);
    post(task, pending, sig, whole_process);
    return true;
}

void signal_wake_up(task_struct* task, bool fatal) {
    task->work.set(kWorkSignal);
    const u32 states = TASK_INTERRUPTIBLE | (fatal ? u32{TASK_WAKEKILL | TASK_STOPPED | TASK_TRACED} : 0u);
    if (!try_to_wake_up(task, states)) kick_process(task);
}

Result<void> send_signal_info(task_struct* task, const KSigInfo& info, bool whole_process) {
    if (!task->sighand || task->exit_state == EXIT_DEAD) return Errno::ESRCH;
    KSigInfo seen = info;
    if (task->cred.user_ns && names_sender(info) &&
        info.signo != kSigChld)  // as the receiver knows the sender
        seen.kill.uid = get_task_cred(task).shown_uid(current()->cred.uid);
    IrqGuard guard(task->signal->lock);
    return send_locked(task, seen, whole_process);
}

Result<void> send_signal_process(task_struct* task, int sig) {
    KSigInfo info;
    info.signo = sig;
    info.code = kSiKernel;
    return send_signal_info(task, info, true);
}

KSigInfo siginfo_from_current(int sig, int code) {
    KSigInfo info;
    info.signo = sig;
    info.code = code;
    info.kill.pid = current()->vtgid;
    info.kill.uid = current()->cred.shown_uid(current()->cred.uid);
    return info;
}

bool fatal_signal_pending(const task_struct* task) {
    return signal_pending(task) && (task->pending.signal & sig_mask(kSigKill) || task->signal->group_exit);
}

bool is_signal_blocked_or_ignored(const task_struct* task, int sig) {
    return task->blocked & sig_mask(sig) || task->sighand->handler(sig) == kSigIgn;
}

bool is_signal_handled(const task_struct* task, int sig) {
    return !(task->blocked & sig_mask(sig)) && task->sighand->handler(sig) > kSigIgn;
}

void recalc_sigpending(task_struct* task) {
    task->work.assign(kWorkSignal,
                      ((task->pending.signal | task->signal->shared_pending.signal) & ~task->blocked) != 0 ||
                          task->signal->group_exit || task->jobctl_stop);
}

void set_current_blocked(SigSet set) {
    task_struct* task = current();
    IrqGuard guard(task->signal->lock);
    const SigSet newly_blocked = set & ~task->blocked;
    task->blocked = set & ~kUnblockable;
    // Signals for the process that were meant for this thread: let another thread look at them.
    if (task->signal->nr_threads > 1) {
        const SigSet retarget = task->signal->shared_pending.signal & newly_blocked;
        for (int sig = 1; retarget && sig <= kSigMax; sig++) {
            if (retarget & sig_mask(sig)) complete_signal(task, sig, true);
        }
    }
    recalc_sigpending(task);
}

void force_sig_info(const KSigInfo& info) {
    task_struct* task = current();
    IrqGuard guard(task->signal->lock);
    const bool blocked = task->blocked & sig_mask(info.signo);
    if (blocked || task->sighand->handler(info.signo) == kSigIgn) {
        task->sighand->set_default(info.signo);
        task->blocked &= ~sig_mask(info.signo);
    }
    if (task->sighand->handler(info.signo) == kSigDfl && task->tgid != 1) task->signal->unkillable = false;
    if (SigQueue* entry = make_sig_queue(task->cred.uid, kRlimInfinity)) {
        entry->info = info;
        task->pending.queue.push_front(entry);
    }
    task->pending.signal |= sig_mask(info.signo);
    task->work.set(kWorkSignal);
}

void force_sig_fault(int sig, int code, u64 address) {
    KSigInfo info;
    info.signo = sig;
    info.code = code;
    info.fault.addr = address;
    force_sig_info(info);
}

void force_sig(int sig) {
    KSigInfo info;
    info.signo = sig;
    info.code = kSiKernel;
    force_sig_info(info);
}

namespace {

/// dequeue_signal under the lock. What a timer has sent: `timer`, or `alarm` for ITIMER_REAL.
int take_signal(SigSet blocked, KSigInfo* info, PosixTimer** timer, bool* alarm) {
    task_struct* task = current();
    IrqGuard guard(task->signal->lock);
    for (SigPending* pending : {&task->pending, &task->signal->shared_pending}) {
        const SigSet ready = pending->signal & ~blocked;
        if (!ready) continue;
        const SigSet first = ready & kSynchronous ? ready & kSynchronous : ready;
        const int sig = __builtin_ctzll(ready & sig_mask(kSigKill) ? sig_mask(kSigKill) : first) + 1;
        *info = KSigInfo();
        info->signo = sig;
        SigQueue* found = nullptr;
        bool more = false;
        for (SigQueue& entry : pending->queue) {
            if (entry.info.signo != sig) continue;
            if (found)
                more = true;
            else
                found = &entry;
        }
        if (found) {
            *info = found->info;
            *timer = found->timer;
            release(*found);
        }
        if (!more) pending->signal &= ~sig_mask(sig);
        *alarm = sig == kSigAlrm && pending == &task->signal->shared_pending;
        recalc_sigpending(task);
        return sig;
    }
    recalc_sigpending(task);
    return 0;
}

}  // namespace

int dequeue_signal(SigSet blocked, KSigInfo* info) {
    PosixTimer* timer = nullptr;
    bool alarm = false;
    const int sig = take_signal(blocked, info, &timer, &alarm);
    if (timer) posix_timer_delivered(current()->signal, timer, &info->timer.overrun);
    if (alarm) real_timer_delivered(current()->signal);
    return sig;
}

void flush_signals(SigPending* pending) {
    remove_from(pending, ~0ull);
}

KSigAction SighandStruct::get(int sig) const {
    IrqGuard guard(lock_);
    return action_[sig - 1];
}

KSigAction SighandStruct::set(int sig, const KSigAction& fresh) {
    IrqGuard guard(lock_);
    const KSigAction before = action_[sig - 1];
    action_[sig - 1] = fresh;
    return before;
}

KSigAction SighandStruct::take(int sig) {
    IrqGuard guard(lock_);
    KSigAction& action = action_[sig - 1];
    const KSigAction taken = action;
    if (taken.handler > kSigIgn && taken.flags & kSaResethand) action.handler = kSigDfl;
    return taken;
}

void SighandStruct::flush() {
    IrqGuard guard(lock_);
    for (KSigAction& action : action_) {
        if (action.handler != kSigIgn) action.handler = kSigDfl;
        action.flags = action.restorer = action.mask = 0;
    }
}

void SighandStruct::copy_from(const SighandStruct& other) {
    IrqGuard guard(other.lock_);
    memcpy(action_, other.action_, sizeof(action_));
}

KSigAction task_sigaction(task_struct* task, int sig) {
    IrqGuard guard(task->signal->lock);
    return task->sighand->get(sig);
}

void zap_other_threads() {
    task_struct* task = current();
    for_each_thread(task->signal, [&](task_struct* t) {
        if (t == task || t->exit_state) return;
        t->pending.signal |= sig_mask(kSigKill);
        signal_wake_up(t, true);
    });
}

Result<void> check_kill_permission(const task_struct* target, int sig) {
    const Credentials& mine = current()->cred;
    const Credentials theirs = get_task_cred(const_cast<task_struct*>(target));
    if (mine.has_in(theirs.user_ns.get(), kCapKill) || target->tgid == current()->tgid) return {};
    if (mine.euid == theirs.suid || mine.euid == theirs.uid || mine.uid == theirs.suid ||
        mine.uid == theirs.uid) {
        return {};
    }
    if (sig == kSigCont && target->signal->session == current()->signal->session) return {};
    return Errno::EPERM;
}

/// Called by rt_sigaction: a signal that is now ignored stops being pending (POSIX 2.4.3).
void discard_ignored(int sig) {
    task_struct* task = current();
    const u64 handler = task->sighand->handler(sig);
    const bool ignored = handler == kSigIgn || (handler == kSigDfl && kIgnoredByDefault & sig_mask(sig));
    if (!ignored) return;
    IrqGuard guard(task->signal->lock);
    remove_from(&task->signal->shared_pending, sig_mask(sig));
    for_each_thread(task->signal, [&](task_struct* t) { remove_from(&t->pending, sig_mask(sig)); });
    recalc_sigpending(task);
}
