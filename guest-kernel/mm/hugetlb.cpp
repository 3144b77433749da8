// The pools of huge pages (mm/hugetlb.h).
//
// Guarantees: total = free + in use; reserved <= free + what overcommit may add. Surplus pages, made beyond nr_hugepages
// when a reservation needs them, go back to the page allocator when they are free.
#include "mm/hugetlb.h"

#include "arch/x86_64/cpu.h"
#include "core/cmdline.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "mm/buddy.h"
#include "sched/sched.h"

namespace {

struct Pool {
    List<Page, &Page::lru> free_list;
    HugetlbCounts counts{};

    u64 unpromised() const { return counts.free - counts.reserved; }
    void put_free(Page* page) {
        free_list.push_front(page);
        counts.free++;
    }
    Page* take_free() {
        Page* page = free_list.pop_front();
        if (page) counts.free--;
        return page;
    }
};
Guarded<Pool, LockRank::kHugetlb> pools[2];
unsigned default_order = kPmdOrder;

Guarded<Pool, LockRank::kHugetlb>& pool_of(unsigned order) {
    return pools[order == kPudOrder];
}

/// A page from the page allocator, not in any pool's counts yet.
Page* new_page(unsigned order) {
    Page* page = order <= kMaxOrder ? alloc_compound(order, kAllocUser) : alloc_gigantic(order);
    if (page) {
        page->flags |= kPageHugetlb;
        page->refcount = 0;
    }
    return page;
}

void return_page(Page* page, unsigned order) {
    page->flags &= ~u32{kPageHugetlb};
    free_pages(page, order);
}

/// A surplus page, within the limit. False: the limit or memory is reached.
bool add_surplus(unsigned order) {
    auto& guarded = pool_of(order);
    {
        const auto pool = guarded.lock();
        if (pool->counts.surplus >= pool->counts.overcommit) return false;
        pool->counts.surplus++;
        pool->counts.total++;
    }
    Page* page = new_page(order);
    const auto pool = guarded.lock();
    if (!page) {
        pool->counts.surplus--;
        pool->counts.total--;
        return false;
    }
    pool->put_free(page);
    return true;
}

/// Surplus pages that nobody needs go.
void shed_surplus(unsigned order) {
    for (;;) {
        Page* page = pool_of(order).with([](Pool& pool) -> Page* {
            if (pool.counts.surplus == 0 || pool.unpromised() == 0) return nullptr;
            pool.counts.surplus--;
            pool.counts.total--;
            return pool.take_free();
        });
        if (!page) return;
        return_page(page, order);
    }
}

void clear(Page* page, unsigned order) {
    for (u64 i = 0; i < 1ull << order; i += 1ull << kPmdOrder) {
        memset(page_address(page + i), 0, kHugePageSize);
        cond_resched();
    }
}

/// "2M", "1G", "2097152": log2, or 0.
unsigned parse_size(const char* text) {
    if (strcmp(text, "2M") == 0 || strcmp(text, "2m") == 0 || strcmp(text, "2048K") == 0) return 21;
    if (strcmp(text, "1G") == 0 || strcmp(text, "1g") == 0 || strcmp(text, "1024M") == 0) return 30;
    return 0;
}

}  // namespace

bool hugetlb_has(unsigned order) {
    return order == kPmdOrder || (order == kPudOrder && boot_cpu_features.ext_edx >> 26 & 1);
}

unsigned hugetlb_default_order() {
    return default_order;
}

Result<unsigned> hugetlb_order_of(unsigned shift) {
    if (shift < kPageShift || !hugetlb_has(shift - kPageShift)) return Errno::EINVAL;
    return unsigned{shift - static_cast<unsigned>(kPageShift)};
}

HugetlbCounts hugetlb_counts(unsigned order) {
    return pool_of(order).lock()->counts;
}

void set_nr_hugepages(unsigned order, u64 count) {
    auto& guarded = pool_of(order);
    const auto persistent = [](const Pool& pool) { return pool.counts.total - pool.counts.surplus; };
    guarded.with([&](Pool& pool) {  // grow: first by pages that are there as surplus
        if (persistent(pool) < count)
            pool.counts.surplus -= min(pool.counts.surplus, count - persistent(pool));
    });
    while (persistent(*guarded.lock()) < count) {
        Page* page = new_page(order);
        if (!page) break;
        guarded.with([&](Pool& pool) {
            pool.counts.total++;
            pool.put_free(page);
        });
        cond_resched();
    }
    for (;;) {  // shrink: free pages go, those in use become surplus
        Page* page = nullptr;
        const bool more = guarded.with([&](Pool& pool) {
            if (persistent(pool) <= count) return false;
            if (pool.unpromised() > 0) {
                page = pool.take_free();
                pool.counts.total--;
            } else {
                pool.counts.surplus++;
            }
            return true;
        });
        if (!more) break;
        if (page) return_page(page, order);
    }
}

