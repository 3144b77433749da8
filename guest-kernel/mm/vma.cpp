// The areas of an address space: finding, splitting, joining, unmapping (mm/mm_struct.h).
//
// Guarantees: counts (total_vm, map_count) follow every change; an error leaves the map as it was.
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/pte_range.h"
#include "arch/x86_64/vdso.h"
#include "core/panic.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb_area.h"
#include "mm/mm_struct.h"
#include "mm/overcommit.h"
#include "mm/swap.h"
#include "mm/user_ptr.h"

namespace {

void account(mm_struct* mm, const vm_area_struct* vma, u64 pages, bool add) {
    auto change = [&](u64& counter) { counter = add ? counter + pages : counter - pages; };
    change(mm->total_vm);
    if (vma->vm_flags & VM_GROWSDOWN)
        change(mm->stack_vm);
    else if ((vma->vm_flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
        change(mm->exec_vm);
    else if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
        change(mm->data_vm);
    if (vma->vm_flags & VM_LOCKED) change(mm->locked_vm);
    mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
}

/// Is memory promised for an area of these flags? For shared memory it is promised to the object.
bool needs_promise(u64 flags) {
    return (flags & (VM_WRITE | VM_SHARED | VM_HUGETLB | VM_NORESERVE)) == VM_WRITE;
}

bool continues(const vm_area_struct* a, const vm_area_struct* b) {
    return a->vm_end == b->vm_start && a->vm_flags == b->vm_flags && a->vm_file == b->vm_file &&
           a->vm_object == b->vm_object && a->huge_reserve == b->huge_reserve &&
           !(a->vm_flags & VM_GROWSDOWN) &&
           (!a->vm_object || a->vm_pgoff + (a->size() >> kPageShift) == b->vm_pgoff);
}

/// `a` swallows `b`, which continues it.
void join(vm_area_struct* a, vm_area_struct* b) {
    const u64 end = b->vm_end;
    b->vm_flags &= ~u64{VM_ACCOUNT};  // the promise goes over
    if (a->vm_object) {               // in one step for who comes from the object's side
        const auto mappings = a->vm_object->mappings.lock();
        b->mapping.node.remove();
        a->vm_end = end;
    }
    remove_area(b);
    a->vm_end = end;
    a->vm_mm->areas.refresh(a);
}

/// Pages whose entries are gone, until no TLB has them any more. All of one address space, whose page tables are locked.
class ZapBatch {
  public:
    explicit ZapBatch(mm_struct* mm) : mm_(mm) {}
    ~ZapBatch() { flush(); }
    ZapBatch(const ZapBatch&) = delete;
    ZapBatch& operator=(const ZapBatch&) = delete;
    /// `page` may be null.
    void add(u64 address, Page* page) {
        start_ = min(start_, address);
        end_ = max(end_, address + kPageSize);
        if (page) pages_[count_++] = page;
        if (count_ == kMost) flush();
    }

  private:
    static constexpr unsigned kMost = 32;
    void flush() {
        if (end_) flush_tlb_range(mm_, start_, end_);
        for (unsigned i = 0; i < count_; i++) page_put(pages_[i]);
        start_ = ~0ull;
        end_ = count_ = 0;
    }
    mm_struct* mm_;
    u64 start_ = ~0ull, end_ = 0;
    unsigned count_ = 0;
    Page* pages_[kMost];
};

void zap_pte(vm_area_struct* vma, u64 address, pte_t& pte, bool even_cows, ZapBatch& batch) {
    mm_struct* mm = vma->vm_mm;
    if (is_swap_pte(pte)) {
        if (!even_cows) return;
        swap_free({pte});
        pte = 0;
        mm->swap_entries--;
        return;
    }
    Page* page = pfn_to_page((pte & kPteAddressMask) >> kPageShift);
    if (!(pte & kPteSpecial) && page->flags & kPageAnon && !even_cows) return;
    const u64 entry = take_entry(pte);
    if (entry & kPteSpecial) {
        batch.add(address, nullptr);
        return;
    }
    if (page->flags & kPageAnon)
        mm->rss_anon--;
    else if (vma->vm_flags & VM_SHARED && !vma->vm_file)
        mm->rss_shmem--;
    else
        mm->rss_file--;
    // A page cache's page is dirty since it became writable.
    if (entry & kPteDirty && page->flags & kPageAnon)
        __atomic_or_fetch(&page->flags, kPageDirty, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&page->mapcount, 1, __ATOMIC_RELAXED);
    if (page->flags & kPageSwapCache) trim_swap_cache(page);
    batch.add(address, page);
}

}  // namespace

void attach_to_object(vm_area_struct* vma) {
    vma->mapping.vma = vma;
    if (vma->vm_object) vma->vm_object->mappings.lock()->push_back(&vma->mapping);
    if (vma->vm_file) vma->vm_file->mapped();
}

void remove_area(vm_area_struct* vma) {
    mm_struct* mm = vma->vm_mm;
    if (mm->mmap_cache == vma) mm->mmap_cache = nullptr;
    if (vma->vm_flags & VM_ACCOUNT) vm_uncommit(vma->size() >> kPageShift);
    if (vma->vm_object) {
        const auto mappings = vma->vm_object->mappings.lock();
        vma->mapping.node.remove();
    }
    vma->node.remove();
    mm->areas.remove(vma);
    mm->map_count--;
    vma->next_removed = mm->removed;
    mm->removed = vma;
}

void free_removed_areas(vm_area_struct* first) {
    while (vm_area_struct* vma = first) {
        first = vma->next_removed;
        if (vma->vm_file) vma->vm_file->unmapped();
        delete vma;
    }
}

vm_area_struct* find_vma(mm_struct* mm, u64 address) {
    vm_area_struct* cached = mm->mmap_cache;
    if (cached && cached->vm_start <= address && address < cached->vm_end) return cached;
    vm_area_struct* vma =
        mm->areas.first_where([&](const vm_area_struct& area) { return area.vm_end > address; });
    if (vma) mm->mmap_cache = vma;
    return vma;
}

const char* vma_name(const vm_area_struct& vma) {
    const mm_struct* mm = vma.vm_mm;
    if (vma.vm_file) return "";
    if (const char* name = vdso_area_name(vma.vm_object.get(), vma.vm_pgoff)) return name;
    if (vma.vm_flags & VM_HUGETLB) return "/anon_hugepage (deleted)";
    if (vma.vm_start <= mm->brk && vma.vm_end > mm->start_brk && !vma.vm_object) return "[heap]";
    if (vma.vm_start <= mm->start_stack && vma.vm_end >= mm->start_stack) return "[stack]";
    return "";
}

Result<vm_area_struct*> insert_area(mm_struct* mm, u64 start, u64 end, u64 flags, RefPtr<File> file,
                                    RefPtr<MemoryObject> object, u64 pgoff) {
    if (mm->map_count >= kMaxMapCount) return Errno::ENOMEM;
    flags &= ~u64{VM_ACCOUNT};
    const u64 pages = (end - start) >> kPageShift;
    if (needs_promise(flags)) {
        TRY(vm_commit(mm, pages));
        flags |= VM_ACCOUNT;
    }
    auto* vma = new (std::nothrow) vm_area_struct;
    if (!vma) {
        if (flags & VM_ACCOUNT) vm_uncommit(pages);
        return Errno::ENOMEM;
    }
    vma->vm_start = start;
    vma->vm_end = end;
    vma->vm_flags = flags;
    vma->vm_pgoff = pgoff;
    vma->vm_mm = mm;
    vma->vm_file = file;
    vma->vm_object = object;
    vm_area_struct* after = find_vma(mm, start);
    BUG_ON(after && after->vm_start < end);
    if (after)
        mm->vmas.insert_before(after, vma);
    else
        mm->vmas.push_back(vma);
    mm->areas.insert(vma);
    mm->map_count++;
    attach_to_object(vma);
    account(mm, vma, vma->size() >> kPageShift, true);
    return vma;
}

void merge_around(mm_struct* mm, vm_area_struct* vma) {
    vm_area_struct* next = mm->vmas.next(vma);
    if (next && continues(vma, next)) join(vma, next);
    vm_area_struct* prev = mm->vmas.prev(vma);
    if (prev && continues(prev, vma)) join(prev, vma);
}

Result<void> split_at(mm_struct* mm, u64 address) {
    vm_area_struct* vma = find_vma(mm, address);
    if (!vma || vma->vm_start >= address) return {};
    if (!hugetlb_may_cut(vma, address)) return Errno::EINVAL;
    split_huge_entry_at(mm, address);
    if (mm->map_count >= kMaxMapCount) return Errno::ENOMEM;
    auto* upper = new (std::nothrow) vm_area_struct;
    if (!upper) return Errno::ENOMEM;
    upper->vm_start = address;
    upper->vm_end = vma->vm_end;
    upper->vm_flags = vma->vm_flags;
    upper->vm_pgoff = vma->index_of(address);
    upper->vm_mm = mm;
    upper->vm_file = vma->vm_file;
    upper->vm_object = vma->vm_object;
    upper->huge_reserve = vma->huge_reserve;
    if (vma->vm_object) {  // in one step for who comes from the object's side
        const auto mappings = vma->vm_object->mappings.lock();
        upper->mapping.vma = upper;
        mappings->push_back(&upper->mapping);
        vma->vm_end = address;
    }
    vma->vm_end = address;
    if (upper->vm_file) upper->vm_file->mapped();
    mm->areas.refresh(vma);
    mm->vmas.insert_after(vma, upper);
    mm->areas.insert(upper);
    mm->map_count++;
    return {};
}

Result<void> unmap_range(mm_struct* mm, u64 start, u64 end) {
    vm_area_struct* vma = find_vma(mm, start);
    if (!vma || vma->vm_start >= end) return {};
    TRY(split_at(mm, start));
    TRY(split_at(mm, end));
    vma = find_vma(mm, start);
    while (vma && vma->vm_start < end) {
        vm_area_struct* next = mm->vmas.next(vma);
        zap_vma_range(vma, vma->vm_start, vma->vm_end, true);
        hugetlb_cancel(vma, vma->vm_start, vma->vm_end);
        account(mm, vma, vma->size() >> kPageShift, false);
        remove_area(vma);
        vma = next;
    }
    // Tables that no area needs any more, between the neighbours.
    const vm_area_struct* above = find_vma(mm, start);
    const vm_area_struct* below = above ? mm->vmas.prev(above) : mm->vmas.back();
    TableList unlinked;
    unlink_user_tables(mm->pgd, below ? below->vm_end : 0, above ? above->vm_start : 1ull << 47, unlinked);
    if (!unlinked.empty()) tlb_flush_tables(mm->tlb);
    free_tables(unlinked);
    return {};
}

Result<void> protect_range(mm_struct* mm, u64 start, u64 end, u64 access) {
    for (u64 a = start; a < end;) {
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (access & ~(vma->vm_flags >> 4) & kVmAccess) return Errno::EACCES;
        a = vma->vm_end;
    }
    TRY(split_at(mm, start));
    TRY(split_at(mm, end));
    for (vm_area_struct* vma = find_vma(mm, start); vma && vma->vm_start < end; vma = mm->vmas.next(vma)) {
        u64 flags = (vma->vm_flags & ~kVmAccess) | access;
        if (needs_promise(flags) && !(flags & VM_ACCOUNT)) {
            TRY(vm_commit(mm, vma->size() >> kPageShift));
            flags |= VM_ACCOUNT;
        }
        account(mm, vma, vma->size() >> kPageShift, false);
        vma->vm_flags = flags;
        account(mm, vma, vma->size() >> kPageShift, true);
        u64 first = ~0ull, last = 0;
        const SpinGuard guard(mm->page_table_lock);
        for_each_leaf(mm->pgd, vma->vm_start, vma->vm_end, [&](u64 address, pte_t& pte, unsigned order) {
            if (is_swap_pte(pte)) return;
            // Write permission comes back by a fault, which knows about copy-on-write.
            clear_entry_bits(pte, kPteWrite | (access ? 0 : kPteUser) | (access & VM_EXEC ? kPteNx : 0));
            set_entry_bits(pte, (access ? kPteUser : 0) | (access & VM_EXEC ? 0 : pte_nx));
            first = min(first, address);
            last = max(last, address + leaf_size(order));
        });
        if (last) flush_tlb_range(mm, first, last);
    }
    vm_area_struct* vma = find_vma(mm, start);
    while (vma && vma->vm_start <= end) {
        vm_area_struct* next = mm->vmas.next(vma);
        vm_area_struct* prev = mm->vmas.prev(vma);
        if (prev && continues(prev, vma)) join(prev, vma);
        vma = next;
    }
    return {};
}

namespace {

constexpr u64 kLowestAddress = 65536;

/// Where free addresses that end at `vma` must stop: a stack keeps its guard gap.
u64 gap_end(const vm_area_struct* vma) {
    return vma->vm_flags & VM_GROWSDOWN ? vma->vm_start - min<u64>(vma->vm_start, 256 * kPageSize)
                                        : vma->vm_start;
}

struct FreeRange {
    u64 length, alignment, top;
    using Areas = decltype(mm_struct::areas);

    /// The highest place in [low, high), or 0.
    u64 fit(u64 low, u64 high) const {
        high = min(high, top);
        if (high < low || high - low < length) return 0;
        const u64 start = align_down(high - length, alignment);
        return start >= low ? start : 0;
    }
    /// The highest place among the areas of a subtree, between the end of the area before it and the start of the one
    /// behind it.
    u64 highest(const vm_area_struct* area, u64 low, u64 high) const {
        if (!area) return fit(low, high);
        if (low >= top) return 0;
        const u64 outer = max(area->first_start > low ? area->first_start - low : 0,
                              high > area->last_end ? high - area->last_end : 0);
        if (max(area->widest_gap, outer) < length) return 0;
        if (const u64 found = highest(Areas::right(area), max(low, area->vm_end), high)) return found;
        return highest(Areas::left(area), low, gap_end(area));
    }
};

}  // namespace

Result<u64> find_free_range(mm_struct* mm, u64 hint, u64 length, u64 alignment) {
    const u64 end = in_ia32_call() ? min(mm->task_size, kIa32TaskSize) : mm->task_size;
    const u64 base = in_ia32_call() ? mm->ia32_mmap_base : mm->mmap_base;
    if (length > end - kLowestAddress) return Errno::ENOMEM;
    hint = align_up(hint, alignment);
    if (hint >= kLowestAddress && hint <= end - length) {
        const vm_area_struct* vma = find_vma(mm, hint);
        if (!vma || hint + length <= gap_end(vma)) return hint;
    }
    for (const u64 top : {base, end}) {
        const u64 found = FreeRange{length, alignment, top}.highest(mm->areas.root(), kLowestAddress, end);
        if (found) return found;
    }
    return Errno::ENOMEM;
}

namespace {

void zap_locked(vm_area_struct* vma, u64 start, u64 end, bool even_cows) {
    mm_struct* mm = vma->vm_mm;
    ZapBatch batch(mm);
    split_huge_entry_at(mm, start);
    split_huge_entry_at(mm, end);
    for_each_leaf(mm->pgd, start, end, [&](u64 address, pte_t& pte, unsigned order) {
        if (order)
            zap_huge_entry(mm, address, pte);
        else
            zap_pte(vma, address, pte, even_cows, batch);
    });
}

}  // namespace

void zap_vma_range(vm_area_struct* vma, u64 start, u64 end, bool even_cows) {
    mm_struct* mm = vma->vm_mm;
    start = max(start, vma->vm_start);
    end = min(end, vma->vm_end);
    const SpinGuard guard(mm->page_table_lock);
    if (vma->vm_flags & VM_HUGETLB) {
        for_each_leaf(mm->pgd, start, end,
                      [&](u64 address, pte_t& pte, unsigned) { hugetlb_zap(vma, address, pte, even_cows); });
        return;
    }
    zap_locked(vma, start, end, even_cows);
}

void zap_range(mm_struct* mm, u64 start, u64 end) {
    for (vm_area_struct* vma = find_vma(mm, start); vma && vma->vm_start < end; vma = mm->vmas.next(vma)) {
        zap_vma_range(vma, start, end, true);
    }
}

void unmap_mapping_range(MemoryObject& object, u64 first_index, u64 last_index, bool even_cows) {
    __atomic_add_fetch(&object.invalidations, 1, __ATOMIC_SEQ_CST);
    const auto mappings = object.mappings.lock();
    for (MemoryObjectMapping& mapping : *mappings) {
        vm_area_struct* vma = mapping.vma;
        const u64 first = vma->vm_pgoff, last = vma->vm_pgoff + (vma->size() >> kPageShift) - 1;
        if (last < first_index || first > last_index) continue;
        const u64 from = vma->vm_start + ((max(first, first_index) - first) << kPageShift);
        const u64 to = vma->vm_start + ((min(last, last_index) - first + 1) << kPageShift);
        zap_vma_range(vma, from, to, even_cows);
    }
}

void write_protect_mappings(MemoryObject& object, u64 index) {
    __atomic_add_fetch(&object.invalidations, 1, __ATOMIC_SEQ_CST);
    const auto mappings = object.mappings.lock();
    for (MemoryObjectMapping& mapping : *mappings) {
        vm_area_struct* vma = mapping.vma;
        if (!vma->shared() || index < vma->vm_pgoff || index >= vma->vm_pgoff + (vma->size() >> kPageShift))
            continue;
        const u64 address = vma->vm_start + ((index - vma->vm_pgoff) << kPageShift);
        const SpinGuard guard(vma->vm_mm->page_table_lock);
        pte_t* pte = pte_lookup(vma->vm_mm->pgd, address);
        if (!pte || !(*pte & kPtePresent) || !(*pte & (kPteWrite | kPteDirty))) continue;
        clear_entry_bits(*pte, kPteWrite | kPteDirty);
        flush_tlb_page(vma->vm_mm, address);
    }
}
