// Local descriptor tables (modify_ldt(2); Linux: arch/x86/kernel/ldt.c).
//
// Guarantees: a table belongs to an address space and never changes; modify_ldt makes another one, which each CPU loads
// that runs the address space before the old one is freed. What a program's selectors name may so go away at any moment:
// they are looked at before they are loaded (tls.cpp), and IRET's refusal is the program's fault (entry_macros.inc).
#pragma once

#include "core/result.h"
#include "core/types.h"

struct mm_struct;

struct LdtTable {
    u32 count;
    u64 entries[];
};

/// Let this CPU use the table of `mm`. Interrupts off.
void load_ldt(const mm_struct& mm);
/// The descriptor `index` of the table that this CPU uses; 0: none.
u64 ldt_descriptor(unsigned index);
/// fork(2): a copy of its own. ENOMEM.
Result<void> copy_ldt(mm_struct& to, const mm_struct& from);
void free_ldt(mm_struct& mm);
