// The scheduler: which task runs next, behind one small interface.
//
// The core (core.cpp) switches tasks and keeps their states; a SchedClass keeps a queue of the runnable ones
// and says who is next. Real-time tasks (SCHED_FIFO, SCHED_RR) always come first, in rt.cpp. Ordinary tasks
// belong to the class chosen at boot by `sched=`: fair (default), rr, fifo, mlfq. The idle task runs when
// every queue is empty.
//
// Each CPU has a RunQueue; a task is in that of task_struct::cpu, which changes only under the lock of the queue that it
// leaves, while it is neither queued nor running. At most one run queue is locked by a CPU. Which CPU a task gets is
// decided when it becomes runnable; idle CPUs pull what waits elsewhere, busy ones compare at ticks (balance.cpp).
//
// Guarantees: all queue operations run under RunQueue::lock with interrupts off. User code is preempted at a
// tick or a wake-up; kernel code only where it sleeps or calls cond_resched().
#pragma once

#include "arch/x86_64/percpu.h"
#include "sched/eevdf.h"
#include "sched/run_list.h"
#include "sync/spinlock.h"
#include "task/task.h"

enum SchedPolicy : u32 { SCHED_NORMAL = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_IDLE = 5 };

struct RunQueue;

/// Rules without state of their own: a class's queue is a member of each CPU's RunQueue, which is locked.
struct SchedClass {
    const char* name;
    /// A task becomes runnable (`wakeup`: it slept; otherwise it is new or changed class).
    virtual void enqueue(RunQueue& rq, task_struct* task, bool wakeup) const = 0;
    virtual void dequeue(RunQueue& rq, task_struct* task) const = 0;
    /// The task to run next, left in its queue; nullptr if the queue is empty.
    virtual task_struct* pick_next(RunQueue& rq) const = 0;
    /// `task` has run for `ns` more. Called at ticks and switches.
    virtual void account(RunQueue& rq, task_struct* task, u64 ns) const = 0;
    /// At a tick: has `task` had its turn?
    virtual bool tick(RunQueue& rq, task_struct* task) const = 0;
    /// Should `woken` (of this class) run instead of `running` (of this class)?
    virtual bool preempts(const RunQueue& rq, const task_struct* woken, const task_struct* running) const = 0;
    virtual void yield(RunQueue& rq, task_struct* task) const = 0;
    /// ns that `task` may run at a time while others wait; 0: as long as it likes.
    virtual u64 slice(const RunQueue& rq, const task_struct* task) const = 0;
    /// Somebody in the queue who waits there (is not rq.curr) and may run on `cpu`; nullptr if nobody.
    virtual task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const = 0;
    constexpr explicit SchedClass(const char* class_name) : name(class_name) {}
};

extern const SchedClass& rt_sched_class;
extern const SchedClass& fair_sched_class;
extern const SchedClass& rr_sched_class;
extern const SchedClass& fifo_sched_class;
extern const SchedClass& mlfq_sched_class;
/// /proc/sys/kernel/sched_rt_*_us (sched(7)); runtime -1: no limit. Atomic.
extern u32 sched_rt_period_us;
extern i32 sched_rt_runtime_us;
/// At a tick: a new period begins. True if real-time tasks that were held back may run again.
bool rt_period_tick(RunQueue& rq);
extern const SchedClass* normal_sched_class;  // the one chosen at boot

/// Of rt.cpp: a list for each rt_priority.
struct RtQueue {
    RunList lists[100];
    u64 bitmap[2] = {};  // which lists are not empty
    // Throttling: of each period real-time tasks leave a rest to ordinary ones that wait.
    u64 period_start = 0;
    u64 used = 0;  // ns in this period
    bool throttled = false;
};
/// Of fair.cpp.
struct FairQueue {
    EevdfQueue queue;
    bool slice_over = false;  // the running task has used its slice
};
/// Of mlfq.cpp.
struct MlfqQueue {
    static constexpr u32 kLevels = 4;
    RunList levels[kLevels];
    u64 last_boost = 0;
};

