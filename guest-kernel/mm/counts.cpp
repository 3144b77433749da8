// Memory statistics for /proc/meminfo and sysinfo(2).
//
// Guarantees: one consistent snapshot of counters, in pages.
#include "arch/x86_64/pgtable.h"
#include "mm/buddy.h"
#include "mm/mm_struct.h"
#include "mm/slab.h"
#include "task/pid.h"

MemoryCounts memory_counts() {
    MemoryCounts counts{};
    counts.total = buddy_total_pages();
    counts.free = buddy_free_pages();
    counts.slab = slab_pages();
    counts.page_tables = page_table_pages();
    const auto table = task_table.lock();
    counts.kernel_stack = table->nr_threads * (kThreadSize / kPageSize);
    for (const task_struct& task : table->list) {
        if (task.pid == task.tgid && task.mm) counts.anon += task.mm->rss_anon;
    }
    return counts;
}
