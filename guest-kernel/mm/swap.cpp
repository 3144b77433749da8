// Places on swap areas, the swap cache, and pages on their way out and in (mm/swap.h).
//
// Guarantees: as in the header. A page leaves the cache only when nobody is writing it to its place, so that a place is
// never written twice at once.
#include "mm/swap.h"

#include "core/panic.h"
#include "fs/page_cache.h"
#include "mm/mm_struct.h"
#include "mm/swap_area.h"
#include "mm/vmstat.h"
#include "sync/hashed_wait.h"
#include "task/task.h"

Guarded<SwapTable, LockRank::kSwap> swap_table;

namespace {

constexpr u32 kSectorsPerPage = kPageSize >> kSectorShift;

void set_flags(Page* page, u32 flags) {
    __atomic_fetch_or(&page->flags, flags, __ATOMIC_ACQ_REL);
}
void clear_flags(Page* page, u32 flags) {
    __atomic_fetch_and(&page->flags, ~flags, __ATOMIC_ACQ_REL);
}

/// A free place of `area`, or 0.
u64 find_place(SwapArea& area) {
    for (u64 looked = 1; looked < area.pages; looked++) {
        if (area.next >= area.pages) area.next = 1;
        const u64 offset = area.next++;
        if (area.counts[offset] == 0) return offset;
    }
    return 0;
}

/// The open area of the highest priority that has room, or null.
SwapArea* best_area(SwapTable& table) {
    SwapArea* best = nullptr;
    for (SwapArea& area : table.areas) {
        if (area.open && area.used + 1 < area.pages && (!best || area.priority > best->priority))
            best = &area;
    }
    return best;
}

/// The cached page of `entry`, with a reference, or null.
Page* find_cached(SwapTable& table, SwapEntry entry) {
    Page* page = table.areas[entry.type()].cache.get(entry.offset());
    if (page) page_get(page);
    return page;
}

Result<void> read_place(SwapEntry entry, Page* page) {
    const RefPtr<BlockDevice> device = swap_table.lock()->areas[entry.type()].device;
    if (!device) return Errno::EIO;
    return device->read(entry.offset() * kSectorsPerPage, page_address(page), kPageSize);
}

/// The page of `entry`, from the cache or read into it, up to date; with a reference. EIO, ENOMEM.
Result<Page*> bring_in(SwapEntry entry) {
    Page* page = swap_table.with([&](SwapTable& t) { return find_cached(t, entry); });
    if (!page) {
        Page* fresh = alloc_page(kAllocUser);
        if (!fresh) return Errno::ENOMEM;
        set_flags(fresh, kPageAnon | kPageSwapCache);
        fresh->index = entry.pte;
        PageCache::lock_page(fresh);
        const Result<Page*> entered = swap_table.with([&](SwapTable& t) -> Result<Page*> {
            if (Page* faster = find_cached(t, entry)) return faster;
            SwapArea& area = t.areas[entry.type()];
            if (!area.refers(entry.offset())) return Errno::EIO;
            TRY(area.cache.set(entry.offset(), fresh));
            page_get(fresh);
            area.counts[entry.offset()]++;
            t.cached++;
            return fresh;
        });
        if (!entered.ok() || entered.value() != fresh) {
            clear_flags(fresh, kPageSwapCache);
            PageCache::unlock_page(fresh);
            page_put(fresh);
        } else {
            if (read_place(entry, fresh).ok()) PageCache::set_uptodate(fresh);
            PageCache::unlock_page(fresh);
            current()->maj_flt++;
            count_vm_event(VmEvent::pswpin);
            count_vm_event(VmEvent::pgmajfault);
        }
        if (!entered.ok()) return entered.error();
        page = entered.value();
    }
    PageCache::lock_page(page);  // until it has been read
    PageCache::unlock_page(page);
    if (PageCache::uptodate(page)) return page;
    trim_swap_cache(page);
    page_put(page);
    return Errno::EIO;
}

/// `page` has been mapped instead of `entry`. True if it is now the caller's alone, and out of the cache.
bool leave_cache_if_last(Page* page, SwapEntry entry) {
    const bool alone = swap_table.with([&](SwapTable& t) {
        t.put(entry);
        if (t.areas[entry.type()].counts[entry.offset()] != 1 || page_count(page) != 2) return false;
        t.uncache(page);
        return true;
    });
    if (alone) page_put(page);  // the cache's
    return alone;
}

/// One page on its way out.
struct SwapWrite : Bio {
    Page* page = nullptr;
    bool finished = false;

    void start(BlockDevice& disk, SwapEntry entry, Page* of) {
        page = of;
        op = BlockOp::kWrite;
        sector = entry.offset() * kSectorsPerPage;
        add(page_address(page), kPageSize);
        done = [](Bio& bio) {
            auto& write = static_cast<SwapWrite&>(bio);
            WaitQueue& waits_for_page = hashed_wait_queue(write.page);
            WaitQueue& waits_for_bio = hashed_wait_queue(&bio);
            if (bio.status != Errno::OK) set_flags(write.page, kPageError);
            clear_flags(write.page, kPageWriteback);
            __atomic_store_n(&write.finished, true, __ATOMIC_RELEASE);
            waits_for_page.wake_all();
            waits_for_bio.wake_all();  // `bio` may be gone by now
        };
        set_flags(page, kPageWriteback);
        disk.submit(*this);
    }
    void wait() {
        wait_event_uninterruptible(hashed_wait_queue(static_cast<Bio*>(this)),
                                   [&] { return __atomic_load_n(&finished, __ATOMIC_ACQUIRE); });
    }
};

}  // namespace

