// Areas of huge pages and what they map (mm/hugetlb_area.h).
//
// Guarantees: as in the header.
#include "mm/hugetlb_area.h"

#include "core/panic.h"
#include "core/string.h"
#include "mm/mm_struct.h"

namespace {

HugetlbObject& object_of(const vm_area_struct* vma) {
    return static_cast<HugetlbObject&>(*vma->vm_object);
}

u64 huge_index(const vm_area_struct* vma, u64 address, unsigned order) {
    return vma->index_of(address) >> order;
}

void install(vm_area_struct* vma, u64& entry, Page* head, unsigned order, bool writable) {
    entry = page_to_phys(head) | user_protection(vma) | kPteHuge | (writable ? kPteWrite | kPteDirty : 0);
    __atomic_add_fetch(&head->mapcount, 1, __ATOMIC_RELAXED);
    vma->vm_mm->hugetlb_pages += 1ull << order;
}

/// A page of the area's own, as far as the pool has one. ENXIO: SIGBUS, as Linux answers.
Result<Page*> own_page(vm_area_struct* vma, u64 index, unsigned order) {
    Page* page = vma->huge_reserve ? vma->huge_reserve->take(index)
                                   : hugetlb_take(order, object_of(vma).reserve->limit.get(), false);
    if (!page) return Errno::ENXIO;
    page->flags |= kPageAnon;
    return page;
}

Result<Page*> own_copy(vm_area_struct* vma, u64 index, unsigned order, Page* from) {
    Page* copy = TRY(own_page(vma, index, order));
    memcpy(page_address(copy), page_address(from), leaf_size(order));
    return copy;
}

/// Puts `head`, whose reference we give away, into an entry that was empty. Somebody else's entry, or a truncate since
/// `sequence` was read: the fault comes again and looks again.
void install_missing(vm_area_struct* vma, u64& entry, Page* head, bool writable, u64 sequence) {
    {
        const SpinGuard guard(vma->vm_mm->page_table_lock);
        const bool stale = sequence != __atomic_load_n(&vma->vm_object->invalidations, __ATOMIC_SEQ_CST);
        if (!(entry & kPtePresent) && !stale) {
            install(vma, entry, head, head->order, writable);
            return;
        }
    }
    page_put(head);
}

Result<void> fault_missing(vm_area_struct* vma, u64 address, u64& entry, unsigned order, bool write) {
    HugetlbObject& object = object_of(vma);
    const u64 index = huge_index(vma, address, order);
    const u64 sequence = __atomic_load_n(&object.invalidations, __ATOMIC_SEQ_CST);
    if (index >= object.size() >> kPageShift >> order) return Errno::ENXIO;
    const bool writable = vma->vm_flags & VM_WRITE;
    if (vma->shared()) {
        Result<Page*> page = object.get_huge(index);
        if (!page.ok()) return Errno::ENXIO;
        install_missing(vma, entry, page.value(), writable, sequence);
        return {};
    }
    Page* in_file = object.peek_huge(index);
    if (in_file && !write) {
        install_missing(vma, entry, in_file, false, sequence);
        return {};
    }
    Result<Page*> page = in_file ? own_copy(vma, index, order, in_file) : own_page(vma, index, order);
    if (in_file) page_put(in_file);
    install_missing(vma, entry, TRY(std::move(page)), write, sequence);
    return {};
}

/// A write to a present, read-only entry of a writable area.
Result<void> fault_write(vm_area_struct* vma, u64 address, u64& entry, unsigned order) {
    SpinLock& lock = vma->vm_mm->page_table_lock;
    Page* head = nullptr;
    {
        const SpinGuard guard(lock);
        if (!(entry & kPtePresent)) return {};  // truncated meanwhile: the fault comes again
        head = page_of(entry);
        if (vma->shared() || (head->flags & kPageAnon && page_count(head) == 1)) {
            entry |= kPteWrite | kPteDirty;
            flush_tlb_page(vma->vm_mm, address);
            return {};
        }
        page_get(head);
    }
    Result<Page*> copy = own_copy(vma, huge_index(vma, address, order), order, head);
    page_put(head);
    Page* fresh = TRY(std::move(copy));
    {
        const SpinGuard guard(lock);
        if (entry & kPtePresent && page_of(entry) == head) {
            hugetlb_zap(vma, align_down(address, leaf_size(order)), entry, true);
            install(vma, entry, fresh, order, true);
            return {};
        }
    }
    page_put(fresh);
    return {};
}

}  // namespace

Page* HugetlbObject::peek_huge(u64 index) {
    const auto pages = pages_.lock();
    Page* page = pages->tree.get(index);
    if (page) page_get(page);
    return page;
}