void set_nr_overcommit_hugepages(unsigned order, u64 count) {
    pool_of(order).lock()->counts.overcommit = count;
}

void hugetlb_init() {
    char word[24];
    if (cmdline_value("default_hugepagesz", word, sizeof(word))) {
        const Result<unsigned> order = hugetlb_order_of(parse_size(word));
        if (order.ok()) default_order = order.value();
    }
    unsigned order = default_order;
    if (cmdline_value("hugepagesz", word, sizeof(word))) {
        const Result<unsigned> given = hugetlb_order_of(parse_size(word));
        if (!given.ok()) {
            printk(KERN_ERR "HugeTLB: unsupported hugepagesz=%s\n", word);
            return;
        }
        order = given.value();
    }
    if (const u64 count = cmdline_number("hugepages", 0)) set_nr_hugepages(order, count);
}

Result<void> hugetlb_reserve(unsigned order, u64 count) {
    for (;;) {
        const bool done = pool_of(order).with([&](Pool& pool) {
            if (pool.unpromised() < count) return false;
            pool.counts.reserved += count;
            return true;
        });
        if (done) return {};
        if (!add_surplus(order)) {
            shed_surplus(order);
            return Errno::ENOMEM;
        }
    }
}

void hugetlb_unreserve(unsigned order, u64 count) {
    if (count == 0) return;
    pool_of(order).lock()->counts.reserved -= count;
    shed_surplus(order);
}

bool HugetlbLimit::take(u64 pages) {
    if (__atomic_add_fetch(&used_, pages, __ATOMIC_RELAXED) <= max) return true;
    give(pages);
    return false;
}

Page* hugetlb_take(unsigned order, HugetlbLimit* limit, bool reserved) {
    if (limit && !reserved && !limit->take(1)) return nullptr;
    const auto take = [&](Pool& pool) -> Page* {
        if (!reserved && pool.unpromised() == 0) return nullptr;
        if (reserved) pool.counts.reserved--;
        return pool.take_free();
    };
    Page* page = pool_of(order).with(take);
    if (!page && !reserved && add_surplus(order)) page = pool_of(order).with(take);
    if (!page) {
        if (limit) limit->give(1);
        return nullptr;
    }
    page->flags = kPageHead | kPageHugetlb;
    page->refcount = 1;
    page->mapcount = 0;
    page->hugetlb_limit = limit;
    if (limit) limit->ref();
    clear(page, order);
    return page;
}

void hugetlb_release(Page* head) {
    const unsigned order = head->order;
    const RefPtr<HugetlbLimit> limit = adopt_ref(head->hugetlb_limit);
    if (limit) limit->give(1);
    pool_of(order).with([&](Pool& pool) { pool.put_free(head); });
    shed_surplus(order);
}

Result<void> HugetlbReserve::reserve(u64 from, u64 to) {
    const auto set = set_.lock();
    const u64 fresh = to - from - set->count(from, to);
    if (limit && !limit->take(fresh)) return Errno::ENOMEM;
    Result<void> promised = hugetlb_reserve(order, fresh);
    if (promised.ok() && !set->add(from, to).ok()) {
        hugetlb_unreserve(order, fresh);
        promised = Errno::ENOMEM;
    }
    if (!promised.ok() && limit) limit->give(fresh);
    return promised;
}

void HugetlbReserve::cancel(u64 from, u64 to) {
    const auto set = set_.lock();
    const Result<u64> removed = set->remove(from, to);
    if (!removed.ok()) return;  // it stays promised until all of it goes
    hugetlb_unreserve(order, removed.value());
    if (limit) limit->give(removed.value());
}

Page* HugetlbReserve::take(u64 index) {
    const auto set = set_.lock();
    const Result<u64> removed = set->remove(index, index + 1);
    return hugetlb_take(order, limit.get(), removed.ok() && removed.value() == 1);
}
