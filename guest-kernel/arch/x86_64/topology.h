// Which CPUs share a core, a package and caches (Intel SDM vol. 2, CPUID leaves 04H and 0BH; vol. 3, 9.9).
//
// Guarantees: all CPUs are alike, so the boot CPU's leaves and each CPU's APIC ID say all. Constant once the CPUs run.
#pragma once

#include "core/types.h"

struct CpuPlace {
    u32 package, core, thread;
};
CpuPlace place_of_cpu(unsigned cpu);
/// The CPUs that run in the same core, or package, as `cpu`: a bit each.
u64 cpus_in_core(unsigned cpu);
u64 cpus_in_package(unsigned cpu);

struct CacheInfo {
    u32 level;
    u32 type;  // 1: data, 2: instruction, 3: unified
    u32 line_size, partitions, ways, sets;
    u32 sharing_shift;  // CPUs whose APIC IDs are equal above these bits share it
    u64 size() const { return u64{line_size} * partitions * ways * sets; }
};
/// Leaf 4's cache number `index`. False: there is none.
bool cache_info(unsigned index, CacheInfo* out);
u64 cpus_sharing(const CacheInfo& cache, unsigned cpu);
/// Linux's number of a cache among those of its level.
u32 cache_id(const CacheInfo& cache, unsigned cpu);
