// The scheduling system calls: policies, priorities, affinity (sched(7), setpriority(2)).
//
// Guarantees: affinity masks without a CPU that runs answer EINVAL; what is left of a mask is where the task runs.
#include "sched/sched.h"
#include "arch/x86_64/smp.h"
#include "mm/page.h"
#include "syscall/syscalls.h"
#include "task/pid.h"
#include "task/pid_namespace.h"

namespace {

constexpr int kMaxNice = 19, kMinNice = -20;

Result<TaskRef> task_of(pid_t pid) {
    if (pid == 0) {
        task_get(current());
        return TaskRef(current());
    }
    TaskRef task = find_task_by_vpid(pid);
    if (!task) return Errno::ESRCH;
    return task;
}

Result<TaskRef> target(pid_t pid) {
    if (pid < 0) return Errno::EINVAL;
    return task_of(pid);
}

bool is_rt(int policy) {
    return policy == SCHED_FIFO || policy == SCHED_RR;
}
bool valid_policy(int policy) {
    return is_rt(policy) || policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

bool owns(const task_struct* task) {
    const Credentials& c = current()->cred;
    return c.has_over(task, kCapSysNice) || c.euid == task->cred.euid || c.euid == task->cred.uid;
}

bool can_nice(const task_struct* task, i32 nice) {
    return static_cast<u64>(20 - nice) <= task->signal->rlimits[kRlimitNice].cur;
}

/// May the caller, who is not privileged, give `task` this policy (Linux, user_check_sched_setscheduler)?
bool may_schedule(const task_struct* task, u32 policy, u32 priority, i32 nice, bool reset) {
    const i32 present = task->static_prio - 120;
    if ((policy == SCHED_NORMAL || policy == SCHED_BATCH) && nice < present && !can_nice(task, nice))
        return false;
    if (is_rt(static_cast<int>(policy))) {
        const u64 limit = task->signal->rlimits[kRlimitRtprio].cur;
        if (policy != task->policy && limit == 0) return false;
        if (priority > task->rt_priority && priority > limit) return false;
    }
    // Out of SCHED_IDLE is a step up, to what it would weigh then.
    if (task->policy == SCHED_IDLE && policy != SCHED_IDLE && !can_nice(task, present)) return false;
    return owns(task) && (reset || !task->sched_reset_on_fork);
}

constexpr int kResetOnFork = 0x40000000;  // SCHED_RESET_ON_FORK
constexpr u64 kAttrResetOnFork = 1;       // SCHED_FLAG_RESET_ON_FORK

SysResult set_scheduler(pid_t pid, int policy, UserPtr<i32> param) {
    if (!param || pid < 0) return Errno::EINVAL;
    const i32 priority = TRY(param.read());
    TaskRef task = TRY(target(pid));
    const bool reset = policy == -1 ? task->sched_reset_on_fork : (policy & kResetOnFork) != 0;
    if (policy == -1) policy = static_cast<int>(task->policy);
    policy &= ~kResetOnFork;
    if (!valid_policy(policy)) return Errno::EINVAL;
    if (is_rt(policy) ? priority < 1 || priority > 99 : priority != 0) return Errno::EINVAL;
    if (!current()->cred.has(kCapSysNice) &&
        !may_schedule(task.get(), static_cast<u32>(policy), static_cast<u32>(priority),
                      task->static_prio - 120, reset))
        return Errno::EPERM;
    task->sched_reset_on_fork = reset;
    sched_set_policy(task.get(), static_cast<u32>(policy), static_cast<u32>(priority), task->static_prio);
    return 0;
}

/// Calls visit(task) for the tasks that getpriority's `which` and `who` mean.
template <class F>
Result<void> for_priority_targets(int which, int who, F visit) {
    if (which < 0 || which > 2 || who < 0) return which < 0 || which > 2 ? Errno::EINVAL : Errno::ESRCH;
    const task_struct* self = current();
    const pid_t id = which < 2 && who ? global_pid(who) : 0;
    if (which < 2 && who && !id) return Errno::ESRCH;
    bool found = false;
    const auto table = task_table.lock();
    for (task_struct& task : table->list) {
        const bool match =
            which == 0 ? task.pid == (who ? id : self->pid)
            : which == 1
                ? task.signal->pgrp == (who ? id : self->signal->pgrp)
                : task.cred.uid == (who ? self->cred.kernel_uid(static_cast<uid_t>(who)) : self->cred.uid);
        if (!match) continue;
        found = true;
        visit(&task);
    }
    if (!found) return Errno::ESRCH;
    return {};
}

struct UserSchedAttr {  // struct sched_attr
    u32 size, policy;
    u64 flags;
    i32 nice;
    u32 priority;
    u64 runtime, deadline, period;
    u32 util_min, util_max;
};
static_assert(sizeof(UserSchedAttr) == 56);
constexpr u32 kSchedAttrV0 = 48;
constexpr u64 kKeepPolicy = 8, kKeepParams = 16, kUtilClamp = 0x60, kKnownAttrFlags = 0x7f;

/// The program's structure, of whatever size it knows; E2BIG (with our size told) for one that says more than we know.
Result<UserSchedAttr> read_sched_attr(u64 address) {
    UserSchedAttr attr = {};
    u32 size = TRY(UserPtr<u32>(address).read());
    if (size == 0) size = kSchedAttrV0;
    bool good = size >= kSchedAttrV0 && size <= kPageSize;
    for (u64 at = sizeof(attr); good && at < size; at++) good = TRY(UserBytes(address + at).read()) == 0;
    if (!good) {
        TRY(UserPtr<u32>(address).write(sizeof(attr)));
        return Errno::E2BIG;
    }
    TRY(UserBytes(address).copy_in(&attr, min<size_t>(size, sizeof(attr))));
    return attr;
}

}  // namespace

SysResult sys_sched_setattr(pid_t pid, u64 user_attr, u32 flags) {
    if (!user_attr || pid < 0 || flags) return Errno::EINVAL;
    UserSchedAttr attr = TRY(read_sched_attr(user_attr));
    if (static_cast<i32>(attr.policy) < 0) return Errno::EINVAL;
    if (attr.flags & ~kKnownAttrFlags) return Errno::EINVAL;
    if (attr.flags & kUtilClamp) return Errno::EOPNOTSUPP;
    const TaskRef task = TRY(target(pid));
    const u32 policy = attr.flags & kKeepPolicy ? task->policy : attr.policy;
    const bool keep = attr.flags & kKeepParams;
    const bool reset = attr.flags & kKeepPolicy ? task->sched_reset_on_fork : attr.flags & kAttrResetOnFork;
    if (!valid_policy(static_cast<int>(policy))) return Errno::EINVAL;
    const u32 priority = keep ? task->rt_priority : attr.priority;
    if (is_rt(static_cast<int>(policy)) ? priority < 1 || priority > 99 : priority != 0) return Errno::EINVAL;
    const i32 nice = keep || is_rt(static_cast<int>(policy)) ? task->static_prio - 120
                                                             : min(max(attr.nice, kMinNice), kMaxNice);
    if (!current()->cred.has(kCapSysNice) && !may_schedule(task.get(), policy, priority, nice, reset))
        return Errno::EPERM;
    task->sched_reset_on_fork = reset;
    sched_set_policy(task.get(), policy, priority, 120 + nice);
    return 0;
}

SysResult sys_sched_getattr(pid_t pid, u64 user_attr, u32 size, u32 flags) {
    if (!user_attr || pid < 0 || size > kPageSize || size < kSchedAttrV0 || flags) return Errno::EINVAL;
    const TaskRef task = TRY(target(pid));
    UserSchedAttr attr = {};
    attr.size = min<u32>(size, sizeof(attr));
    attr.policy = task->policy;
    if (task->sched_reset_on_fork) attr.flags |= kAttrResetOnFork;
    attr.priority = task->rt_priority;
    if (!is_rt(static_cast<int>(task->policy))) attr.nice = task->static_prio - 120;
    TRY(UserBytes(user_attr).copy_out(&attr, attr.size));
    return 0;
}

SysResult sys_sched_yield() {
    sched_yield_current();
    return 0;
}

SysResult sys_sched_setscheduler(pid_t pid, int policy, UserPtr<i32> param) {
    if (policy < 0) return Errno::EINVAL;
    return set_scheduler(pid, policy, param);
}

SysResult sys_sched_setparam(pid_t pid, UserPtr<i32> param) {
    return set_scheduler(pid, -1, param);
}

SysResult sys_sched_getparam(pid_t pid, UserPtr<i32> param) {
    if (!param) return Errno::EINVAL;
    const TaskRef task = TRY(target(pid));
    TRY(param.write(static_cast<i32>(task->rt_priority)));
    return 0;
}

SysResult sys_sched_getscheduler(pid_t pid) {
    const TaskRef task = TRY(target(pid));
    return long{task->policy} | (task->sched_reset_on_fork ? kResetOnFork : 0);
}

SysResult sys_sched_get_priority_max(int policy) {
    if (!valid_policy(policy)) return Errno::EINVAL;
    return is_rt(policy) ? 99 : 0;
}

SysResult sys_sched_get_priority_min(int policy) {
    if (!valid_policy(policy)) return Errno::EINVAL;
    return is_rt(policy) ? 1 : 0;
}

SysResult sys_sched_rr_get_interval(pid_t pid, UserPtr<timespec64> interval) {
    const TaskRef task = TRY(target(pid));
    TRY(interval.write({0, static_cast<i64>(sched_interval(task.get()))}));
    return 0;
}

SysResult sys_sched_setaffinity(pid_t pid, u32 size, UserPtr<u64> mask) {
    u64 bits = 0;
    TRY(mask.copy_in(&bits, min<size_t>(size, sizeof(bits))));
    const TaskRef task = TRY(task_of(pid));
    if (!owns(task.get())) return Errno::EPERM;
    bits &= online_mask();
    if (!bits) return Errno::EINVAL;
    sched_set_affinity(task.get(), bits);
    return 0;
}

SysResult sys_sched_getaffinity(pid_t pid, u32 size, UserPtr<u64> mask) {
    // Counted in bits, as an unsigned int (sched/core.c): very many are none.
    const u64 word = user_size<UserWord>();
    if (size * 8 < kMaxCpus || size & (word - 1)) return Errno::EINVAL;
    const TaskRef task = TRY(task_of(pid));
    TRY(UserPtr<UserWord>(mask.address()).write({task->cpus_allowed & online_mask()}));
    return static_cast<long>(word);
}

SysResult sys_getpriority(int which, int who) {
    i32 best = 0;  // 20 - nice, as the system call returns it
    TRY(for_priority_targets(which, who,
                             [&](task_struct* task) { best = max(best, 140 - task->static_prio); }));
    return best;
}

SysResult sys_setpriority(int which, int who, int value) {
    value = min(max(value, kMinNice), kMaxNice);
    Errno error = Errno::OK;
    task_struct* chosen[64];
    size_t count = 0;
    TRY(for_priority_targets(which, who, [&](task_struct* task) {
        if (!owns(task)) {
            error = Errno::EPERM;
        } else if (120 + value < task->static_prio && !current()->cred.has(kCapSysNice) &&
                   !can_nice(task, value)) {
            error = Errno::EACCES;
        } else if (count < 64) {
            task_get(task);
            chosen[count++] = task;
        }
    }));
    for (size_t i = 0; i < count; i++) {
        sched_set_policy(chosen[i], chosen[i]->policy, chosen[i]->rt_priority, 120 + value);
        task_put(chosen[i]);
    }
    if (error != Errno::OK) return error;
    return 0;
}

SysResult sys_getcpu(UserPtr<u32> cpu, UserPtr<u32> node, u64) {
    if (cpu) TRY(cpu.write(this_cpu_number()));
    if (node) TRY(node.write(0));
    return 0;
}
