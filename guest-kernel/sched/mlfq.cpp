// The multi-level feedback queue (Corbató 1962; Arpaci-Dusseau, "Operating Systems: Three Easy Pieces",
// chapter 8).
//
// Guarantees: a new task starts at the top level; one that uses up its level's allotment sinks one level;
// every second all tasks return to the top, so nobody starves. Within a level: round robin.
#include "sched/run_list.h"
#include "time/clock.h"

namespace {

constexpr u32 kLevels = 4;
constexpr u64 kAllotmentNs[kLevels] = {8'000'000, 16'000'000, 32'000'000, 64'000'000};
constexpr u64 kBoostNs = 1'000'000'000;

RunList levels[kLevels];
u64 last_boost = 0;

struct Mlfq final : SchedClass {
    constexpr Mlfq() : SchedClass("mlfq") {}

    void enqueue(task_struct* task, bool wakeup) const override {
        if (!wakeup) {
            task->se.mlfq_level = 0;
            task->se.vruntime = 0;
        }
        levels[task->se.mlfq_level].push_back(task);
    }
    void dequeue(task_struct* task) const override { levels[task->se.mlfq_level].remove(task); }
    task_struct* pick_next() const override {
        for (const RunList& level : levels) {
            if (task_struct* task = level.front()) return task;
        }
        return nullptr;
    }
    /// Here se.vruntime is the time used at the present level.
    void account(task_struct* task, u64 ns) const override { task->se.vruntime += ns; }
    bool tick(task_struct* task) const override {
        const u64 now = ktime_get_ns();
        if (now - last_boost >= kBoostNs) boost(now);
        if (task->se.vruntime < kAllotmentNs[task->se.mlfq_level]) return pick_next() != task;
        task->se.vruntime = 0;
        levels[task->se.mlfq_level].remove(task);
        if (task->se.mlfq_level + 1 < kLevels) task->se.mlfq_level++;
        levels[task->se.mlfq_level].push_back(task);
        return pick_next() != task;
    }
    bool preempts(const task_struct* woken, const task_struct* running) const override {
        return woken->se.mlfq_level < running->se.mlfq_level;
    }
    void yield(task_struct* task) const override { levels[task->se.mlfq_level].move_to_back(task); }

  private:
    static void boost(u64 now) {
        last_boost = now;
        for (u32 level = 1; level < kLevels; level++) {
            while (task_struct* task = levels[level].front()) {
                levels[level].remove(task);
                task->se.mlfq_level = 0;
                task->se.vruntime = 0;
                levels[0].push_back(task);
            }
        }
    }
};

Mlfq mlfq;

}  // namespace

const SchedClass& mlfq_sched_class = mlfq;
