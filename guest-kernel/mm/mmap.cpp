// The memory system calls: mmap, munmap, mprotect, brk, madvise, msync, mincore, mlock.
//
// Guarantees: checks and errors in Linux's order (mmap(2) and its kin); RLIMIT_AS, RLIMIT_DATA and
// RLIMIT_MEMLOCK hold.
#include "arch/x86_64/pgtable.h"
#include "fs/files_struct.h"
#include "mm/anon_object.h"
#include "mm/fault.h"
#include "mm/hugetlb_area.h"
#include "mm/mlock.h"
#include "mm/mm_struct.h"
#include "mm/overcommit.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr u64 kProtRead = 1, kProtWrite = 2, kProtExec = 4, kProtGrowsdown = 0x01000000,
              kProtGrowsup = 0x02000000;
constexpr u64 kMapShared = 1, kMapPrivate = 2, kMapSharedValidate = 3, kMapTypeMask = 0xf, kMapFixed = 0x10,
              kMapAnonymous = 0x20, kMapGrowsdown = 0x100, kMapLocked = 0x2000, kMapPopulate = 0x8000,
              kMapNoreserve = 0x4000, kMapHugetlb = 0x40000, kMapFixedNoreplace = 0x100000;
constexpr unsigned kMapHugeShift = 26;  // six bits: log2 of the page size
constexpr u64 kMmapMinAddress = 65536;

u64 page_up(u64 value) {
    return align_up(value, kPageSize);
}

/// PROT_* bits and VM_* bits have the same values.
u64 access_of(u64 prot) {
    return prot & kVmAccess;
}

/// MADV_POPULATE_READ and _WRITE: the access that the program could do itself (EINVAL where it could not).
Result<void> populate_as_program(mm_struct* mm, u64 start, u64 end, bool write) {
    for (u64 a = start; a < end; a += kPageSize) {
        if (signal_pending(current())) return Errno::EINTR;
        MmapGuard guard(mm);
        const vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start > a) return Errno::ENOMEM;
        if (!(vma->vm_flags & (write ? VM_WRITE : kVmAccess))) return Errno::EINVAL;
        TRY(touch_page(mm, a, write));
    }
    return {};
}

struct MapRequest {
    u64 vm_flags = 0;
    RefPtr<File> file;
    RefPtr<MemoryObject> object;
    RefPtr<HugetlbReserve> huge_reserve;
    u64 pgoff = 0;
    u64 page_size = kPageSize;
};

/// What an area of huge pages is made of: reserved for the file when shared, else for the area. EINVAL for an offset
/// within a page; ENOMEM.
Result<void> use_hugetlb(MapRequest& request, HugetlbObject& object, u64 size, u64 flags) {
    const unsigned order = object.reserve->order;
    request.page_size = leaf_size(order);
    if (request.pgoff & ((1ull << order) - 1)) return Errno::EINVAL;
    request.vm_flags |= VM_HUGETLB;
    request.object = RefPtr<MemoryObject>(&object);
    const u64 first = request.pgoff >> order, last = first + (size >> kPageShift >> order);
    if (request.vm_flags & VM_MAYSHARE) {
        if (!(flags & kMapNoreserve)) TRY(object.reserve_holes(first, last));
        return {};
    }
    request.huge_reserve = TRY(make_ref<HugetlbReserve>(order, object.reserve->limit));
    if (!(flags & kMapNoreserve)) TRY(request.huge_reserve->reserve(first, last));
    return {};
}

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
        if (shared) request.object = TRY(AnonObject::make(pages, !(flags & kMapNoreserve)));
        return request;
    }
    MemoryObject* object = request.file->memory_object();
    if (!object) return Errno::ENODEV;
    request.object = RefPtr<MemoryObject>(object);
    request.pgoff = offset >> kPageShift;
    if (HugetlbObject* huge = object->as_hugetlb()) {
        TRY(use_hugetlb(request, *huge, length, flags));
        if (prot & kProtWrite) huge->grow(offset + length);
    }
    return request;
}

