// Emptying a swap area, for swapoff(2) (mm/swap_area.h).
//
// Guarantees: when it answers without an error no page table and no cache refers to the area, which gives out no more
// places meanwhile.
#include "arch/x86_64/pte_range.h"
#include "mm/mm_struct.h"
#include "mm/swap_area.h"
#include "mm/vmscan.h"
#include "sched/sched.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

Result<void> unuse_area(vm_area_struct* vma, unsigned type) {
    Result<void> result;
    for_each_pte(vma->vm_mm->pgd, vma->vm_start, vma->vm_end, [&](u64, pte_t& pte) {
        if (result.ok() && is_swap_pte(pte) && SwapEntry{pte}.type() == type)
            result = swap_in(vma, &pte, false);
    });
    return result;
}

Result<void> unuse_mm(mm_struct* mm, unsigned type) {
    const MmapGuard guard(mm);
    for (vm_area_struct& vma : mm->vmas) TRY(unuse_area(&vma, type));
    return {};
}

/// What only the cache still has of the area goes.
void drop_cached(unsigned type) {
    for (u64 at = 0;;) {
        Page* page = swap_table.with([&](SwapTable& table) -> Page* {
            PageTree& cache = table.areas[type].cache;
            at = cache.next_present(at);
            Page* found = at == ~u64{0} ? nullptr : cache.get(at);
            if (found) page_get(found);
            return found;
        });
        if (!page) return;
        trim_swap_cache(page);
        page_put(page);
        at++;
    }
}

}  // namespace

Result<void> unuse_swap_area(unsigned type) {
    for (;;) {
        int last_pid = 0;
        while (mm_struct* mm = next_mm(&last_pid)) {
            const Result<void> result = unuse_mm(mm, type);
            mmput(mm);
            TRY(result);
            if (signal_pending(current())) return Errno::EINTR;
            cond_resched();
        }
        drop_cached(type);
        // A process that was being made, or is going, may have kept some: look again.
        const auto table = swap_table.lock();
        if (table->areas[type].used == table->areas[type].bad) return {};
    }
}
