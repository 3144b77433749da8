// vmalloc and ioremap (mm/vmalloc.h): first fit over a sorted list of areas.
//
// Guarantees: as in the header.
#include "mm/vmalloc.h"

#include "arch/x86_64/pgtable.h"
#include "core/kmalloc.h"
#include "core/panic.h"
#include "sync/guarded.h"

namespace {

struct Area {
    ListNode node;
    u64 start = 0, end = 0;  // end excludes the guard page
    bool device = false;
};
struct Areas {
    List<Area, &Area::node> list;  // by address
    u64 used = 0;
};
Guarded<Areas, LockRank::kVmalloc> areas;

Area* reserve_area(u64 size, bool device) {
    Area* area = new (std::nothrow) Area;
    if (!area) return nullptr;
    const auto all = areas.lock();
    u64 start = kVmallocStart;
    Area* after = nullptr;
    for (Area& other : all->list) {
        if (other.start - start >= size + kPageSize && other.start > start) {
            after = &other;
            break;
        }
        start = other.end + kPageSize;
    }
    area->start = start;
    area->end = start + size;
    area->device = device;
    if (after)
        all->list.insert_before(after, area);
    else
        all->list.push_back(area);
    all->used += size;
    return area;
}

void release_area(Area* area) {
    for (u64 a = area->start; a < area->end; a += kPageSize) {
        pte_t* pte = pte_lookup(kernel_pgd, a);
        if (!pte || !(*pte & kPtePresent)) continue;
        Page* page = pfn_to_page((*pte & kPteAddressMask) >> kPageShift);
        unmap_kernel_page(a);
        if (!area->device) page_put(page);
    }
    areas.with([&](Areas& all) {
        all.used -= area->end - area->start;
        area->node.remove();
    });
    delete area;
}

}  // namespace

void* vmalloc(size_t size) {
    Area* area = reserve_area(align_up(size, kPageSize), false);
    if (!area) return nullptr;
    for (u64 a = area->start; a < area->end; a += kPageSize) {
        Page* page = alloc_page(kAllocZero);
        if (!page || !map_kernel_page(a, page_to_phys(page), kPteWrite | pte_nx).ok()) {
            if (page) page_put(page);
            release_area(area);
            return nullptr;
        }
    }
    return reinterpret_cast<void*>(area->start);
}

void vfree(void* address) {
    if (!address) return;
    Area* found = areas.with([&](Areas& all) -> Area* {
        for (Area& area : all.list) {
            if (area.start == reinterpret_cast<u64>(address)) return &area;
        }
        return nullptr;
    });
    BUG_ON(!found);
    release_area(found);
}

volatile void* ioremap(u64 phys, size_t size) {
    const u64 offset = phys & (kPageSize - 1);
    Area* area = reserve_area(align_up(size + offset, kPageSize), true);
    if (!area) return nullptr;
    for (u64 a = area->start; a < area->end; a += kPageSize) {
        const u64 page = phys - offset + (a - area->start);
        if (!map_kernel_page(a, page, kPteWrite | kPtePcd | kPtePwt | pte_nx).ok()) {
            release_area(area);
            return nullptr;
        }
    }
    return reinterpret_cast<void*>(area->start + offset);
}

u64 vmalloc_used() {
    return areas.lock()->used;
}
