// The scheduler's core (sched/sched.h): states, switching, ticks, load.
//
// Guarantees: schedule() switches with interrupts off; the task switched to finishes the switch
// (schedule_tail). A dead task's last reference is dropped only when it is off the CPU.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/segments.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "mm/mm_struct.h"
#include "sched/sched.h"
#include "time/clock.h"
#include "time/tick.h"

RunQueue run_queue;
const SchedClass* normal_sched_class = &fair_sched_class;

extern "C" task_struct* __switch_to_asm(task_struct* prev, task_struct* next, u64* prev_sp, u64 next_sp);

namespace {

constexpr u64 kStackCanary = 0x57ac6e9d5ca1ab1e;

/// Under the lock: charge the running task up to now.
void update_current() {
    task_struct* task = run_queue.curr;
    const u64 now = ktime_get_ns();
    const u64 delta = now - task->se.exec_start;
    task->se.exec_start = now;
    if (task == run_queue.idle) {
        run_queue.idle_ns += delta;
        return;
    }
    task->se.sum_exec_runtime += delta;
    task->se.last_ran = now;
    task->sched_class->account(task, delta);
}

task_struct* pick_next() {
    if (task_struct* task = rt_sched_class.pick_next()) return task;
    if (task_struct* task = normal_sched_class->pick_next()) return task;
    return run_queue.idle;
}

void enqueue(task_struct* task, bool wakeup) {
    BUG_ON(task->se.on_rq);
    task->se.on_rq = true;
    task->sched_class->enqueue(task, wakeup);
    run_queue.nr_running++;
}

void dequeue(task_struct* task) {
    BUG_ON(!task->se.on_rq);
    task->se.on_rq = false;
    task->sched_class->dequeue(task);
    run_queue.nr_running--;
}

void check_preempt(task_struct* woken) {
    task_struct* running = run_queue.curr;
    const bool better = running == run_queue.idle || (woken->sched_class != running->sched_class
                                                          ? woken->sched_class == &rt_sched_class
                                                          : woken->sched_class->preempts(woken, running));
    if (better) running->work.set(kWorkResched);
}

mm_struct* dropped_mm = nullptr;  // lazily used by the previous task, to be dropped after the switch

/// Runs on the new task's stack.
void finish_switch(task_struct* prev) {
    mm_struct* mm = dropped_mm;
    dropped_mm = nullptr;
    const bool dead = prev->state == EXIT_DEAD;
    run_queue.lock.unlock();
    if (mm) mmdrop(mm);
    if (dead) task_put(prev);  // it can never run again: drop the reference that running meant
}

void context_switch(task_struct* prev, task_struct* next) {
    if (!next->mm) {
        // Kernel threads and the idle task run on whatever user half is loaded.
        next->active_mm = prev->active_mm;
        if (prev->mm)
            mmgrab(prev->mm);
        else
            prev->active_mm = nullptr;
    } else {
        switch_mm(next->mm);
        if (!prev->mm) {
            dropped_mm = prev->active_mm;
            prev->active_mm = nullptr;
        }
    }
    if (prev->rseq) prev->work.set(kWorkRseq);
    run_queue.nr_switches++;
    task_struct* last = __switch_to_asm(prev, next, &prev->thread.sp, next->thread.sp);
    finish_switch(last);
}

}  // namespace

