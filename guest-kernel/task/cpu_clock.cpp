// Clocks of processor time (task/cpu_clock.h). Waits are one list, looked through at each tick while there are any.
#include "task/cpu_clock.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "sched/sched.h"
#include "sync/spinlock.h"
#include "task/pid.h"
#include "task/task.h"

namespace {

constexpr i32 kProcessCputime = 2, kThreadCputime = 3;

List<CpuWait, &CpuWait::node> waits;
SpinLock waits_lock{LockRank::kCpuWaits};
PerCpu<const CpuWait*> running_waits;  // whose function each CPU is in; others look

/// Takes one wait that is over out of the list.
CpuWait* take_expired() {
    IrqGuard guard(waits_lock);
    for (CpuWait& wait : waits) {
        const Result<u64> now = cpu_clock_now(wait.clock);
        if (now.ok() && now.value() < wait.expires) continue;
        wait.node.remove();
        __atomic_store_n(&running_waits.here(), &wait, __ATOMIC_RELEASE);
        return &wait;
    }
    return nullptr;
}

}  // namespace

bool is_cpu_clock(i32 clock) {
    return clock < 0 || clock == kProcessCputime || clock == kThreadCputime;
}

// A clock with a pid in it is ~pid << 3 | kind; bit 2 of the kind: of a thread; 3: a file's clock, which is none.
Result<CpuClock> cpu_clock_of(i32 clock) {
    if (clock == kProcessCputime) return CpuClock{current()->tgid, false};
    if (clock == kThreadCputime) return CpuClock{current()->pid, true};
    if (clock >= 0 || (clock & 3) == 3) return Errno::EINVAL;
    const bool thread = clock & 4;
    const pid_t pid = ~(clock >> 3);
    if (pid == 0) return CpuClock{thread ? current()->pid : current()->tgid, thread};
    const TaskRef task = find_task_by_vpid(pid);
    if (!task || (thread && task->tgid != current()->tgid)) return Errno::EINVAL;
    return CpuClock{task->pid, thread};
}

Result<u64> cpu_clock_now(const CpuClock& clock) {
    const TaskRef task = find_task_by_pid(clock.pid);
    if (!task) return Errno::EINVAL;
    if (clock.thread) return task_runtime_ns(task.get());
    const CpuTimes t = process_times(task.get());
    return t.utime + t.stime;
}

void cpu_wait_start(CpuWait* wait, u64 expires) {
    IrqGuard guard(waits_lock);
    if (wait->node.linked()) wait->node.remove();
    wait->expires = expires;
    waits.push_back(wait);
}

bool cpu_wait_stop(CpuWait* wait) {
    IrqGuard guard(waits_lock);
    if (!wait->node.linked()) return false;
    wait->node.remove();
    return true;
}

bool cpu_wait_cancel(CpuWait* wait) {
    bool was_waiting = cpu_wait_stop(wait);
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        if (cpu == this_cpu_number()) continue;
        while (__atomic_load_n(&running_waits.on(cpu), __ATOMIC_ACQUIRE) == wait) {
            cpu_relax();
            was_waiting |= cpu_wait_stop(wait);
        }
    }
    return was_waiting;
}

void check_cpu_waits() {
    while (CpuWait* wait = take_expired()) wait->function(wait);
    __atomic_store_n(&running_waits.here(), nullptr, __ATOMIC_RELEASE);
}
