// Placement and load balancing (sched/balance.h).
//
// Guarantees: as in the header. Only one run queue is locked at a time: a task that moves is in no queue between two
// locks, still runnable, so that nobody wakes it.
#include "sched/balance.h"

#include "sched/run_queue.h"

namespace {

constexpr u32 kBalanceTicks = 4;

u32 load_of(unsigned cpu) {
    return __atomic_load_n(&run_queues.on(cpu).nr_running, __ATOMIC_RELAXED);
}
u32 urgency_of(unsigned cpu) {
    return __atomic_load_n(&run_queues.on(cpu).curr_rt_priority, __ATOMIC_RELAXED);
}

/// Where it may run. Its own CPUs may all be asleep (maxcpus=): then anywhere, as on Linux.
u64 usable_cpus(const task_struct* task) {
    const u64 mask = task->cpus_allowed & online_mask();
    return mask ? mask : online_mask();
}

/// The CPU of `mask` for which cost(cpu) is smallest, `first` before others that are equal.
template <class F>
unsigned cheapest(u64 mask, unsigned first, F cost) {
    unsigned best = mask & cpu_bit(first) ? first : static_cast<unsigned>(__builtin_ctzll(mask));
    for (u64 left = mask; left; left &= left - 1) {
        const unsigned cpu = static_cast<unsigned>(__builtin_ctzll(left));
        if (cost(cpu) < cost(best)) best = cpu;
    }
    return best;
}

/// A task that waits on `from` and may run here, taken out of the queue and given to this CPU.
task_struct* take_from(unsigned from) {
    RunQueue& rq = run_queues.on(from);
    const unsigned here = this_cpu_number();
    IrqGuard guard(rq.lock);
    task_struct* task = rt_sched_class.waiting_for(rq, here);
    if (!task) task = normal_sched_class->waiting_for(rq, here);
    if (!task) return nullptr;
    dequeue(rq, task);
    move_to(rq, task, here);
    return task;
}

/// From the CPU that has most, if it has two more than this one.
bool pull_from_busiest(BalanceKind kind) {
    const unsigned here = this_cpu_number();
    BalanceCounts& counts = this_rq().balance[static_cast<size_t>(kind)];
    counts.looks++;
    bool wanted = false;
    u64 others = online_mask() & ~cpu_bit(here);
    while (others) {
        const unsigned busiest = cheapest(others, here, [](unsigned cpu) { return ~load_of(cpu); });
        if (load_of(busiest) < load_of(here) + 2) break;
        if (!wanted) counts.imbalance++;
        wanted = true;
        if (task_struct* task = take_from(busiest)) {
            queue_where_allowed(task);
            counts.gained++;
            return true;
        }
        others &= ~cpu_bit(busiest);  // nobody there may run here
    }
    (wanted ? counts.failed : counts.balanced)++;
    return false;
}

}  // namespace

bool may_move(const RunQueue& rq, const task_struct* task, unsigned cpu) {
    return task != rq.curr && allowed_on(task, cpu);
}

unsigned select_cpu(const task_struct* task) {
    const u64 usable = usable_cpus(task);
    const unsigned last = task->cpu;
    if (usable & cpu_bit(last) && load_of(last) == 0) return last;
    const unsigned free = cheapest(usable, last, load_of);
    if (load_of(free) == 0) return free;
    if (task->sched_class == &rt_sched_class) return cheapest(usable, last, urgency_of);
    return usable & cpu_bit(last) ? last : free;
}

unsigned select_cpu_for_new(const task_struct* task) {
    return cheapest(usable_cpus(task), this_cpu_number(), load_of);
}

bool pull_task() {
    return pull_from_busiest(BalanceKind::kNewlyIdle);
}

void balance_at_tick(RunQueue& rq) {
    if (online_cpus == 1 || ++rq.ticks % kBalanceTicks) return;
    pull_from_busiest(rq.curr == rq.idle ? BalanceKind::kIdle : BalanceKind::kBusy);
    if (load_of(rq.cpu) < 2) return;
    // Somebody waits here: a CPU that sleeps has no tick to see it by.
    const unsigned free = cheapest(online_mask(), rq.cpu, load_of);
    if (load_of(free) == 0) send_reschedule(free);
}
