// Two classic classes for ordinary tasks: round robin and first come, first served (Tanenbaum, "Modern
// Operating Systems", 2.4).
//
// Guarantees: rr: each task runs at most 20 ms, then goes to the back. fifo: a task runs until it sleeps,
// yields or ends: one busy program stops all others, which is the lesson.
#include "sched/sched.h"
#include "time/clock.h"

namespace {

constexpr u64 kQuantumNs = 20'000'000;

struct Fifo : SchedClass {
    constexpr explicit Fifo(const char* class_name) : SchedClass(class_name) {}
    void enqueue(RunQueue& rq, task_struct* task, bool) const override { rq.simple.push_back(task); }
    void dequeue(RunQueue& rq, task_struct* task) const override { rq.simple.remove(task); }
    task_struct* pick_next(RunQueue& rq) const override { return rq.simple.front(); }
    void account(RunQueue&, task_struct*, u64) const override {}
    bool tick(RunQueue&, task_struct*) const override { return false; }
    bool preempts(const RunQueue&, const task_struct*, const task_struct*) const override { return false; }
    void yield(RunQueue& rq, task_struct* task) const override { rq.simple.move_to_back(task); }
    u64 slice(const RunQueue&, const task_struct*) const override { return 0; }
    task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const override {
        return rq.simple.find_movable(rq, cpu);
    }
};

struct RoundRobin final : Fifo {
    constexpr RoundRobin() : Fifo("rr") {}
    u64 slice(const RunQueue&, const task_struct*) const override { return kQuantumNs; }
    bool tick(RunQueue& rq, task_struct* task) const override {
        const u64 now = ktime_get_ns();
        if (rq.simple.has_one() || now - task->se.slice_start < kQuantumNs) return false;
        task->se.slice_start = now;
        rq.simple.move_to_back(task);
        return true;
    }
};

Fifo fifo("fifo");
RoundRobin rr;

}  // namespace

const SchedClass& fifo_sched_class = fifo;
const SchedClass& rr_sched_class = rr;
