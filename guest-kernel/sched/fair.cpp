// The fair class: the runnable task with the smallest virtual run time runs (after Linux's CFS, 2007).
//
// Guarantees: CPU time is shared in proportion to weight. A woken task starts at most half a period behind
// the others, so that sleepers are served soon but cannot hoard. Queue: a list sorted by vruntime.
#include "sched/sched.h"
#include "time/clock.h"

namespace {

constexpr u64 kLatencyNs = 12'000'000;        // every runnable task runs once in this time
constexpr u64 kMinGranularityNs = 1'500'000;  // but at least this long
constexpr u64 kWakeupGranularityNs = 2'000'000;

struct Fair final : SchedClass {
    constexpr Fair() : SchedClass("fair") {}

    void enqueue(RunQueue& rq, task_struct* task, bool wakeup) const override {
        const u64 floor =
            wakeup ? rq.fair.min_vruntime - min(rq.fair.min_vruntime, kLatencyNs / 2) : rq.fair.min_vruntime;
        task->se.vruntime = max(task->se.vruntime, floor);
        insert(rq.fair, task);
        rq.fair.count++;
    }
    void dequeue(RunQueue& rq, task_struct* task) const override {
        task->se.run_node.remove();
        rq.fair.count--;
    }
    task_struct* pick_next(RunQueue& rq) const override {
        return rq.fair.tasks.linked() ? task_of_run_node(rq.fair.tasks.next) : nullptr;
    }
    void account(RunQueue& rq, task_struct* task, u64 ns) const override {
        task->se.vruntime += ns * 1024 / task->se.weight;
        if (task->se.on_rq) {
            task->se.run_node.remove();
            insert(rq.fair, task);
        }
        if (rq.fair.tasks.linked())
            rq.fair.min_vruntime =
                max(rq.fair.min_vruntime, task_of_run_node(rq.fair.tasks.next)->se.vruntime);
    }
    bool tick(RunQueue& rq, task_struct* task) const override {
        if (rq.fair.count < 2) return false;
        const u64 slice = max(kLatencyNs / rq.fair.count, kMinGranularityNs);
        const bool used_up = ktime_get_ns() - task->se.slice_start >= slice;
        return used_up && task_of_run_node(rq.fair.tasks.next) != task;
    }
    bool preempts(const task_struct* woken, const task_struct* running) const override {
        return running->se.vruntime > woken->se.vruntime + kWakeupGranularityNs * 1024 / woken->se.weight;
    }
    void yield(RunQueue& rq, task_struct* task) const override {
        ListNode* last = rq.fair.tasks.prev;
        if (task_of_run_node(last) == task) return;
        task->se.vruntime = max(task->se.vruntime, task_of_run_node(last)->se.vruntime);
        task->se.run_node.remove();
        insert(rq.fair, task);
    }

    task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const override {
        for (ListNode* n = rq.fair.tasks.next; n != &rq.fair.tasks; n = n->next) {
            if (may_move(rq, task_of_run_node(n), cpu)) return task_of_run_node(n);
        }
        return nullptr;
    }
    /// What counts is how far the task is ahead of the others of its queue.
    void migrate(const RunQueue& from, const RunQueue& to, task_struct* task) const override {
        const u64 base = __atomic_load_n(&to.fair.min_vruntime, __ATOMIC_RELAXED);
        const u64 lead = task->se.vruntime - min(task->se.vruntime, from.fair.min_vruntime);
        const u64 lag = from.fair.min_vruntime - min(task->se.vruntime, from.fair.min_vruntime);
        task->se.vruntime = base + lead - min(base, lag);
    }

  private:
    static void insert(FairQueue& q, task_struct* task) {
        ListNode* after = q.tasks.prev;
        while (after != &q.tasks && task_of_run_node(after)->se.vruntime > task->se.vruntime)
            after = after->prev;
        task->se.run_node.insert_before(after->next);
    }
};

Fair fair;

}  // namespace

const SchedClass& fair_sched_class = fair;
