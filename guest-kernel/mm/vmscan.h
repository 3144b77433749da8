// Reclaim: what gives memory back when little is left. Clean pages of the page cache go first, then anonymous pages to
// swap; kswapd (mm/kswapd.h) does it ahead of need, and who finds none does it for itself.
//
// Guarantees: never blocks on an address space that its caller holds; a page that was used since the last look is left
// one more round.
#pragma once

#include "core/types.h"

/// Tries to free `pages`; answers how many were. Sleeps; without mmap_lock and locks above it.
u64 reclaim_pages(u64 pages);

struct mm_struct;
/// The address space of the first process after `*last_pid`, which moves on, with a user count (mmput). Null: no more.
mm_struct* next_mm(int* last_pid);
