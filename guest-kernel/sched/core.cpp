// The scheduler's core (sched/sched.h): states, switching, ticks, load.
//
// Guarantees: schedule() switches with interrupts off; the task switched to finishes the switch
// (schedule_tail). A dead task's last reference is dropped only when it is off the CPU.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/tls.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "mm/mm_struct.h"
#include "sched/balance.h"
#include "sched/run_queue.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/tick.h"

PerCpu<RunQueue> run_queues;
const SchedClass* normal_sched_class = &fair_sched_class;

extern "C" task_struct* __switch_to_asm(task_struct* prev, task_struct* next, u64* prev_sp, u64 next_sp);

namespace {

constexpr u64 kStackCanary = 0x57ac6e9d5ca1ab1e;

/// Under the lock: charge the running task up to now.
void update_current(RunQueue& rq) {
    task_struct* task = rq.curr;
    const u64 now = ktime_get_ns();
    const u64 delta = now - min(now, task->se.exec_start);
    task->se.exec_start = now;
    if (task == rq.idle) {
        rq.idle_ns += delta;
        return;
    }
    rq.busy_ns += delta;
    task->se.sum_exec_runtime += delta;
    task->se.last_ran = now;
    task->sched_class->account(rq, task, delta);
}

task_struct* pick_next(RunQueue& rq) {
    task_struct* urgent = rt_sched_class.pick_next(rq);
    if (urgent && !rq.rt.throttled) return urgent;
    if (task_struct* task = normal_sched_class->pick_next(rq)) return task;
    return urgent ? urgent : rq.idle;
}

/// Runs on the new task's stack.
void finish_switch(task_struct* prev) {
    RunQueue& rq = this_rq();
    mm_struct* mm = rq.dropped_mm;
    task_struct* leaver = rq.leaver;
    rq.dropped_mm = nullptr;
    rq.leaver = nullptr;
    const bool dead = prev->state == EXIT_DEAD;
    rq.lock.unlock();
    if (leaver) queue_where_allowed(leaver);
    if (mm) mmdrop(mm);
    if (dead) task_put(prev);  // it can never run again: drop the reference that running meant
}

/// Under the lock of `rq`, that of the woken task; the counters are of this CPU, whose interrupts are off.
void count_wakeup(const RunQueue& rq) {
    RunQueue& here = this_rq();
    here.nr_wakeups++;
    if (&here == &rq) here.nr_wakeups_local++;
}

void context_switch(RunQueue& rq, task_struct* prev, task_struct* next) {
    if (!next->mm) {
        // Kernel threads and the idle task run on whatever user half is loaded.
        next->active_mm = prev->active_mm;
        tlb_be_lazy();
        if (prev->mm)
            mmgrab(prev->mm);
        else
            prev->active_mm = nullptr;
    } else {
        switch_mm(next->mm);
        if (!prev->mm) {
            rq.dropped_mm = prev->active_mm;
            prev->active_mm = nullptr;
        }
    }
    if (prev->rseq) prev->work.set(kWorkRseq);
    rq.nr_switches++;
    task_struct* last = __switch_to_asm(prev, next, &prev->thread.sp, next->thread.sp);
    finish_switch(last);
}

}  // namespace

/// The machine's part of a switch; on the new stack already. Returns the task that was left.
extern "C" task_struct* __switch_to(task_struct* prev, task_struct* next) {
    BUG_ON(*static_cast<u64*>(prev->stack) != kStackCanary);
    fpu_save(prev->thread.fpu);
    fpu_load(next->thread.fpu);
    switch_segments(prev, next);
    CpuData& cpu = this_cpu();
    cpu.current_task = next;
    cpu.top_of_stack = reinterpret_cast<u64>(next->stack) + kThreadSize;
    cpu.tss->rsp[0] = cpu.top_of_stack;
    return prev;
}

extern "C" void schedule_tail(task_struct* prev) {
    finish_switch(prev);
    local_irq_enable();
}