/// The size of the pages that a mapping is to have. EINVAL: one that this CPU lacks.
Result<u64> mapping_page_size(u64 flags, File* file) {
    if (file) {
        MemoryObject* object = file->memory_object();
        HugetlbObject* huge = object ? object->as_hugetlb() : nullptr;
        if (huge) return leaf_size(huge->reserve->order);
        if (flags & kMapHugetlb) return Errno::EINVAL;
    }
    if (file || !(flags & kMapHugetlb)) return u64{kPageSize};
    const unsigned shift = flags >> kMapHugeShift & 63;
    return leaf_size(shift ? TRY(hugetlb_order_of(shift)) : hugetlb_default_order());
}

Result<MapRequest> anonymous_mapping(u64 prot, u64 flags, u64 length) {
    MapRequest request;
    request.vm_flags = access_of(prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    const bool shared = (flags & kMapTypeMask) != kMapPrivate;
    if (shared) request.vm_flags |= VM_SHARED | VM_MAYSHARE;
    if (flags & kMapHugetlb) {
        const u64 page_size = TRY(mapping_page_size(flags, nullptr));
        const unsigned order = page_size == leaf_size(kPudOrder) ? kPudOrder : kPmdOrder;
        const RefPtr<HugetlbObject> object = TRY(make_hugetlb_object(order, length));
        TRY(use_hugetlb(request, *object, length, flags));
    } else if (shared) {
        request.object = TRY(AnonObject::make(length >> kPageShift, !(flags & kMapNoreserve)));
    }
    if (flags & kMapGrowsdown) request.vm_flags |= VM_GROWSDOWN;
    return request;
}

Result<u64> place(mm_struct* mm, u64 address, u64 length, u64 flags, u64 page_size) {
    if (flags & (kMapFixed | kMapFixedNoreplace)) {
        if (address & (page_size - 1)) return Errno::EINVAL;
        if (length > mm->task_size || address > mm->task_size - length) return Errno::ENOMEM;
        if (address < kMmapMinAddress && !current()->cred.has(kCapSysAdmin)) return Errno::EPERM;
        if (flags & kMapFixedNoreplace) {
            const vm_area_struct* vma = find_vma(mm, address);
            if (vma && vma->vm_start < address + length) return Errno::EEXIST;
        }
        return address;
    }
    return find_free_range(mm, page_up(address), length, page_size);
}

/// MADV_DONTNEED, and MADV_FREE (`free`), which areas of huge pages do not know.
Result<void> drop_range(mm_struct* mm, u64 start, u64 end, bool free) {
    for (u64 a = start; a < end;) {
        vm_area_struct* vma = find_vma(mm, a);
        if (!vma || vma->vm_start >= end) return a < end ? Result<void>(Errno::ENOMEM) : Result<void>();
        if (vma->vm_start > a) return Errno::ENOMEM;
        if (vma->vm_flags & VM_LOCKED) return Errno::EINVAL;
        const u64 stop = min(end, vma->vm_end);
        if (!hugetlb_may_cut(vma, a) || (free && vma->vm_flags & VM_HUGETLB)) return Errno::EINVAL;
        zap_vma_range(vma, a, align_down(stop, leaf_size(hugetlb_order(vma))), true);
        a = vma->vm_end;
    }
    return {};
}

}  // namespace

