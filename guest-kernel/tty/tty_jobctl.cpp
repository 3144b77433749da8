// Job control: who may use the terminal, and how a session gets and loses it (credentials(7), setsid(2),
// tcsetpgrp(3); POSIX.1-2017, General Terminal Interface, 11.1).
#include "task/task.h"
#include "tty/tty.h"

tty_struct* current_tty() {
    return current()->signal->tty;
}

Result<void> tty_check_job_control(tty_struct& tty, int sig) {
    task_struct* task = current();
    if (task->signal->tty != &tty) return {};
    const pid_t own = task_pgrp(task);
    const pid_t foreground = __atomic_load_n(&tty.pgrp, __ATOMIC_RELAXED);
    if (foreground == 0 || own == foreground) return {};
    if (is_signal_blocked_or_ignored(task, sig))
        return sig == kSigTtin ? Result<void>(Errno::EIO) : Result<void>();
    if (is_orphaned_pgrp(own)) return Errno::EIO;
    (void)send_signal_pgrp(own, sig);
    return Errno::ERESTARTSYS;
}

namespace {

void forget_terminal(task_struct* task, void* tty) {
    if (task->signal->tty == tty) task->signal->tty = nullptr;
}

// The session `task` leads gets `tty`.
void take(task_struct* task, tty_struct& tty) {
    const pid_t group = task_pgrp(task);
    const pid_t its_session = task_session(task);
    IrqGuard guard(tty.port);
    tty.session = its_session;
    tty.pgrp = group;
    task->signal->tty = &tty;
}

}  // namespace

Result<void> tty_set_controlling(tty_struct& tty, bool steal) {
    task_struct* task = current();
    const pid_t its_session = task_session(task);
    if (task->signal->leader && tty.session == its_session && task->signal->tty == &tty) return {};
    if (!task->signal->leader || task->signal->tty) return Errno::EPERM;
    if (tty.session != 0) {
        if (!steal || !task->cred.has(kCapSysAdmin)) return Errno::EPERM;
        for_each_process_in_session(tty.session, forget_terminal, &tty);
    }
    take(task, tty);
    return {};
}

void tty_maybe_set_controlling(tty_struct& tty) {
    task_struct* task = current();
    if (task->signal->leader && !task->signal->tty && tty.session == 0) take(task, tty);
}

void tty_disassociate(task_struct* task, bool on_exit) {
    tty_struct* tty = task->signal->tty;
    if (!tty) return;
    if (!task->signal->leader) {
        task->signal->tty = nullptr;
        return;
    }
    if (on_exit && !tty->is_pty) {
        tty->hang_up();
    } else {
        pid_t group;
        pid_t its_session;
        {
            IrqGuard guard(tty->port);
            group = tty->pgrp;
            its_session = tty->session;
            tty->session = tty->pgrp = 0;
        }
        if (group != 0) {
            (void)send_signal_pgrp(group, kSigHup);
            if (!on_exit) (void)send_signal_pgrp(group, kSigCont);
        }
        for_each_process_in_session(its_session, forget_terminal, tty);
    }
    task->signal->tty = nullptr;
}
