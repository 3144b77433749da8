// The memory system calls: mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore, mlock.
//
// Guarantees: checks and errors in Linux's order (mmap(2) and its kin); RLIMIT_AS, RLIMIT_DATA and
// RLIMIT_MEMLOCK hold.
#include "arch/x86_64/pgtable.h"
#include "fs/files_struct.h"
#include "mm/anon_object.h"
#include "mm/fault.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u64 kProtRead = 1, kProtWrite = 2, kProtExec = 4, kProtGrowsdown = 0x01000000,
              kProtGrowsup = 0x02000000;
constexpr u64 kMapShared = 1, kMapPrivate = 2, kMapSharedValidate = 3, kMapTypeMask = 0xf, kMapFixed = 0x10,
              kMapAnonymous = 0x20, kMapGrowsdown = 0x100, kMapLocked = 0x2000, kMapPopulate = 0x8000,
              kMapHugetlb = 0x40000, kMapFixedNoreplace = 0x100000;
constexpr u64 kMmapMinAddress = 65536;

u64 page_up(u64 value) {
    return align_up(value, kPageSize);
}

/// PROT_* bits and VM_* bits have the same values.
u64 access_of(u64 prot) {
    return prot & kVmAccess;
}

Result<void> check_vm_limit(const mm_struct* mm, u64 pages) {
    if (mm->total_vm + pages > task_rlimit(kRlimitAs) >> kPageShift) return Errno::ENOMEM;
    return {};
}

/// The page of `address`, brought in. EFAULT, ENOMEM. Under mmap_lock.
Result<void> touch(mm_struct* mm, u64 address, bool write) {
    Result<Page*> page = get_user_page(mm, address, write);
    if (!page.ok()) return page.error() == Errno::ENOMEM ? Errno::ENOMEM : Errno::EFAULT;
    page_put(page.value());
    return {};
}

/// Brings [start, end) in as mlock(2) does: what is private and writable is made the program's own. ENOMEM where there
/// is no area; EFAULT where one allows no access or has no page to give.
Result<void> populate(mm_struct* mm, u64 start, u64 end) {
    for (u64 a = start; a < end; a += kPageSize) {
        MmapGuard guard(mm);
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (!(vma->vm_flags & kVmAccess)) return Errno::EFAULT;
        TRY(touch(mm, a, vma->vm_flags & VM_WRITE && !vma->shared()));
        cond_resched();
    }
    return {};
}

/// MADV_POPULATE_READ and _WRITE: the access that the program could do itself (EINVAL where it could not).
Result<void> populate_as_program(mm_struct* mm, u64 start, u64 end, bool write) {
    for (u64 a = start; a < end; a += kPageSize) {
        if (signal_pending(current())) return Errno::EINTR;
        MmapGuard guard(mm);
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (!(vma->vm_flags & (write ? VM_WRITE : kVmAccess))) return Errno::EINVAL;
        TRY(touch(mm, a, write));
    }
    return {};
}

struct MapRequest {
    u64 vm_flags = 0;
    RefPtr<File> file;
    RefPtr<MemoryObject> object;
    u64 pgoff = 0;
};