/// What balancing came to, of one kind of occasion (/proc/schedstat). Written by its CPU only, with interrupts off.
struct BalanceCounts {
    u64 looks = 0;
    u64 balanced = 0;   // nobody else has enough more
    u64 failed = 0;     // somebody has, but nobody there may come
    u64 imbalance = 0;  // tasks that were to come
    u64 gained = 0;     // that came
};
enum class BalanceKind : u8 { kIdle, kBusy, kNewlyIdle, kCount };

/// The tasks of one CPU. Its lock stands bare, not in a Guarded: schedule() takes it as one task and gives it
/// back as the next.
struct RunQueue {
    SpinLock lock{LockRank::kRunQueue};
    unsigned cpu = 0;
    task_struct* curr = nullptr;
    task_struct* idle = nullptr;
    mm_struct* dropped_mm = nullptr;  // lazily used by the previous task, to be dropped after the switch
    task_struct* leaver = nullptr;    // the previous task, if it may not run here any more
    u32 nr_running = 0;               // others look at it without the lock (sched/balance.cpp)
    u32 curr_rt_priority = 0;         // of `curr`, 0 if it is not a real-time task; others look
    u32 ticks = 0;
    u64 nr_switches = 0;
    u64 nr_schedules = 0;  // calls of schedule()
    u64 nr_goidle = 0;     // of those, that left nobody to run
    u64 nr_yields = 0;
    u64 nr_wakeups = 0;        // that this CPU did
    u64 nr_wakeups_local = 0;  // of those, whose task runs here
    BalanceCounts balance[static_cast<size_t>(BalanceKind::kCount)];
    u64 busy_ns = 0;    // that tasks ran
    u64 run_delay = 0;  // ns that tasks waited before they got this CPU
    u64 turns = 0;
    u64 idle_ns = 0;
    u64 user_ns = 0, system_ns = 0, nice_ns = 0;  // by tick sampling, for /proc/stat
    RtQueue rt;
    FairQueue fair;
    RunList simple;  // of rr and fifo
    MlfqQueue mlfq;
};
extern PerCpu<RunQueue> run_queues;
inline RunQueue& this_rq() {
    return run_queues.here();
}

/// Sums over the CPUs that run, for /proc.
struct SchedTotals {
    u32 nr_running = 0;
    u64 nr_switches = 0;
    u64 idle_ns = 0, user_ns = 0, system_ns = 0, nice_ns = 0;
};
SchedTotals sched_totals();
/// The same of one CPU.
SchedTotals sched_totals_of(unsigned cpu);

void sched_init();
/// Give up the CPU. The caller has set current()->state; a pending signal makes an interruptible sleep end at
/// once.
extern "C" void schedule();
/// Make a sleeping task runnable if its state is in `states`. True if it was woken.
bool try_to_wake_up(task_struct* task, u32 states);
inline bool wake_up_process(task_struct* task) {
    return try_to_wake_up(task, TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE | TASK_WAKEKILL);
}
/// First run of a task made by fork.
void wake_up_new_task(task_struct* task);
/// Let `task` run on the CPUs of `mask` only, from now on. The caller has made sure that one of them runs.
void sched_set_affinity(task_struct* task, u64 mask);
/// `task` has something to look at before it runs user code: if it runs now, make it pass the kernel.
void kick_process(task_struct* task);
void scheduler_tick(bool user);
void sched_yield_current();
/// sched_rr_get_interval(2), in ns.
u64 sched_interval(const task_struct* task);
/// Let others run if they should; only without spin locks.
void cond_resched();
/// Change policy and priority (checked by the caller).
void sched_set_policy(task_struct* task, u32 policy, u32 rt_priority, i32 static_prio);
u32 weight_of_prio(i32 static_prio);
/// SCHED_IDLE weighs next to nothing.
inline u32 sched_weight(u32 policy, i32 static_prio) {
    return policy == SCHED_IDLE ? 3 : weight_of_prio(static_prio);
}
/// Sleep until `deadline` (ktime) in the state already set; kNoTimeout: until woken. False if the time came
/// first.
bool schedule_until(u64 deadline);
/// The ktime `ns` nanoseconds from now; saturates at kNoTimeout.
u64 deadline_after(u64 ns);
/// The idle loop of a CPU; never returns.
[[noreturn]] void cpu_idle();
/// CPU time of `task` so far, up to this moment.
u64 task_runtime_ns(const task_struct* task);
