// The system-wide files of /proc.
#include "arch/x86_64/cpu.h"
#include "core/cmdline.h"
#include "fs/chrdev.h"
#include "fs/proc/proc.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs.h"
#include "ipc/ipc.h"
#include "mm/page.h"
#include "sched/load.h"
#include "sched/sched.h"
#include "task/pid.h"
#include "task/uts.h"
#include "time/clock.h"
#include "time/clocksource.h"
#include "time/tick.h"

namespace {

using ull = unsigned long long;

Result<void> show_meminfo(KString& out) {
    const MemoryCounts m = memory_counts();
    const u64 kb = kPageSize / 1024;
    const u64 shmem = __atomic_load_n(&tmpfs_total_pages, __ATOMIC_RELAXED);
    // Only what this kernel has: lines about swap, dirty pages and huge pages come with those.
    const struct {
        const char* name;
        u64 value;
    } rows[] = {
        {"MemTotal:", m.total * kb},
        {"MemFree:", m.free * kb},
        {"MemAvailable:", m.free * kb},
        {"Buffers:", 0},
        {"Cached:", shmem * kb},
        {"SwapCached:", 0},
        {"SwapTotal:", 0},
        {"SwapFree:", 0},
        {"AnonPages:", m.anon * kb},
        {"Shmem:", shmem * kb},
        {"Slab:", m.slab * kb},
        {"KernelStack:", m.kernel_stack * kb},
        {"PageTables:", m.page_tables * kb},
    };
    for (const auto& row : rows) TRY(out.appendf("%-15s %8llu kB\n", row.name, static_cast<ull>(row.value)));
    return {};
}

Result<void> show_vmstat(KString& out) {
    const MemoryCounts m = memory_counts();
    const u64 shmem = __atomic_load_n(&tmpfs_total_pages, __ATOMIC_RELAXED);
    // Pages, and the stacks' KiB. Again what this kernel has: no zones, no swap, no block devices.
    const struct {
        const char* name;
        u64 value;
    } rows[] = {
        {"nr_free_pages", m.free},
        {"nr_anon_pages", m.anon},
        {"nr_file_pages", shmem},
        {"nr_shmem", shmem},
        {"nr_kernel_stack", m.kernel_stack * (kPageSize / 1024)},
        {"nr_page_table_pages", m.page_tables},
    };
    for (const auto& row : rows) TRY(out.appendf("%s %llu\n", row.name, static_cast<ull>(row.value)));
    return {};
}

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
        TRY(line(label, run_queues.on(cpu)));
    }
    const u64 boot_time = (ktime_get_real_ns() - ktime_get_ns()) / kNsPerSec;
    return out.appendf("ctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n",
                       static_cast<ull>(totals.nr_switches), static_cast<ull>(boot_time),
                       static_cast<ull>(task_table.lock()->total_forks), totals.nr_running);
}

Result<void> show_version(KString& out) {
    return out.appendf("%s version %s (orrery) (%s) %s\n", init_uts.sysname, init_uts.release, __VERSION__,
                       init_uts.version);
}

struct FeatureName {
    u8 bit;
    const char* name;
};
constexpr FeatureName kEdx1[] = {{0, "fpu"},  {1, "vme"},    {2, "de"},       {3, "pse"},  {4, "tsc"},
                                 {5, "msr"},  {6, "pae"},    {7, "mce"},      {8, "cx8"},  {9, "apic"},
                                 {11, "sep"}, {12, "mtrr"},  {13, "pge"},     {14, "mca"}, {15, "cmov"},
                                 {16, "pat"}, {17, "pse36"}, {19, "clflush"}, {23, "mmx"}, {24, "fxsr"},
                                 {25, "sse"}, {26, "sse2"}};