Result<Page*> HugetlbObject::get_huge(u64 index) {
    const auto pages = pages_.lock();
    if (index >= size() >> kPageShift >> reserve->order) return Errno::ENXIO;
    Page* page = pages->tree.get(index);
    if (!page) {
        page = reserve->take(index);
        const Result<void> put = page ? pages->tree.set(index, page) : Result<void>(Errno::ENOMEM);
        if (!put.ok()) {
            if (page) page_put(page);
            return put.error();
        }
        pages->count++;
    }
    page_get(page);
    return page;
}

Result<Page*> HugetlbObject::get_page(u64 index, bool) {
    Page* head = TRY(get_huge(index >> reserve->order));
    return head + (index & ((1ull << reserve->order) - 1));
}

Result<void> HugetlbObject::reserve_holes(u64 from, u64 to) {
    const auto pages = pages_.lock();
    for (u64 at = from; at < to;) {
        const u64 present = pages->tree.next_present(at);
        TRY(reserve->reserve(at, min(present, to)));
        at = present == ~u64{0} ? to : present + 1;
    }
    return {};
}

void HugetlbObject::punch(u64 from, u64 to) {
    const unsigned order = reserve->order;
    reserve->cancel(from, to);
    {
        const auto pages = pages_.lock();
        for (u64 at = pages->tree.next_present(from); at < to; at = pages->tree.next_present(at + 1)) {
            page_put(pages->tree.take(at));
            pages->count--;
        }
    }
    unmap_mapping_range(*this, from << order, to > ~u64{0} >> order ? ~u64{0} : (to << order) - 1, false);
}

void HugetlbObject::set_size(u64 bytes) {
    const u64 before = size();
    __atomic_store_n(&size_, bytes, __ATOMIC_RELAXED);
    if (bytes < before) punch(bytes >> kPageShift >> reserve->order, ~u64{0});
}

void HugetlbObject::grow(u64 bytes) {
    u64 now = size();
    while (now < bytes &&
           !__atomic_compare_exchange_n(&size_, &now, bytes, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

HugetlbObject::~HugetlbObject() {
    pages_.lock()->tree.clear_from(0);
}

unsigned hugetlb_order(const vm_area_struct* vma) {
    return vma->vm_flags & VM_HUGETLB ? object_of(vma).reserve->order : 0;
}

Result<RefPtr<HugetlbObject>> make_hugetlb_object(unsigned order, u64 bytes, RefPtr<HugetlbLimit> limit) {
    RefPtr<HugetlbReserve> reserve = TRY(make_ref<HugetlbReserve>(order, std::move(limit)));
    return make_ref<HugetlbObject>(std::move(reserve), bytes);
}

bool hugetlb_may_cut(const vm_area_struct* vma, u64 address) {
    return (address & (leaf_size(hugetlb_order(vma)) - 1)) == 0;
}

void hugetlb_cancel(vm_area_struct* vma, u64 start, u64 end) {
    if (!vma->huge_reserve) return;
    const unsigned order = hugetlb_order(vma);
    const u64 first = huge_index(vma, start, order);
    vma->huge_reserve->cancel(first, first + ((end - start) >> kPageShift >> order));
}

Result<void> hugetlb_fault(vm_area_struct* vma, u64 address, bool write) {
    const unsigned order = hugetlb_order(vma);
    u64* entry = huge_entry_alloc(vma->vm_mm->pgd, address, order);
    if (!entry) return Errno::ENOMEM;
    if (*entry & kPtePresent && !(*entry & kPteHuge))
        return Errno::ENXIO;  // unmapping takes empty tables along
    if (!(*entry & kPtePresent)) return fault_missing(vma, address, *entry, order, write);
    if (write && !(*entry & kPteWrite)) return fault_write(vma, address, *entry, order);
    flush_tlb_page(vma->vm_mm, address);
    return {};
}

void hugetlb_zap(vm_area_struct* vma, u64 address, u64& entry, bool even_cows) {
    Page* head = page_of(entry);
    if (head->flags & kPageAnon && !even_cows) return;
    entry = 0;
    flush_tlb_page(vma->vm_mm, address);
    vma->vm_mm->hugetlb_pages -= 1ull << head->order;
    __atomic_sub_fetch(&head->mapcount, 1, __ATOMIC_RELAXED);
    page_put(head);
}

Result<void> hugetlb_copy(const vm_area_struct* vma, u64 address, u64& entry) {
    Page* head = page_of(entry);
    if (!(head->flags & kPageAnon)) return {};  // the file gives it again
    u64* target = huge_entry_alloc(vma->vm_mm->pgd, address, head->order);
    if (!target) return Errno::ENOMEM;
    entry &= ~kPteWrite;
    *target = entry & ~kPteDirty;
    page_get(head);
    __atomic_add_fetch(&head->mapcount, 1, __ATOMIC_RELAXED);
    vma->vm_mm->hugetlb_pages += 1ull << head->order;
    return {};
}
