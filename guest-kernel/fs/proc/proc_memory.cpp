// /proc's files about memory as a whole: meminfo, vmstat, zoneinfo, buddyinfo, pagetypeinfo, slabinfo, swaps.
#include "fs/proc/proc_memory.h"

#include "arch/x86_64/percpu.h"
#include "fs/cred.h"
#include "fs/writeback.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb.h"
#include "mm/slab.h"
#include "mm/vmstat.h"

namespace {

using ull = unsigned long long;
constexpr u64 kKiB = kPageSize / 1024;

struct StateRow {
    const char* name;
    u64 MemoryInfo::*field;  ///< null: what this kernel never has
    u64 scale = 1;
};
// The zone's, then the node's, as Linux 6.1 orders them.
constexpr StateRow kZoneRows[] = {
    {"nr_free_pages", &MemoryInfo::free},
    {"nr_zone_inactive_anon", &MemoryInfo::inactive_anon},
    {"nr_zone_active_anon", &MemoryInfo::active_anon},
    {"nr_zone_inactive_file", &MemoryInfo::inactive_file},
    {"nr_zone_active_file", &MemoryInfo::active_file},
    {"nr_zone_unevictable", &MemoryInfo::unevictable},
    {"nr_zone_write_pending", &MemoryInfo::dirty},
    {"nr_mlock", &MemoryInfo::mlocked},
    {"nr_bounce", nullptr},
    {"nr_zspages", nullptr},
    {"nr_free_cma", nullptr},
};
constexpr StateRow kNodeRows[] = {
    {"nr_inactive_anon", &MemoryInfo::inactive_anon},
    {"nr_active_anon", &MemoryInfo::active_anon},
    {"nr_inactive_file", &MemoryInfo::inactive_file},
    {"nr_active_file", &MemoryInfo::active_file},
    {"nr_unevictable", &MemoryInfo::unevictable},
    {"nr_slab_reclaimable", &MemoryInfo::slab_reclaimable},
    {"nr_slab_unreclaimable", &MemoryInfo::slab_unreclaimable},
    {"nr_isolated_anon", nullptr},
    {"nr_isolated_file", nullptr},
    {"workingset_nodes", nullptr},
    {"workingset_refault_anon", nullptr},
    {"workingset_refault_file", nullptr},
    {"workingset_activate_anon", nullptr},
    {"workingset_activate_file", nullptr},
    {"workingset_restore_anon", nullptr},
    {"workingset_restore_file", nullptr},
    {"workingset_nodereclaim", nullptr},
    {"nr_anon_pages", &MemoryInfo::anon},
    {"nr_mapped", &MemoryInfo::mapped},
    {"nr_file_pages", &MemoryInfo::file_pages},
    {"nr_dirty", &MemoryInfo::dirty},
    {"nr_writeback", &MemoryInfo::writeback},
    {"nr_writeback_temp", nullptr},
    {"nr_shmem", &MemoryInfo::shmem},
    {"nr_shmem_hugepages", nullptr},
    {"nr_shmem_pmdmapped", nullptr},
    {"nr_file_hugepages", nullptr},
    {"nr_file_pmdmapped", nullptr},
    {"nr_anon_transparent_hugepages", &MemoryInfo::anon_huge, 512},
    {"nr_vmscan_write", nullptr},
    {"nr_vmscan_immediate_reclaim", nullptr},
    {"nr_dirtied", &MemoryInfo::dirtied},
    {"nr_written", &MemoryInfo::written},
    {"nr_throttled_written", nullptr},
    {"nr_kernel_misc_reclaimable", nullptr},
    {"nr_foll_pin_acquired", nullptr},
    {"nr_foll_pin_released", nullptr},
    {"nr_kernel_stack", &MemoryInfo::kernel_stack},  // KiB: see row_value
    {"nr_page_table_pages", &MemoryInfo::page_tables},
    {"nr_sec_page_table_pages", nullptr},
    {"nr_swapcached", &MemoryInfo::swap_cached},
    {"pgpromote_success", nullptr},
    {"pgpromote_candidate", nullptr},
};

u64 row_value(const StateRow& row, const MemoryInfo& m) {
    if (!row.field) return 0;
    const u64 value = m.*row.field / row.scale;
    return row.field == &MemoryInfo::kernel_stack ? value * kKiB : value;
}

template <size_t N>
Result<void> append_rows(KString& out, const StateRow (&rows)[N], const MemoryInfo& m, const char* format) {
    for (const StateRow& row : rows) {
        char line[80];
        snprintf(line, sizeof(line), format, row.name, static_cast<ull>(row_value(row, m)));
        TRY(out.append(line));
    }
    return {};
}

// Every allocation is from the only node there is, as wanted.
Result<void> append_numa(KString& out, const char* format) {
    static constexpr const char* kNames[] = {"numa_hit",        "numa_miss",  "numa_foreign",
                                             "numa_interleave", "numa_local", "numa_other"};
    const u64 allocations = vm_events(VmEvent::pgalloc_normal);
    for (unsigned i = 0; i < 6; i++) {
        char line[80];
        snprintf(line, sizeof(line), format, kNames[i], static_cast<ull>(i == 0 || i == 4 ? allocations : 0));
        TRY(out.append(line));
    }
    return {};
}

u64 event_value(VmEvent event, const ThpCounts& thp) {
    switch (event) {
        case VmEvent::thp_fault_alloc:
            return thp.fault_alloc;
        case VmEvent::thp_fault_fallback:
            return thp.fault_fallback;
        case VmEvent::thp_split_pmd:
            return thp.split_pmd;
        case VmEvent::thp_collapse_alloc:
            return thp.collapse_alloc;
        default:
            return vm_events(event);
    }
}

/// "Name:" and the number behind it, in columns of 16 and 8; a longer name takes from the number's.
Result<void> append_line(KString& out, const char* name, u64 kib) {
    const int column = 16 - static_cast<int>(strlen(name)) - 1;
    return column > 0 ? out.appendf("%s:%*s%8llu kB\n", name, column, "", static_cast<ull>(kib))
                      : out.appendf("%s: %5llu kB\n", name, static_cast<ull>(kib));
}

}  // namespace

