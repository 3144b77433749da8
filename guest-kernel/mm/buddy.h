// Start-up and counters of the page allocator (its face is mm/page.h).
//
// Guarantees: after buddy_init every free page of RAM is allocatable; counters are in pages.
#pragma once

#include "core/types.h"

void buddy_init();
/// Give RAM that was reserved at boot (the initrd, gaps of the kernel image) to the allocator.
void buddy_add_reserved(u64 phys_start, u64 phys_end);
u64 buddy_free_pages();
u64 buddy_total_pages();
u64 buddy_max_pfn();
/// Is there a struct Page for this page number? RAM and the holes near it have one.
bool buddy_has_page(u64 pfn);
/// What programs leave to the kernel.
u64 buddy_reserve_pages();
/// Free blocks of 2^order pages.
u64 buddy_free_blocks(unsigned order);
