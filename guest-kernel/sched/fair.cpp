// The fair class: EEVDF (sched/eevdf.h) on tasks.
//
// Guarantees: CPU time is shared in proportion to weight. A slice, once begun, is finished unless its task sleeps or has
// had more than its share.
#include "sched/eevdf.h"
#include "sched/sched.h"

namespace {

task_struct* task_of(EevdfEntity* e) {
    if (!e) return nullptr;
    return reinterpret_cast<task_struct*>(reinterpret_cast<u8*>(e) - offsetof(task_struct, se) -
                                          offsetof(sched_entity, fair));
}

struct Fair final : SchedClass {
    constexpr Fair() : SchedClass("fair") {}

    void enqueue(RunQueue& rq, task_struct* task, bool) const override {
        task->se.fair.weight = task->se.weight;
        rq.fair.queue.enqueue(task->se.fair);
    }
    void dequeue(RunQueue& rq, task_struct* task) const override { rq.fair.queue.dequeue(task->se.fair); }
    task_struct* pick_next(RunQueue& rq) const override {
        EevdfEntity* running = rq.fair.slice_over ? nullptr : &rq.curr->se.fair;
        rq.fair.slice_over = false;
        return task_of(rq.fair.queue.pick(running));
    }
    void account(RunQueue& rq, task_struct* task, u64 ns) const override {
        if (rq.fair.queue.account(task->se.fair, ns)) rq.fair.slice_over = true;
    }
    bool tick(RunQueue& rq, task_struct*) const override {
        return rq.fair.slice_over && rq.fair.queue.count() > 1;
    }
    bool preempts(const RunQueue& rq, const task_struct* woken, const task_struct* running) const override {
        if (woken->policy != SCHED_IDLE && running->policy == SCHED_IDLE) return true;
        if (woken->policy == SCHED_IDLE || woken->policy == SCHED_BATCH) return false;
        EevdfEntity* now = rq.fair.slice_over ? nullptr : const_cast<EevdfEntity*>(&running->se.fair);
        return rq.fair.queue.pick(now) == &woken->se.fair;
    }
    void yield(RunQueue& rq, task_struct* task) const override {
        rq.fair.queue.yield(task->se.fair);
        rq.fair.slice_over = true;
    }
    /// As on Linux none where no ordinary task is runnable: there is nothing to share.
    u64 slice(const RunQueue& rq, const task_struct*) const override {
        return rq.fair.queue.count() > 0 ? EevdfQueue::kSliceNs : 0;
    }
    task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const override {
        for (EevdfEntity* e = rq.fair.queue.first(); e; e = EevdfQueue::next(e)) {
            if (may_move(rq, task_of(e), cpu)) return task_of(e);
        }
        return nullptr;
    }
};

Fair fair;

}  // namespace

const SchedClass& fair_sched_class = fair;
