// The fair class: the runnable task with the smallest virtual run time runs (after Linux's CFS, 2007).
//
// Guarantees: CPU time is shared in proportion to weight. A woken task starts at most half a period behind
// the others, so that sleepers are served soon but cannot hoard. Queue: a list sorted by vruntime.
#include "sched/run_list.h"
#include "time/clock.h"

namespace {

constexpr u64 kLatencyNs = 12'000'000;        // every runnable task runs once in this time
constexpr u64 kMinGranularityNs = 1'500'000;  // but at least this long
constexpr u64 kWakeupGranularityNs = 2'000'000;

ListNode queue;  // sorted by vruntime, smallest first
u64 min_vruntime = 0;
u32 queued = 0;

struct Fair final : SchedClass {
    constexpr Fair() : SchedClass("fair") {}

    void enqueue(task_struct* task, bool wakeup) const override {
        const u64 floor = wakeup ? min_vruntime - min(min_vruntime, kLatencyNs / 2) : min_vruntime;
        task->se.vruntime = max(task->se.vruntime, floor);
        insert(task);
        queued++;
    }
    void dequeue(task_struct* task) const override {
        task->se.run_node.remove();
        queued--;
    }
    task_struct* pick_next() const override {
        return queue.linked() ? task_of_run_node(queue.next) : nullptr;
    }
    void account(task_struct* task, u64 ns) const override {
        task->se.vruntime += ns * 1024 / task->se.weight;
        if (task->se.on_rq) {
            task->se.run_node.remove();
            insert(task);
        }
        if (queue.linked()) min_vruntime = max(min_vruntime, task_of_run_node(queue.next)->se.vruntime);
    }
    bool tick(task_struct* task) const override {
        if (queued < 2) return false;
        const u64 slice = max(kLatencyNs / queued, kMinGranularityNs);
        const bool used_up = ktime_get_ns() - task->se.slice_start >= slice;
        return used_up && task_of_run_node(queue.next) != task;
    }
    bool preempts(const task_struct* woken, const task_struct* running) const override {
        return running->se.vruntime > woken->se.vruntime + kWakeupGranularityNs * 1024 / woken->se.weight;
    }
    void yield(task_struct* task) const override {
        ListNode* last = queue.prev;
        if (task_of_run_node(last) == task) return;
        task->se.vruntime = max(task->se.vruntime, task_of_run_node(last)->se.vruntime);
        task->se.run_node.remove();
        insert(task);
    }

  private:
    static void insert(task_struct* task) {
        ListNode* after = queue.prev;
        while (after != &queue && task_of_run_node(after)->se.vruntime > task->se.vruntime)
            after = after->prev;
        task->se.run_node.insert_before(after->next);
    }
};

Fair fair;

}  // namespace

const SchedClass& fair_sched_class = fair;
