// Acting on signals before the return to user mode: default actions, job-control stops, handlers, restarts.
//
// Guarantees: restart rules as in Linux (signal(7), "Interruption of system calls"): RAX and RIP are changed
// before the handler's frame is built, so that sigreturn re-executes the call.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/segments.h"
#include "core/printk.h"
#include "sched/sched.h"
#include "task/coredump.h"
#include "task/exit.h"
#include "task/rseq.h"
#include "task/signal.h"

namespace {

constexpr u64 kSyscallInstructionSize = 2;  // and of INT 0x80
constexpr u64 kRestartSyscall = 219, kIa32RestartSyscall = 0;
bool is_stop(int sig) {
    return sig == kSigStop || sig == kSigTstp || sig == kSigTtin || sig == kSigTtou;
}
bool ignored_by_default(int sig) {
    return sig == kSigCont || sig == kSigChld || sig == kSigWinch || sig == kSigUrg;
}

/// Take part in a stop of the whole process; returns after SIGCONT (or SIGKILL).
void do_stop(int sig) {
    task_struct* task = current();
    SignalStruct* signal = task->signal;
    bool last = true;
    {
        IrqGuard guard(signal->lock);
        if (signal->group_exit || task->pending.signal & sig_mask(kSigKill)) return;
        if (!task->jobctl_stop) {  // the first thread: the others follow
            signal->stop_signal = sig;
            for (ListNode* n = signal->threads_head.next; n != &signal->threads_head; n = n->next) {
                auto* t = reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(n) -
                                                         offsetof(task_struct, thread_node));
                if (t->exit_state || t->flags & PF_EXITING) continue;
                t->jobctl_stop = true;
                if (t != task) signal_wake_up(t, false);
            }
        }
        task->jobctl_stop = false;
        for (ListNode* n = signal->threads_head.next; n != &signal->threads_head; n = n->next) {
            auto* t =
                reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(n) - offsetof(task_struct, thread_node));
            if (t->jobctl_stop) last = false;
        }
        set_current_state(TASK_STOPPED);
        if (last) {
            signal->stopped = true;
            signal->stop_reported = false;
            signal->continue_reported = true;
        }
    }
    if (last) notify_parent_stop(task->group_leader, kCldStopped, signal->stop_signal);
    schedule();
    task->state = TASK_RUNNING;
    IrqGuard guard(signal->lock);
    recalc_sigpending(task);
}

/// Undo the system call so that it runs again, if the rules say so.
void handle_restart(pt_regs* regs, const KSigAction* action) {
    if (static_cast<i64>(regs->orig_rax) < 0) return;
    switch (static_cast<Errno>(-static_cast<i64>(regs->rax))) {
        case Errno::ERESTARTNOINTR:
            break;
        case Errno::ERESTARTSYS:
            if (action && !(action->flags & kSaRestart)) {
                regs->rax = static_cast<u64>(-static_cast<i64>(Errno::EINTR));
                return;
            }
            break;
        case Errno::ERESTARTNOHAND:
        case Errno::ERESTART_RESTARTBLOCK:
            if (action) {
                regs->rax = static_cast<u64>(-static_cast<i64>(Errno::EINTR));
                return;
            }
            if (regs->rax == static_cast<u64>(-static_cast<i64>(Errno::ERESTART_RESTARTBLOCK))) {
                regs->rax = in_ia32_call() ? kIa32RestartSyscall : kRestartSyscall;
                regs->rip -= kSyscallInstructionSize;
                regs->orig_rax = ~0ull;
                return;
            }
            break;
        default:
            return;
    }
    regs->rax = regs->orig_rax;
    regs->rip -= kSyscallInstructionSize;
    regs->orig_rax = ~0ull;  // once is enough
}

/// The next signal that has a handler; performs default actions on the way. 0: none.
int get_signal(KSigInfo* info, KSigAction* action) {
    task_struct* task = current();
    SignalStruct* signal = task->signal;
    for (;;) {
        // A timer may send faster than signals are found to be ignored.
        cond_resched();
        if (signal->group_exit) do_group_exit(signal->group_exit_code);
        if (task->jobctl_stop) {
            do_stop(signal->stop_signal);
            continue;
        }
        {
            // A parent that waits for continued children hears of it from the child itself.
            bool tell = false;
            {
                IrqGuard guard(signal->lock);
                if (!signal->continue_reported && !signal->stopped && signal->stop_signal) {
                    signal->stop_signal = 0;
                    tell = true;
                }
            }
            if (tell) notify_parent_stop(task->group_leader, kCldContinued, kSigCont);
        }
        const int sig = dequeue_signal(task->blocked, info);
        if (!sig) return 0;
        const KSigAction current_action = task->sighand->take(sig);
        if (current_action.handler == kSigIgn && sig != kSigKill && sig != kSigStop) continue;
        if (current_action.handler > kSigIgn && sig != kSigKill && sig != kSigStop) {
            *action = current_action;
            return sig;
        }
        if (ignored_by_default(sig)) continue;
        if (signal->unkillable && !(task->tgid == 1 && info->code > 0) && sig != kSigKill && sig != kSigStop)
            continue;
        if (is_stop(sig)) {
            if (sig != kSigStop && is_orphaned_pgrp(signal->pgrp)) continue;
            do_stop(sig);
            continue;
        }
        task->flags |= PF_SIGNALED;
        do_group_exit(dumps_core(sig) && do_coredump(*info) ? sig | 0x80 : sig);
    }
}

}  // namespace

void do_signal(pt_regs* regs) {
    task_struct* task = current();
    KSigInfo info;
    KSigAction action;
    if (const int sig = get_signal(&info, &action)) {
        handle_restart(regs, &action);
        if (task->rseq) rseq_handle(regs);
        const SigSet saved = task->work.has(kWorkRestoreSigmask) ? task->saved_sigmask : task->blocked;
        const Result<void> result = setup_rt_frame(info, action, saved, regs);
        if (!result.ok()) {
            // No room for the frame: the program dies of SIGSEGV, at once if that was the signal.
            if (sig == kSigSegv) task->sighand->set_default(kSigSegv);
            force_sig(kSigSegv);
            return;
        }
        task->work.clear(kWorkRestoreSigmask);
        SigSet mask = task->blocked | action.mask;
        if (!(action.flags & kSaNodefer)) mask |= sig_mask(sig);
        set_current_blocked(mask);
        return;
    }
    handle_restart(regs, nullptr);
    if (task->work.has(kWorkRestoreSigmask)) {
        task->work.clear(kWorkRestoreSigmask);
        set_current_blocked(task->saved_sigmask);
    }
}

void set_temporary_sigmask(SigSet mask) {
    task_struct* task = current();
    task->saved_sigmask = task->blocked;
    task->work.set(kWorkRestoreSigmask);
    set_current_blocked(mask);
}

void finish_temporary_sigmask(bool interrupted) {
    task_struct* task = current();
    if (!task->work.has(kWorkRestoreSigmask) || interrupted) return;
    task->work.clear(kWorkRestoreSigmask);
    set_current_blocked(task->saved_sigmask);
}
