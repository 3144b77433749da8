// Transparent huge pages: private anonymous memory mapped 2 MiB at a time where an area allows it (Linux's
// Documentation/admin-guide/mm/transhuge.rst says what users see).
//
// Guarantees: no program sees a difference but in speed and in the counts. A huge entry lies within one area. Splitting
// one needs no memory: the page table that it takes is put by (mm_struct::deposited) when the huge page is mapped.
#pragma once

#include "core/result.h"
#include "core/types.h"

struct mm_struct;
struct vm_area_struct;

/// /sys/kernel/mm/transparent_hugepage/enabled; `transparent_hugepage=` at boot.
enum class ThpMode : u8 { kAlways, kMadvise, kNever };
ThpMode thp_mode();
void set_thp_mode(ThpMode mode);
void thp_init();

/// What has happened since boot, as /proc/vmstat names it; `mapped` is of now (AnonHugePages, in huge pages).
struct ThpCounts {
    u64 fault_alloc;     // thp_fault_alloc
    u64 fault_fallback;  // thp_fault_fallback
    u64 split_pmd;       // thp_split_pmd
    u64 collapse_alloc;  // thp_collapse_alloc
    u64 mapped;
};
ThpCounts thp_counts();

/// Serves a first write to `address` by a huge page. False when that is not to be, or no huge page is free: a small one
/// serves. Under mmap_lock, like all below.
bool fault_huge_anonymous(vm_area_struct* vma, u64 address);
/// A fault on a present huge entry. False when it has been split: the fault is of a small page now.
bool fault_on_huge(vm_area_struct* vma, u64 address, bool write);
/// If a huge entry maps `address` from before it to beyond it, map its pages by small entries instead.
void split_huge_entry_at(mm_struct* mm, u64 address);
/// Drop the huge entry at `address`.
void zap_huge_entry(mm_struct* mm, u64 address, u64& entry);
/// Let `mm` share the huge page that `entry` of `old_mm` maps (fork). ENOMEM.
Result<void> copy_huge_entry(mm_struct* mm, u64 address, u64& entry);
/// Move the huge entry of `from`, of any kind, to `to` (mremap); both are aligned. False: `to` has small entries.
bool move_huge_entry(mm_struct* mm, u64 from, u64 to, unsigned order);
