// Sending and delivering signals (signal(7)).
//
// Guarantees: pending sets, blocked sets and stop states change under SignalStruct::lock. A synchronous fault
// (force_sig_*) cannot be blocked or ignored: the program dies of it instead.
#pragma once

#include "abi/signal.h"
#include "arch/x86_64/thread.h"
#include "core/result.h"
#include "task/task.h"

constexpr SigSet kUnblockable = sig_mask(kSigKill) | sig_mask(kSigStop);

/// A fault of the current task: deliver `sig` with si_addr, whatever is blocked or ignored.
void force_sig_fault(int sig, int code, u64 address);
void force_sig_info(const KSigInfo& info);
void force_sig(int sig);
/// True if a handler is installed for `sig`.
bool is_signal_handled(const task_struct* task, int sig);
/// Set sigpending from the pending and blocked sets. Under the lock or by the task itself.
void recalc_sigpending(task_struct* task);
/// Change the current task's blocked set.
void set_current_blocked(SigSet set);
/// The same as sigprocmask(2) has it; SIG_SETMASK leaves those of `kept`, which the caller does not know, as given. EINVAL.
Result<void> change_blocked(int how, SigSet given, SigSet kept);
/// Take the next deliverable signal out of the current task's sets: synchronous ones first, then the lowest
/// number. 0 if there is none outside `blocked`.
int dequeue_signal(SigSet blocked, KSigInfo* info);
/// The action of `sig`; what it was. Null: only that. EINVAL.
Result<KSigAction> change_action(int sig, const KSigAction* action);
/// Waits for a signal outside `mask`.
SysResult wait_with_sigmask(SigSet mask);
/// Before returning to user mode: stop, die, or set up a handler's frame; restart the system call.
void do_signal(pt_regs* regs);
/// Build the frame of a handler on the user's stack (arch/x86_64/signal_frame.cpp). EFAULT.
Result<void> setup_rt_frame(const KSigInfo& info, const KSigAction& action, SigSet saved_mask, pt_regs* regs);
/// Whether a stack pointer lies on the current task's alternate signal stack.
inline bool on_sig_stack(u64 sp) {
    const KSigAltStack& s = current()->sas;
    return !(s.flags & kSsDisable) && sp > s.sp && sp - s.sp <= s.size;
}
/// Kernel-made siginfo of a signal that `current` sends.
KSigInfo siginfo_from_current(int sig, int code);
/// Tell the parent that the process stopped, continued or died (SIGCHLD and a wake-up of wait4).
void notify_parent_stop(task_struct* leader, int code, int status);
/// Queue a POSIX timer's own entry, or count an overrun in it if it is queued already. False if the signal is
/// ignored or has no receiver any more. From interrupts.
bool send_timer_signal(task_struct* task, SigQueue& entry, bool whole_process);
/// Remove every pending signal (exit).
void flush_signals(SigPending* pending);
/// All threads but the current one get SIGKILL; `group_exit_code` is what the process dies of.
void zap_other_threads();
/// Wake a task so that it looks at its signals.
void signal_wake_up(task_struct* task, bool fatal);
/// Handlers back to default, ignored ones stay (execve).
/// What `task` does with `sig`.
KSigAction task_sigaction(task_struct* task, int sig);
Result<void> check_kill_permission(const task_struct* target, int sig);
