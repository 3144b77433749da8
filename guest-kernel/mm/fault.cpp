// Page faults (mm/fault.h), after Intel SDM vol. 3, 4.7 for the error code.
//
// Guarantees: a page is made writable only when it is shared, or private and owned by nobody else.
#include "mm/fault.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/traps.h"
#include "core/panic.h"
#include "core/printk.h"
#include "core/string.h"
#include "mm/buddy.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb_area.h"
#include "mm/mm_struct.h"
#include "mm/overcommit.h"
#include "mm/swap.h"
#include "mm/user_ptr.h"
#include "mm/vmscan.h"
#include "mm/vmstat.h"
#include "sched/sched.h"
#include "task/signal.h"
#include "task/task.h"

namespace {

alignas(4096) u8 zero_page[kPageSize];

void count_page(vm_area_struct* vma, const Page* page) {
    mm_struct* mm = vma->vm_mm;
    if (page->flags & kPageAnon)
        mm->rss_anon++;
    else if (vma->vm_flags & VM_SHARED && !vma->vm_file)
        mm->rss_shmem++;
    else
        mm->rss_file++;
    mm->hiwater_rss = max(mm->hiwater_rss, mm->rss());
}

/// Put `page` (whose reference we give away) into an empty entry. The page tables are locked.
void install(vm_area_struct* vma, pte_t* pte, Page* page, bool writable) {
    *pte = page_to_phys(page) | user_protection(vma) | (writable ? kPteWrite | kPteDirty : 0);
    __atomic_add_fetch(&page->mapcount, 1, __ATOMIC_RELAXED);
    count_page(vma, page);
}

Page* new_anon_page(bool zeroed) {
    Page* page = alloc_page(kAllocUser | (zeroed ? u32{kAllocZero} : 0u));
    if (page) page->flags |= kPageAnon;
    return page;
}

/// What changes when the object takes pages away from its mappings.
u64 invalidations_of(const vm_area_struct* vma) {
    return __atomic_load_n(&vma->vm_object->invalidations, __ATOMIC_SEQ_CST);
}

/// Map what is cached around `address`, so that a program's start does not cost a fault for every page
/// (Linux's fault_around_bytes: 64 KiB).
void fault_around(vm_area_struct* vma, u64 address) {
    constexpr u64 kPages = 16;
    constexpr u64 kWindow = kPages * kPageSize;
    const u64 start = max(vma->vm_start, align_down(address, kWindow));
    const u64 end = min(vma->vm_end, align_down(address, kWindow) + kWindow);
    const u64 count = (end - start) >> kPageShift;
    Page* pages[kPages];
    pte_t* ptes = pte_lookup(vma->vm_mm->pgd, start);  // the window lies within one table
    const u64 sequence = invalidations_of(vma);
    if (!ptes || !vma->vm_object->cached_pages(vma->index_of(start), count, pages)) return;
    const SpinGuard guard(vma->vm_mm->page_table_lock);
    const bool stale = sequence != invalidations_of(vma);
    for (u64 i = 0; i < count; i++) {
        if (!pages[i]) continue;
        if (ptes[i] || stale)
            page_put(pages[i]);
        else
            install(vma, &ptes[i], pages[i], false);
    }
}

void fault_zero_page(vm_area_struct* vma, pte_t* pte) {
    const u64 phys = reinterpret_cast<u64>(zero_page) - kKernelMap;
    const SpinGuard guard(vma->vm_mm->page_table_lock);
    *pte = phys | user_protection(vma) | kPteSpecial;
}

Result<void> fault_anonymous(vm_area_struct* vma, pte_t* pte) {
    Page* page = new_anon_page(true);
    if (!page) return Errno::ENOMEM;
    const SpinGuard guard(vma->vm_mm->page_table_lock);
    install(vma, pte, page, true);
    return {};
}

/// A page of the object, or a copy of one, for an entry that was empty. EAGAIN: the object has changed meanwhile.
Result<void> fault_object(vm_area_struct* vma, u64 address, pte_t* pte, bool write) {
    const bool shared = vma->shared();
    const u64 sequence = invalidations_of(vma);
    Page* page = TRY(vma->vm_object->get_page(vma->index_of(address), shared && write));
    const bool own = write && !shared;
    Page* copy = own ? new_anon_page(false) : nullptr;
    if (copy) memcpy(page_address(copy), page_address(page), kPageSize);
    if (own) page_put(page);
    if (own && !copy) return Errno::ENOMEM;
    Page* target = own ? copy : page;
    {
        const SpinGuard guard(vma->vm_mm->page_table_lock);
        const bool present = *pte & kPtePresent;  // somebody was faster while we slept
        const bool stale = sequence != invalidations_of(vma);
        if (present || stale) {
            page_put(target);
            return present ? Result<void>() : Result<void>(Errno::EAGAIN);
        }
        install(vma, pte, target, own || (shared && write));
    }
    if (!write) fault_around(vma, address);
    return {};
}

Result<void> fault_missing(vm_area_struct* vma, u64 address, pte_t* pte, bool write) {
    if (vma->vm_object) return fault_object(vma, address, pte, write);
    if (write) return fault_anonymous(vma, pte);
    fault_zero_page(vma, pte);
    return {};
}

/// A write to a shared file's page that is mapped for reading: the object may have another one for writers. EAGAIN: it
/// has changed meanwhile.
Result<void> fault_write_shared(vm_area_struct* vma, u64 address, pte_t* pte) {
    const u64 sequence = invalidations_of(vma);
    Page* target = TRY(vma->vm_object->get_page(vma->index_of(address), true));
    {
        const SpinGuard guard(vma->vm_mm->page_table_lock);
        const bool same = *pte & kPtePresent && pfn_to_page((*pte & kPteAddressMask) >> kPageShift) == target;
        if (sequence == invalidations_of(vma) && same) {
            set_entry_bits(*pte, kPteWrite | kPteDirty);
            tlb_flush_page_here(address);
            page_put(target);
            return {};
        }
    }
    zap_vma_range(vma, address, address + kPageSize, true);
    page_put(target);
    return Errno::EAGAIN;  // as if it had been missing
}

/// A write to a present, read-only page of a writable area.
Result<void> fault_write(vm_area_struct* vma, u64 address, pte_t* pte) {
    if (vma->shared() && vma->vm_object) return fault_write_shared(vma, address, pte);
    mm_struct* mm = vma->vm_mm;
    Page* page;
    bool special;
    {
        const SpinGuard guard(mm->page_table_lock);
        if (!(*pte & kPtePresent)) return Errno::EAGAIN;
        special = *pte & kPteSpecial;
        page = pfn_to_page((*pte & kPteAddressMask) >> kPageShift);
        if (page->flags & kPageSwapCache) trim_swap_cache(page);
        if (!special && page->flags & kPageAnon && page_count(page) == 1) {
            set_entry_bits(*pte, kPteWrite | kPteDirty);
            tlb_flush_page_here(address);
            return {};
        }
        page_get(page);
    }
    Page* copy = new_anon_page(special);
    if (copy) {
        if (!special) memcpy(page_address(copy), page_address(page), kPageSize);
        zap_vma_range(vma, address, address + kPageSize, true);
        const SpinGuard guard(mm->page_table_lock);
        install(vma, pte, copy, true);
    }
    page_put(page);
    return copy ? Result<void>() : Result<void>(Errno::ENOMEM);
}

bool access_allowed(const vm_area_struct* vma, u64 error_code) {
    if (error_code & kPfWrite) return vma->vm_flags & VM_WRITE;
    if (error_code & kPfInstruction) return vma->vm_flags & VM_EXEC;
    return vma->vm_flags & kVmAccess;
}

void bad_area(pt_regs* regs, int sig, int code, u64 address, u64 error_code) {
    if (!user_mode(regs)) {
        if (!fixup_exception(regs)) die("Unable to handle page fault in the kernel", regs, 0);
        return;
    }
    // The kernel's half does not tell a program what is mapped there.
    if (address >= kTaskSize) error_code |= kPfPresent;
    note_trap(14, error_code | kPfUser);
    current()->thread.cr2 = address;
    if (sig == kSigSegv && !is_signal_handled(current(), sig)) {
        printk(KERN_INFO "%s[%d]: segfault at %lx ip %016lx sp %016lx error %lx\n", current()->comm,
               current()->pid, address, regs->rip, regs->rsp, current()->thread.error_code);
    }
    force_sig_fault(sig, code, address);
}

}  // namespace

