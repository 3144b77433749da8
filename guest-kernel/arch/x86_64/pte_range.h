// Visiting the entries of a range of user page tables.
//
// Guarantees: missing tables are skipped as a whole, so that large empty ranges cost nothing.
#pragma once

#include "arch/x86_64/pgtable.h"

/// Calls visit(address, entry, order) for every non-zero entry that maps something in [start, end): of the last level
/// (order 0), or of a huge page of 2^order pages, by its first address, also when the range has only a part of it.
template <class F>
void for_each_leaf(u64* pgd, u64 start, u64 end, F visit) {
    const auto next = [](u64 a, unsigned shift) {
        return align_down(a, u64{1} << shift) + (u64{1} << shift);
    };
    const auto huge = [&](u64 a, u64& entry, unsigned order) {
        visit(align_down(a, leaf_size(order)), entry, order);
    };
    for (u64 a = start; a < end;) {
        const u64 top = pgd[pgd_index(a)];
        if (!(top & kPtePresent)) {
            a = next(a, 39);
            continue;
        }
        u64& pud = table_of(top)[pud_index(a)];
        if (!pud || pud & kPteHuge) {
            if (pud) huge(a, pud, kPudOrder);
            a = next(a, 30);
            continue;
        }
        u64& pmd = table_of(pud)[pmd_index(a)];
        if (!pmd || pmd & kPteHuge) {
            if (pmd) huge(a, pmd, kPmdOrder);
            a = next(a, 21);
            continue;
        }
        pte_t* table = table_of(pmd);
        const u64 stop = min(end, next(a, 21));
        for (; a < stop; a += kPageSize) {
            pte_t& pte = table[pte_index(a)];
            if (pte) visit(a, pte, 0u);
        }
    }
}

/// Calls visit(address, pte) for every non-zero last-level entry in [start, end).
template <class F>
void for_each_pte(u64* pgd, u64 start, u64 end, F visit) {
    for_each_leaf(pgd, start, end, [&](u64 address, u64& entry, unsigned order) {
        if (order == 0) visit(address, entry);
    });
}
