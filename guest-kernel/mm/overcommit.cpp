// Promises of memory (mm/overcommit.h).
#include "mm/overcommit.h"

#include "arch/x86_64/pgtable.h"
#include "core/atomic.h"
#include "fs/cred.h"
#include "mm/buddy.h"
#include "mm/hugetlb.h"
#include "mm/mm_struct.h"
#include "mm/swap.h"

namespace {

Overcommit mode = Overcommit::kGuess;
u64 ratio = 50;
u64 committed = 0;

// Kept back under kNever, as Linux's defaults: for root, and for whoever has to end a process.
constexpr u64 kAdminReserve = (8u << 20) >> kPageShift;
constexpr u64 kUserReserve = (128u << 20) >> kPageShift;

u64 usable_pages() {
    u64 pages = buddy_total_pages();
    for (const unsigned order : kHugetlbOrders) pages -= min(pages, hugetlb_counts(order).total << order);
    return pages;
}

bool fits(const mm_struct* mm, u64 pages, u64 all) {
    switch (overcommit_mode()) {
        case Overcommit::kAlways:
            return true;
        case Overcommit::kGuess:
            return pages <= buddy_total_pages() + swap_totals().total;
        case Overcommit::kNever:
            break;
    }
    u64 kept = current_cred().has(kCapSysAdmin) ? 0 : kAdminReserve;
    if (mm) kept += min(mm->total_vm / 32, kUserReserve);
    return all + kept < vm_commit_limit();
}

}  // namespace

Overcommit overcommit_mode() {
    return atomic_load(mode);
}
void set_overcommit_mode(Overcommit new_mode) {
    atomic_store(mode, new_mode);
}
u64 overcommit_ratio() {
    return __atomic_load_n(&ratio, __ATOMIC_RELAXED);
}
void set_overcommit_ratio(u64 percent) {
    __atomic_store_n(&ratio, percent, __ATOMIC_RELAXED);
}

u64 vm_commit_limit() {
    return usable_pages() * overcommit_ratio() / 100 + swap_totals().total;
}

u64 vm_committed() {
    return __atomic_load_n(&committed, __ATOMIC_RELAXED);
}

Result<void> vm_commit(const mm_struct* mm, u64 pages) {
    const u64 all = __atomic_add_fetch(&committed, pages, __ATOMIC_RELAXED);
    if (fits(mm, pages, all)) return {};
    vm_uncommit(pages);
    return Errno::ENOMEM;
}

void vm_uncommit(u64 pages) {
    __atomic_sub_fetch(&committed, pages, __ATOMIC_RELAXED);
}
