// Locking memory: mlock, mlock2, munlock, mlockall, munlockall (mlock(2)).
//
// Guarantees: as in mm/mlock.h; locked_vm follows every change. Areas of huge pages are always in memory and never marked.
#include "mm/mlock.h"

#include "arch/x86_64/pgtable.h"
#include "mm/fault.h"
#include "mm/hugetlb_area.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/task.h"

Result<void> check_vm_limit(const mm_struct* mm, u64 vm_flags, u64 pages) {
    if (mm->total_vm + pages > task_rlimit(kRlimitAs) >> kPageShift) return Errno::ENOMEM;
    const bool data = (vm_flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
    if (data && mm->data_vm + pages > task_rlimit(kRlimitData) >> kPageShift) return Errno::ENOMEM;
    return {};
}

bool may_lock() {
    return task_rlimit(kRlimitMemlock) != 0 || current()->cred.has(kCapIpcLock);
}

bool within_lock_limit(u64 pages) {
    return pages <= task_rlimit(kRlimitMemlock) >> kPageShift || current()->cred.has(kCapIpcLock);
}

Result<void> touch_page(mm_struct* mm, u64 address, bool write) {
    Result<Page*> page = get_user_page(mm, address, write);
    if (!page.ok()) return page.error() == Errno::ENOMEM ? Errno::ENOMEM : Errno::EFAULT;
    page_put(page.value());
    return {};
}

Result<void> populate(mm_struct* mm, u64 start, u64 end) {
    for (u64 a = start; a < end; a += kPageSize) {
        MmapGuard guard(mm);
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (!(vma->vm_flags & kVmAccess)) return Errno::EFAULT;
        TRY(touch_page(mm, a, vma->vm_flags & VM_WRITE && !vma->shared()));
        cond_resched();
    }
    return {};
}

Result<void> change_vm_flags(mm_struct* mm, u64 start, u64 end, u64 set, u64 clear) {
    TRY(split_at(mm, start));
    TRY(split_at(mm, end));
    for (u64 a = start; a < end;) {
        vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (vma->vm_flags & VM_HUGETLB && set & (VM_HUGEPAGE | VM_NOHUGEPAGE)) return Errno::EINVAL;
        u64 fresh = (vma->vm_flags | set) & ~clear;
        if (vma->vm_flags & VM_HUGETLB) fresh &= ~u64{VM_LOCKED};  // they are always in memory
        if ((vma->vm_flags ^ fresh) & VM_LOCKED) {
            const u64 pages = vma->size() >> kPageShift;
            mm->locked_vm = fresh & VM_LOCKED ? mm->locked_vm + pages : mm->locked_vm - pages;
        }
        vma->vm_flags = fresh;
        a = vma->vm_end;
    }
    vm_area_struct* vma = find_vma(mm, start);
    if (vma) merge_around(mm, vma);
    return {};
}

namespace {

u64 page_up(u64 value) {
    return align_up(value, kPageSize);
}

}  // namespace

SysResult sys_mlock2(u64 address, u64 length, int flags) {
    constexpr int kOnfault = 1;
    if (flags & ~kOnfault) return Errno::EINVAL;
    if (!may_lock()) return Errno::EPERM;
    const u64 start = align_down(address, kPageSize), end = page_up(address + length);
    if (end < start) return Errno::EINVAL;
    if (start == end) return 0;
    if (end > kTaskSize) return Errno::ENOMEM;
    mm_struct* mm = current()->mm;
    {
        MmapGuard guard(mm);
        if (!within_lock_limit(mm->locked_vm + ((end - start) >> kPageShift))) return Errno::ENOMEM;
        TRY(change_vm_flags(mm, start, end, VM_LOCKED, 0));
    }
    if (flags & kOnfault) return 0;
    // POSIX's errors, as Linux translates them: what cannot be accessed is not there, and no memory may pass.
    const Result<void> brought = populate(mm, start, end);
    if (brought.ok()) return 0;
    return brought.error() == Errno::EFAULT ? Errno::ENOMEM : Errno::EAGAIN;
}

SysResult sys_mlock(u64 address, u64 length) {
    return sys_mlock2(address, length, 0);
}

SysResult sys_munlock(u64 address, u64 length) {
    const u64 start = align_down(address, kPageSize), end = page_up(address + length);
    if (end < start) return Errno::EINVAL;
    if (start == end) return 0;
    if (end > kTaskSize) return Errno::ENOMEM;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    TRY(change_vm_flags(mm, start, end, 0, VM_LOCKED));
    return 0;
}

SysResult sys_mlockall(int flags) {
    constexpr int kCurrent = 1, kFuture = 2, kOnfault = 4;
    if (!flags || flags & ~(kCurrent | kFuture | kOnfault) || flags == kOnfault) return Errno::EINVAL;
    if (!may_lock()) return Errno::EPERM;
    mm_struct* mm = current()->mm;
    u64 end = 0;
    {
        MmapGuard guard(mm);
        if (flags & kCurrent && !within_lock_limit(mm->total_vm)) return Errno::ENOMEM;
        mm->def_flags = flags & kFuture ? u64{VM_LOCKED} : 0;
        if (!(flags & kCurrent)) return 0;
        for (vm_area_struct& vma : mm->vmas) {
            if (!(vma.vm_flags & VM_LOCKED)) mm->locked_vm += vma.size() >> kPageShift;
            vma.vm_flags |= VM_LOCKED;
            end = vma.vm_end;
        }
    }
    if (flags & kOnfault) return 0;
    for (u64 a = 0; a < end;) {  // area by area; what cannot be brought in is left out
        u64 from, to;
        {
            MmapGuard guard(mm);
            const vm_area_struct* vma = find_vma(mm, a);
            if (!vma) break;
            from = max(a, vma->vm_start);
            to = vma->vm_end;
        }
        (void)populate(mm, from, to).ok();
        a = to;
    }
    return 0;
}

SysResult sys_munlockall() {
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    mm->def_flags = 0;
    mm->locked_vm = 0;
    for (vm_area_struct& vma : mm->vmas) vma.vm_flags &= ~u64{VM_LOCKED};
    return 0;
}
