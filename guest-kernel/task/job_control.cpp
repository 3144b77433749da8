// Sessions and process groups (credentials(7), setsid(2), setpgid(2); POSIX 11.1).
//
// Guarantees: a group never spans two sessions; a session leader keeps its group; orphaned groups with
// stopped members get SIGHUP and SIGCONT.
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/signal.h"

pid_t task_pgrp(const task_struct* task) {
    return task->signal->pgrp;
}
pid_t task_session(const task_struct* task) {
    return task->signal->session;
}

namespace {

bool is_process(const task_struct& task) {
    return task.pid == task.tgid;
}

/// Is `pgrp` orphaned if `ignored` is not counted?
bool orphaned(const TaskTable& table, pid_t pgrp, const task_struct* ignored) {
    for (const task_struct& task : table.list) {
        if (!is_process(task) || task.signal->pgrp != pgrp || &task == ignored) continue;
        if (task.exit_state || !task.real_parent || task.real_parent->tgid == 1) continue;
        const SignalStruct* parent = task.real_parent->signal;
        if (parent->pgrp != pgrp && parent->session == task.signal->session) return false;
    }
    return true;
}

bool has_stopped(const TaskTable& table, pid_t pgrp) {
    for (const task_struct& task : table.list) {
        if (is_process(task) && task.signal->pgrp == pgrp && task.signal->stopped) return true;
    }
    return false;
}

}  // namespace

bool is_orphaned_pgrp(pid_t pgrp) {
    const auto table = task_table.lock();
    return orphaned(*table, pgrp, nullptr);
}

bool session_has_pgrp(pid_t session, pid_t pgrp) {
    const auto table = task_table.lock();
    for (const task_struct& task : table->list) {
        if (is_process(task) && task.signal->pgrp == pgrp && task.signal->session == session) return true;
    }
    return false;
}

void for_each_process_in_session(pid_t session, void (*visit)(task_struct*, void*), void* data) {
    const auto table = task_table.lock();
    for (task_struct& task : table->list) {
        if (is_process(task) && task.signal->session == session) visit(&task, data);
    }
}

Result<void> send_signal_pgrp(pid_t pgrp, int sig) {
    const auto table = task_table.lock();
    bool found = false;
    for (task_struct& task : table->list) {
        if (!is_process(task) || task.signal->pgrp != pgrp || pgrp == 0) continue;
        found = true;
        (void)send_signal_process(&task, sig).ok();
    }
    if (!found) return Errno::ESRCH;
    return {};
}

/// A process of `pgrp` leaves (`leaver` exits, or its parent does): has that orphaned a group with stopped
/// members?
void kill_orphaned_pgrp(task_struct* leaver, const task_struct* parent) {
    const pid_t pgrp = leaver->signal->pgrp;
    bool hang_up = false;
    {
        const auto table = task_table.lock();
        const task_struct* ignored = nullptr;
        if (!parent) {
            parent = leaver->real_parent;
            ignored = leaver;
        }
        hang_up = parent && parent->signal->pgrp != pgrp &&
                  parent->signal->session == leaver->signal->session && orphaned(*table, pgrp, ignored) &&
                  has_stopped(*table, pgrp);
    }
    if (!hang_up) return;
    (void)send_signal_pgrp(pgrp, kSigHup).ok();
    (void)send_signal_pgrp(pgrp, kSigCont).ok();
}

SysResult sys_setsid() {
    task_struct* task = current();
    SignalStruct* signal = task->signal;
    const auto table = task_table.lock();
    if (signal->leader) return Errno::EPERM;
    for (const task_struct& other : table->list) {
        if (other.signal->pgrp == task->tgid) return Errno::EPERM;
    }
    signal->leader = true;
    signal->session = signal->pgrp = task->tgid;
    signal->session_numbers = signal->pgrp_numbers = task->group_leader->numbers;
    signal->tty = nullptr;
    return task->vtgid;
}

SysResult sys_setpgid(pid_t pid, pid_t pgid) {
    task_struct* self = current()->group_leader;
    pid = pid == 0 ? self->tgid : global_pid(pid);
    if (pgid < 0) return Errno::EINVAL;
    const bool named = pgid != 0;
    pgid = named ? global_pid(pgid) : pid;
    const auto table = task_table.lock();
    task_struct* task = table->find(pid);
    if (!task || (task != self && task->real_parent != self)) return Errno::ESRCH;
    if (!is_process(*task)) return Errno::EINVAL;
    if (task != self) {
        if (task->signal->session != self->signal->session) return Errno::EPERM;
        if (!(task->flags & PF_FORKNOEXEC)) return Errno::EACCES;
    }
    if (task->signal->leader) return Errno::EPERM;
    RefPtr<PidNumbers> numbers = task->numbers;
    if (pgid != pid) {
        bool found = false;
        for (const task_struct& other : table->list) {
            if (other.signal->pgrp != pgid || other.signal->session != self->signal->session) continue;
            found = true;
            numbers = other.signal->pgrp_numbers;
            break;
        }
        if (!found || pgid == 0) return Errno::EPERM;
    }
    task->signal->pgrp = pgid;
    task->signal->pgrp_numbers = std::move(numbers);
    return 0;
}

SysResult sys_getpgid(pid_t pid) {
    if (pid == 0) return group_nr(current(), current_pid_ns());
    const TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    return group_nr(task.get(), current_pid_ns());
}

SysResult sys_getpgrp() {
    return group_nr(current(), current_pid_ns());
}

SysResult sys_getsid(pid_t pid) {
    if (pid == 0) return session_nr(current(), current_pid_ns());
    const TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    return session_nr(task.get(), current_pid_ns());
}
