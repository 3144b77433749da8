// Smaller files of /proc: schedstat, consoles, execdomains, modules, tty/ (proc(5); Linux, Documentation/scheduler/
// sched-stats.rst).
#include "arch/x86_64/smp.h"
#include "fs/proc/proc_system.h"
#include "sched/sched.h"
#include "time/tick.h"
#include "tty/console.h"
#include "tty/pty.h"

namespace {

using ull = unsigned long long;

Result<void> show_tty_drivers(KString& out) {
    TRY(
        out.append("/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
                   "/dev/console         /dev/console    5       1 system:console\n"
                   "/dev/ptmx            /dev/ptmx       5       2 system\n"));
    unsigned first = ~0u, last = 0;
    for (size_t i = 0; const tty_struct* tty = registered_terminal(i); i++) {
        if (dev_major(tty->number) != 4) continue;
        first = min(first, dev_minor(tty->number));
        last = max(last, dev_minor(tty->number));
    }
    if (first == last) TRY(out.appendf("serial               /dev/ttyS       4 %u serial\n", first));
    if (first < last) TRY(out.appendf("serial               /dev/ttyS       4 %u-%u serial\n", first, last));
    return out.appendf("pty_slave            /dev/pts      136 0-%u pty:slave\n", kPtyCount - 1);
}
Result<void> show_ldiscs(KString& out) {
    return out.append("n_tty       0\n");
}
constexpr ProcEntry kTtyDriver[] = {{nullptr, 0}};

}  // namespace

const ProcEntry kProcTtyEntries[] = {
    {"driver", S_IFDIR | 0555, nullptr, nullptr, kTtyDriver},
    {"drivers", S_IFREG | 0444, show_tty_drivers},
    {"ldiscs", S_IFREG | 0444, show_ldiscs},
    {nullptr, 0},
};

// The one domain of a CPU, if there are several: who is in it; for each occasion how often, balanced, failed, imbalance,
// gained, then kinds that this balancer does not know; twelve numbers of its active and wake-up balancing, which has none.
Result<void> show_domain(KString& out, const RunQueue& rq) {
    TRY(out.appendf("domain0 %llx", static_cast<ull>(online_mask())));
    for (const BalanceCounts& c : rq.balance) {
        TRY(out.appendf(" %llu %llu %llu %llu %llu 0 0 %llu", static_cast<ull>(c.looks),
                        static_cast<ull>(c.balanced), static_cast<ull>(c.failed),
                        static_cast<ull>(c.imbalance), static_cast<ull>(c.gained),
                        static_cast<ull>(c.balanced)));
    }
    return out.append(" 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

// Version 15, as Linux 6.1 (Documentation/scheduler/sched-stats.rst).
Result<void> show_schedstat(KString& out) {
    TRY(out.appendf("version 15\ntimestamp %llu\n", static_cast<ull>(jiffies())));
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        const RunQueue& rq = run_queues.on(cpu);
        TRY(out.appendf("cpu%u %llu 0 %llu %llu %llu %llu %llu %llu %llu\n", cpu,
                        static_cast<ull>(rq.nr_yields), static_cast<ull>(rq.nr_schedules),
                        static_cast<ull>(rq.nr_goidle), static_cast<ull>(rq.nr_wakeups),
                        static_cast<ull>(rq.nr_wakeups_local), static_cast<ull>(rq.busy_ns),
                        static_cast<ull>(rq.run_delay), static_cast<ull>(rq.turns)));
        if (online_cpus > 1) TRY(show_domain(out, rq));
    }
    return {};
}

// printk's console: it can write, is enabled, /dev/console, and works before all else.
Result<void> show_consoles(KString& out) {
    const tty_struct* tty = registered_terminal(0);
    if (!tty) return {};
    return out.appendf("%-20s -W- (EC p  )  %3u:%u\n", tty->name.c_str(), dev_major(tty->number),
                       dev_minor(tty->number));
}

Result<void> show_execdomains(KString& out) {
    return out.append("0-0\tLinux           \t[kernel]\n");
}

// None: all there is was linked in.
Result<void> show_modules(KString&) {
    return {};
}
