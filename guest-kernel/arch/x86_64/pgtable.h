// Page tables: entry bits, walks, and the kernel's own half (Intel SDM vol. 3, 4.5).
//
// Guarantees: every address space shares the kernel half: its PML4 entries are all filled at boot and never
// change.
#pragma once

#include "core/list.h"
#include "core/result.h"
#include "core/types.h"
#include "mm/page.h"

using pte_t = u64;

constexpr u64 kPtePresent = 1ull << 0, kPteWrite = 1ull << 1, kPteUser = 1ull << 2, kPtePwt = 1ull << 3,
              kPtePcd = 1ull << 4, kPteAccessed = 1ull << 5, kPteDirty = 1ull << 6, kPteHuge = 1ull << 7,
              kPteGlobal = 1ull << 8, kPteSpecial = 1ull << 9,  // software: not counted in struct Page
    kPteNx = 1ull << 63;
constexpr u64 kPteAddressMask = 0x000ffffffffff000ull;

constexpr u64 kVmallocStart = 0xffffc90000000000ull, kVmallocEnd = 0xffffe8ffffffffffull;
constexpr u64 kKernelMap = 0xffffffff80000000ull;
constexpr u64 kHugePageSize = 2ull << 20;
constexpr u64 kSectionSize = 128ull << 20;  // of RAM: its struct pages fill exactly one huge page

inline unsigned pgd_index(u64 a) {
    return a >> 39 & 511;
}
inline unsigned pud_index(u64 a) {
    return a >> 30 & 511;
}
inline unsigned pmd_index(u64 a) {
    return a >> 21 & 511;
}
inline unsigned pte_index(u64 a) {
    return a >> 12 & 511;
}
constexpr unsigned kPmdOrder = 9,
                   kPudOrder = 18;  // of the pages that entries of level 2 and 3 map themselves
constexpr u64 leaf_size(unsigned order) {
    return kPageSize << order;
}
inline Page* page_of(u64 entry) {
    return pfn_to_page((entry & kPteAddressMask) >> kPageShift);
}
inline u64* table_of(u64 entry) {
    return static_cast<u64*>(phys_to_virt(entry & kPteAddressMask));
}

// Processors set A and D in entries at any time: an entry that is present is changed by one of these.
/// What the entry was; it is empty now.
inline u64 take_entry(u64& entry) {
    return __atomic_exchange_n(&entry, 0, __ATOMIC_SEQ_CST);
}
/// What the entry was.
inline u64 clear_entry_bits(u64& entry, u64 bits) {
    return __atomic_fetch_and(&entry, ~bits, __ATOMIC_SEQ_CST);
}
inline void set_entry_bits(u64& entry, u64 bits) {
    __atomic_fetch_or(&entry, bits, __ATOMIC_SEQ_CST);
}

extern u64* kernel_pgd;  // the PML4 of kernel threads; template of every other's upper half
extern u64 pte_nx;       // kPteNx, or 0 on a CPU without NX

/// Page tables in use by processes and vmalloc, in pages.
u64 page_table_pages();
/// Build the final kernel page tables and switch to them. Uses memblock.
void setup_kernel_page_tables();
/// The entry that maps `address`: of the last level, or of a huge page.
struct PageLeaf {
    u64* entry = nullptr;  // null: a table is missing
    unsigned order = 0;    // 2^order pages
    explicit operator bool() const { return entry; }
    /// The page of `address`, which the present entry maps.
    Page* page(u64 address) const {
        return page_of(*entry) + ((address & (leaf_size(order) - 1)) >> kPageShift);
    }
};
PageLeaf leaf_lookup(u64* pgd, u64 address);
/// The entry of the huge page of `order` (kPmdOrder, kPudOrder) that could map `address`; makes the tables above it.
/// nullptr: out of memory.
u64* huge_entry_alloc(u64* pgd, u64 address, unsigned order);
/// A page table for the user half, not in use yet. Null: out of memory.
Page* alloc_table();
/// The last-level entry of `address` in `pgd`, or nullptr if a table is missing or a huge page is there.
pte_t* pte_lookup(u64* pgd, u64 address);
/// As pte_lookup, but makes missing tables (user: accessible from user mode). nullptr: out of memory.
pte_t* pte_alloc(u64* pgd, u64 address, bool user);
/// Map one 4 KiB page into the kernel half.
Result<void> map_kernel_page(u64 address, u64 phys, u64 flags);
void unmap_kernel_page(u64 address);
/// A new PML4 with the kernel half; nullptr: out of memory.
u64* pgd_alloc();
/// Free the PML4 and every user table below it (the pages they map must be gone, and no CPU may have it
/// loaded).
void pgd_free(u64* pgd);

/// Page tables that are out of use but may still be cached by the CPUs' walkers.
using TableList = List<Page, &Page::lru>;
/// Take the empty page tables that cover only [start, end) of the user half out; flush before free_tables().
void unlink_user_tables(u64* pgd, u64 start, u64 end, TableList& unlinked);
void free_tables(TableList& unlinked);
/// How many page tables the user half of `pgd` has, below the PML4. Under mmap_lock.
u64 count_user_tables(const u64* pgd);
