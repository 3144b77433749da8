// Swap: anonymous pages on disk, and the cache of those that are both there and in memory.
//
// A swap area is a block device that mkswap(8) has prepared and swapon(2) has opened. A page on its way out is in the
// cache; each page table entry that stood for it holds a swap entry instead. Coming in, it is found in the cache or read
// into it, and leaves it when nobody else refers to its place.
//
// Guarantees: a place on the disk belongs to one page until the last entry and the cache have given it back. A page in
// the cache is never writable. What cannot be read again is SIGBUS, not other data.
#pragma once

#include "arch/x86_64/pgtable.h"
#include "core/string_buf.h"

struct mm_struct;
struct vm_area_struct;

/// A place on a swap area, as it stands in a page table: never 0, never present.
struct SwapEntry {
    u64 pte = 0;

    static constexpr u64 kMark = 2;
    static constexpr unsigned kTypeShift = 2;
    static SwapEntry make(unsigned type, u64 offset) {
        return {offset << kPageShift | u64{type} << kTypeShift | kMark};
    }
    unsigned type() const { return pte >> kTypeShift & 31; }
    u64 offset() const { return pte >> kPageShift; }
    explicit operator bool() const { return pte; }
};
inline bool is_swap_pte(u64 pte) {
    return pte != 0 && !(pte & kPtePresent);
}

/// Sums over all areas, in pages.
struct SwapTotals {
    u64 total, free;
    u64 cached;  // in memory as well
};
SwapTotals swap_totals();
/// The lines of /proc/swaps.
Result<void> show_swaps(KString& out);

/// One more page table entry refers to the place. False: too many do.
bool swap_duplicate(SwapEntry entry);
/// One fewer does.
void swap_free(SwapEntry entry);

/// Gives `page`, anonymous and not in the cache, a place and puts it into the cache. False: no room.
bool add_to_swap(Page* page);
/// The place of a page that is in the cache; else empty.
SwapEntry swap_entry_of(const Page* page);
/// Takes `page` out of the cache if nobody refers to its place, or if nobody but the cache and the caller has the page,
/// which can be read again.
void trim_swap_cache(Page* page);
/// Frees up to `wanted` pages that nobody but the cache has; answers how many.
u64 shrink_swap_cache(u64 wanted);
/// Writes pages of the cache, waits, and gives the caller's references back. Those that cannot be written stay.
void write_to_swap(Page** pages, u32 count);

/// A fault on the swap entry in `pte`: brings the page in and maps it, writable if it is `vma`'s alone and `write`. EIO,
/// ENOMEM; EAGAIN: the entry has changed, or the page is to be copied first: look at the entry again. Under mmap_lock.
Result<void> swap_in(vm_area_struct* vma, pte_t* pte, bool write);