/// The machine's part of a switch; on the new stack already. Returns the task that was left.
extern "C" task_struct* __switch_to(task_struct* prev, task_struct* next) {
    BUG_ON(*static_cast<u64*>(prev->stack) != kStackCanary);
    fpu_save(prev->thread.fpu);
    fpu_load(next->thread.fpu);
    if (next->mm) {
        wrmsr(kMsrFsBase, next->thread.fsbase);
        wrmsr(kMsrKernelGsBase, next->thread.gsbase);
    }
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
    const u64 flags = run_queue.lock.lock_irqsave();
    task_struct* prev = run_queue.curr;
    prev->work.clear(kWorkResched);
    update_current();
    if (prev->state != TASK_RUNNING && prev->se.on_rq) {
        const bool woken_by_signal = (prev->state & TASK_INTERRUPTIBLE && signal_pending(prev)) ||
                                     (prev->state & TASK_WAKEKILL && fatal_signal_pending(prev));
        if (woken_by_signal) {
            prev->state = TASK_RUNNING;
        } else {
            dequeue(prev);
            prev->nvcsw++;
        }
    } else if (prev != run_queue.idle) {
        prev->nivcsw++;
    }
    task_struct* next = pick_next();
    if (next == prev) {
        run_queue.lock.unlock_irqrestore(flags);
        return;
    }
    if (prev == run_queue.idle) tick_restart();
    next->se.exec_start = ktime_get_ns();
    next->se.slice_start = next->se.exec_start;
    run_queue.curr = next;
    context_switch(prev, next);
    local_irq_restore(flags);
}

bool try_to_wake_up(task_struct* task, u32 states) {
    IrqGuard guard(run_queue.lock);
    if (!(task->state & states)) return false;
    task->state = TASK_RUNNING;
    if (!task->se.on_rq) {
        enqueue(task, true);
        check_preempt(task);
    }
    return true;
}

void wake_up_new_task(task_struct* task) {
    IrqGuard guard(run_queue.lock);
    task->state = TASK_RUNNING;
    enqueue(task, false);
    check_preempt(task);
}

void scheduler_tick(bool user) {
    IrqGuard guard(run_queue.lock);
    task_struct* task = run_queue.curr;
    update_current();
    if (task == run_queue.idle) return;
    if (user) {
        task->utime += kTickNs;
        (task->static_prio > 120 ? run_queue.nice_ns : run_queue.user_ns) += kTickNs;
    } else {
        task->stime += kTickNs;
        run_queue.system_ns += kTickNs;
    }
    if (task->sched_class->tick(task)) task->work.set(kWorkResched);
}

void sched_yield_current() {
    {
        IrqGuard guard(run_queue.lock);
        update_current();
        current()->sched_class->yield(current());
    }
    schedule();
}

void cond_resched() {
    if (current()->work.has(kWorkResched) && this_cpu().preempt_count == 0 && this_cpu().hardirq_depth == 0)
        schedule();
}

u32 weight_of_prio(i32 static_prio) {
    // Each step of nice is a factor of 1.25; nice 0 is 1024 (Linux's sched_prio_to_weight, recomputed).
    u64 weight = 1024ull << 20;
    for (i32 nice = static_prio - 120; nice > 0; nice--) weight = weight * 4 / 5;
    for (i32 nice = static_prio - 120; nice < 0; nice++) weight = weight * 5 / 4;
    return static_cast<u32>(max<u64>(weight >> 20, 15));
}

void sched_set_policy(task_struct* task, u32 policy, u32 rt_priority, i32 static_prio) {
    IrqGuard guard(run_queue.lock);
    update_current();
    const bool queued = task->se.on_rq;
    if (queued) dequeue(task);
    task->policy = policy;
    task->rt_priority = rt_priority;
    task->static_prio = static_prio;
    task->se.weight = policy == SCHED_IDLE ? 3 : weight_of_prio(static_prio);
    task->sched_class = policy == SCHED_FIFO || policy == SCHED_RR ? &rt_sched_class : normal_sched_class;
    if (queued) enqueue(task, false);
    run_queue.curr->work.set(kWorkResched);
}

u64 task_runtime_ns(const task_struct* task) {
    u64 ns = task->se.sum_exec_runtime;
    if (task == run_queue.curr) ns += ktime_get_ns() - task->se.exec_start;
    return ns;
}

u32 count_runnable() {
    return run_queue.nr_running;
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
    run_queue.idle = run_queue.curr = &init_task;
    this_cpu().run_queue = &run_queue;
}

void cpu_idle() {
    for (;;) {
        local_irq_disable();
        if (!current()->work.has(kWorkResched) && run_queue.nr_running == 0) {
            tick_stop();
            asm volatile("sti; hlt" ::: "memory");
        }
        local_irq_enable();
        schedule();
    }
}
