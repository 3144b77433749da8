// Transparent huge pages (mm/huge_memory.h).
//
// Guarantees: as in the header. A huge page that is shared after fork, or held by somebody, stays a compound page when
// its mapping is split; each small entry then counts in its head, and its memory returns as a whole.
#include "mm/huge_memory.h"

#include "arch/x86_64/pgtable.h"
#include "core/atomic.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/string.h"
#include "mm/buddy.h"
#include "mm/mm_struct.h"

namespace {

constexpr u64 kSmallPages = u64{1} << kPmdOrder;

ThpMode mode = ThpMode::kAlways;  // Debian's default
struct Counters {
    u64 fault_alloc = 0, fault_fallback = 0, split_pmd = 0, collapse_alloc = 0;
    i64 mapped = 0;  // those mapped on a CPU, less those unmapped there
};
PerCpu<Counters> counters;

bool wanted(const vm_area_struct* vma) {
    if (vma->vm_object || vma->vm_flags & (VM_NOHUGEPAGE | VM_GROWSDOWN) || vma->vm_mm->thp_disabled)
        return false;
    const ThpMode now = thp_mode();
    return now == ThpMode::kAlways || (now == ThpMode::kMadvise && vma->vm_flags & VM_HUGEPAGE);
}

u64 start_of(u64 address) {
    return align_down(address, kHugePageSize);
}

Page* take_deposit(mm_struct* mm) {
    Page* table = mm->deposited.pop_front();
    BUG_ON(!table);
    return table;
}

void give_back(Page* table) {
    TableList one;
    one.push_back(table);
    free_tables(one);
}

/// Map the pages of the huge page that `entry` maps by small entries.
void split_entry(mm_struct* mm, u64 address, u64& entry) {
    Page* table = take_deposit(mm);
    Page* head = page_of(entry);
    if (page_count(head) == 1) {
        break_compound(head);
        for (u64 i = 1; i < kSmallPages; i++) head[i].mapcount = 1;
    } else {
        __atomic_add_fetch(&head->refcount, kSmallPages - 1, __ATOMIC_RELAXED);
        for (u64 i = 1; i < kSmallPages; i++) {
            head[i].flags |= kPageAnon;
            __atomic_add_fetch(&head[i].mapcount, 1, __ATOMIC_RELAXED);
        }
    }
    auto* ptes = static_cast<pte_t*>(page_address(table));
    const u64 bits = entry & ~(kPteAddressMask | kPteHuge);
    for (u64 i = 0; i < kSmallPages; i++) ptes[i] = page_to_phys(head + i) | bits;
    entry = page_to_phys(table) | kPtePresent | kPteWrite | kPteUser;
    flush_tlb_page(mm, address);
    counters.here().split_pmd++;
    counters.here().mapped--;
}

/// Put `head`, whose reference we give away, into the empty `entry`.
void install_huge(mm_struct* mm, u64& entry, Page* head, u64 bits) {
    entry = page_to_phys(head) | bits | kPteHuge;
    __atomic_add_fetch(&head->mapcount, 1, __ATOMIC_RELAXED);
    mm->rss_anon += kSmallPages;
    mm->hiwater_rss = max(mm->hiwater_rss, mm->rss());
    counters.here().mapped++;
}

}  // namespace

ThpMode thp_mode() {
    return atomic_load(mode);
}

void set_thp_mode(ThpMode new_mode) {
    atomic_store(mode, new_mode);
}

void thp_init() {
    if (buddy_total_pages() * kPageSize < 512ull << 20) set_thp_mode(ThpMode::kNever);  // Linux's limit
    char word[16];
    if (!cmdline_value("transparent_hugepage", word, sizeof(word))) return;
    if (strcmp(word, "always") == 0) set_thp_mode(ThpMode::kAlways);
    if (strcmp(word, "madvise") == 0) set_thp_mode(ThpMode::kMadvise);
    if (strcmp(word, "never") == 0) set_thp_mode(ThpMode::kNever);
}

ThpCounts thp_counts() {
    ThpCounts sum{};
    i64 mapped = 0;
    counters.for_each_online([&](const Counters& c) {
        sum.fault_alloc += c.fault_alloc;
        sum.fault_fallback += c.fault_fallback;
        sum.split_pmd += c.split_pmd;
        sum.collapse_alloc += c.collapse_alloc;
        mapped += c.mapped;
    });
    sum.mapped = static_cast<u64>(mapped);
    return sum;
}

bool fault_huge_anonymous(vm_area_struct* vma, u64 address) {
    const u64 start = start_of(address);
    if (start < vma->vm_start || start + kHugePageSize > vma->vm_end || !wanted(vma)) return false;
    mm_struct* mm = vma->vm_mm;
    u64* entry = huge_entry_alloc(mm->pgd, address, kPmdOrder);
    if (!entry || *entry) return false;
    Page* table = alloc_table();
    Page* head = table ? alloc_compound(kPmdOrder, kAllocUser | kAllocZero) : nullptr;
    if (!head) {
        if (table) give_back(table);
        counters.here().fault_fallback++;
        return false;
    }
    head->flags |= kPageAnon;
    mm->deposited.push_back(table);
    install_huge(mm, *entry, head, user_protection(vma) | kPteWrite | kPteDirty);
    counters.here().fault_alloc++;
    return true;
}

bool fault_on_huge(vm_area_struct* vma, u64 address, bool write) {
    u64& entry = *leaf_lookup(vma->vm_mm->pgd, address).entry;
    if (write && !(entry & kPteWrite)) {
        if (page_count(page_of(entry)) != 1) {
            split_entry(vma->vm_mm, start_of(address), entry);
            return false;
        }
        entry |= kPteWrite | kPteDirty;
    }
    flush_tlb_page(vma->vm_mm, address);
    return true;
}

void split_huge_entry_at(mm_struct* mm, u64 address) {
    if (address == start_of(address)) return;
    const PageLeaf leaf = leaf_lookup(mm->pgd, address);
    if (leaf.order == kPmdOrder && !mm->deposited.empty()) split_entry(mm, start_of(address), *leaf.entry);
}

void zap_huge_entry(mm_struct* mm, u64 address, u64& entry) {
    Page* head = page_of(entry);
    entry = 0;
    flush_tlb_page(mm, address);
    mm->rss_anon -= kSmallPages;
    __atomic_sub_fetch(&head->mapcount, 1, __ATOMIC_RELAXED);
    counters.here().mapped--;
    give_back(take_deposit(mm));
    page_put(head);
}

Result<void> copy_huge_entry(mm_struct* mm, u64 address, u64& entry) {
    u64* target = huge_entry_alloc(mm->pgd, address, kPmdOrder);
    Page* table = target ? alloc_table() : nullptr;
    if (!table) return Errno::ENOMEM;
    mm->deposited.push_back(table);
    entry &= ~kPteWrite;
    Page* head = page_of(entry);
    page_get(head);
    install_huge(mm, *target, head, entry & ~(kPteAddressMask | kPteDirty));
    return {};
}

bool move_huge_entry(mm_struct* mm, u64 from, u64 to, unsigned order) {
    u64* target = huge_entry_alloc(mm->pgd, to, order);
    if (!target || *target) return false;
    u64& entry = *leaf_lookup(mm->pgd, from).entry;
    *target = entry;
    entry = 0;
    flush_tlb_page(mm, from);
    return true;
}