Result<void> show_meminfo(KString& out) {
    constexpr u64 kVmallocKiB =
        ((1ull << 45) - 1) / 1024;  // 32 TiB of addresses less a byte, as Linux's map has them
    const MemoryInfo m = memory_info();
    const HugetlbCounts huge = hugetlb_counts(hugetlb_default_order());
    const struct {
        const char* name;
        u64 kib;
    } rows[] = {
        {"MemTotal", m.total * kKiB},
        {"MemFree", m.free * kKiB},
        {"MemAvailable", m.available * kKiB},
        {"Buffers", m.buffers * kKiB},
        {"Cached", m.cached * kKiB},
        {"SwapCached", m.swap_cached * kKiB},
        {"Active", (m.active_anon + m.active_file) * kKiB},
        {"Inactive", (m.inactive_anon + m.inactive_file) * kKiB},
        {"Active(anon)", m.active_anon * kKiB},
        {"Inactive(anon)", m.inactive_anon * kKiB},
        {"Active(file)", m.active_file * kKiB},
        {"Inactive(file)", m.inactive_file * kKiB},
        {"Unevictable", m.unevictable * kKiB},
        {"Mlocked", m.mlocked * kKiB},
        {"SwapTotal", m.swap_total * kKiB},
        {"SwapFree", m.swap_free * kKiB},
        {"Zswap", 0},
        {"Zswapped", 0},
        {"Dirty", m.dirty * kKiB},
        {"Writeback", m.writeback * kKiB},
        {"AnonPages", m.anon * kKiB},
        {"Mapped", m.mapped * kKiB},
        {"Shmem", m.shmem * kKiB},
        {"KReclaimable", m.slab_reclaimable * kKiB},
        {"Slab", (m.slab_reclaimable + m.slab_unreclaimable) * kKiB},
        {"SReclaimable", m.slab_reclaimable * kKiB},
        {"SUnreclaim", m.slab_unreclaimable * kKiB},
        {"KernelStack", m.kernel_stack * kKiB},
        {"PageTables", m.page_tables * kKiB},
        {"SecPageTables", 0},
        {"NFS_Unstable", 0},
        {"Bounce", 0},
        {"WritebackTmp", 0},
        {"CommitLimit", m.commit_limit * kKiB},
        {"Committed_AS", m.committed * kKiB},
        {"VmallocTotal", kVmallocKiB},
        {"VmallocUsed", m.vmalloc_used * kKiB},
        {"VmallocChunk", 0},
        {"Percpu", 0},
        {"HardwareCorrupted", 0},
        {"AnonHugePages", m.anon_huge * kKiB},
        {"ShmemHugePages", 0},
        {"ShmemPmdMapped", 0},
        {"FileHugePages", 0},
        {"FilePmdMapped", 0},
    };
    for (const auto& row : rows) {
        TRY(append_line(out, row.name, row.kib));
    }
    TRY(out.appendf(
        "HugePages_Total: %7llu\nHugePages_Free:  %7llu\nHugePages_Rsvd:  %7llu\nHugePages_Surp:  %7llu\n",
        static_cast<ull>(huge.total), static_cast<ull>(huge.free), static_cast<ull>(huge.reserved),
        static_cast<ull>(huge.surplus)));
    TRY(out.appendf("Hugepagesize:   %8llu kB\nHugetlb:        %8llu kB\n",
                    static_cast<ull>((kPageSize << hugetlb_default_order()) / 1024),
                    static_cast<ull>(m.hugetlb * kKiB)));
    // The kernel maps all RAM by 2 MiB pages (arch/x86_64/pgtable.cpp).
    return out.appendf("DirectMap4k:    %8llu kB\nDirectMap2M:    %8llu kB\nDirectMap1G:    %8llu kB\n", 0ull,
                       static_cast<ull>(m.direct_2m * kKiB), 0ull);
}

