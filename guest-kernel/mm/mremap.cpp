// mremap(2).
//
// Guarantees: checks and errors in Linux's order; a move keeps pages, locks and reservations.
#include "mm/hugetlb_area.h"
#include "mm/mlock.h"
#include "mm/mm_struct.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u64 kMaymove = 1, kFixed = 2, kDontunmap = 4;

struct Remap {
    u64 address, old_size, new_size, flags, new_address;
    bool keeps_old() const { return flags & kDontunmap; }
};

/// Areas of huge pages move by whole ones and do not grow. EINVAL.
Result<void> fit_huge_pages(mm_struct* mm, Remap& r) {
    const vm_area_struct* vma = find_vma(mm, r.address);
    if (!vma || vma->vm_start > r.address || !(vma->vm_flags & VM_HUGETLB)) return {};
    const u64 page_size = leaf_size(hugetlb_order(vma));
    r.old_size = align_up(r.old_size, page_size);
    r.new_size = align_up(r.new_size, page_size);
    if ((r.address | (r.flags & kFixed ? r.new_address : 0)) & (page_size - 1)) return Errno::EINVAL;
    return r.new_size > r.old_size ? Result<void>(Errno::EINVAL) : Result<void>();
}

/// May the area at r.address be what is asked for?
Result<vm_area_struct*> area_to_resize(mm_struct* mm, const Remap& r) {
    vm_area_struct* vma = find_vma(mm, r.address);
    if (!vma || vma->vm_start > r.address) return Errno::EFAULT;
    if (r.old_size == 0 && !(vma->vm_flags & VM_MAYSHARE)) return Errno::EINVAL;
    if (min(r.old_size, r.new_size) > vma->vm_end - r.address) return Errno::EFAULT;
    if (r.new_size <= r.old_size) return vma;
    const u64 more = (r.new_size - r.old_size) >> kPageShift;
    if (vma->vm_flags & VM_LOCKED && !within_lock_limit(mm->locked_vm + more)) return Errno::EAGAIN;
    TRY(check_vm_limit(mm, vma->vm_flags, more));
    return vma;
}

/// Grows `vma`, whose end r is about, into the free addresses behind it. Null: they are taken.
Result<vm_area_struct*> grow_in_place(mm_struct* mm, vm_area_struct* vma, const Remap& r) {
    if (r.address + r.old_size != vma->vm_end || r.old_size == 0) return nullptr;
    const vm_area_struct* next = mm->vmas.next(vma);
    if (r.address + r.new_size > (next ? next->vm_start : mm->task_size)) return nullptr;
    vm_area_struct* more =
        TRY(insert_area(mm, vma->vm_end, r.address + r.new_size, vma->vm_flags, vma->vm_file, vma->vm_object,
                        vma->index_of(r.address + r.old_size)));
    merge_around(mm, more);
    return more;
}

/// The pages have gone to `moved`; what is left of the old place goes, or stays empty.
Result<void> leave_old_place(mm_struct* mm, const Remap& r, u64 size) {
    if (size == 0) return {};
    TRY(split_at(mm, r.address));
    TRY(split_at(mm, r.address + size));
    vm_area_struct* old_area = find_vma(mm, r.address);
    old_area->huge_reserve.reset();  // moved along
    if (!r.keeps_old()) return unmap_range(mm, r.address, r.address + size);
    return change_vm_flags(mm, r.address, r.address + size, 0, VM_LOCKED);
}

/// A truncate of the object must see each page in one of the two areas, in whatever order it looks at them.
Result<void> move_pages(mm_struct* mm, const vm_area_struct* area, u64 from, u64 to, u64 size) {
    if (!area->vm_object) return move_page_tables(mm, from, to, size);
    const auto mappings = area->vm_object->mappings.lock();
    return move_page_tables(mm, from, to, size);
}

Result<u64> move_area(mm_struct* mm, vm_area_struct* vma, const Remap& r) {
    const u64 page_size = leaf_size(hugetlb_order(vma));
    const u64 target =
        r.flags & kFixed ? r.new_address
                         : TRY(find_free_range(mm, r.keeps_old() ? r.new_address : 0, r.new_size, page_size));
    const u64 size = min(r.old_size, r.new_size);
    vm_area_struct* moved = TRY(insert_area(mm, target, target + r.new_size, vma->vm_flags, vma->vm_file,
                                            vma->vm_object, vma->index_of(r.address)));
    moved->huge_reserve = vma->huge_reserve;
    TRY(move_pages(mm, moved, r.address, target, size));
    TRY(leave_old_place(mm, r, size));
    merge_around(mm, find_vma(mm, target));
    return u64{target};
}

/// Where the memory is now; `grown`: it has become larger and is locked.
Result<u64> remap(mm_struct* mm, Remap& r, bool& grown) {
    MmapGuard guard(mm);
    const vm_area_struct* old_area = find_vma(mm, r.address);
    if (!old_area || old_area->vm_start > r.address) return Errno::EFAULT;
    TRY(fit_huge_pages(mm, r));
    if (r.flags & kFixed) {
        if (r.new_address & ~kPageMask || r.new_size > mm->task_size ||
            r.new_address > mm->task_size - r.new_size)
            return Errno::EINVAL;
        if (r.new_address < r.address + r.old_size && r.address < r.new_address + r.new_size)
            return Errno::EINVAL;
        TRY(unmap_range(mm, r.new_address, r.new_address + r.new_size));
    }
    if (r.new_size > mm->task_size) return Errno::ENOMEM;
    if (r.old_size > kTaskSize - r.address) return Errno::EINVAL;  // what do_munmap says
    if (r.new_size < r.old_size) {
        TRY(unmap_range(mm, r.address + r.new_size, r.address + r.old_size));
        if (!(r.flags & kFixed)) return u64{r.address};
        r.old_size = r.new_size;
    }
    vm_area_struct* vma = TRY(area_to_resize(mm, r));
    grown = vma->vm_flags & VM_LOCKED && r.new_size > r.old_size;
    if (!(r.flags & (kFixed | kDontunmap))) {
        if (r.new_size == r.old_size || TRY(grow_in_place(mm, vma, r))) return u64{r.address};
        if (!(r.flags & kMaymove)) return Errno::ENOMEM;
    }
    return move_area(mm, vma, r);
}

}  // namespace

SysResult sys_mremap(u64 address, u64 old_length, u64 new_length, u64 flags, u64 new_address) {
    if (flags & ~(kMaymove | kFixed | kDontunmap)) return Errno::EINVAL;
    if (flags & (kFixed | kDontunmap) && !(flags & kMaymove)) return Errno::EINVAL;
    if (flags & kDontunmap && old_length != new_length) return Errno::EINVAL;
    Remap r{address, align_up(old_length, kPageSize), align_up(new_length, kPageSize), flags, new_address};
    if (address & ~kPageMask || r.new_size == 0) return Errno::EINVAL;
    mm_struct* mm = current()->mm;
    bool grown = false;
    const u64 now = TRY(remap(mm, r, grown));
    if (grown) (void)populate(mm, now + r.old_size, now + r.new_size).ok();  // as far as it goes
    return static_cast<long>(now);
}
