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
#include "task/fork.h"
#include "task/futex.h"
#include "task/pid.h"
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
    const u64 flags = local_irq_save();
    task->mm = nullptr;
    mmgrab(mm);  // active_mm keeps the page tables that we still run on
    tlb_be_lazy();
    local_irq_restore(flags);
    mmput(mm);
}

/// Who takes the children of `task`.
task_struct* find_reaper(const TaskTable& table, task_struct* task) {
    for (task_struct* t = task->real_parent; t && t->tgid > 1; t = t->real_parent) {
        if (t->signal->is_child_subreaper && !t->exit_state && !(t->flags & PF_EXITING)) return t;
    }
    return table.find(1);
}

void reparent_children(task_struct* leader) {
    for (;;) {
        task_struct* child;
        bool tell = false;
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
            tell = child->exit_state == EXIT_ZOMBIE && child->signal->nr_threads == 1;
            task_get(child);
        }
        if (child->pdeath_signal) (void)send_signal_process(child, child->pdeath_signal).ok();
        if (tell) notify_parent_exit(child);
        kill_orphaned_pgrp(child, leader);
        task_put(child);
    }
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
    signal->nvcsw += task->nvcsw;
    signal->nivcsw += task->nivcsw;
}

/// The process is gone as far as its parent is concerned, unless it was reaped at once.
void exit_notify(bool process_dead) {
    task_struct* task = current();
    if (process_dead) {
        reparent_children(task->group_leader);
        kill_orphaned_pgrp(task->group_leader, nullptr);
    }
    task->exit_state = EXIT_ZOMBIE;
    task_struct* leader = task->group_leader;
    if (task != leader) {
        task_get(leader);
        release_task(task);
        // The leader of a dead process is announced by whoever goes last.
        if (leader->exit_state == EXIT_ZOMBIE && leader->signal->nr_threads == 1) notify_parent_exit(leader);
        task_put(leader);
    } else if (task->signal->nr_threads == 1) {
        notify_parent_exit(task);
    }
}

}  // namespace

void release_task(task_struct* task) {
    {
        const auto table = task_table.lock();
        collect_times(task);
        table->detach(task);
        if (task->sibling.linked()) task->sibling.remove();
        task->exit_state = EXIT_DEAD;
        if (task->pid_ref) task->pid_ref->task = nullptr;
        IrqGuard signal_guard(task->signal->lock);
        task->thread_node.remove();
        task->signal->nr_threads--;
        flush_signals(&task->pending);
        if (task->signal->nr_threads == 0) flush_signals(&task->signal->shared_pending);
    }
    task_put(task);
}

void notify_parent_exit(task_struct* leader) {
    bool reap = false;
    TaskRef parent;
    KSigInfo info;
    info.signo = leader->exit_signal;
    {
        const auto table = task_table.lock();
        if (leader->real_parent) {
            task_get(leader->real_parent);
            parent = TaskRef(leader->real_parent);
            const KSigAction& action = parent->sighand->action[kSigChld - 1];
            reap =
                leader->exit_signal == kSigChld && (action.handler == kSigIgn || action.flags & kSaNocldwait);
        } else {
            reap = true;
        }
    }
    const i32 code = leader->exit_code;
    info.chld.pid = leader->pid;
    info.chld.uid = leader->cred.uid;
    info.chld.status = code & 0x7f ? code & 0x7f : code >> 8 & 0xff;
    info.code = code & 0x80 ? kCldDumped : code & 0x7f ? kCldKilled : kCldExited;
    const CpuTimes times = process_times(leader);
    info.chld.utime = static_cast<i64>(times.utime / 10'000'000);
    info.chld.stime = static_cast<i64>(times.stime / 10'000'000);
    if (parent) {
        const bool quiet = reap && parent->sighand->action[kSigChld - 1].handler == kSigIgn;
        if (leader->exit_signal > 0 && !quiet) (void)send_signal_info(parent.get(), info, true).ok();
    }
    pidfd_exited(leader);
    if (reap) release_task(leader);
    if (parent) parent->signal->child_wait.wake_all();
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
    info.chld.pid = leader->pid;
    info.chld.uid = leader->cred.uid;
    info.chld.status = status;
    const KSigAction& action = parent->sighand->action[kSigChld - 1];
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
    task->flags |= PF_EXITING;
    bool process_dead;
    {
        IrqGuard guard(signal->lock);
        u32 live = 0;
        for_each_thread_of(signal, [&](task_struct* t) { live += !(t->flags & PF_EXITING); });
        process_dead = live == 0;
        // A stop that waited for this thread must not wait for ever.
        task->jobctl_stop = false;
    }
    if (process_dead && task->tgid == 1) {
        panic("Attempted to kill init! exitcode=0x%08x",
              static_cast<u32>(signal->group_exit ? signal->group_exit_code : code));
    }
    if (process_dead) {
        cancel_process_timers(signal);
        i32 final_code = signal->group_exit ? signal->group_exit_code : code;
        task->group_leader->exit_code = final_code;
    }
    if (!(process_dead && task == task->group_leader)) task->exit_code = code;
    exit_sem(task);
    exit_mm();
    if (task->files) task->files->unref();
    task->files = nullptr;
    if (process_dead && signal->leader) tty_disassociate(task, true);
    if (task->fs) task->fs->unref();
    task->fs = nullptr;
    if (signal->group_exec_task) wake_up_process(signal->group_exec_task);
    exit_notify(process_dead);
    if (signal->group_exec_task && task != signal->group_exec_task) wake_up_process(signal->group_exec_task);
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