Result<void> show_vmstat(KString& out) {
    constexpr const char* kFormat = "%s %llu\n";
    const MemoryInfo m = memory_info();
    TRY(append_rows(out, kZoneRows, m, kFormat));
    TRY(append_numa(out, kFormat));
    TRY(append_rows(out, kNodeRows, m, kFormat));
    const DirtyThresholds dirty = dirty_thresholds();
    TRY(out.appendf("nr_dirty_threshold %llu\nnr_dirty_background_threshold %llu\n",
                    static_cast<ull>(dirty.limit), static_cast<ull>(dirty.background)));
    const ThpCounts thp = thp_counts();
    for (u16 i = 0; i < static_cast<u16>(VmEvent::kCount); i++) {
        const auto event = static_cast<VmEvent>(i);
        TRY(out.appendf(kFormat, vm_event_name(event), static_cast<ull>(event_value(event, thp))));
    }
    return out.append("nr_unstable 0\n");
}

Result<void> show_zoneinfo(KString& out) {
    const MemoryInfo m = memory_info();
    constexpr const char* kFormat = "      %-12s %llu\n";
    TRY(out.append("Node 0, zone   Normal\n  per-node stats\n"));
    TRY(append_rows(out, kNodeRows, m, kFormat));
    const ull low = m.low_watermark;
    TRY(out.appendf(
        "  pages free     %llu\n        boost    0\n        min      %llu\n        low      %llu\n"
        "        high     %llu\n        spanned  %llu\n        present  %llu\n        managed  %llu\n"
        "        cma      0\n        protection: (0, 0)\n",
        static_cast<ull>(m.free), low, low + low / 4, low + low / 2, static_cast<ull>(buddy_max_pfn()),
        static_cast<ull>(m.present), static_cast<ull>(m.total)));
    TRY(append_rows(out, kZoneRows, m, kFormat));
    TRY(append_numa(out, kFormat));
    TRY(out.append("  pagesets\n"));  // no pages are kept for one CPU
    for (unsigned cpu = 0; cpu < online_cpus; cpu++) {
        TRY(out.appendf(
            "    cpu: %u\n              count: 0\n              high:  0\n              batch: 0\n"
            "  vm stats threshold: 0\n",
            cpu));
    }
    return out.append("  node_unreclaimable:  0\n  start_pfn:           0\n");
}

