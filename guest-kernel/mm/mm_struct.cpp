// Life and death of address spaces (mm/mm_struct.h), and copying one for fork.
//
// Guarantees: after dup_mm both sides see private pages read-only, whoever writes first copies. If memory
// runs out half-way the new address space is torn down and the old one is intact.
#include "mm/mm_struct.h"

#include "arch/x86_64/ldt.h"
#include "arch/x86_64/pgtable.h"
#include "arch/x86_64/pte_range.h"
#include "core/panic.h"
#include "mm/huge_memory.h"
#include "mm/hugetlb_area.h"
#include "mm/overcommit.h"
#include "mm/swap.h"
#include "task/task.h"

namespace {

void free_areas(mm_struct* mm) {
    const MmapGuard guard(mm);
    while (vm_area_struct* vma = mm->vmas.front()) {
        zap_vma_range(vma, vma->vm_start, vma->vm_end, true);
        remove_area(vma);
    }
}

Result<void> copy_swap_entry(mm_struct* mm, u64 address, pte_t pte) {
    pte_t* target = pte_alloc(mm->pgd, address, true);
    if (!target || !swap_duplicate({pte})) return Errno::ENOMEM;
    *target = pte;
    mm->swap_entries++;
    return {};
}

Result<void> copy_ptes(mm_struct* mm, const vm_area_struct* vma, mm_struct* old_mm) {
    bool out_of_memory = false;
    const SpinGuard guard(old_mm->page_table_lock);
    for_each_leaf(old_mm->pgd, vma->vm_start, vma->vm_end, [&](u64 address, pte_t& pte, unsigned order) {
        if (out_of_memory) return;
        if (is_swap_pte(pte)) {
            out_of_memory = !copy_swap_entry(mm, address, pte).ok();
            return;
        }
        if (vma->vm_flags & VM_HUGETLB) {
            out_of_memory = !hugetlb_copy(vma, address, pte).ok();
            return;
        }
        if (order) {
            out_of_memory = !copy_huge_entry(mm, address, pte).ok();
            return;
        }
        Page* page = pfn_to_page((pte & kPteAddressMask) >> kPageShift);
        // Pages that the object can give again need not be copied: the child faults them in.
        if (vma->vm_object && !(page->flags & kPageAnon)) return;
        pte_t* target = pte_alloc(mm->pgd, address, true);
        if (!target) {
            out_of_memory = true;
            return;
        }
        *target = clear_entry_bits(pte, kPteWrite) & ~(kPteWrite | kPteDirty);
        if (!(pte & kPteSpecial)) {
            page_get(page);
            __atomic_add_fetch(&page->mapcount, 1, __ATOMIC_RELAXED);
            mm->rss_anon++;
        }
    });
    if (out_of_memory) return Errno::ENOMEM;
    return {};
}

Result<void> dup_areas(mm_struct* mm, mm_struct* old_mm) {
    for (vm_area_struct& old_vma : old_mm->vmas) {
        if (old_vma.vm_flags & VM_DONTCOPY) continue;
        if (old_vma.vm_flags & VM_ACCOUNT) TRY(vm_commit(old_mm, old_vma.size() >> kPageShift));
        auto* vma = new (std::nothrow) vm_area_struct;
        if (!vma) {
            if (old_vma.vm_flags & VM_ACCOUNT) vm_uncommit(old_vma.size() >> kPageShift);
            return Errno::ENOMEM;
        }
        vma->vm_start = old_vma.vm_start;
        vma->vm_end = old_vma.vm_end;
        vma->vm_flags = old_vma.vm_flags & ~VM_LOCKED;
        vma->vm_pgoff = old_vma.vm_pgoff;
        vma->vm_mm = mm;
        vma->vm_file = old_vma.vm_file;
        vma->vm_object = old_vma.vm_object;
        attach_to_object(vma);
        mm->vmas.push_back(vma);
        mm->areas.insert(vma);
        mm->map_count++;
        if (old_vma.vm_flags & (VM_SHARED | VM_WIPEONFORK)) continue;
        TRY(copy_ptes(mm, vma, old_mm));
    }
    return {};
}

}  // namespace

mm_struct* mm_alloc() {
    auto* mm = new (std::nothrow) mm_struct;
    if (!mm) return nullptr;
    mm->pgd = pgd_alloc();
    if (!mm->pgd) {
        delete mm;
        return nullptr;
    }
    if (const mm_struct* old_mm = current()->mm)
        mm->thp_disabled = old_mm->thp_disabled;  // over fork and exec
    return mm;
}