constexpr FeatureName kExtEdx[] = {{11, "syscall"}, {20, "nx"}, {26, "pdpe1gb"}, {27, "rdtscp"}, {29, "lm"}};
constexpr FeatureName kEcx1[] = {
    {0, "pni"},     {1, "pclmulqdq"}, {9, "ssse3"},   {12, "fma"},    {13, "cx16"},      {17, "pcid"},
    {19, "sse4_1"}, {20, "sse4_2"},   {21, "x2apic"}, {22, "movbe"},  {23, "popcnt"},    {25, "aes"},
    {26, "xsave"},  {28, "avx"},      {29, "f16c"},   {30, "rdrand"}, {31, "hypervisor"}};
constexpr FeatureName kEbx7[] = {{3, "bmi1"}, {5, "avx2"}, {7, "smep"},
                                 {8, "bmi2"}, {9, "erms"}, {20, "smap"}};

template <size_t N>
Result<void> append_features(KString& out, const FeatureName (&names)[N], u32 word) {
    for (const FeatureName& f : names) {
        if (word >> f.bit & 1) TRY(out.appendf(" %s", f.name));
    }
    return {};
}

Result<void> show_cpuinfo(KString& out) {
    const CpuidResult zero = cpuid(0);
    const CpuidResult one = cpuid(1);
    char vendor[13] = {};
    memcpy(vendor, &zero.ebx, 4);
    memcpy(vendor + 4, &zero.edx, 4);
    memcpy(vendor + 8, &zero.ecx, 4);
    char model_name[49] = {};
    const u32 last_extended = cpuid(0x80000000).eax;
    for (u32 i = 0; i < 3 && last_extended >= 0x80000004; i++) {
        const CpuidResult part = cpuid(0x80000002 + i);
        memcpy(model_name + 16 * i, &part, 16);
    }
    const u32 base_family = one.eax >> 8 & 15;
    const u32 family = base_family == 15 ? base_family + (one.eax >> 20 & 255) : base_family;
    const u32 model =
        (one.eax >> 4 & 15) | (base_family == 6 || base_family == 15 ? (one.eax >> 16 & 15) << 4 : 0);
    TRY(out.appendf("processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", vendor, family,
                    model));
    TRY(out.appendf("model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %llu.%03llu\n", model_name, one.eax & 15,
                    static_cast<ull>(tsc_khz() / 1000), static_cast<ull>(tsc_khz() % 1000)));
    TRY(out.append("fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\nflags\t\t:"));
    TRY(append_features(out, kEdx1, one.edx));
    if (last_extended >= 0x80000001) TRY(append_features(out, kExtEdx, cpuid(0x80000001).edx));
    TRY(append_features(out, kEcx1, one.ecx));
    if (zero.eax >= 7) TRY(append_features(out, kEbx7, cpuid(7).ebx));
    return out.append("\n\n");
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
    return out.append("\nBlock devices:\n");
}

constexpr ProcEntry kSysvipc[] = {
    {"msg", S_IFREG | 0444, show_sysvipc_msg},
    {"sem", S_IFREG | 0444, show_sysvipc_sem},
    {"shm", S_IFREG | 0444, show_sysvipc_shm},
    {nullptr, 0},
};

}  // namespace

const ProcEntry kProcSystemEntries[] = {
    {"cmdline", S_IFREG | 0444, show_cmdline},
    {"cpuinfo", S_IFREG | 0444, show_cpuinfo},
    {"devices", S_IFREG | 0444, show_devices},
    {"filesystems", S_IFREG | 0444, show_filesystems},
    {"loadavg", S_IFREG | 0444, show_loadavg},
    {"meminfo", S_IFREG | 0444, show_meminfo},
    {"mounts", S_IFLNK | 0777, nullptr, nullptr, nullptr, "self/mounts"},
    {"stat", S_IFREG | 0444, show_stat},
    {"sys", S_IFDIR | 0555, nullptr, nullptr, kProcSysEntries},
    {"sysvipc", S_IFDIR | 0555, nullptr, nullptr, kSysvipc},
    {"uptime", S_IFREG | 0444, show_uptime},
    {"version", S_IFREG | 0444, show_version},
    {"vmstat", S_IFREG | 0444, show_vmstat},
    {nullptr, 0},
};
