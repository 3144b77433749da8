// Smaller files of /proc: schedstat, consoles, execdomains, modules, tty/ (proc(5); Linux, Documentation/scheduler/
// sched-stats.rst).
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

// Version 15. Of the first six numbers of a CPU (how schedule() was called) only the third is counted: switches.
Result<void> show_schedstat(KString& out) {
    TRY(out.appendf("version 15\ntimestamp %llu\n", static_cast<ull>(jiffies())));
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        const RunQueue& rq = run_queues.on(cpu);
        TRY(out.appendf("cpu%u 0 0 %llu 0 0 0 %llu %llu %llu\n", cpu, static_cast<ull>(rq.nr_switches),
                        static_cast<ull>(rq.user_ns + rq.system_ns + rq.nice_ns),
                        static_cast<ull>(rq.run_delay), static_cast<ull>(rq.turns)));
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
