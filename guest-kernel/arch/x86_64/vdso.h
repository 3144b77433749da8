// The vDSO in the kernel: its image, and its place in an address space (vdso(7)).
//
// Guarantees: one copy of its pages for all programs; a program that writes to its own gets its own page.
#pragma once

#include "core/result.h"
#include "core/types.h"
#include "time/vdso_data.h"

struct mm_struct;
struct MemoryObject;

/// Makes its pages; before the first program.
void vdso_init();
/// Maps it; where its ELF header then is. ENOMEM.
Result<u64> vdso_map(mm_struct* mm);
/// What the kernel writes for it.
VdsoData& vdso_data();
/// "[vdso]" or "[vvar]" for an area of `object`, else null.
const char* vdso_area_name(const MemoryObject* object, u64 pgoff);
