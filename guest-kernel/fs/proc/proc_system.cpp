// The system-wide files of /proc.
#include "fs/proc/proc_system.h"

#include "block/block_registry.h"
#include "core/cmdline.h"
#include "drivers/pci/pci_bus.h"
#include "fs/chrdev.h"
#include "fs/proc/proc_memory.h"
#include "fs/vfs.h"
#include "ipc/ipc.h"
#include "mm/swap.h"
#include "sched/load.h"
#include "sched/sched.h"
#include "task/pid.h"
#include "task/uts.h"
#include "time/clock.h"
#include "time/clocksource.h"
#include "time/tick.h"

namespace {

using ull = unsigned long long;

Result<void> show_uptime(KString& out) {
    const u64 up = ktime_get_ns() / 10'000'000;
    const u64 idle = sched_totals().idle_ns / 10'000'000;
    return out.appendf("%llu.%02llu %llu.%02llu\n", static_cast<ull>(up / 100), static_cast<ull>(up % 100),
                       static_cast<ull>(idle / 100), static_cast<ull>(idle % 100));
}

Result<void> show_loadavg(KString& out) {
    for (unsigned i = 0; i < 3; i++) {
        const u64 rounded = load_average(i) + (1 << 11) / 200;
        TRY(out.appendf("%llu.%02llu ", static_cast<ull>(rounded >> 11),
                        static_cast<ull>((rounded & 0x7ff) * 100 >> 11)));
    }
    const u32 running = sched_totals().nr_running;
    const auto [threads, last_pid] =
        task_table.with([](TaskTable& t) { return std::pair(t.nr_threads, t.last_pid); });
    return out.appendf("%u/%u %d\n", running, threads, last_pid);
}

Result<void> show_stat(KString& out) {
    const u64 tick = kNsPerSec / kUserHz;
    const SchedTotals totals = sched_totals();
    const auto line = [&](const char* label, const auto& cpu) {
        return out.appendf("%s %llu %llu %llu %llu 0 0 0 0 0 0\n", label,
                           static_cast<ull>(cpu.user_ns / tick), static_cast<ull>(cpu.nice_ns / tick),
                           static_cast<ull>(cpu.system_ns / tick), static_cast<ull>(cpu.idle_ns / tick));
    };
    TRY(line("cpu ", totals));
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        char label[8];
        snprintf(label, sizeof(label), "cpu%u", cpu);
        TRY(line(label, sched_totals_of(cpu)));
    }
    TRY(show_stat_intr(out));
    const u64 boot_time = (ktime_get_real_ns() - ktime_get_ns()) / kNsPerSec;
    return out.appendf(
        "ctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n"
        "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
        static_cast<ull>(totals.nr_switches), static_cast<ull>(boot_time),
        static_cast<ull>(task_table.lock()->total_forks), totals.nr_running);
}

Result<void> show_version(KString& out) {
    return out.appendf("%s version %s (orrery) (%s) %s\n", init_uts.sysname, init_uts.release, __VERSION__,
                       init_uts.version);
}

Result<void> show_cmdline(KString& out) {
    return out.appendf("%s\n", saved_command_line);
}

Result<void> show_filesystems(KString& out) {
    for (FileSystemType* t = first_filesystem(); t; t = t->next) {
        TRY(out.appendf("%s\t%s\n", t->nodev ? "nodev" : "", t->name));
    }
    return {};
}

Result<void> show_devices(KString& out) {
    TRY(out.append("Character devices:\n"));
    u32 last_major = ~0u;
    for (CharDevice* d = first_chrdev(); d; d = d->next) {
        if (d->major != last_major) TRY(out.appendf("%3u %s\n", d->major, d->name));
        last_major = d->major;
    }
    TRY(out.append("\nBlock devices:\n"));
    for (BlockMajor* m = first_blkdev(); m; m = m->next) TRY(out.appendf("%3u %s\n", m->major, m->name));
    return {};
}

constexpr ProcEntry kSysvipc[] = {
    {"msg", S_IFREG | 0444, show_sysvipc_msg},
    {"sem", S_IFREG | 0444, show_sysvipc_sem},
    {"shm", S_IFREG | 0444, show_sysvipc_shm},
    {nullptr, 0},
};

constexpr ProcEntry kBusPci[] = {
    {"devices", S_IFREG | 0444, show_proc_pci},
    {nullptr, 0},
};
constexpr ProcEntry kBus[] = {
    {"pci", S_IFDIR | 0555, nullptr, nullptr, kBusPci},
    {nullptr, 0},
};

}  // namespace

const ProcEntry kProcSystemEntries[] = {
    {"buddyinfo", S_IFREG | 0444, show_buddyinfo},
    {"bus", S_IFDIR | 0555, nullptr, nullptr, kBus},
    {"cmdline", S_IFREG | 0444, show_cmdline},
    {"cpuinfo", S_IFREG | 0444, show_cpuinfo},
    {"consoles", S_IFREG | 0444, show_consoles},
    {"devices", S_IFREG | 0444, show_devices},
    {"diskstats", S_IFREG | 0444, show_diskstats},
    {"execdomains", S_IFREG | 0444, show_execdomains},
    {"filesystems", S_IFREG | 0444, show_filesystems},
    {"interrupts", S_IFREG | 0444, show_interrupts},
    {"iomem", S_IFREG | 0444, show_iomem},
    {"ioports", S_IFREG | 0444, show_ioports},
    {"kpagecount", S_IFREG | 0400, nullptr, nullptr, nullptr, nullptr, open_kpagecount},
    {"kpageflags", S_IFREG | 0400, nullptr, nullptr, nullptr, nullptr, open_kpageflags},
    {"loadavg", S_IFREG | 0444, show_loadavg},
    {"meminfo", S_IFREG | 0444, show_meminfo},
    {"modules", S_IFREG | 0444, show_modules},
    {"mounts", S_IFLNK | 0777, nullptr, nullptr, nullptr, "self/mounts"},
    {"pagetypeinfo", S_IFREG | 0400, show_pagetypeinfo},
    {"partitions", S_IFREG | 0444, show_partitions},
    {"schedstat", S_IFREG | 0444, show_schedstat},
    {"slabinfo", S_IFREG | 0400, show_slabinfo},
    {"softirqs", S_IFREG | 0444, show_softirqs},
    {"stat", S_IFREG | 0444, show_stat},
    {"sys", S_IFDIR | 0555, nullptr, nullptr, kProcSysEntries},
    {"sysvipc", S_IFDIR | 0555, nullptr, nullptr, kSysvipc},
    {"tty", S_IFDIR | 0555, nullptr, nullptr, kProcTtyEntries},
    {"uptime", S_IFREG | 0444, show_uptime},
    {"version", S_IFREG | 0444, show_version},
    {"swaps", S_IFREG | 0444, show_swaps},
    {"vmstat", S_IFREG | 0444, show_vmstat},
    {"zoneinfo", S_IFREG | 0444, show_zoneinfo},
    {nullptr, 0},
};
