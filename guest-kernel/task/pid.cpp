// Pids, the task list, references to tasks (task/pid.h, task/task.h).
//
// Guarantees: as in the headers.
#include "task/pid.h"

#include "core/kmalloc.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "mm/mm_struct.h"
#include "mm/page.h"
#include "sched/sched.h"
#include "task/pid_namespace.h"
#include "time/tick.h"

Guarded<TaskTable, LockRank::kTasks> task_table;

namespace {

/// The task for which `accept` holds with the smallest number in `ns` that is at least `from`.
template <class F>
TaskRef smallest(const PidNamespace& ns, pid_t from, F accept) {
    const auto table = task_table.lock();
    task_struct* best = nullptr;
    pid_t least = 0;
    for (task_struct& task : table->list) {
        const pid_t nr = task_nr_locked(&task, ns);
        if (nr < max(from, 1) || (best && nr >= least) || !accept(task)) continue;
        best = &task;
        least = nr;
    }
    if (best) task_get(best);
    return TaskRef(best);
}

}  // namespace

bool TaskTable::id_in_use(pid_t pid) const {
    if (find(pid)) return true;
    for (const task_struct& task : list) {
        if (task.signal && (task.signal->pgrp == pid || task.signal->session == pid)) return true;
    }
    return false;
}

Result<pid_t> TaskTable::alloc_pid() {
    for (pid_t tries = 0; tries < kPidMax; tries++) {
        last_pid = last_pid + 1 >= kPidMax ? 300 : last_pid + 1;
        if (!id_in_use(last_pid)) return last_pid;
    }
    return Errno::EAGAIN;
}

Result<void> TaskTable::check_free(pid_t pid) const {
    if (pid < 1 || pid >= kPidMax) return Errno::EINVAL;
    return id_in_use(pid) ? Result<void>(Errno::EEXIST) : Result<void>();
}

void TaskTable::attach(task_struct* task) {
    list.push_back(task);
    hash_[bucket_of(task->pid)].push_back(task);
    nr_threads++;
}

void TaskTable::detach(task_struct* task) {
    task->tasks.remove();
    task->pid_link.remove();
    nr_threads--;
}

task_struct* TaskTable::find(pid_t pid) const {
    for (task_struct& task : hash_[bucket_of(pid)]) {
        if (task.pid == pid) return &task;
    }
    return nullptr;
}

TaskRef find_task_by_pid(pid_t pid) {
    if (pid <= 0) return {};
    const auto table = task_table.lock();
    task_struct* task = table->find(pid);
    if (task) task_get(task);
    return TaskRef(task);
}

TaskRef find_task_by_vpid(pid_t pid) {
    return current()->pid_ns ? find_task_in(*current()->pid_ns, pid) : find_task_by_pid(pid);
}

TaskRef next_task(pid_t pid) {
    return smallest(init_pid_namespace(), pid, [](const task_struct&) { return true; });
}
TaskRef next_process_in(const PidNamespace& ns, pid_t from) {
    return smallest(ns, from, [](const task_struct& task) { return task.pid == task.tgid; });
}
TaskRef next_thread_in(const PidNamespace& ns, task_struct* leader, pid_t from) {
    return smallest(ns, from, [leader](const task_struct& task) { return task.tgid == leader->tgid; });
}
TaskRef next_process(pid_t pid) {
    return next_process_in(init_pid_namespace(), pid);
}
TaskRef next_thread(task_struct* leader, pid_t pid) {
    return next_thread_in(init_pid_namespace(), leader, pid);
}

void task_get(task_struct* task) {
    __atomic_add_fetch(&task->usage, 1, __ATOMIC_RELAXED);
}

void task_put(task_struct* task) {
    if (__atomic_sub_fetch(&task->usage, 1, __ATOMIC_ACQ_REL) > 0) return;
    BUG_ON(task == current());
    if (task->signal) task->signal->unref();
    if (task->sighand) task->sighand->unref();
    kfree(task->stack);
    delete task;
}

void commit_creds(Credentials&& fresh) {
    task_struct* task = current();
    IrqGuard guard(task->alloc_lock);
    std::swap(task->cred, fresh);  // what was goes with `fresh`, outside the lock
}

bool Credentials::has_over(const task_struct* other, Capability cap) const {
    return has(cap) || has_in(get_task_cred(const_cast<task_struct*>(other)).user_ns.get(), cap);
}

Credentials get_task_cred(task_struct* task) {
    IrqGuard guard(task->alloc_lock);
    return task->cred;
}

char task_state_char(const task_struct* task) {
    if (task->exit_state == EXIT_ZOMBIE) return 'Z';
    if (task->exit_state) return 'X';
    if (task->state == TASK_RUNNING) return 'R';
    if (task->state & TASK_STOPPED) return 'T';
    if (task->state & TASK_TRACED) return 't';
    if (task->state & TASK_INTERRUPTIBLE) return 'S';
    if (task->state & TASK_UNINTERRUPTIBLE) return 'D';
    return 'X';
}

void task_cpu_time(const task_struct* task, u64* utime, u64* stime) {
    // The exact sum, divided as the ticks fell (Linux's cputime_adjust).
    const u64 total = task_runtime_ns(task);
    const u64 ticks = (task->utime + task->stime) / kTickNs, system_ticks = task->stime / kTickNs;
    *stime = ticks ? total / ticks * system_ticks + total % ticks * system_ticks / ticks : 0;
    *utime = total - *stime;
}

RefPtr<FilesStruct> get_task_files(task_struct* task) {
    IrqGuard guard(task->alloc_lock);
    return RefPtr<FilesStruct>(task->files);
}
RefPtr<FsStruct> get_task_fs(task_struct* task) {
    IrqGuard guard(task->alloc_lock);
    return RefPtr<FsStruct>(task->fs);
}

CpuTimes process_times(task_struct* task) {
    const auto table = task_table.lock();
    return process_times_locked(task);
}

CpuTimes process_times_locked(task_struct* task) {
    const SignalStruct& s = *task->signal;
    CpuTimes t = {s.utime,   s.stime,    s.cutime,   s.cstime,    s.min_flt,
                  s.maj_flt, s.cmin_flt, s.cmaj_flt, s.nr_threads};
    for_each_thread_of(task->signal, [&](task_struct* thread) {
        u64 utime, stime;
        task_cpu_time(thread, &utime, &stime);
        t.utime += utime;
        t.stime += stime;
        t.min_flt += thread->min_flt;
        t.maj_flt += thread->maj_flt;
    });
    return t;
}

pid_t task_ppid(const task_struct* task) {
    return task->real_parent ? task->real_parent->tgid : 0;
}