Result<void> handle_mm_fault(vm_area_struct* vma, u64 address, bool write) {
    address &= kPageMask;
    if (vma->vm_flags & VM_HUGETLB) return hugetlb_fault(vma, address, write);
    const PageLeaf leaf = leaf_lookup(vma->vm_mm->pgd, address);
    if (leaf.order && fault_on_huge(vma, address, write)) return {};
    if (!leaf && write && fault_huge_anonymous(vma, address)) return {};
    pte_t* pte = pte_alloc(vma->vm_mm->pgd, address, true);
    if (!pte) return Errno::ENOMEM;
    for (;;) {
        const pte_t entry = __atomic_load_n(pte, __ATOMIC_RELAXED);
        Result<void> result;
        if (is_swap_pte(entry))
            result = swap_in(vma, pte, write);
        else if (!(entry & kPtePresent))
            result = fault_missing(vma, address, pte, write);
        else if (write && !(entry & kPteWrite))
            result = fault_write(vma, address, pte);
        else
            tlb_flush_page_here(address);  // another CPU was faster
        if (result.ok() || result.error() != Errno::EAGAIN) return result;
    }
}

Result<void> expand_stack(vm_area_struct* vma, u64 address) {
    constexpr u64 kGuardGap = 256 * kPageSize;
    address &= kPageMask;
    if (address >= vma->vm_start) return {};
    if (vma->vm_end - address > current()->signal->rlimits[kRlimitStack].cur) return Errno::ENOMEM;
    const vm_area_struct* prev = vma->vm_mm->vmas.prev(vma);
    if (address < kGuardGap || (prev && address - kGuardGap < prev->vm_end)) return Errno::ENOMEM;
    const u64 pages = (vma->vm_start - address) >> kPageShift;
    mm_struct* mm = vma->vm_mm;
    if ((mm->total_vm + pages) > current()->signal->rlimits[kRlimitAs].cur >> kPageShift)
        return Errno::ENOMEM;
    if (vma->vm_flags & VM_ACCOUNT) TRY(vm_commit(mm, pages));
    vma->vm_start = address;
    mm->areas.refresh(vma);
    mm->total_vm += pages;
    mm->stack_vm += pages;
    mm->hiwater_vm = max(mm->hiwater_vm, mm->total_vm);
    return {};
}

