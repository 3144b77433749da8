// The first allocator: physical ranges, before struct pages exist.
//
// Guarantees: hands out RAM below 4 GiB (mapped by the boot page tables), zeroed, never the kernel, the
// initrd or firmware; everything left over goes to the buddy allocator once, in memblock_free_all.
#pragma once

#include "core/types.h"

void memblock_init();
void memblock_reserve(u64 start, u64 size);
/// Physical address of `size` bytes, zeroed unless told otherwise; panics when there are none.
u64 memblock_alloc(u64 size, u64 alignment, bool zeroed = true);
/// Highest RAM address + 1.
u64 memblock_end_of_ram();
/// Calls visit(start, end) for every RAM range, page aligned inwards.
void memblock_for_each_ram(void (*visit)(u64 start, u64 end));
/// Calls visit(start, end) for every page-aligned range of RAM that is not reserved.
void memblock_for_each_free(void (*visit)(u64 start, u64 end));
