// Taking memory back before it is gone: kswapd, and the flusher of dirty pages.
//
// Guarantees: below the low watermark kswapd is woken and frees (mm/vmscan.h) up to the high one; an allocation that
// finds nothing tries to shrink it itself where the locks it holds allow.
#pragma once

#include "core/types.h"

/// Starts the threads; after kthreadd.
void start_reclaim_threads();
/// Before an allocation of 2^order pages is refused: frees some, if the caller's locks allow. False: nothing was freed.
bool reclaim_for_allocation(unsigned order);
/// After each allocation: `free` pages are left.
void note_free_pages(u64 free);