extern "C" void schedule() {
    CpuData& cpu = this_cpu();
    BUG_ON(cpu.preempt_count != 0 || cpu.hardirq_depth != 0);
    const u64 flags = local_irq_save();
    RunQueue& rq = this_rq();
    rq.lock.lock();
    task_struct* prev = rq.curr;
    rq.nr_schedules++;
    prev->work.clear(kWorkResched);
    update_current(rq);
    u64* switches = &prev->nivcsw;
    if (prev->state != TASK_RUNNING && prev->se.on_rq) {
        const bool woken_by_signal = (prev->state & TASK_INTERRUPTIBLE && signal_pending(prev)) ||
                                     (prev->state & TASK_WAKEKILL && fatal_signal_pending(prev));
        if (woken_by_signal) {
            prev->state = TASK_RUNNING;
        } else {
            dequeue(rq, prev);
            switches = &prev->nvcsw;
        }
    }
    if (prev->se.on_rq && !allowed_on(prev, rq.cpu)) {
        dequeue(rq, prev);
        rq.leaver = prev;  // once it is off this CPU
    }
    task_struct* next = pick_next(rq);
    if (next == prev) {
        rq.lock.unlock_irqrestore(flags);
        return;
    }
    if (prev == rq.idle) tick_restart();
    if (next == rq.idle) rq.nr_goidle++;
    ++*switches;
    const u64 now = ktime_get_ns();
    if (prev->se.on_rq) prev->se.queued_since = now;
    if (next != rq.idle) {
        const u64 waited = now - min(now, next->se.queued_since);
        next->se.run_delay += waited;
        next->se.turns++;
        rq.run_delay += waited;
        rq.turns++;
    }
    next->se.exec_start = now;
    next->se.slice_start = now;
    rq.curr = next;
    rq.curr_rt_priority = next->rt_priority;
    context_switch(rq, prev, next);
    local_irq_restore(flags);
}

bool try_to_wake_up(task_struct* task, u32 states) {
    for (bool placed = false;;) {
        const TaskRunQueue rq(task);
        u32 state = __atomic_load_n(&task->state, __ATOMIC_RELAXED);
        if (!(state & states)) return false;
        // It has a place once it is off its CPU: until then it may not even have gone to sleep.
        if (!task->se.on_rq && !placed) {
            placed = true;
            if (move_to(*rq, task, select_cpu(task))) continue;
        }
        // The task itself changes its state without a lock.
        if (!__atomic_compare_exchange_n(&task->state, &state, TASK_RUNNING, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_RELAXED))
            continue;
        if (!task->se.on_rq) {
            enqueue(*rq, task, true);
            check_preempt(*rq, task);
        }
        count_wakeup(*rq);
        return true;
    }
}

void queue_where_allowed(task_struct* task) {
    for (;;) {
        const TaskRunQueue rq(task);
        if (!allowed_on(task, rq->cpu) && move_to(*rq, task, select_cpu(task))) continue;
        enqueue(*rq, task, true);
        check_preempt(*rq, task);
        return;
    }
}

void wake_up_new_task(task_struct* task) {
    task->cpu = this_cpu_number();
    for (bool placed = false;; placed = true) {
        const TaskRunQueue rq(task);
        if (!placed && move_to(*rq, task, select_cpu_for_new(task))) continue;
        task->se.nr_migrations = 0;  // its first place is none
        enqueue(*rq, task, false);
        check_preempt(*rq, task);
        return;
    }
}

void sched_set_affinity(task_struct* task, u64 mask) {
    bool queue = false;
    {
        const TaskRunQueue rq(task);
        task->cpus_allowed = mask;
        if (!task->se.on_rq || allowed_on(task, rq->cpu)) return;
        if (rq->curr == task) {
            resched(*rq);  // it leaves as soon as it can
        } else {
            update_current(*rq);
            dequeue(*rq, task);
            queue = true;
        }
    }
    if (queue) queue_where_allowed(task);
    if (task == current()) cond_resched();
}

void kick_process(task_struct* task) {
    const TaskRunQueue rq(task);
    if (rq->curr == task) resched(*rq);
}

void scheduler_tick(bool user) {
    RunQueue& rq = this_rq();
    balance_at_tick(rq);
    IrqGuard guard(rq.lock);
    task_struct* task = rq.curr;
    update_current(rq);
    if (task == rq.idle) return;
    if (user) {
        task->utime += kTickNs;
        (task->static_prio > 120 ? rq.nice_ns : rq.user_ns) += kTickNs;
    } else {
        task->stime += kTickNs;
        rq.system_ns += kTickNs;
    }
    if (rt_period_tick(rq) || task->sched_class->tick(rq, task)) resched(rq);
}

void sched_yield_current() {
    {
        RunQueue& rq = this_rq();
        IrqGuard guard(rq.lock);
        update_current(rq);
        rq.nr_yields++;
        current()->sched_class->yield(rq, current());
    }
    schedule();
}

u64 sched_interval(const task_struct* task) {
    const TaskRunQueue rq(task);
    return task->sched_class->slice(*rq, task);
}

