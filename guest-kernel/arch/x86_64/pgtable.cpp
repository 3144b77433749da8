// Page tables (arch/x86_64/pgtable.h).
//
// Guarantees: W^X in the kernel: text is read-only and executable, everything else is NX. RAM is mapped by 2
// MiB pages at the direct map, struct pages by 2 MiB pages in sections of 128 MiB.
#include "arch/x86_64/pgtable.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/tlb.h"
#include "core/panic.h"
#include "core/string.h"
#include "mm/memblock.h"

u64* kernel_pgd;
u64 pte_nx;

extern "C" char _text[], _rodata[], _data[], _end[];

namespace {

PerCpu<i64> table_pages;  // those made on a CPU, less those freed there

u64* early_table(u64& entry) {
    if (!(entry & kPtePresent)) entry = memblock_alloc(kPageSize, kPageSize) | kPtePresent | kPteWrite;
    return table_of(entry);
}

void map_huge_early(u64 address, u64 phys, u64 flags) {
    u64* pud = early_table(kernel_pgd[pgd_index(address)]);
    u64* pmd = early_table(pud[pud_index(address)]);
    pmd[pmd_index(address)] = phys | flags | kPtePresent | kPteHuge | kPteGlobal;
}

void map_direct(u64 start, u64 end) {
    for (u64 phys = align_down(start, kHugePageSize); phys < end; phys += kHugePageSize) {
        map_huge_early(kDirectMap + phys, phys, kPteWrite | pte_nx);
    }
}

void map_struct_pages(u64 start, u64 end) {
    for (u64 phys = align_down(start, kSectionSize); phys < end; phys += kSectionSize) {
        const u64 address = reinterpret_cast<u64>(pfn_to_page(phys >> kPageShift));
        u64* pud = early_table(kernel_pgd[pgd_index(address)]);
        u64* pmd = early_table(pud[pud_index(address)]);
        if (pmd[pmd_index(address)] & kPtePresent) continue;
        map_huge_early(address, memblock_alloc(kHugePageSize, kHugePageSize, false), kPteWrite | pte_nx);
    }
}

u64* next_table(u64& entry, bool user) {
    if (entry & kPtePresent) return entry & kPteHuge ? nullptr : table_of(entry);
    Page* page = alloc_table();
    if (!page) return nullptr;
    entry = page_to_phys(page) | kPtePresent | kPteWrite | (user ? kPteUser : 0);
    return table_of(entry);
}

void unlink_table(u64& entry, TableList& unlinked) {
    unlinked.push_back(pfn_to_page((entry & kPteAddressMask) >> kPageShift));
    entry = 0;
}

bool table_is_empty(const u64* table) {
    for (unsigned i = 0; i < 512; i++) {
        if (table[i]) return false;
    }
    return true;
}

/// Unlink the tables below `table` (level 3: PUD table) for addresses in [start, end) once they are empty.
void unlink_level(u64* table, int level, u64 base, u64 start, u64 end, TableList& unlinked) {
    const unsigned shift = 12 + 9 * (static_cast<unsigned>(level) - 1);
    const u64 span = 1ull << shift;
    const u64 first = start > base ? (start - base) >> shift : 0;
    const u64 last = min<u64>((end - base - 1) >> shift, 511);
    for (u64 i = first; i <= last; i++) {
        if (!(table[i] & kPtePresent) || (table[i] & kPteHuge)) continue;
        u64* below = table_of(table[i]);
        if (level > 2) unlink_level(below, level - 1, base + i * span, start, end, unlinked);
        if (table_is_empty(below)) unlink_table(table[i], unlinked);
    }
}

/// Unlink everything below `table`; level 1 tables hold pages, which are gone.
void unlink_all(u64* table, unsigned count, int level, TableList& unlinked) {
    for (unsigned i = 0; i < count; i++) {
        if (!(table[i] & kPtePresent)) continue;
        BUG_ON(table[i] & kPteHuge && level < 4);
        if (level > 2) unlink_all(table_of(table[i]), 512, level - 1, unlinked);
        unlink_table(table[i], unlinked);
    }
}

}  // namespace

void setup_kernel_page_tables() {
    pte_nx = boot_cpu_features.nx ? kPteNx : 0;
    kernel_pgd = static_cast<u64*>(phys_to_virt(memblock_alloc(kPageSize, kPageSize)));
    memblock_for_each_ram(map_direct);
    map_direct(0, kHugePageSize);
    const u64 text = reinterpret_cast<u64>(_text), rodata = reinterpret_cast<u64>(_rodata);
    const u64 data = reinterpret_cast<u64>(_data), end = reinterpret_cast<u64>(_end);
    for (u64 a = text; a < end; a += kHugePageSize) {
        const u64 flags = a < rodata ? 0 : a < data ? pte_nx : kPteWrite | pte_nx;
        map_huge_early(a, a - kKernelMap, flags);
    }
    memblock_for_each_ram(map_struct_pages);
    // Every PML4 entry of the kernel half that may ever be used exists from now on, so that they can be
    // shared.
    for (u64 a = kVmallocStart; a < kVmallocStart + (4ull << 39); a += 1ull << 39)
        early_table(kernel_pgd[pgd_index(a)]);
    tlb_load_kernel();
}