void SwapTable::put(SwapEntry entry) {
    SwapArea& area = areas[entry.type()];
    BUG_ON(!area.refers(entry.offset()));
    if (--area.counts[entry.offset()] == 0) area.used--;
}

void SwapTable::uncache(Page* page) {
    const SwapEntry entry{page->index};
    Page* taken = areas[entry.type()].cache.take(entry.offset());
    BUG_ON(taken != page);
    clear_flags(page, kPageSwapCache | kPageError);
    cached--;
    put(entry);
}

SwapTotals swap_totals() {
    const auto table = swap_table.lock();
    SwapTotals totals{0, 0, table->cached};
    for (const SwapArea& area : table->areas) {
        if (!area.open) continue;
        totals.total += area.pages - 1 - area.bad;
        totals.free += area.pages - 1 - area.used;
    }
    return totals;
}

bool swap_duplicate(SwapEntry entry) {
    const auto table = swap_table.lock();
    SwapArea& area = table->areas[entry.type()];
    if (!area.refers(entry.offset()) || area.counts[entry.offset()] == 0xffff) return false;
    area.counts[entry.offset()]++;
    return true;
}

void swap_free(SwapEntry entry) {
    Page* page = swap_table.with([&](SwapTable& t) {
        t.put(entry);
        return find_cached(t, entry);
    });
    if (!page) return;
    trim_swap_cache(page);
    page_put(page);
}

bool add_to_swap(Page* page) {
    return swap_table.with([&](SwapTable& t) {
        SwapArea* area = best_area(t);
        const u64 offset = area ? find_place(*area) : 0;
        if (offset == 0 || !area->cache.set(offset, page).ok()) return false;
        page_get(page);
        area->counts[offset] = 1;
        area->used++;
        page->index = SwapEntry::make(static_cast<unsigned>(area - t.areas), offset).pte;
        set_flags(page, kPageSwapCache | kPageUptodate);
        t.cached++;
        return true;
    });
}

SwapEntry swap_entry_of(const Page* page) {
    return page->flags & kPageSwapCache ? SwapEntry{page->index} : SwapEntry{};
}

void trim_swap_cache(Page* page) {
    const bool uncached = swap_table.with([&](SwapTable& t) {
        const SwapEntry entry = swap_entry_of(page);
        if (!entry || page->flags & kPageWriteback) return false;
        const bool place_unused = t.areas[entry.type()].counts[entry.offset()] == 1;
        const bool can_be_read_again = !(page->flags & kPageError) && page_count(page) == 2;
        if (!place_unused && !can_be_read_again) return false;
        t.uncache(page);
        return true;
    });
    if (uncached) page_put(page);
}

u64 shrink_swap_cache(u64 wanted) {
    constexpr u64 kLooks = 512;
    u64 freed = 0;
    for (unsigned type = 0; type < kMaxSwapAreas && freed < wanted; type++) {
        u64 at = 0;
        for (u64 looks = 0; looks < kLooks && freed < wanted; looks++) {
            Page* page = swap_table.with([&](SwapTable& t) -> Page* {
                PageTree& cache = t.areas[type].cache;
                at = cache.next_present(at);
                Page* found = at == ~u64{0} ? nullptr : cache.get(at);
                if (found) page_get(found);
                return found;
            });
            if (!page) break;
            at++;
            if (page_count(page) == 2 && !(page->flags & kPageLocked)) {
                trim_swap_cache(page);
                freed += !swap_entry_of(page);
            }
            page_put(page);
        }
    }
    return freed;
}

void write_to_swap(Page** pages, u32 count) {
    SwapWrite* writes = new (std::nothrow) SwapWrite[count];
    for (u32 i = 0; writes && i < count; i++) {
        const SwapEntry entry = swap_entry_of(pages[i]);
        const RefPtr<BlockDevice> device = swap_table.lock()->areas[entry.type()].device;
        writes[i].start(*device, entry, pages[i]);
    }
    for (u32 i = 0; i < count; i++) {
        if (writes)
            writes[i].wait();
        else  // no memory to write it: the page stays as it is
            set_flags(pages[i], kPageError);
        if (!(pages[i]->flags & kPageError)) count_vm_event(VmEvent::pswpout);
        trim_swap_cache(pages[i]);
        page_put(pages[i]);
    }
    delete[] writes;
}

Result<void> swap_in(vm_area_struct* vma, pte_t* pte, bool write) {
    const SwapEntry entry{__atomic_load_n(pte, __ATOMIC_RELAXED)};
    if (!is_swap_pte(entry.pte)) return Errno::EAGAIN;
    Page* page = TRY(bring_in(entry));
    PageCache::wait_writeback(page);  // or its place could be given away, and written by two at once
    mm_struct* mm = vma->vm_mm;
    {
        const SpinGuard guard(mm->page_table_lock);
        if (*pte == entry.pte) {
            __atomic_add_fetch(&page->mapcount, 1, __ATOMIC_RELAXED);
            mm->rss_anon++;
            mm->hiwater_rss = max(mm->hiwater_rss, mm->rss());
            mm->swap_entries--;
            const bool writable = leave_cache_if_last(page, entry) && write && vma->vm_flags & VM_WRITE;
            *pte = page_to_phys(page) | user_protection(vma) | (writable ? kPteWrite | kPteDirty : 0);
            return writable || !write ? Result<void>() : Result<void>(Errno::EAGAIN);  // to be copied
        }
    }
    page_put(page);  // a truncate was faster
    return Errno::EAGAIN;
}
