// Huge pages that an administrator sets aside (Linux's Documentation/admin-guide/mm/hugetlbpage.rst): a pool for each
// size, and reservations that make a
// mapping's faults safe. The areas and files made of them are in mm/hugetlb_area.h.
//
// Guarantees: who has reserved a page gets it; nobody else's page is taken for it. A page is cleared before a program
// sees it. `order` is kPmdOrder (2 MiB) or kPudOrder (1 GiB) everywhere.
#pragma once

#include "arch/x86_64/pgtable.h"
#include "core/range_set.h"
#include "core/refcount.h"
#include "mm/page.h"
#include "sync/guarded.h"

constexpr unsigned kHugetlbOrders[] = {kPmdOrder, kPudOrder};
/// Does this CPU have pages of that size?
bool hugetlb_has(unsigned order);
/// What MAP_HUGETLB without a size means: 2 MiB, or `default_hugepagesz=`.
unsigned hugetlb_default_order();
/// The order of pages of 2^`shift` bytes. EINVAL.
Result<unsigned> hugetlb_order_of(unsigned shift);

struct HugetlbCounts {
    u64 total, free, reserved, surplus, overcommit;  // pages of that size
};
HugetlbCounts hugetlb_counts(unsigned order);
/// Grow or shrink a pool to `count` pages, as far as memory and use allow (nr_hugepages).
void set_nr_hugepages(unsigned order, u64 count);
void set_nr_overcommit_hugepages(unsigned order, u64 count);
/// hugepagesz=, hugepages=, default_hugepagesz=. After the page allocator is there.
void hugetlb_init();

/// Let `count` pages be there for who will take them. ENOMEM.
Result<void> hugetlb_reserve(unsigned order, u64 count);
void hugetlb_unreserve(unsigned order, u64 count);
/// How many huge pages the files of a file system may have, reserved ones and their private copies included (size=).
struct HugetlbLimit : RefCounted {
    explicit HugetlbLimit(u64 pages) : max(pages) {}
    bool take(u64 pages);
    void give(u64 pages) { __atomic_sub_fetch(&used_, pages, __ATOMIC_RELAXED); }
    u64 in_use() const { return __atomic_load_n(&used_, __ATOMIC_RELAXED); }
    const u64 max;

  private:
    u64 used_ = 0;
};

/// A cleared page; `reserved`: one of those reserved, and counted in `limit`, by the caller. Null when the pool has none
/// to give, or the limit, which may be null, is reached.
Page* hugetlb_take(unsigned order, HugetlbLimit* limit, bool reserved);
/// The last reference to a page of a pool is gone (page_put).
void hugetlb_release(Page* head);

/// Which pages of a mapping or a file are reserved and not yet taken.
class HugetlbReserve : public RefCounted {
  public:
    HugetlbReserve(unsigned page_order, RefPtr<HugetlbLimit> limit_of_pages)
        : order(page_order), limit(std::move(limit_of_pages)) {}
    /// Numbers are of huge pages. ENOMEM: the pool has no more to promise.
    Result<void> reserve(u64 from, u64 to);
    /// What is still reserved of [from, to) is promised no longer.
    void cancel(u64 from, u64 to);
    /// A page for `index`: the reserved one, or one that nobody has reserved. Null: none.
    Page* take(u64 index);
    const unsigned order;
    const RefPtr<HugetlbLimit> limit;  ///< may be null

  protected:
    ~HugetlbReserve() override { cancel(0, ~u64{0}); }

  private:
    Guarded<RangeSet, LockRank::kBlockMap> set_;
};