PageLeaf leaf_lookup(u64* pgd, u64 address) {
    const u64 top = pgd[pgd_index(address)];
    if (!(top & kPtePresent)) return {};
    u64* pud = table_of(top) + pud_index(address);
    if (*pud & kPteHuge) return {pud, kPudOrder};
    if (!(*pud & kPtePresent)) return {};
    u64* pmd = table_of(*pud) + pmd_index(address);
    if (*pmd & kPteHuge) return {pmd, kPmdOrder};
    if (!(*pmd & kPtePresent)) return {};
    return {table_of(*pmd) + pte_index(address), 0};
}

pte_t* pte_lookup(u64* pgd, u64 address) {
    const PageLeaf leaf = leaf_lookup(pgd, address);
    return leaf.order ? nullptr : leaf.entry;
}

u64* huge_entry_alloc(u64* pgd, u64 address, unsigned order) {
    u64* pud = next_table(pgd[pgd_index(address)], true);
    if (!pud) return nullptr;
    if (order == kPudOrder) return pud + pud_index(address);
    u64* pmd = next_table(pud[pud_index(address)], true);
    return pmd ? pmd + pmd_index(address) : nullptr;
}

Page* alloc_table() {
    Page* page = alloc_page(kAllocZero);
    if (!page) return nullptr;
    page->flags |= kPageTable;
    table_pages.here()++;
    return page;
}

pte_t* pte_alloc(u64* pgd, u64 address, bool user) {
    u64* pud = next_table(pgd[pgd_index(address)], user);
    if (!pud) return nullptr;
    u64* pmd = next_table(pud[pud_index(address)], user);
    if (!pmd) return nullptr;
    u64* pte = next_table(pmd[pmd_index(address)], user);
    return pte ? pte + pte_index(address) : nullptr;
}

Result<void> map_kernel_page(u64 address, u64 phys, u64 flags) {
    pte_t* pte = pte_alloc(kernel_pgd, address, false);
    if (!pte) return Errno::ENOMEM;
    *pte = phys | flags | kPtePresent | kPteGlobal;
    return {};
}

void unmap_kernel_page(u64 address) {
    if (pte_t* pte = pte_lookup(kernel_pgd, address)) *pte = 0;
    tlb_flush_kernel_page(address);
}

u64 page_table_pages() {
    i64 sum = 0;
    table_pages.for_each_online([&](i64 count) { sum += count; });
    return static_cast<u64>(sum);
}

u64* pgd_alloc() {
    Page* page = alloc_table();
    if (!page) return nullptr;
    u64* pgd = static_cast<u64*>(page_address(page));
    memcpy(pgd + 256, kernel_pgd + 256, 256 * sizeof(u64));
    return pgd;
}

void unlink_user_tables(u64* pgd, u64 start, u64 end, TableList& unlinked) {
    for (unsigned i = pgd_index(start); i <= pgd_index(end - 1) && i < 256; i++) {
        if (!(pgd[i] & kPtePresent)) continue;
        u64* pud = table_of(pgd[i]);
        unlink_level(pud, 3, static_cast<u64>(i) << 39, start, end, unlinked);
        if (table_is_empty(pud)) unlink_table(pgd[i], unlinked);
    }
}

void free_tables(TableList& unlinked) {
    while (Page* page = unlinked.pop_front()) {
        page->flags &= ~kPageTable;
        table_pages.here()--;
        page_put(page);
    }
}

void pgd_free(u64* pgd) {
    TableList unlinked;
    unlink_all(pgd, 256, 4, unlinked);
    u64 entry = reinterpret_cast<u64>(pgd) - kDirectMap;
    unlink_table(entry, unlinked);
    free_tables(unlinked);
}

u64 count_user_tables(const u64* pgd) {
    u64 tables = 0;
    const auto below = [&tables](u64 entry) -> const u64* {
        if (!(entry & kPtePresent) || entry & kPteHuge) return nullptr;
        tables++;
        return table_of(entry);
    };
    for (unsigned top = 0; top < 256; top++) {
        const u64* pud = below(pgd[top]);
        for (unsigned i = 0; pud && i < 512; i++) {
            const u64* pmd = below(pud[i]);
            for (unsigned j = 0; pmd && j < 512; j++) below(pmd[j]);
        }
    }
    return tables;
}