void do_user_addr_fault(pt_regs* regs, u64 error_code, u64 address) {
    task_struct* task = current();
    mm_struct* mm = task->mm;
    if (error_code & kPfReserved) die("reserved bit set in a page table", regs, error_code);
    if (!user_mode(regs)) {
        // Only the user copies may fault, and only on user addresses, and only where sleeping is allowed.
        const bool may_sleep = this_cpu().preempt_count == 0 && this_cpu().hardirq_depth == 0;
        if (!mm || address >= kTaskSize || !may_sleep || error_code & kPfInstruction) {
            bad_area(regs, kSigSegv, kSegvMaperr, address, error_code);
            return;
        }
    } else if (address >= kTaskSize) {
        bad_area(regs, kSigSegv, kSegvMaperr, address, error_code);
        return;
    }
    task->min_flt++;
    count_vm_event(VmEvent::pgfault);
    for (;;) {
        mm->mmap_lock.lock();
        vm_area_struct* vma = find_vma(mm, address);
        int code = kSegvMaperr;
        if (vma && vma->vm_start > address && vma->vm_flags & VM_GROWSDOWN)
            (void)expand_stack(vma, address).ok();
        Result<void> result = Errno::EFAULT;
        if (vma && vma->vm_start <= address) {
            code = kSegvAccerr;
            // Pages without any right keep their entries here; for Linux they are not present.
            if (!(vma->vm_flags & kVmAccess)) error_code &= ~u64{kPfPresent};
            if (access_allowed(vma, error_code))
                result = handle_mm_fault(vma, address, error_code & kPfWrite);
        }
        mm->mmap_lock.unlock();
        if (result.ok()) return;
        if (result.error() == Errno::EFAULT) {
            bad_area(regs, kSigSegv, code, address, error_code);
            return;
        }
        if (result.error() != Errno::ENOMEM) {
            bad_area(regs, kSigBus, kBusAdrerr, address, error_code);
            return;
        }
        if (reclaim_pages(32) > 0) continue;
        if (!user_mode(regs)) {
            // The system call answers EFAULT; the program will meet the OOM killer by itself if it goes on.
            if (out_of_memory() && fatal_signal_pending(task)) {
                bad_area(regs, kSigKill, 0, address, error_code);
                return;
            }
        } else {
            out_of_memory();
            if (fatal_signal_pending(task)) return;
        }
        sched_yield_current();
    }
}

Result<Page*> get_user_page(mm_struct* mm, u64 address, bool write) {
    vm_area_struct* vma = find_vma(mm, address);
    if (!vma || address >= kTaskSize) return Errno::EFAULT;
    if (vma->vm_start > address) {
        if (!(vma->vm_flags & VM_GROWSDOWN) || !expand_stack(vma, address).ok()) return Errno::EFAULT;
    }
    if (!(vma->vm_flags & (write ? VM_WRITE | VM_MAYWRITE : VM_READ | VM_MAYREAD))) return Errno::EFAULT;
    PageLeaf leaf = leaf_lookup(mm->pgd, address);
    if (!leaf || !(*leaf.entry & kPtePresent) || (write && !(*leaf.entry & kPteWrite))) {
        TRY(handle_mm_fault(vma, address, write));
        leaf = leaf_lookup(mm->pgd, address);
        if (!leaf || !(*leaf.entry & kPtePresent)) return Errno::EFAULT;
    }
    Page* page = leaf.page(address);
    page_get(page);
    return page;
}

size_t access_process_vm(mm_struct* mm, u64 address, void* buffer, size_t size, bool write) {
    size_t done = 0;
    while (done < size) {
        mm->mmap_lock.lock();
        Result<Page*> page = get_user_page(mm, address + done, write);
        mm->mmap_lock.unlock();
        if (!page.ok()) break;
        const size_t offset = (address + done) & (kPageSize - 1);
        const size_t n = min<size_t>(size - done, kPageSize - offset);
        u8* memory = static_cast<u8*>(page_address(page.value())) + offset;
        if (write)
            memcpy(memory, static_cast<u8*>(buffer) + done, n);
        else
            memcpy(static_cast<u8*>(buffer) + done, memory, n);
        page_put(page.value());
        done += n;
    }
    return done;
}
