// The page allocator: a binary buddy system (Knowlton 1965), free lists of 2^0 to 2^10 pages.
//
// Guarantees: as in mm/page.h. A small reserve is kept for the kernel itself (kAllocUser requests fail
// first), so that a program that eats all memory can still be killed.
#include "mm/buddy.h"
#include "arch/x86_64/pgtable.h"
#include "core/panic.h"
#include "core/string.h"
#include "mm/hugetlb.h"
#include "mm/kswapd.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmstat.h"
#include "sync/guarded.h"

namespace {

struct Zone {
    List<Page, &Page::lru> free_lists[kMaxOrder + 1];
    u64 free_count = 0;  // pages

    void release(Page* page, unsigned order);
    Page* take(unsigned order, u64 leave);
};
Guarded<Zone, LockRank::kPages> zone;
// Fixed once boot is over.
u64 total_count = 0;  // pages given to this allocator
u64 max_pfn = 0;
u64 reserve_pages = 0;

bool has_struct_page(u64 pfn) {
    if (pfn >= max_pfn) return false;
    const u64 address = reinterpret_cast<u64>(pfn_to_page(pfn));
    const u64 pud = kernel_pgd[pgd_index(address)];
    if (!(pud & kPtePresent)) return false;
    const u64 pmd = table_of(pud)[pud_index(address)];
    return pmd & kPtePresent && table_of(pmd)[pmd_index(address)] & kPtePresent;
}

/// Merge with free buddies, then list.
void Zone::release(Page* page, unsigned order) {
    u64 pfn = page_to_pfn(page);
    free_count += 1ull << order;
    while (order < kMaxOrder) {
        const u64 buddy_pfn = pfn ^ (1ull << order);
        if (!has_struct_page(buddy_pfn)) break;
        Page* buddy = pfn_to_page(buddy_pfn);
        if (!(buddy->flags & kPageBuddy) || buddy->order != order) break;
        buddy->lru.remove();
        buddy->flags &= ~kPageBuddy;
        pfn &= ~(1ull << order);
        order++;
    }
    page = pfn_to_page(pfn);
    page->flags = kPageBuddy;
    page->order = order;
    free_lists[order].push_front(page);
}

/// A block of 2^order pages, split off a larger one if need be; `leave` pages stay. Null if there is none.
Page* Zone::take(unsigned order, u64 leave) {
    if (free_count < leave + (1ull << order)) return nullptr;
    unsigned from = order;
    while (from <= kMaxOrder && free_lists[from].empty()) from++;
    if (from > kMaxOrder) return nullptr;
    Page* page = free_lists[from].pop_front();
    page->flags &= ~kPageBuddy;
    while (from > order) {
        from--;
        Page* half = page + (1ull << from);
        half->flags = kPageBuddy;
        half->order = from;
        free_lists[from].push_front(half);
    }
    free_count -= 1ull << order;
    return page;
}

/// Are the `count` pages from `first` on all free? Zone locked.
bool all_free(u64 first, u64 count) {
    for (u64 pfn = first; pfn < first + count;) {
        if (!has_struct_page(pfn)) return false;
        const Page* page = pfn_to_page(pfn);
        if (!(page->flags & kPageBuddy)) return false;
        pfn += 1ull << page->order;
    }
    return true;
}

Page* init_block(Page* head, unsigned order) {
    head->flags = order ? u32{kPageHead} : 0u;
    head->order = order;
    head->refcount = 1;
    head->mapcount = 0;
    head->mapping = nullptr;
    head->index = 0;
    return head;
}

Page* init_tails(Page* head) {
    for (Page* tail = head + 1; tail < head + (1ull << head->order); tail++) {
        tail->flags = kPageTail;
        tail->refcount = 0;
        tail->mapcount = 0;
        tail->mapping = nullptr;
        tail->head = head;
    }
    return head;
}

/// Every struct page of a mapped section starts as reserved.
void init_struct_pages() {
    constexpr u64 kPerSection = kSectionSize >> kPageShift;
    for (u64 section = 0; section < max_pfn; section += kPerSection) {
        if (!has_struct_page(section)) continue;
        for (u64 pfn = section; pfn < section + kPerSection; pfn++) {
            Page* page = new (pfn_to_page(pfn)) Page;
            page->flags = kPageReserved;
            page->refcount = 1;
            page->mapcount = 0;
            page->unused = 0;
        }
    }
}

void add_free_range(u64 start, u64 end) {
    u64 pfn = align_up(start, kPageSize) >> kPageShift;
    const u64 last = end >> kPageShift;
    if (last <= pfn) return;
    total_count += last - pfn;
    const auto z = zone.lock();
    while (pfn < last) {
        unsigned order = kMaxOrder;
        while ((pfn & ((1ull << order) - 1)) || pfn + (1ull << order) > last) order--;
        for (u64 i = 0; i < 1ull << order; i++) {
            pfn_to_page(pfn + i)->flags = 0;
            pfn_to_page(pfn + i)->refcount = 0;
        }
        z->release(pfn_to_page(pfn), order);
        pfn += 1ull << order;
    }
}

}  // namespace