SysResult sys_mmap(u64 address, u64 length, u64 prot, u64 flags, int fd, u64 offset) {
    if (offset & ~kPageMask) return Errno::EINVAL;
    const bool anonymous = flags & kMapAnonymous;
    RefPtr<File> file;
    if (!anonymous) {
        file = TRY(get_file(fd));
    }
    const u64 page_size = TRY(mapping_page_size(flags, file.get()));
    if (length == 0) return Errno::EINVAL;
    const u64 size = align_up(length, page_size);
    if (size == 0 || size > kTaskSize) return Errno::ENOMEM;
    const u64 type = flags & kMapTypeMask;
    if (type != kMapShared && type != kMapPrivate && (type != kMapSharedValidate || anonymous))
        return Errno::EINVAL;
    if (flags & kMapLocked && !may_lock()) return Errno::EPERM;
    MapRequest request = TRY(anonymous ? anonymous_mapping(prot, flags, size)
                                       : file_mapping(prot, flags, std::move(file), offset, size));
    mm_struct* mm = current()->mm;
    u64 start;
    bool locked;
    {
        MmapGuard guard(mm);
        start = TRY(place(mm, address, size, flags, page_size));
        const u64 noreserve =
            flags & kMapNoreserve && overcommit_mode() != Overcommit::kNever ? u64{VM_NORESERVE} : 0;
        const u64 vm_flags =
            request.vm_flags | mm->def_flags | noreserve | (flags & kMapLocked ? u64{VM_LOCKED} : 0);
        locked = vm_flags & VM_LOCKED;
        if (locked && !within_lock_limit(mm->locked_vm + (size >> kPageShift))) return Errno::EAGAIN;
        TRY(check_vm_limit(mm, vm_flags, size >> kPageShift));
        if (flags & kMapFixed) TRY(unmap_range(mm, start, start + size));
        vm_area_struct* vma =
            TRY(insert_area(mm, start, start + size, vm_flags, request.file, request.object, request.pgoff));
        vma->huge_reserve = request.huge_reserve;
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
    if ((prot & (kProtGrowsdown | kProtGrowsup)) == (kProtGrowsdown | kProtGrowsup)) return Errno::EINVAL;
    if (address & ~kPageMask) return Errno::EINVAL;
    if (length == 0) return 0;
    const u64 end = address + page_up(length);
    if (end <= address) return Errno::ENOMEM;
    if (prot & ~(kProtRead | kProtWrite | kProtExec | kProtGrowsdown | kProtGrowsup | 8))
        return Errno::EINVAL;
    if (end > kTaskSize) return Errno::ENOMEM;
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
    constexpr u64 kHeap = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
    const u64 unchanged = mm->brk;
    if (address < mm->start_brk || address >= mm->task_size) return unchanged;
    const u64 old_end = page_up(mm->brk), new_end = page_up(address);
    if (new_end < old_end) {
        if (!unmap_range(mm, new_end, old_end).ok()) return unchanged;
    } else if (new_end > old_end) {
        if (address - mm->start_brk > task_rlimit(kRlimitData)) return unchanged;
        if (!check_vm_limit(mm, kHeap, (new_end - old_end) >> kPageShift).ok()) return unchanged;
        const vm_area_struct* next = find_vma(mm, old_end);
        if (next && next->vm_start < new_end + kPageSize) return unchanged;
        if (mm->def_flags & VM_LOCKED &&
            !within_lock_limit(mm->locked_vm + ((new_end - old_end) >> kPageShift)))
            return unchanged;
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

SysResult sys_madvise(u64 address, u64 length, int advice) {
    constexpr int kDontneed = 4, kFree = 8, kDontfork = 10, kDofork = 11, kMergeable = 12, kUnmergeable = 13,
                  kHugepage = 14, kNohugepage = 15, kDontdump = 16, kDodump = 17, kWipeonfork = 18,
                  kKeeponfork = 19, kCold = 20, kPageout = 21, kPopulateRead = 22, kPopulateWrite = 23;
    const bool known = (advice >= 0 && advice <= kDontneed) || advice == kFree ||
                       (advice >= kDontfork && advice <= kPopulateWrite);
    if (!known || address & ~kPageMask) return Errno::EINVAL;
    const u64 end = address + page_up(length);
    if (end < address || (length && !page_up(length))) return Errno::EINVAL;
    if (end > kTaskSize) return end == address ? SysResult(0) : Errno::ENOMEM;
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
            if (address < end) TRY(drop_range(mm, address, end, advice == kFree));
            return 0;
        case kDontfork:
            TRY(change_vm_flags(mm, address, end, VM_DONTCOPY, 0));
            return 0;
        case kDofork:
            TRY(change_vm_flags(mm, address, end, 0, VM_DONTCOPY));
            return 0;
        case kHugepage:
            TRY(change_vm_flags(mm, address, end, VM_HUGEPAGE, VM_NOHUGEPAGE));
            return 0;
        case kNohugepage:
            TRY(change_vm_flags(mm, address, end, VM_NOHUGEPAGE, VM_HUGEPAGE));
            return 0;
        case kDontdump:
            TRY(change_vm_flags(mm, address, end, VM_DONTDUMP, 0));
            return 0;
        case kDodump:
            TRY(change_vm_flags(mm, address, end, 0, VM_DONTDUMP));
            return 0;
        case kWipeonfork:
            TRY(change_vm_flags(mm, address, end, VM_WIPEONFORK, 0));
            return 0;
        case kKeeponfork:
            TRY(change_vm_flags(mm, address, end, 0, VM_WIPEONFORK));
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