void cond_resched() {
    if (current()->work.has(kWorkResched) && this_cpu().preempt_count == 0 && this_cpu().hardirq_depth == 0)
        schedule();
}

u32 weight_of_prio(i32 static_prio) {
    // Linux's sched_prio_to_weight: each step of nice is a factor of about 1.25.
    static constexpr u32 kWeights[40] = {88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
                                         9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
                                         1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
                                         110,   87,    70,    56,    45,    36,    29,    23,    18,    15};
    return kWeights[static_prio - 100];
}

void sched_set_policy(task_struct* task, u32 policy, u32 rt_priority, i32 static_prio) {
    const TaskRunQueue rq(task);
    update_current(*rq);
    const bool queued = task->se.on_rq;
    if (queued) dequeue(*rq, task);
    task->policy = policy;
    task->rt_priority = rt_priority;
    task->static_prio = static_prio;
    task->se.weight = sched_weight(policy, static_prio);
    task->sched_class = policy == SCHED_FIFO || policy == SCHED_RR ? &rt_sched_class : normal_sched_class;
    if (queued) enqueue(*rq, task, false);
    if (task == rq->curr) rq->curr_rt_priority = rt_priority;
    resched(*rq);
}

u64 task_runtime_ns(const task_struct* task) {
    const TaskRunQueue rq(task);
    u64 ns = task->se.sum_exec_runtime;
    const u64 now = ktime_get_ns();
    if (task == rq->curr) ns += now - min(now, task->se.exec_start);
    return ns;
}

SchedTotals sched_totals_of(unsigned cpu) {
    RunQueue& rq = run_queues.on(cpu);
    IrqGuard guard(rq.lock);
    if (rq.curr == rq.idle) update_current(rq);  // nothing else does while it sleeps
    return {rq.nr_running, rq.nr_switches, rq.idle_ns, rq.user_ns, rq.system_ns, rq.nice_ns};
}

SchedTotals sched_totals() {
    SchedTotals sum;
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        const SchedTotals one = sched_totals_of(cpu);
        sum.nr_running += one.nr_running;
        sum.nr_switches += one.nr_switches;
        sum.idle_ns += one.idle_ns;
        sum.user_ns += one.user_ns;
        sum.system_ns += one.system_ns;
        sum.nice_ns += one.nice_ns;
    }
    return sum;
}

namespace {

struct Timeout {
    Timer timer;
    task_struct* task;
    bool fired;
};

void timeout_fired(Timer* timer) {
    auto* timeout = static_cast<Timeout*>(timer->data);
    timeout->fired = true;
    wake_up_process(timeout->task);
}

}  // namespace

u64 deadline_after(u64 ns) {
    const u64 now = ktime_get_ns();
    return ns >= kNoTimeout - now ? kNoTimeout : now + ns;
}

bool schedule_until(u64 deadline) {
    if (deadline == kNoTimeout) {
        schedule();
        return true;
    }
    Timeout timeout{{}, current(), false};
    timeout.timer.function = timeout_fired;
    timeout.timer.data = &timeout;
    if (deadline <= ktime_get_ns()) {
        current()->state = TASK_RUNNING;
        return false;
    }
    timer_start(&timeout.timer, deadline);
    schedule();
    timer_cancel(&timeout.timer);
    return !timeout.fired;
}

void sched_init() {
    char name[16] = "fair";
    cmdline_value("sched", name, sizeof(name));
    const SchedClass* const classes[] = {&fair_sched_class, &rr_sched_class, &fifo_sched_class,
                                         &mlfq_sched_class};
    for (const SchedClass* c : classes) {
        if (strcmp(c->name, name) == 0) normal_sched_class = c;
    }
    if (strcmp(normal_sched_class->name, name) != 0)
        printk(KERN_WARNING "sched=%s: no such scheduler\n", name);
    printk(KERN_INFO "sched: ordinary tasks are scheduled by '%s'\n", normal_sched_class->name);
    *static_cast<u64*>(init_task.stack) = kStackCanary;
    init_task.sched_class = normal_sched_class;
    for (unsigned cpu = 0; cpu < kMaxCpus; cpu++) run_queues.on(cpu).cpu = cpu;
    this_rq().idle = this_rq().curr = &init_task;
    on_tick(scheduler_tick);
}

void cpu_idle() {
    for (;;) {
        local_irq_disable();
        if (!current()->work.has(kWorkResched) && this_rq().nr_running == 0 && !pull_task()) {
            tick_stop();
            asm volatile("sti; hlt" ::: "memory");
        }
        local_irq_enable();
        schedule();
    }
}
