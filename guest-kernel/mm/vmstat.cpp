// Counting events, and asking each part of memory management for its pages (mm/vmstat.h).
#include "mm/vmstat.h"
#include "fs/page_cache.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/pgtable.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb.h"
#include "mm/memblock.h"
#include "mm/mm_struct.h"
#include "mm/overcommit.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "mm/vmalloc.h"
#include "task/pid.h"

namespace {

struct Counters {
    u64 events[static_cast<size_t>(VmEvent::kCount)] = {};
};
PerCpu<Counters> g_counters;

constexpr const char* kNames[] = {
#define VM_EVENT(name) #name,
#include "mm/vm_events.def"
#undef VM_EVENT
};

/// What the address spaces say of themselves, summed.
struct TaskSums {
    u64 anon = 0, file = 0, locked = 0, threads = 0;
};
TaskSums sum_tasks() {
    TaskSums sums;
    const auto table = task_table.lock();
    sums.threads = table->nr_threads;
    for (const task_struct& task : table->list) {
        const mm_struct* mm = task.mm;
        if (task.pid != task.tgid || !mm) continue;
        sums.anon += mm->rss_anon;
        sums.file += mm->rss_file + mm->rss_shmem;
        sums.locked += mm->locked_vm;
    }
    return sums;
}

// Fixed once boot is over.
u64 g_present = 0;
u64 g_direct_map = 0;

}  // namespace

void vmstat_init() {
    memblock_for_each_ram([](u64 start, u64 end) {
        g_present += (align_up(end, kPageSize) - align_down(start, kPageSize)) >> kPageShift;
        g_direct_map += (align_up(end, kHugePageSize) - align_down(start, kHugePageSize)) >> kPageShift;
    });
}

void count_vm_event(VmEvent event, u64 n) {
    // Another CPU only reads it, but an interrupt on this one may count as well.
    __atomic_add_fetch(&g_counters.here().events[static_cast<size_t>(event)], n, __ATOMIC_RELAXED);
}

u64 vm_events(VmEvent event) {
    u64 sum = 0;
    for (unsigned cpu = 0; cpu < online_cpus; cpu++)
        sum += __atomic_load_n(&g_counters.on(cpu).events[static_cast<size_t>(event)], __ATOMIC_RELAXED);
    return sum;
}

const char* vm_event_name(VmEvent event) {
    return kNames[static_cast<size_t>(event)];
}

MemoryInfo memory_info() {
    const TaskSums tasks = sum_tasks();
    MemoryInfo m;
    m.present = g_present;
    m.total = buddy_total_pages();
    m.free = buddy_free_pages();
    m.low_watermark = buddy_reserve_pages();
    m.shmem = __atomic_load_n(&tmpfs_total_pages, __ATOMIC_RELAXED);
    const auto counter = [](const u64& value) { return __atomic_load_n(&value, __ATOMIC_RELAXED); };
    const u64 file_pages = counter(page_cache_counts.pages);
    m.buffers = counter(page_cache_counts.device_pages);
    m.cached = m.shmem + file_pages - m.buffers;
    m.dirty = counter(page_cache_counts.dirty);
    m.writeback = counter(page_cache_counts.writeback);
    m.file_pages = m.shmem + file_pages;
    m.dirtied = counter(page_cache_counts.dirtied);
    m.written = counter(page_cache_counts.written);
    m.inactive_file = file_pages;
    m.anon = tasks.anon;
    m.anon_huge = thp_counts().mapped << kPmdOrder;
    m.mapped = tasks.file;
    m.mlocked = m.unevictable = tasks.locked;
    m.slab_unreclaimable = slab_pages();
    m.kernel_stack = tasks.threads * (kThreadSize / kPageSize);
    m.page_tables = page_table_pages();
    m.vmalloc_used = vmalloc_used() >> kPageShift;
    for (const unsigned order : kHugetlbOrders) m.hugetlb += hugetlb_counts(order).total << order;
    const SwapTotals swap = swap_totals();
    m.swap_total = swap.total;
    m.swap_free = swap.free;
    m.swap_cached = swap.cached;
    m.commit_limit = vm_commit_limit();
    m.committed = vm_committed() + m.shmem;  // tmpfs promises page by page
    m.available = m.free + file_pages - min(file_pages, m.dirty);
    m.available -= min(m.available, m.low_watermark);
    m.direct_2m = g_direct_map;
    return m;
}
