// CPU topology from CPUID (arch/x86_64/topology.h).
#include "arch/x86_64/topology.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"

namespace {

struct Shifts {
    u32 core = 0;     // APIC ID bits below: the thread
    u32 package = 0;  // below: core and thread
};

u32 bits_for(u32 count) {
    u32 bits = 0;
    while (1u << bits < count) bits++;
    return bits;
}

Shifts read_shifts() {
    Shifts s;
    if (boot_cpu_features.max_leaf >= 0xb && cpuid(0xb, 0).ebx != 0) {
        for (u32 level = 0;; level++) {
            const CpuidResult r = cpuid(0xb, level);
            const u32 kind = r.ecx >> 8 & 0xff;  // 1: SMT, 2: core
            if (kind == 0) break;
            if (kind == 1) s.core = r.eax & 31;
            s.package = r.eax & 31;
        }
        return s;
    }
    const CpuidResult one = cpuid(1);
    if (one.edx >> 28 & 1) s.package = bits_for(one.ebx >> 16 & 0xff);
    return s;
}

const Shifts& shifts() {
    static Shifts found;
    static bool read = false;  // by the first caller, at boot
    if (!read) found = read_shifts();
    read = true;
    return found;
}

u64 cpus_alike(unsigned cpu, u32 shift) {
    u64 set = 0;
    for (unsigned other = 0; other < online_cpus; other++) {
        if (cpu_data[other].apic_id >> shift == cpu_data[cpu].apic_id >> shift) set |= 1ull << other;
    }
    return set;
}

}  // namespace

CpuPlace place_of_cpu(unsigned cpu) {
    const Shifts& s = shifts();
    const u32 id = cpu_data[cpu].apic_id;
    return {id >> s.package, (id & ((1u << s.package) - 1)) >> s.core, id & ((1u << s.core) - 1)};
}
u64 cpus_in_core(unsigned cpu) {
    return cpus_alike(cpu, shifts().core);
}
u64 cpus_in_package(unsigned cpu) {
    return cpus_alike(cpu, shifts().package);
}

bool cache_info(unsigned index, CacheInfo* out) {
    if (boot_cpu_features.max_leaf < 4) return false;
    const CpuidResult r = cpuid(4, index);
    out->type = r.eax & 31;
    if (out->type == 0) return false;
    out->level = r.eax >> 5 & 7;
    out->sharing_shift = bits_for((r.eax >> 14 & 0xfff) + 1);
    out->line_size = (r.ebx & 0xfff) + 1;
    out->partitions = (r.ebx >> 12 & 0x3ff) + 1;
    out->ways = (r.ebx >> 22) + 1;
    out->sets = r.ecx + 1;
    return true;
}

u64 cpus_sharing(const CacheInfo& cache, unsigned cpu) {
    return cpus_alike(cpu, cache.sharing_shift);
}
u32 cache_id(const CacheInfo& cache, unsigned cpu) {
    return cpu_data[cpu].apic_id >> cache.sharing_shift;
}