void buddy_init() {
    max_pfn = memblock_end_of_ram() >> kPageShift;
    init_struct_pages();
    memblock_for_each_free(add_free_range);
    reserve_pages = min<u64>(total_count / 64, 512);
}

void buddy_add_reserved(u64 phys_start, u64 phys_end) {
    add_free_range(phys_start, phys_end);
}

Page* alloc_pages(unsigned order, u32 flags) {
    BUG_ON(order > kMaxOrder);
    const u64 leave = flags & kAllocUser ? reserve_pages : 0;
    u64 left = 0;
    const auto take = [&] {
        const auto z = zone.lock();
        Page* taken = z->take(order, leave);
        left = z->free_count;
        return taken;
    };
    Page* page = take();
    while (!page && reclaim_for_allocation(order)) page = take();
    if (!page) return nullptr;
    note_free_pages(left);
    count_vm_event(VmEvent::pgalloc_normal, 1ull << order);
    init_block(page, order);
    if (flags & kAllocZero) memset(page_address(page), 0, kPageSize << order);
    return page;
}

Page* alloc_compound(unsigned order, u32 flags) {
    Page* head = alloc_pages(order, flags);
    return head ? init_tails(head) : nullptr;
}

Page* alloc_gigantic(unsigned order) {
    const u64 count = 1ull << order;
    const auto find = [&](Zone& z) -> Page* {
        for (u64 first = 0; first + count <= max_pfn; first += count) {
            if (!all_free(first, count) || z.free_count < count + reserve_pages) continue;
            for (u64 pfn = first; pfn < first + count;) {
                Page* block = pfn_to_page(pfn);
                block->lru.remove();
                block->flags = 0;
                pfn += 1ull << block->order;
            }
            z.free_count -= count;
            return pfn_to_page(first);
        }
        return nullptr;
    };
    Page* head = zone.with(find);
    return head ? init_tails(init_block(head, order)) : nullptr;
}

void break_compound(Page* head) {
    BUG_ON(head->refcount != 1);
    const u64 count = 1ull << head->order;
    const u32 flags = head->flags & ~u32{kPageHead};
    for (Page* page = head; page < head + count; page++) {
        page->flags = flags;
        page->order = 0;
        page->refcount = 1;
    }
}

void free_pages(Page* page, unsigned order) {
    count_vm_event(VmEvent::pgfree, 1ull << order);
    BUG_ON(page->flags & (kPageBuddy | kPageReserved | kPageTail));
    page->refcount = 0;
    for (u64 i = 1; i < 1ull << order; i++) page[i].flags &= ~u32{kPageTail};
    const unsigned step = min(order, kMaxOrder);
    for (u64 i = 0; i < 1ull << order; i += 1ull << step) zone.lock()->release(page + i, step);
}

void page_get(Page* page) {
    page = compound_head(page);
    if (page->flags & kPageReserved) return;
    __atomic_add_fetch(&page->refcount, 1, __ATOMIC_RELAXED);
}

void page_put(Page* page) {
    page = compound_head(page);
    if (page->flags & kPageReserved) return;
    const i32 left = __atomic_sub_fetch(&page->refcount, 1, __ATOMIC_ACQ_REL);
    BUG_ON(left < 0);
    if (left > 0) return;
    if (page->flags & kPageHugetlb)
        hugetlb_release(page);
    else
        free_pages(page, page->flags & kPageHead ? page->order : 0);
}

bool buddy_has_page(u64 pfn) {
    return has_struct_page(pfn);
}
u64 buddy_free_blocks(unsigned order) {
    return zone.lock()->free_lists[order].count();
}
u64 buddy_free_pages() {
    return zone.lock()->free_count;
}
u64 buddy_reserve_pages() {
    return reserve_pages;
}
u64 buddy_total_pages() {
    return total_count;
}
u64 buddy_max_pfn() {
    return max_pfn;
}
