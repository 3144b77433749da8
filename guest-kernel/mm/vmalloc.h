// Virtually contiguous kernel memory, and device registers, at 0xffffc90000000000.
//
// Guarantees: each area is followed by an unmapped guard page. vmalloc may fail; memory is zeroed.
#pragma once

#include "core/types.h"

/// `size` zeroed bytes, page aligned, or nullptr.
void* vmalloc(size_t size);
void vfree(void* address);
/// Map device registers uncached. `phys` need not be aligned. nullptr: out of memory.
volatile void* ioremap(u64 phys, size_t size);
/// Bytes in use, for /proc/meminfo (VmallocUsed).
u64 vmalloc_used();
