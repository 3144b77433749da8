// Slabs: equal objects cut from pages, with a free list in each slab (after Bonwick 1994, much simplified).
//
// Guarantees: constant time; an empty slab returns to the page allocator (one per cache is kept).
#pragma once

#include "core/list.h"
#include "mm/page.h"
#include "sync/spinlock.h"

struct SlabCache {
    SlabCache(const char* cache_name, u32 size);
    void* alloc();
    void free(void* object);

    const char* name;
    u32 object_size;
    u32 order;  // pages of a slab: 2^order
    u32 per_slab;
    u64 slabs = 0;
    u64 objects = 0;  // handed out
    u32 empty_slabs = 0;
    List<Page, &Page::lru> partial;  // slabs with a free object
    SpinLock lock{LockRank::kSlab};
};

/// The cache kmalloc uses for `size`, for statistics: i in [0, kmalloc_cache_count).
extern const unsigned kmalloc_cache_count;
const SlabCache& kmalloc_cache(unsigned i);
u64 slab_pages();
