// The multi-level feedback queue (Corbató 1962; Arpaci-Dusseau, "Operating Systems: Three Easy Pieces",
// chapter 8).
//
// Guarantees: a new task starts at the top level; one that uses up its level's allotment sinks one level;
// every second all tasks return to the top, so nobody starves. Within a level: round robin.
#include "sched/sched.h"
#include "time/clock.h"

namespace {

constexpr u32 kLevels = MlfqQueue::kLevels;
constexpr u64 kAllotmentNs[kLevels] = {8'000'000, 16'000'000, 32'000'000, 64'000'000};
constexpr u64 kBoostNs = 1'000'000'000;

struct Mlfq final : SchedClass {
    constexpr Mlfq() : SchedClass("mlfq") {}

    void enqueue(RunQueue& rq, task_struct* task, bool wakeup) const override {
        if (!wakeup) {
            task->se.mlfq_level = 0;
            task->se.vruntime = 0;
        }
        rq.mlfq.levels[task->se.mlfq_level].push_back(task);
    }
    void dequeue(RunQueue& rq, task_struct* task) const override {
        rq.mlfq.levels[task->se.mlfq_level].remove(task);
    }
    task_struct* pick_next(RunQueue& rq) const override {
        for (const RunList& level : rq.mlfq.levels) {
            if (task_struct* task = level.front()) return task;
        }
        return nullptr;
    }
    /// Here se.vruntime is the time used at the present level.
    void account(RunQueue&, task_struct* task, u64 ns) const override { task->se.vruntime += ns; }
    bool tick(RunQueue& rq, task_struct* task) const override {
        const u64 now = ktime_get_ns();
        if (now - rq.mlfq.last_boost >= kBoostNs) boost(rq.mlfq, now);
        if (task->se.vruntime < kAllotmentNs[task->se.mlfq_level]) return pick_next(rq) != task;
        task->se.vruntime = 0;
        rq.mlfq.levels[task->se.mlfq_level].remove(task);
        if (task->se.mlfq_level + 1 < kLevels) task->se.mlfq_level++;
        rq.mlfq.levels[task->se.mlfq_level].push_back(task);
        return pick_next(rq) != task;
    }
    bool preempts(const RunQueue&, const task_struct* woken, const task_struct* running) const override {
        return woken->se.mlfq_level < running->se.mlfq_level;
    }
    void yield(RunQueue& rq, task_struct* task) const override {
        rq.mlfq.levels[task->se.mlfq_level].move_to_back(task);
    }
    u64 slice(const RunQueue&, const task_struct* task) const override {
        return kAllotmentNs[task->se.mlfq_level];
    }
    task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const override {
        for (const RunList& level : rq.mlfq.levels) {
            if (task_struct* task = level.find_movable(rq, cpu)) return task;
        }
        return nullptr;
    }

  private:
    static void boost(MlfqQueue& q, u64 now) {
        q.last_boost = now;
        for (u32 level = 1; level < kLevels; level++) {
            while (task_struct* task = q.levels[level].front()) {
                q.levels[level].remove(task);
                task->se.mlfq_level = 0;
                task->se.vruntime = 0;
                q.levels[0].push_back(task);
            }
        }
    }
};

Mlfq mlfq;

}  // namespace

const SchedClass& mlfq_sched_class = mlfq;
