// Slabs: equal objects cut from pages, with a free list in each slab (after Bonwick 1994, much simplified).
//
// Guarantees: constant time; an empty slab returns to the page allocator (one per cache is kept).
#pragma once

#include "core/list.h"
#include "mm/page.h"
#include "sync/guarded.h"

struct SlabCache {
    SlabCache(const char* cache_name, u32 size);
    void* alloc();
    void free(void* object);

    const char* const name;
    const u32 object_size;
    const u32 order;  // pages of a slab: 2^order
    const u32 per_slab;

  private:
    /// Also guards the fields of a slab's head in struct Page.
    struct Slabs {
        List<Page, &Page::lru> partial;  // slabs with a free object
        u32 empty = 0;                   // of those
    };
    Page* new_slab();
    void release(Page* slab);
    Guarded<Slabs, LockRank::kSlab> slabs_;
};

u64 slab_pages();
