// The end of a thread and of a process (exit(2), exit_group(2); Linux's kernel/exit.c for the order of
// things).
//
// Guarantees: resources go in the dying task's own context; the zombie keeps only its status, times and ids
// until it is waited for. Children go to the nearest subreaper or to init.
#include "task/exit.h"

#include "arch/x86_64/cpu.h"
#include "core/panic.h"
#include "core/printk.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "ipc/sem.h"
#include "mm/mm_struct.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/coredump.h"
#include "task/fork.h"
#include "task/futex.h"
#include "task/namespaces.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "task/pidfd.h"
#include "task/process_timers.h"
#include "task/signal.h"
#include "tty/tty.h"

void kill_orphaned_pgrp(task_struct* leaver, const task_struct* parent);

namespace {

void exit_mm() {
    task_struct* task = current();
    mm_struct* mm = task->mm;
    if (!mm) return;
    exit_robust_list();
    if (task->clear_child_tid && mm->mm_users > 1) {
        if (UserPtr<i32>(task->clear_child_tid).write(0).ok()) futex_wake_address(task->clear_child_tid, 1);
    }
    task->clear_child_tid = 0;
    complete_vfork(task);
    task->signal->maxrss = max(task->signal->maxrss, max(mm->hiwater_rss, mm->rss()));
    const u64 flags = task->alloc_lock.lock_irqsave();
    task->mm = nullptr;
    mmgrab(mm);  // active_mm keeps the page tables that we still run on
    tlb_be_lazy();
    task->alloc_lock.unlock_irqrestore(flags);
    mmput(mm);
}

/// Gives up one of the current task's resources.
template <class T>
void drop_resource(T*& resource) {
    T* mine = resource;
    {
        IrqGuard guard(current()->alloc_lock);
        resource = nullptr;
    }
    if (mine) mine->unref();
}

/// Who takes the children of `task`: the nearest subreaper in its PID namespace, or the init of that.
task_struct* find_reaper(const TaskTable& table, task_struct* task) {
    const PidNamespace& ns = task_pid_ns(task);
    for (task_struct* t = task->real_parent; t && t->tgid > 1 && &task_pid_ns(t) == &ns; t = t->real_parent) {
        if (t->signal->is_child_subreaper && !t->exit_state && !(t->flags & PF_EXITING)) return t;
    }
    return ns.level && ns.child_reaper ? ns.child_reaper : table.find(1);
}

/// Count a thread that is leaving into its process. The task table is locked.
void collect_times(task_struct* task) {
    SignalStruct* signal = task->signal;
    u64 utime, stime;
    task_cpu_time(task, &utime, &stime);
    signal->utime += utime;
    signal->stime += stime;
    signal->min_flt += task->min_flt;
    signal->maj_flt += task->maj_flt;
    signal->ioac.add(task->ioac);
    signal->nvcsw += task->nvcsw;
    signal->nivcsw += task->nivcsw;
}

/// Take a zombie out of every list, whose reference is the caller's to drop, without the lock.
void unlink_task(TaskTable& table, task_struct* task) {
    collect_times(task);
    table.detach(task);
    if (task->sibling.linked()) task->sibling.remove();
    task->exit_state = EXIT_DEAD;
    if (task->pid_ref) task->pid_ref->task = nullptr;
    IrqGuard signal_guard(task->signal->lock);
    task->thread_node.remove();
    task->signal->nr_threads--;
    flush_signals(&task->pending);
    if (task->signal->nr_threads == 0) flush_signals(&task->signal->shared_pending);
}

/// All of the process has ended, and nobody has taken its status yet.
bool is_zombie_process(const task_struct& leader) {
    return leader.exit_state == EXIT_ZOMBIE && leader.signal->nr_threads == 1;
}

KSigInfo exit_info(task_struct* leader) {
    KSigInfo info;
    const i32 code = leader->exit_code;
    info.signo = leader->exit_signal;
    info.code = code & 0x80 ? kCldDumped : code & 0x7f ? kCldKilled : kCldExited;
    info.chld.pid =
        leader->real_parent ? task_nr_locked(leader, task_pid_ns(leader->real_parent)) : leader->pid;
    info.chld.uid =
        leader->real_parent ? leader->real_parent->cred.shown_uid(leader->cred.uid) : leader->cred.uid;
    info.chld.status = code & 0x7f ? code & 0x7f : code >> 8 & 0xff;
    const CpuTimes times = process_times_locked(leader);
    info.chld.utime = static_cast<i64>(times.utime / 10'000'000);
    info.chld.stime = static_cast<i64>(times.stime / 10'000'000);
    return info;
}

/// A process has become a zombie: tell its parent, which looks at its children under the table's lock and so never sees
/// the zombie before the signal. True if nobody wants its status: it is out of the lists then (unlink_task).
bool announce_exit(TaskTable& table, task_struct* leader) {
    task_struct* parent = leader->real_parent;
    bool reap = !parent;
    if (parent) {
        const KSigAction action = task_sigaction(parent, kSigChld);
        const bool ignored = action.handler == kSigIgn;
        reap = leader->exit_signal == kSigChld && (ignored || action.flags & kSaNocldwait);
        if (leader->exit_signal > 0 && !(reap && ignored))
            (void)send_signal_info(parent, exit_info(leader), true).ok();
    }
    pidfd_exited(leader);
    if (reap) unlink_task(table, leader);
    if (parent) parent->signal->child_wait.wake_all();
    return reap;
}

/// Give the children of `leader` to somebody else, one at a time: each is told about, or for, what it has asked.
void reparent_children(task_struct* leader) {
    for (;;) {
        task_struct* child;
        bool gone = false;
        {
            const auto table = task_table.lock();
            child = leader->children.front();
            if (!child) return;
            task_struct* reaper = find_reaper(*table, leader);
            child->sibling.remove();
            child->real_parent = child->parent = reaper;
            if (reaper) reaper->children.push_back(child);
            for_each_thread_of(child->signal, [&](task_struct* t) { t->real_parent = t->parent = reaper; });
            child->exit_signal = kSigChld;
            task_get(child);
            if (child->pdeath_signal) (void)send_signal_process(child, child->pdeath_signal).ok();
            if (is_zombie_process(*child)) gone = announce_exit(*table, child);
        }
        kill_orphaned_pgrp(child, leader);
        if (gone) task_put(child);
        task_put(child);
    }
}

/// The current thread becomes a zombie, or nothing at all; whoever is the last of a process announces its end.
void exit_notify(bool process_dead) {
    task_struct* task = current();
    if (process_dead) {
        if (task->pid_ns && task->pid_ns->child_reaper == task->group_leader)
            zap_pid_namespace(*task->pid_ns);
        reparent_children(task->group_leader);
        kill_orphaned_pgrp(task->group_leader, nullptr);
    }
    task_struct* leader;
    bool leader_gone = false;
    {
        const auto table = task_table.lock();
        leader = task->group_leader;
        task->exit_state = EXIT_ZOMBIE;
        if (task != leader) unlink_task(*table, task);
        if (is_zombie_process(*leader)) leader_gone = announce_exit(*table, leader);
    }
    if (task != leader) task_put(task);
    if (leader_gone) task_put(leader);
}

}  // namespace