Result<mm_struct*> dup_mm(mm_struct* old_mm) {
    mm_struct* mm = mm_alloc();
    if (!mm) return Errno::ENOMEM;
    old_mm->mmap_lock.lock();
    mm->mmap_base = old_mm->mmap_base;
    mm->ia32_mmap_base = old_mm->ia32_mmap_base;
    mm->task_size = old_mm->task_size;
    mm->start_code = old_mm->start_code;
    mm->end_code = old_mm->end_code;
    mm->start_data = old_mm->start_data;
    mm->end_data = old_mm->end_data;
    mm->start_brk = old_mm->start_brk;
    mm->brk = old_mm->brk;
    mm->start_stack = old_mm->start_stack;
    mm->arg_start = old_mm->arg_start;
    mm->arg_end = old_mm->arg_end;
    mm->env_start = old_mm->env_start;
    mm->env_end = old_mm->env_end;
    for (unsigned i = 0; i < 48; i++) mm->saved_auxv[i] = old_mm->saved_auxv[i];
    mm->exe_file = old_mm->exe_file;
    if (mm->exe_file) (void)mm->exe_file->inode->deny_write_access().ok();  // denied already: cannot fail
    mm->total_vm = old_mm->total_vm;
    mm->data_vm = old_mm->data_vm;
    mm->exec_vm = old_mm->exec_vm;
    mm->stack_vm = old_mm->stack_vm;
    mm->membarrier_registered = old_mm->membarrier_registered;
    mm->dumpable = old_mm->dumpable;
    Result<void> result = dup_areas(mm, old_mm);
    if (result.ok()) result = copy_ldt(*mm, *old_mm);
    flush_tlb_mm(old_mm);
    old_mm->mmap_lock.unlock();
    if (!result.ok()) {
        mmput(mm);
        return result.error();
    }
    mm->hiwater_rss = mm->rss();
    mm->hiwater_vm = mm->total_vm;
    return mm;
}

bool mmget_not_zero(mm_struct* mm) {
    for (u32 users = __atomic_load_n(&mm->mm_users, __ATOMIC_RELAXED); users != 0;) {
        if (__atomic_compare_exchange_n(&mm->mm_users, &users, users + 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

void mmput(mm_struct* mm) {
    const u32 left = __atomic_sub_fetch(&mm->mm_users, 1, __ATOMIC_ACQ_REL);
    BUG_ON(left == ~0u);
    if (left > 0) return;
    free_areas(mm);
    if (mm->exe_file) mm->exe_file->inode->allow_write_access();
    mm->exe_file.reset();
    free_ldt(*mm);
    mmdrop(mm);
}

void mmdrop(mm_struct* mm) {
    const u32 left = __atomic_sub_fetch(&mm->mm_count, 1, __ATOMIC_ACQ_REL);
    BUG_ON(left == ~0u);
    if (left > 0) return;
    tlb_forget(mm->tlb);
    pgd_free(mm->pgd);
    delete mm;
}

mm_struct* get_task_mm(task_struct* task) {
    IrqGuard guard(task->alloc_lock);
    mm_struct* mm = task->mm;
    if (mm) mmget(mm);
    return mm;
}

Result<void> move_page_tables(mm_struct* mm, u64 from, u64 to, u64 size) {
    split_huge_entry_at(mm, from);
    split_huge_entry_at(mm, from + size);
    for (u64 offset = 0; offset < size; offset += kPageSize) {
        if (const unsigned order = leaf_lookup(mm->pgd, from + offset).order) {
            if ((to + offset) % leaf_size(order) == 0 &&
                move_huge_entry(mm, from + offset, to + offset, order)) {
                offset += leaf_size(order) - kPageSize;
                continue;
            }
            split_huge_entry_at(mm, from + offset + kPageSize);
        }
        pte_t* source = pte_lookup(mm->pgd, from + offset);
        if (!source || !*source) continue;
        pte_t* target = pte_alloc(mm->pgd, to + offset, true);
        if (!target) return Errno::ENOMEM;
        const SpinGuard guard(mm->page_table_lock);
        *target = take_entry(*source);
        flush_tlb_page(mm, from + offset);
    }
    return {};
}
