// Real-time tasks: SCHED_FIFO and SCHED_RR (sched(7)).
//
// Guarantees: the highest rt_priority (1-99) runs; among equals first come, first served, with a 100 ms turn
// for SCHED_RR. A task that was preempted stays at the head of its list. When real-time tasks have had sched_rt_runtime_us
// of a CPU's period of sched_rt_period_us, ordinary ones that wait come first for the rest of it.
#include "sched/sched.h"
#include "time/clock.h"

u32 sched_rt_period_us = 1'000'000;
i32 sched_rt_runtime_us = 950'000;

namespace {

constexpr u64 kRrTimesliceNs = 100'000'000;

struct Rt final : SchedClass {
    constexpr Rt() : SchedClass("rt") {}

    void enqueue(RunQueue& rq, task_struct* task, bool) const override {
        rq.rt.lists[task->rt_priority].push_back(task);
        rq.rt.bitmap[task->rt_priority / 64] |= 1ull << task->rt_priority % 64;
    }
    void dequeue(RunQueue& rq, task_struct* task) const override {
        rq.rt.lists[task->rt_priority].remove(task);
        if (!rq.rt.lists[task->rt_priority].front())
            rq.rt.bitmap[task->rt_priority / 64] &= ~(1ull << task->rt_priority % 64);
    }
    task_struct* pick_next(RunQueue& rq) const override {
        for (int word = 1; word >= 0; word--) {
            if (rq.rt.bitmap[word])
                return rq.rt.lists[word * 64 + 63 - __builtin_clzll(rq.rt.bitmap[word])].front();
        }
        return nullptr;
    }
    void account(RunQueue& rq, task_struct*, u64 ns) const override {
        rq.rt.used += ns;
        const i64 limit = __atomic_load_n(&sched_rt_runtime_us, __ATOMIC_RELAXED);
        rq.rt.throttled = limit >= 0 && rq.rt.used >= static_cast<u64>(limit) * 1000;
    }
    bool tick(RunQueue& rq, task_struct* task) const override {
        if (rq.rt.throttled && normal_sched_class->waiting_for(rq, rq.cpu)) return true;
        RunList& list = rq.rt.lists[task->rt_priority];
        const u64 now = ktime_get_ns();
        if (task->policy != SCHED_RR || list.has_one() || now - task->se.slice_start < kRrTimesliceNs)
            return false;
        task->se.slice_start = now;
        list.move_to_back(task);
        return true;
    }
    bool preempts(const RunQueue&, const task_struct* woken, const task_struct* running) const override {
        return woken->rt_priority > running->rt_priority;
    }
    void yield(RunQueue& rq, task_struct* task) const override {
        rq.rt.lists[task->rt_priority].move_to_back(task);
    }
    u64 slice(const RunQueue&, const task_struct* task) const override {
        return task->policy == SCHED_RR ? kRrTimesliceNs : 0;
    }
    task_struct* waiting_for(const RunQueue& rq, unsigned cpu) const override {
        for (int word = 1; word >= 0; word--) {
            for (u64 left = rq.rt.bitmap[word]; left;) {
                const int bit = 63 - __builtin_clzll(left);
                left &= ~(1ull << bit);
                if (task_struct* task = rq.rt.lists[word * 64 + bit].find_movable(rq, cpu)) return task;
            }
        }
        return nullptr;
    }
};

Rt rt;

}  // namespace

const SchedClass& rt_sched_class = rt;

bool rt_period_tick(RunQueue& rq) {
    const u64 now = ktime_get_ns();
    if (now - rq.rt.period_start < u64{__atomic_load_n(&sched_rt_period_us, __ATOMIC_RELAXED)} * 1000)
        return false;
    rq.rt.period_start = now;
    rq.rt.used = 0;
    const bool held = rq.rt.throttled && (rq.rt.bitmap[0] || rq.rt.bitmap[1]);
    rq.rt.throttled = false;
    return held;
}