void release_task(task_struct* task) {
    unlink_task(*task_table.lock(), task);
    task_put(task);
}

void notify_parent_stop(task_struct* leader, int code, int status) {
    TaskRef parent;
    {
        const auto table = task_table.lock();
        if (!leader->real_parent) return;
        task_get(leader->real_parent);
        parent = TaskRef(leader->real_parent);
    }
    KSigInfo info;
    info.signo = kSigChld;
    info.code = code;
    info.chld.pid = task_nr(leader, task_pid_ns(parent.get()));
    info.chld.uid = parent->cred.shown_uid(leader->cred.uid);
    info.chld.status = status;
    const KSigAction action = task_sigaction(parent.get(), kSigChld);
    if (action.handler != kSigIgn && !(action.flags & kSaNocldstop)) {
        (void)send_signal_info(parent.get(), info, true).ok();
    }
    parent->signal->child_wait.wake_all();
}

void do_exit(i32 code) {
    task_struct* task = current();
    BUG_ON(this_cpu().hardirq_depth != 0);
    if (task->pid == 0) panic("Attempted to kill the idle task!");
    if (task->mutex_rank) panic("a task exits holding a mutex of rank %u", task->mutex_rank);
    SignalStruct* signal = task->signal;
    coredump_task_exit();
    bool process_dead;
    {
        IrqGuard guard(signal->lock);
        task->flags |= PF_EXITING;
        if (signal->group_exit) code = signal->group_exit_code;
        task->exit_code = code;
        u32 live = 0;
        for_each_thread_of(signal, [&](task_struct* t) { live += !(t->flags & PF_EXITING); });
        process_dead = live == 0;
        if (process_dead && signal->group_exit) task->group_leader->exit_code = code;
        // A stop that waited for this thread must not wait for ever.
        task->jobctl_stop = false;
    }
    if (process_dead && task->tgid == 1)
        panic("Attempted to kill init! exitcode=0x%08x", static_cast<u32>(code));
    if (process_dead) cancel_process_timers(signal);
    exit_sem(task);
    exit_mm();
    drop_resource(task->files);
    if (process_dead && signal->leader) tty_disassociate(task, true);
    drop_resource(task->fs);
    exit_namespaces(task);
    exit_notify(process_dead);
    {
        IrqGuard guard(signal->lock);
        if (signal->group_exec_task) wake_up_process(signal->group_exec_task);
    }
    local_irq_disable();
    task->state = EXIT_DEAD;
    schedule();
    panic("a dead task runs");
}

void do_group_exit(i32 code) {
    SignalStruct* signal = current()->signal;
    {
        IrqGuard guard(signal->lock);
        if (signal->group_exit) {
            code = signal->group_exit_code;
        } else if (signal->group_exec_task) {
            code = kSigKill;  // another thread is replacing the program
        } else {
            signal->group_exit = true;
            signal->group_exit_code = code;
            signal->stopped = false;
            zap_other_threads();
        }
    }
    do_exit(code);
}

SysResult sys_exit(int code) {
    do_exit((code & 0xff) << 8);
}
SysResult sys_exit_group(int code) {
    do_group_exit((code & 0xff) << 8);
}
