// Visiting the present entries of a range of user page tables.
//
// Guarantees: missing tables are skipped as a whole, so that large empty ranges cost nothing.
#pragma once

#include "arch/x86_64/pgtable.h"

/// Calls visit(address, pte) for every non-zero last-level entry in [start, end).
template <class F>
void for_each_pte(u64* pgd, u64 start, u64 end, F visit) {
    for (u64 a = start; a < end;) {
        const u64 top = pgd[pgd_index(a)];
        if (!(top & kPtePresent)) {
            a = align_down(a, u64{1} << 39) + (u64{1} << 39);
            continue;
        }
        const u64 pud = table_of(top)[pud_index(a)];
        if (!(pud & kPtePresent)) {
            a = align_down(a, u64{1} << 30) + (u64{1} << 30);
            continue;
        }
        const u64 pmd = table_of(pud)[pmd_index(a)];
        if (!(pmd & kPtePresent)) {
            a = align_down(a, u64{1} << 21) + (u64{1} << 21);
            continue;
        }
        pte_t* table = table_of(pmd);
        const u64 stop = min(end, align_down(a, u64{1} << 21) + (u64{1} << 21));
        for (; a < stop; a += kPageSize) {
            pte_t& pte = table[pte_index(a)];
            if (pte) visit(a, pte);
        }
    }
}