Result<void> show_buddyinfo(KString& out) {
    TRY(out.append("Node 0, zone   Normal "));
    for (unsigned order = 0; order <= kMaxOrder; order++)
        TRY(out.appendf("%6llu ", static_cast<ull>(buddy_free_blocks(order))));
    return out.push('\n');
}

// All pages are of one type: nothing is sorted by whether it could move.
Result<void> show_pagetypeinfo(KString& out) {
    TRY(out.append(
        "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order "));
    for (unsigned order = 0; order <= kMaxOrder; order++) TRY(out.appendf("%6u ", order));
    TRY(out.append("\nNode    0, zone   Normal, type    Unmovable "));
    for (unsigned order = 0; order <= kMaxOrder; order++)
        TRY(out.appendf("%6llu ", static_cast<ull>(buddy_free_blocks(order))));
    TRY(out.append("\n\nNumber of blocks type     Unmovable \n"));
    return out.appendf("Node 0, zone   Normal %12llu \n", static_cast<ull>((buddy_max_pfn() + 511) / 512));
}

Result<void> show_slabinfo(KString& out) {
    TRY(out.append(
        "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
        "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
        "<num_slabs> <sharedavail>\n"));
    SlabCounts c;
    for (unsigned i = 0; slab_counts(i, &c); i++) {
        TRY(out.appendf("%-17s %6llu %6llu %6u %4u %4d : tunables %4u %4u %4u : slabdata %6llu %6llu %6u\n",
                        c.name, static_cast<ull>(c.active), static_cast<ull>(c.slabs * c.per_slab),
                        c.object_size, c.per_slab, 1 << c.order, 0u, 0u, 0u, static_cast<ull>(c.slabs),
                        static_cast<ull>(c.slabs), 0u));
    }
    return {};
}

Result<void> show_node_meminfo(KString& out) {
    const MemoryInfo m = memory_info();
    const HugetlbCounts huge = hugetlb_counts(hugetlb_default_order());
    const struct {
        const char* name;
        u64 pages;
    } rows[] = {
        {"MemTotal", m.total},
        {"MemFree", m.free},
        {"MemUsed", m.total - m.free},
        {"SwapCached", m.swap_cached},
        {"Active", m.active_anon + m.active_file},
        {"Inactive", m.inactive_anon + m.inactive_file},
        {"Active(anon)", m.active_anon},
        {"Inactive(anon)", m.inactive_anon},
        {"Active(file)", m.active_file},
        {"Inactive(file)", m.inactive_file},
        {"Unevictable", m.unevictable},
        {"Mlocked", m.mlocked},
        {"Dirty", m.dirty},
        {"Writeback", m.writeback},
        {"FilePages", m.cached + m.buffers},
        {"Mapped", m.mapped},
        {"AnonPages", m.anon},
        {"Shmem", m.shmem},
        {"KernelStack", m.kernel_stack},
        {"PageTables", m.page_tables},
        {"SecPageTables", 0},
        {"NFS_Unstable", 0},
        {"Bounce", 0},
        {"WritebackTmp", 0},
        {"KReclaimable", m.slab_reclaimable},
        {"Slab", m.slab_reclaimable + m.slab_unreclaimable},
        {"SReclaimable", m.slab_reclaimable},
        {"SUnreclaim", m.slab_unreclaimable},
        {"AnonHugePages", m.anon_huge},
        {"ShmemHugePages", 0},
        {"ShmemPmdMapped", 0},
        {"FileHugePages", 0},
        {"FilePmdMapped", 0},
    };
    for (const auto& row : rows) {
        TRY(out.append("Node 0 "));
        TRY(append_line(out, row.name, row.pages * kKiB));
    }
    return out.appendf(
        "Node 0 HugePages_Total: %5llu\nNode 0 HugePages_Free:  %5llu\nNode 0 HugePages_Surp:  %5llu\n",
        static_cast<ull>(huge.total), static_cast<ull>(huge.free), static_cast<ull>(huge.surplus));
}

Result<void> show_node_vmstat(KString& out) {
    const MemoryInfo m = memory_info();
    TRY(append_rows(out, kZoneRows, m, "%s %llu\n"));
    TRY(append_numa(out, "%s %llu\n"));
    return append_rows(out, kNodeRows, m, "%s %llu\n");
}
