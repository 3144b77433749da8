// Reclaim (mm/vmscan.h).
//
// Anonymous pages are found through the address spaces, in turns: a page whose accessed bit is set loses the bit, one
// whose bit is clear goes to swap. A page of several address spaces leaves them one by one, and memory with the last.
#include "mm/vmscan.h"

#include "arch/x86_64/pte_range.h"
#include "fs/page_cache.h"
#include "mm/huge_memory.h"
#include "mm/mm_struct.h"
#include "mm/swap.h"
#include "mm/vmstat.h"
#include "sched/sched.h"
#include "task/pid.h"

namespace {

/// Pages on their way out of one address space.
class SwapOut {
  public:
    static constexpr u32 kBatch = 32;

    explicit SwapOut(mm_struct* mm) : mm_(mm) {}
    bool full() const { return count_ == kBatch; }
    u32 taken() const { return taken_; }

    /// The entry at `address` of an area that may go out. Under the page table's lock.
    void look_at(u64 address, pte_t& pte) {
        Page* page = page_of(pte);
        if (pte & kPteSpecial || !(page->flags & kPageAnon) || page->flags & (kPageTail | kPageHead)) return;
        if (pte & kPteAccessed) {
            clear_entry_bits(pte, kPteAccessed);
            return;
        }
        SwapEntry entry = swap_entry_of(page);
        const i32 others =
            page_count(page) - __atomic_load_n(&page->mapcount, __ATOMIC_RELAXED) - (entry ? 1 : 0);
        if (others != 0 || page->flags & kPageError) return;  // somebody works on it, or it cannot be written
        const bool fresh = !entry;
        if (fresh && !add_to_swap(page)) return;
        entry = swap_entry_of(page);
        if (!swap_duplicate(entry)) return;
        __atomic_store_n(&pte, entry.pte, __ATOMIC_SEQ_CST);
        flush_tlb_page(mm_, address);
        mm_->rss_anon--;
        mm_->swap_entries++;
        __atomic_sub_fetch(&page->mapcount, 1, __ATOMIC_RELAXED);
        taken_++;
        if (fresh) {
            pages_[count_++] = page;  // with the entry's reference
        } else {
            trim_swap_cache(page);
            page_put(page);
        }
    }
    /// Without mmap_lock.
    void write() {
        if (count_) write_to_swap(pages_, count_);
        count_ = 0;
    }

  private:
    mm_struct* mm_;
    Page* pages_[kBatch];
    u32 count_ = 0;
    u32 taken_ = 0;
};

bool may_go_out(const vm_area_struct& vma) {
    return !(vma.vm_flags & (VM_LOCKED | VM_HUGETLB | VM_SHARED));
}

/// Looks at the pages of [at, end), which lie within the reach of one table; answers where the next look begins.
u64 scan_table(mm_struct* mm, u64 at, u64 end, SwapOut& out, u64& budget) {
    const PageLeaf leaf = leaf_lookup(mm->pgd, at);
    if (leaf.order) {
        if (clear_entry_bits(*leaf.entry, kPteAccessed) & kPteAccessed) return end;
        split_huge_entry_at(mm, align_down(at, kHugePageSize) + kPageSize);
    }
    u64 next = end;
    const SpinGuard guard(mm->page_table_lock);
    for_each_pte(mm->pgd, at, end, [&](u64 address, pte_t& pte) {
        if (!(pte & kPtePresent) || next != end) return;
        if (out.full() || budget == 0) {
            next = address;
            return;
        }
        budget--;
        out.look_at(address, pte);
    });
    return next;
}

/// Looks at up to `budget` pages of `mm` from where the last look ended; moves at most a batch out.
u64 scan_mm(mm_struct* mm, u64& budget) {
    SwapOut out(mm);
    {
        const MmapGuard guard(mm);
        u64 at = mm->swap_scan_address;
        vm_area_struct* vma = find_vma(mm, at);
        for (; vma; vma = mm->vmas.next(vma)) {
            at = max(at, vma->vm_start);
            if (!may_go_out(*vma)) continue;
            while (at < vma->vm_end && budget > 0 && !out.full()) {
                const u64 stop = min(vma->vm_end, align_down(at, kHugePageSize) + kHugePageSize);
                at = scan_table(mm, at, stop, out, budget);
            }
            if (at < vma->vm_end) break;
        }
        mm->swap_scan_address = vma ? at : 0;
    }
    const u64 taken = out.taken();
    out.write();
    return taken;
}

Guarded<int, LockRank::kSwapCursor> swap_cursor;  // the process that was looked at last

/// Moves pages of `mm` out until `wanted` are or each has been looked at.
u64 swap_out_of(mm_struct* mm, u64 wanted) {
    u64 done = 0;
    for (u64 budget = mm->rss_anon, before = budget + 1; done < wanted && budget > 0 && budget < before;) {
        before = budget;
        done += scan_mm(mm, budget);
        cond_resched();
    }
    return done;
}

/// Moves anonymous pages out, process by process, until `wanted` are; at most until each process was looked at twice,
/// since the first time may only take accessed bits away.
u64 swap_out(u64 wanted) {
    u64 done = 0;
    int cursor = *swap_cursor.lock();
    for (int ends = 0; ends < 3 && done < wanted && swap_totals().free > 0;) {
        if (mm_struct* mm = next_mm(&cursor)) {
            done += swap_out_of(mm, wanted - done);
            mmput(mm);
        } else {
            cursor = 0;
            ends++;
        }
    }
    *swap_cursor.lock() = cursor;
    return done;
}

}  // namespace

mm_struct* next_mm(int* last_pid) {
    for (;;) {
        task_struct* next = nullptr;
        {
            const auto table = task_table.lock();
            for (task_struct& task : table->list) {
                if (task.pid <= *last_pid || task.pid != task.tgid || task.flags & PF_KTHREAD) continue;
                if (!next || task.pid < next->pid) next = &task;
            }
            if (!next) return nullptr;
            task_get(next);
        }
        *last_pid = next->pid;
        mm_struct* mm = get_task_mm(next);
        task_put(next);
        if (mm) return mm;
    }
}

u64 reclaim_pages(u64 pages) {
    const bool ahead = current()->flags & PF_KTHREAD;
    const u64 files = shrink_page_cache(pages);
    u64 anon = files < pages ? shrink_swap_cache(pages - files) : 0;
    if (files + anon < pages) anon += swap_out(pages - files - anon);
    count_vm_event(VmEvent::pgsteal_file, files);
    count_vm_event(VmEvent::pgsteal_anon, anon);
    count_vm_event(ahead ? VmEvent::pgsteal_kswapd : VmEvent::pgsteal_direct, files + anon);
    return files + anon;
}
