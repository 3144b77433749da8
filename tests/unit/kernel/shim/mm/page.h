// The host's struct Page for the kernel's unit tests: shadows guest-kernel/mm/page.h. The same face over
// pages from the host's heap; page_count_in_use() shows leaks.
#pragma once

#include "core/list.h"
#include "core/types.h"

struct MemoryObject;

constexpr u64 kPageShift = 12;
constexpr u64 kPageSize = 1ull << kPageShift;
constexpr u64 kPageMask = ~(kPageSize - 1);

enum PageFlags : u32 {
    kPageDirty = 1u << 6,
    kPageLocked = 1u << 8,
    kPageUptodate = 1u << 9,
    kPageWriteback = 1u << 10,
    kPageReferenced = 1u << 11,
    kPageReadahead = 1u << 12,
    kPageError = 1u << 13,
};

struct Page {
    u32 flags = 0;
    int refcount = 1;
    int mapcount = 0;
    ListNode lru;
    void* private_data = nullptr;
    MemoryObject* mapping = nullptr;
    u64 index = 0;
    u8* memory = nullptr;
};

enum AllocFlags : u32 { kAllocZero = 1u << 0, kAllocUser = 1u << 1 };

Page* alloc_page(u32 flags = 0);
void page_get(Page* page);
void page_put(Page* page);
inline void* page_address(const Page* page) {
    return page->memory;
}

struct MemoryCounts {
    u64 total, free, slab, page_tables, anon, kernel_stack;
};
MemoryCounts memory_counts();