Result<MapRequest> file_mapping(u64 prot, u64 flags, RefPtr<File> file, u64 offset, u64 length) {
    MapRequest request;
    request.file = std::move(file);
    const bool shared = (flags & kMapTypeMask) != kMapPrivate;
    const u64 pages = length >> kPageShift;
    if ((offset >> kPageShift) + pages < pages) return Errno::EOVERFLOW;
    request.vm_flags = access_of(prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    if (!request.file->readable()) return Errno::EACCES;
    if (shared) {
        if (prot & kProtWrite && !request.file->writable()) return Errno::EACCES;
        request.vm_flags |= VM_SHARED | VM_MAYSHARE;
        if (!request.file->writable()) request.vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
    }
    if (request.file->maps_zeroes()) {
        if (shared) request.object = TRY(make_ref<AnonObject>(pages));
        return request;
    }
    MemoryObject* object = request.file->memory_object();
    if (!object) return Errno::ENODEV;
    request.object = RefPtr<MemoryObject>(object);
    request.pgoff = offset >> kPageShift;
    return request;
}

Result<MapRequest> anonymous_mapping(u64 prot, u64 flags, u64 length) {
    MapRequest request;
    request.vm_flags = access_of(prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    if ((flags & kMapTypeMask) != kMapPrivate) {
        request.vm_flags |= VM_SHARED | VM_MAYSHARE;
        request.object = TRY(make_ref<AnonObject>(length >> kPageShift));
    }
    if (flags & kMapGrowsdown) request.vm_flags |= VM_GROWSDOWN;
    return request;
}

/// mlock(2) and its kin: EPERM without CAP_IPC_LOCK and with a limit of 0.
bool may_lock() {
    return task_rlimit(kRlimitMemlock) != 0 || current()->cred.has(kCapIpcLock);
}
/// Does locking `pages` in all stay within RLIMIT_MEMLOCK, or need not?
bool within_lock_limit(u64 pages) {
    return pages <= task_rlimit(kRlimitMemlock) >> kPageShift || current()->cred.has(kCapIpcLock);
}

Result<u64> place(mm_struct* mm, u64 address, u64 length, u64 flags) {
    if (flags & (kMapFixed | kMapFixedNoreplace)) {
        if (address & ~kPageMask) return Errno::EINVAL;
        if (address > kTaskSize - length) return Errno::ENOMEM;
        if (address < kMmapMinAddress && !current()->cred.has(kCapSysAdmin)) return Errno::EPERM;
        if (flags & kMapFixedNoreplace) {
            const vm_area_struct* vma = find_vma(mm, address);
            if (vma && vma->vm_start < address + length) return Errno::EEXIST;
        }
        return address;
    }
    return find_free_range(mm, page_up(address), length);
}

Result<void> drop_range(mm_struct* mm, u64 start, u64 end) {
    for (u64 a = start; a < end;) {
        vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start >= end) return a < end ? Result<void>(Errno::ENOMEM) : Result<void>();
        if (vma->vm_start > a) return Errno::ENOMEM;
        if (vma->vm_flags & VM_LOCKED) return Errno::EINVAL;
        zap_vma_range(vma, a, end, true);
        a = vma->vm_end;
    }
    return {};
}

Result<void> change_flags(mm_struct* mm, u64 start, u64 end, u64 set, u64 clear) {
    TRY(split_at(mm, start));
    TRY(split_at(mm, end));
    for (u64 a = start; a < end;) {
        vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        const u64 fresh = (vma->vm_flags | set) & ~clear;
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

}  // namespace

SysResult sys_mmap(u64 address, u64 length, u64 prot, u64 flags, int fd, u64 offset) {
    if (offset & ~kPageMask) return Errno::EINVAL;
    const bool anonymous = flags & kMapAnonymous;
    RefPtr<File> file;
    if (!anonymous) {
        file = TRY(get_file(fd));
        if (flags & kMapHugetlb) return Errno::EINVAL;  // not a file of huge pages
    }
    if (length == 0) return Errno::EINVAL;
    const u64 size = page_up(length);
    if (size == 0 || size > kTaskSize) return Errno::ENOMEM;
    const u64 type = flags & kMapTypeMask;
    if (type != kMapShared && type != kMapPrivate && (type != kMapSharedValidate || anonymous))
        return Errno::EINVAL;
    if (flags & kMapHugetlb) return Errno::ENOMEM;  // no huge pages are reserved
    if (flags & kMapLocked && !may_lock()) return Errno::EPERM;
    MapRequest request = TRY(anonymous ? anonymous_mapping(prot, flags, size)
                                       : file_mapping(prot, flags, std::move(file), offset, size));
    mm_struct* mm = current()->mm;
    u64 start;
    bool locked;
    {
        MmapGuard guard(mm);
        start = TRY(place(mm, address, size, flags));
        const u64 vm_flags = request.vm_flags | mm->def_flags | (flags & kMapLocked ? u64{VM_LOCKED} : 0);
        locked = vm_flags & VM_LOCKED;
        if (locked && !within_lock_limit(mm->locked_vm + (size >> kPageShift))) return Errno::EAGAIN;
        TRY(check_vm_limit(mm, size >> kPageShift));
        if (flags & kMapFixed) TRY(unmap_range(mm, start, start + size));
        vm_area_struct* vma =
            TRY(insert_area(mm, start, start + size, vm_flags, request.file, request.object, request.pgoff));
        merge_around(mm, vma);
    }
    if (locked || flags & kMapPopulate) (void)populate(mm, start, start + size).ok();  // as far as it goes
    return static_cast<long>(start);
}

SysResult sys_munmap(u64 address, u64 length) {
    if (address & ~kPageMask || length == 0 || length > kTaskSize || address > kTaskSize - length)
        return Errno::EINVAL;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    TRY(unmap_range(mm, address, address + page_up(length)));
    return 0;
}

SysResult sys_mprotect(u64 address, u64 length, u64 prot) {
    if (address & ~kPageMask) return Errno::EINVAL;
    if (prot & ~(kProtRead | kProtWrite | kProtExec | kProtGrowsdown | kProtGrowsup | 8))
        return Errno::EINVAL;
    if ((prot & (kProtGrowsdown | kProtGrowsup)) == (kProtGrowsdown | kProtGrowsup)) return Errno::EINVAL;
    if (length == 0) return 0;
    const u64 end = address + page_up(length);
    if (end <= address || end > kTaskSize) return Errno::ENOMEM;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    if (prot & kProtGrowsdown) {
        const vm_area_struct* vma = find_vma(mm, address);
        if (!vma || vma->vm_start >= end) return Errno::ENOMEM;
        if (!(vma->vm_flags & VM_GROWSDOWN)) return Errno::EINVAL;
        address = vma->vm_start;
    }
    TRY(protect_range(mm, address, end, access_of(prot)));
    return 0;
}

namespace {

/// Moves the break to `address` if it can; where it then is. Under mmap_lock.
u64 move_brk(mm_struct* mm, u64 address) {
    const u64 unchanged = mm->brk;
    if (address < mm->start_brk || address >= kTaskSize) return unchanged;
    const u64 old_end = page_up(mm->brk), new_end = page_up(address);
    if (new_end < old_end) {
        if (!unmap_range(mm, new_end, old_end).ok()) return unchanged;
    } else if (new_end > old_end) {
        if (address - mm->start_brk > task_rlimit(kRlimitData)) return unchanged;
        if (!check_vm_limit(mm, (new_end - old_end) >> kPageShift).ok()) return unchanged;
        const vm_area_struct* next = find_vma(mm, old_end);
        if (next && next->vm_start < new_end + kPageSize) return unchanged;
        if (mm->def_flags & VM_LOCKED &&
            !within_lock_limit(mm->locked_vm + ((new_end - old_end) >> kPageShift)))
            return unchanged;
        constexpr u64 kHeap = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
        Result<vm_area_struct*> vma = insert_area(mm, old_end, new_end, kHeap | mm->def_flags, {}, {}, 0);
        if (!vma.ok()) return unchanged;
        mm->brk = address;
        merge_around(mm, vma.value());
    }
    mm->brk = address;
    return address;
}

}  // namespace

SysResult sys_brk(u64 address) {
    mm_struct* mm = current()->mm;
    u64 before, now;
    {
        MmapGuard guard(mm);
        before = mm->brk;
        now = move_brk(mm, address);
    }
    if (mm->def_flags & VM_LOCKED && now > before) (void)populate(mm, page_up(before), page_up(now)).ok();
    return static_cast<long>(now);
}

SysResult sys_mremap(u64 address, u64 old_length, u64 new_length, u64 flags, u64 new_address) {
    constexpr u64 kMaymove = 1, kFixed = 2, kDontunmap = 4;
    if (flags & ~(kMaymove | kFixed | kDontunmap)) return Errno::EINVAL;
    if (flags & kFixed && !(flags & kMaymove)) return Errno::EINVAL;
    if (flags & kDontunmap) return Errno::EINVAL;
    if (address & ~kPageMask || new_length == 0 || new_length > kTaskSize || old_length > kTaskSize) {
        return Errno::EINVAL;
    }
    const u64 old_size = page_up(old_length), new_size = page_up(new_length);
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    if (flags & kFixed) {
        if (new_address & ~kPageMask || new_address > kTaskSize - new_size) return Errno::EINVAL;
        if (new_address < address + old_size && address < new_address + new_size) return Errno::EINVAL;
        TRY(unmap_range(mm, new_address, new_address + new_size));
    }
    if (new_size < old_size) {
        TRY(unmap_range(mm, address + new_size, address + old_size));
        if (!(flags & kFixed)) return static_cast<long>(address);
    }
    const u64 moved_size = min(old_size, new_size);
    vm_area_struct* vma = find_vma(mm, address);
    if (!vma || vma->vm_start > address) return Errno::EFAULT;
    if (moved_size > vma->vm_end - address) return Errno::EFAULT;
    if (old_size == 0 && !vma->shared()) return Errno::EINVAL;
    if (new_size == old_size && !(flags & kFixed)) return static_cast<long>(address);
    if (new_size > old_size) TRY(check_vm_limit(mm, (new_size - old_size) >> kPageShift));

    const u64 area_flags = vma->vm_flags;
    RefPtr<File> file = vma->vm_file;
    RefPtr<MemoryObject> object = vma->vm_object;
    const u64 pgoff = vma->index_of(address);
    if (!(flags & kFixed) && address + old_size == vma->vm_end && old_size) {
        const vm_area_struct* next = mm->vmas.next(vma);
        const u64 limit = next ? next->vm_start : kTaskSize;
        if (address + new_size <= limit) {
            vm_area_struct* more = TRY(insert_area(mm, vma->vm_end, address + new_size, area_flags, file,
                                                   object, pgoff + (old_size >> kPageShift)));
            merge_around(mm, more);
            return static_cast<long>(address);
        }
    }
    if (!(flags & kMaymove)) return Errno::ENOMEM;
    const u64 target = flags & kFixed ? new_address : TRY(find_free_range(mm, 0, new_size));
    vm_area_struct* moved = TRY(insert_area(mm, target, target + new_size, area_flags, file, object, pgoff));
    TRY(move_page_tables(mm, address, target, moved_size));
    if (old_size) TRY(unmap_range(mm, address, address + moved_size));
    merge_around(mm, moved);
    return static_cast<long>(target);
}

SysResult sys_madvise(u64 address, u64 length, int advice) {
    constexpr int kDontneed = 4, kFree = 8, kDontfork = 10, kDofork = 11, kMergeable = 12, kUnmergeable = 13,
                  kHugepage = 14, kNohugepage = 15, kDontdump = 16, kDodump = 17, kWipeonfork = 18,
                  kKeeponfork = 19, kCold = 20, kPageout = 21, kPopulateRead = 22, kPopulateWrite = 23;
    if (address & ~kPageMask) return Errno::EINVAL;
    const u64 end = address + page_up(length);
    if (end < address || end > kTaskSize) return Errno::EINVAL;
    mm_struct* mm = current()->mm;
    if (advice == kPopulateRead || advice == kPopulateWrite) {
        TRY(populate_as_program(mm, address, end, advice == kPopulateWrite));
        return 0;
    }
    MmapGuard guard(mm);
    switch (advice) {
        case 0:
        case 1:
        case 2:
        case 3:  // NORMAL RANDOM SEQUENTIAL WILLNEED: there is no disk to read ahead from
        case kCold:
        case kPageout:  // nor one to write to
        case kMergeable:
        case kUnmergeable:  // marks for a merger that does not run, as on a Linux whose ksmd was not started
            break;
        case kDontneed:
        case kFree:
            if (address < end) TRY(drop_range(mm, address, end));
            return 0;
        case kDontfork:
            TRY(change_flags(mm, address, end, VM_DONTCOPY, 0));
            return 0;
        case kDofork:
            TRY(change_flags(mm, address, end, 0, VM_DONTCOPY));
            return 0;
        case kHugepage:
            TRY(change_flags(mm, address, end, VM_HUGEPAGE, VM_NOHUGEPAGE));
            return 0;
        case kNohugepage:
            TRY(change_flags(mm, address, end, VM_NOHUGEPAGE, VM_HUGEPAGE));
            return 0;
        case kDontdump:
            TRY(change_flags(mm, address, end, VM_DONTDUMP, 0));
            return 0;
        case kDodump:
            TRY(change_flags(mm, address, end, 0, VM_DONTDUMP));
            return 0;
        case kWipeonfork:
            TRY(change_flags(mm, address, end, VM_WIPEONFORK, 0));
            return 0;
        case kKeeponfork:
            TRY(change_flags(mm, address, end, 0, VM_WIPEONFORK));
            return 0;
        default:
            return Errno::EINVAL;
    }
    for (u64 a = address; a < end;) {
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        a = vma->vm_end;
    }
    return 0;
}

SysResult sys_msync(u64 address, u64 length, int flags) {
    constexpr int kAsync = 1, kInvalidate = 2, kSync = 4;
    if (flags & ~(kAsync | kInvalidate | kSync) || (flags & kAsync && flags & kSync)) return Errno::EINVAL;
    if (address & ~kPageMask) return Errno::EINVAL;
    const u64 end = address + page_up(length);
    if (end < address) return Errno::ENOMEM;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    for (u64 a = address; a < end;) {
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (flags & kInvalidate && vma->vm_flags & VM_LOCKED) return Errno::EBUSY;
        a = vma->vm_end;
    }
    return 0;  // memory and file are the same pages
}

SysResult sys_mincore(u64 address, u64 length, UserBytes vector) {
    if (address & ~kPageMask) return Errno::EINVAL;
    if (!access_ok(address, length)) return Errno::ENOMEM;
    mm_struct* mm = current()->mm;
    for (u64 i = 0; i < page_up(length) >> kPageShift; i++) {
        const u64 a = address + (i << kPageShift);
        u8 resident;
        {
            MmapGuard guard(mm);
            const vm_area_struct* vma = find_vma(mm, a);
            if (!vma || vma->vm_start > a) return Errno::ENOMEM;
            const PageLeaf leaf = leaf_lookup(mm->pgd, a);
            resident = leaf && *leaf.entry & kPtePresent;
        }
        TRY(vector.offset(static_cast<i64>(i)).write(resident));
    }
    return 0;
}

SysResult sys_mlock2(u64 address, u64 length, int flags) {
    constexpr int kOnfault = 1;
    if (flags & ~kOnfault) return Errno::EINVAL;
    if (!may_lock()) return Errno::EPERM;
    const u64 start = align_down(address, kPageSize), end = page_up(address + length);
    if (end < start || end > kTaskSize) return Errno::EINVAL;
    if (start == end) return 0;
    mm_struct* mm = current()->mm;
    {
        MmapGuard guard(mm);
        if (!within_lock_limit(mm->locked_vm + ((end - start) >> kPageShift))) return Errno::ENOMEM;
        TRY(change_flags(mm, start, end, VM_LOCKED, 0));
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
    if (end < start || end > kTaskSize) return Errno::EINVAL;
    if (start == end) return 0;
    mm_struct* mm = current()->mm;
    MmapGuard guard(mm);
    TRY(change_flags(mm, start, end, 0, VM_LOCKED));
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
