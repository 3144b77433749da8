// The host's struct Page for the kernel's unit tests: shadows guest-kernel/mm/page.h. The same face over
// pages from the host's heap; page_count_in_use() shows leaks.
#pragma once

#include "core/list.h"
#include "core/types.h"

struct MemoryObject;

constexpr u64 kPageShift = 12;
constexpr u64 kPageSize = 1ull << kPageShift;
constexpr u64 kPageMask = ~(kPageSize - 1);

struct Page {
    int refcount = 1;
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
