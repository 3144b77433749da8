// struct Page: one per 4 KiB of RAM, at 0xffffea0000000000 as in Linux; and the page allocator's face.
//
// Guarantees: alloc_pages gives 2^order contiguous pages with one reference, or nullptr; the last page_put
// frees. page_address is valid for every page of RAM (the direct map at 0xffff888000000000).
#pragma once

#include "core/list.h"
#include "core/types.h"

struct HugetlbLimit;
struct MemoryObject;
struct SlabCache;

constexpr u64 kPageShift = 12;
constexpr u64 kPageSize = 1ull << kPageShift;
constexpr u64 kPageMask = ~(kPageSize - 1);
constexpr u64 kDirectMap = 0xffff888000000000ull;
constexpr u64 kVmemmap = 0xffffea0000000000ull;
constexpr unsigned kMaxOrder = 10;  // largest block: 4 MiB

enum PageFlags : u32 {
    kPageReserved = 1u << 0,  // not the allocator's: firmware, the kernel image, the zero page
    kPageBuddy = 1u << 1,     // head of a free block of 2^order pages
    kPageSlab = 1u << 2,
    kPageAnon = 1u << 3,  // belongs to processes only; may be reused in place by copy-on-write
    kPageHead = 1u << 4,  // first page of an allocated block with order > 0
    kPageTable = 1u << 5,
    kPageDirty = 1u << 6,
    kPageHugetlb = 1u << 8,    // of a pool of huge pages (mm/hugetlb.h)
    kPageSwapCache = 1u << 9,  // anonymous, and has a place on a swap area (`index`)
    kPageTail = 1u << 7,       // of a compound page: `head` is its first page, which counts the references

    // Pages of a page cache (fs/page_cache.h); changed atomically.
    kPageLocked = 1u << 16,      // somebody fills or changes it as a whole; a sleeping lock
    kPageUptodate = 1u << 17,    // holds what the file holds
    kPageWriteback = 1u << 18,   // on its way to the device
    kPageReferenced = 1u << 19,  // used since the LRU last looked
    kPageReadahead = 1u << 20,   // who reads this far wants the next window
    kPageError = 1u << 21,       // could not be read
};

struct Page {
    u32 flags;
    i32 refcount;
    i32 mapcount;  // page table entries that map it
    u32 order;     // of the block it heads (free or allocated)
    ListNode lru;  // free list, slab list, or its owner's use
    union {
        MemoryObject* mapping;
        SlabCache* slab_cache;
        HugetlbLimit* hugetlb_limit;  // a reference; of a page of a pool that is in use
    };
    u64 index;  // page number in `mapping`
    union {
        void* freelist;      // first free object of a slab
        Page* head;          // of a tail page
        void* private_data;  // a page cache's: its buffers
    };
    u32 objects_used;  // objects handed out of a slab
    u32 unused;
};
static_assert(sizeof(Page) == 64, "the vmemmap indexes by 64");

enum AllocFlags : u32 {
    kAllocZero = 1u << 0,  // cleared
    kAllocUser = 1u << 1,  // for a process: leave the last reserve alone
};

/// 2^order contiguous pages (order <= kMaxOrder) with one reference, or nullptr. Never sleeps.
Page* alloc_pages(unsigned order, u32 flags = 0);
inline Page* alloc_page(u32 flags = 0) {
    return alloc_pages(0, flags);
}
/// Give a block back, of any order, whatever its count says; it must not be mapped.
void free_pages(Page* page, unsigned order);
/// A block of 2^order pages that programs map as a whole or in parts: any of its pages stands for all, page_get and
/// page_put count in its head. Null when there is none. Freed by the last page_put.
Page* alloc_compound(unsigned order, u32 flags);
/// The same for an order beyond kMaxOrder: looks for memory that happens to be free. Slow.
Page* alloc_gigantic(unsigned order);
/// Make the pages of a compound page, which the caller holds the only reference to, single pages with one each.
void break_compound(Page* head);
inline Page* compound_head(Page* page) {
    return page->flags & kPageTail ? page->head : page;
}
/// Take and drop a reference. Reserved pages are not counted.
void page_get(Page* page);
void page_put(Page* page);
/// References to the page, or to all of its compound page.
inline i32 page_count(Page* page) {
    return __atomic_load_n(&compound_head(page)->refcount, __ATOMIC_ACQUIRE);
}

inline Page* pfn_to_page(u64 pfn) {
    return reinterpret_cast<Page*>(kVmemmap) + pfn;
}
inline u64 page_to_pfn(const Page* page) {
    return static_cast<u64>(page - reinterpret_cast<const Page*>(kVmemmap));
}
inline u64 page_to_phys(const Page* page) {
    return page_to_pfn(page) << kPageShift;
}
inline void* phys_to_virt(u64 phys) {
    return reinterpret_cast<void*>(kDirectMap + phys);
}
inline void* page_address(const Page* page) {
    return phys_to_virt(page_to_phys(page));
}
inline Page* virt_to_page(const void* address) {  // direct map only
    return pfn_to_page((reinterpret_cast<u64>(address) - kDirectMap) >> kPageShift);
}

/// Numbers for /proc/meminfo and sysinfo(2), in pages.
struct MemoryCounts {
    u64 total;
    u64 free;
    u64 slab;
    u64 page_tables;
    u64 anon;
    u64 kernel_stack;
};
MemoryCounts memory_counts();
