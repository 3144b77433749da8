// The scheduler's inside: what core.cpp and balance.cpp do to a locked run queue. Others use sched/sched.h.
//
// Guarantees: all but TaskRunQueue are called with the queue's lock held.
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/smp.h"
#include "core/panic.h"
#include "sched/sched.h"
#include "time/clock.h"

/// Holds the run queue of a task, wherever it is, for a scope, with interrupts off.
class TaskRunQueue {
  public:
    explicit TaskRunQueue(const task_struct* task) : flags_(local_irq_save()) {
        for (;;) {
            rq_ = &queue_of(task);
            rq_->lock.lock();
            if (rq_ == &queue_of(task)) return;
            rq_->lock.unlock();  // it moved to another CPU meanwhile
        }
    }
    ~TaskRunQueue() { rq_->lock.unlock_irqrestore(flags_); }
    TaskRunQueue(const TaskRunQueue&) = delete;
    TaskRunQueue& operator=(const TaskRunQueue&) = delete;
    RunQueue& operator*() const { return *rq_; }
    RunQueue* operator->() const { return rq_; }

  private:
    static RunQueue& queue_of(const task_struct* task) {
        return run_queues.on(__atomic_load_n(&task->cpu, __ATOMIC_RELAXED));
    }
    u64 flags_;
    RunQueue* rq_;
};

inline bool allowed_on(const task_struct* task, unsigned cpu) {
    return task->cpus_allowed & cpu_bit(cpu);
}

/// Let the CPU of `rq` choose again as soon as it can. Another CPU's needs an interrupt besides.
inline void resched(RunQueue& rq) {
    rq.curr->work.set(kWorkResched);
    if (rq.cpu != this_cpu_number()) send_reschedule(rq.cpu);
}

inline void enqueue(RunQueue& rq, task_struct* task, bool wakeup) {
    BUG_ON(task->se.on_rq);
    task->se.on_rq = true;
    task->se.queued_since = ktime_get_ns();
    task->sched_class->enqueue(rq, task, wakeup);
    __atomic_store_n(&rq.nr_running, rq.nr_running + 1, __ATOMIC_RELAXED);
}

inline void dequeue(RunQueue& rq, task_struct* task) {
    BUG_ON(!task->se.on_rq);
    task->se.on_rq = false;
    task->sched_class->dequeue(rq, task);
    __atomic_store_n(&rq.nr_running, rq.nr_running - 1, __ATOMIC_RELAXED);
}

/// `woken` has come into the queue: should it run at once?
inline void check_preempt(RunQueue& rq, task_struct* woken) {
    task_struct* running = rq.curr;
    const bool better =
        running == rq.idle || (woken->sched_class != running->sched_class
                                   ? (woken->sched_class == &rt_sched_class) != rq.rt.throttled
                                   : woken->sched_class->preempts(rq, woken, running));
    if (better) resched(rq);
}

/// `task`, which belongs to `from` but neither waits nor runs there, will belong to `cpu`. False if it does already;
/// else its queue is another from now on, whose lock is to be taken.
inline bool move_to(const RunQueue& from, task_struct* task, unsigned cpu) {
    if (cpu == from.cpu) return false;
    task->se.nr_migrations++;
    __atomic_store_n(&task->cpu, cpu, __ATOMIC_RELEASE);
    return true;
}

/// Without a lock: put `task`, which is runnable and in no queue, into that of its CPU or of another that it may use.
void queue_where_allowed(task_struct* task);
