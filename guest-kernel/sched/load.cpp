// The load average (uptime(1)): an exponential mean of the number of runnable and uninterruptible tasks.
//
// Guarantees: Linux's fixed-point arithmetic (11 bits), one sample every five seconds.
#include "sched/load.h"

#include "sched/sched.h"
#include "task/pid.h"
#include "time/tick.h"

namespace {

constexpr u64 kFixed1 = 1 << 11;
constexpr u64 kDecay[3] = {1884, 2014, 2037};  // exp(-5 s / 1, 5, 15 min)
constexpr u64 kSampleNs = 5 * kNsPerSec;
Timer sampler;
u64 averages[3];

void sample(Timer* timer) {
    u64 active = sched_totals().nr_running;
    const auto table = task_table.lock();
    for (const task_struct& task : table->list) active += (task.state & TASK_UNINTERRUPTIBLE) != 0;
    active *= kFixed1;
    for (int i = 0; i < 3; i++) {
        u64& load = averages[i];
        u64 fresh = load * kDecay[i] + active * (kFixed1 - kDecay[i]);
        if (active >= load) fresh += kFixed1 - 1;
        load = fresh / kFixed1;
    }
    timer_start(timer, timer->expires + kSampleNs);
}

}  // namespace

u64 load_average(unsigned which) {
    return averages[which];
}

void load_init() {
    sampler.function = sample;
    timer_start(&sampler, kSampleNs);
}
