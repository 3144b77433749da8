// Files and areas of huge pages: MAP_HUGETLB, hugetlbfs, SHM_HUGETLB (mm/hugetlb.h has the pools).
//
// Guarantees: a shared mapping's pages are reserved with its file, a private one's with the areas of the process that
// made it; a child of fork has none, as in Linux, and may meet SIGBUS where the pool is empty. Areas begin, end and are cut
// at multiples of their page size (EINVAL).
#pragma once

#include "fs/page_tree.h"
#include "mm/hugetlb.h"
#include "mm/memory_object.h"

struct mm_struct;
struct vm_area_struct;

/// The data of a file of hugetlbfs, or of a shared mapping: huge pages by number.
class HugetlbObject final : public MemoryObject {
  public:
    HugetlbObject(RefPtr<HugetlbReserve> reserve_of_file, u64 bytes)
        : reserve(std::move(reserve_of_file)), size_(bytes) {}
    /// `index` is of 4 KiB, as everywhere; the page is one of a huge page's. ENXIO beyond the end; ENOMEM: no huge page.
    Result<Page*> get_page(u64 index, bool for_write) override;
    HugetlbObject* as_hugetlb() override { return this; }
    /// Huge page `index` with a reference, made if it is not there. Errors as get_page.
    Result<Page*> get_huge(u64 index);
    /// Huge page `index` with a reference, or null.
    Page* peek_huge(u64 index);
    /// Promises pages for those of [from, to) that have none. ENOMEM.
    Result<void> reserve_holes(u64 from, u64 to);
    /// Cuts or extends; `bytes` is a multiple of the page size.
    void set_size(u64 bytes);
    /// Extends to at least `bytes`.
    void grow(u64 bytes);
    /// Gives the huge pages [from, to) back.
    void punch(u64 from, u64 to);
    u64 size() const { return __atomic_load_n(&size_, __ATOMIC_RELAXED); }
    u64 page_count() { return pages_.lock()->count; }

    const RefPtr<HugetlbReserve> reserve;

  protected:
    ~HugetlbObject() override;

  private:
    struct Pages {
        PageTree tree;
        u64 count = 0;
    };
    Guarded<Pages, LockRank::kObjectPages> pages_;
    u64 size_;
};

/// The order of the pages of `vma`; 0 for an ordinary area.
unsigned hugetlb_order(const vm_area_struct* vma);
/// An object of `bytes`, whose pages count in `limit`, if there is one. ENOMEM.
Result<RefPtr<HugetlbObject>> make_hugetlb_object(unsigned order, u64 bytes, RefPtr<HugetlbLimit> limit = {});
/// May an area be cut at `address`?
bool hugetlb_may_cut(const vm_area_struct* vma, u64 address);
/// [start, end) of an area goes, for good.
void hugetlb_cancel(vm_area_struct* vma, u64 start, u64 end);
/// A fault in an area of huge pages. ENXIO: SIGBUS. Under mmap_lock, like the rest.
Result<void> hugetlb_fault(vm_area_struct* vma, u64 address, bool write);
/// Drop the entry at `address`; private pages too when `even_cows`.
void hugetlb_zap(vm_area_struct* vma, u64 address, u64& entry, bool even_cows);
/// fork: let the new area `vma` share the private page that `entry` of the old one maps. ENOMEM.
Result<void> hugetlb_copy(const vm_area_struct* vma, u64 address, u64& entry);
