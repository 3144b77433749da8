// /proc/cpuinfo: each CPU that runs, from CPUID (Intel SDM vol. 2; the lines are Linux's, arch/x86/kernel/cpu/proc.c).
// Not there: the line "bugs", since this kernel works around none.
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/topology.h"
#include "fs/proc/proc_system.h"
#include "time/clocksource.h"

namespace {

using ull = unsigned long long;
constexpr u64 kCr4Fsgsbase = 1u << 16;

bool has_leaf(u32 leaf) {
    return leaf <= (leaf >> 31 ? cpuid(0x80000000).eax : boot_cpu_features.max_leaf);
}
bool has_topology_leaf() {
    return has_leaf(0xb) && cpuid(0xb).ebx != 0;
}
Result<void> append_flag(KString& out, const char* name, bool has) {
    return has ? out.appendf(" %s", name) : Result<void>();
}
bool has_flag(u32 leaf, u32 subleaf, u32 CpuidResult::*word, u32 bit) {
    return has_leaf(leaf) && cpuid(leaf, subleaf).*word >> bit & 1;
}

Result<void> append_flags(KString& out) {
#define CPU_FLAG(name, leaf, subleaf, word, bit) \
    TRY(append_flag(out, #name, has_flag(leaf, subleaf, &CpuidResult::word, bit)));
#define CPU_FLAG_IF(name, condition) TRY(append_flag(out, #name, condition));
#include "arch/x86_64/cpu_flags.def"
#undef CPU_FLAG
#undef CPU_FLAG_IF
    return {};
}

u64 last_level_cache_kib() {
    CacheInfo cache;
    u64 size = 0;
    for (unsigned i = 0; cache_info(i, &cache); i++) size = cache.size() / 1024;
    return size;
}

unsigned count_bits(u64 set) {
    unsigned n = 0;
    for (; set; set &= set - 1) n++;
    return n;
}

unsigned count_cores(unsigned cpu) {
    unsigned cores = 0;
    const u64 package = cpus_in_package(cpu);
    for (unsigned other = 0; other < online_cpus; other++) {
        const u64 core = cpus_in_core(other);
        // A core counts by its first thread.
        if (package >> other & 1 && (core & ((1ull << other) - 1)) == 0) cores++;
    }
    return cores;
}

Result<void> show_one(KString& out, unsigned cpu) {
    const CpuFeatures& f = boot_cpu_features;
    const ull khz = tsc_khz();
    TRY(out.appendf("processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n",
                    cpu, f.vendor, f.family, f.model, f.brand[0] ? f.brand : "unknown"));
    TRY(f.stepping ? out.appendf("stepping\t: %u\n", f.stepping) : out.append("stepping\t: unknown\n"));
    TRY(out.appendf("cpu MHz\t\t: %llu.%03llu\n", khz / 1000, khz % 1000));
    if (const u64 cache = last_level_cache_kib())
        TRY(out.appendf("cache size\t: %llu KB\n", static_cast<ull>(cache)));
    const CpuPlace place = place_of_cpu(cpu);
    TRY(out.appendf("physical id\t: %u\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n", place.package,
                    count_bits(cpus_in_package(cpu)), place.core, count_cores(cpu)));
    TRY(out.appendf("apicid\t\t: %u\ninitial apicid\t: %u\n", cpu_data[cpu].apic_id, cpu_data[cpu].apic_id));
    TRY(out.appendf("fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %d\nwp\t\t: yes\nflags\t\t:",
                    static_cast<int>(f.max_leaf)));
    TRY(append_flags(out));
    return out.appendf(
        "\nbogomips\t: %llu.%02llu\nclflush size\t: %u\ncache_alignment\t: %u\n"
        "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
        khz / 500, khz / 5 % 100, f.cache_line, f.cache_line, f.phys_bits, f.virt_bits);
}

}  // namespace

Result<void> show_cpuinfo(KString& out) {
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) TRY(show_one(out, cpu));
    return {};
}
