// Slabs: equal objects cut from pages, with a free list in each slab (after Bonwick 1994, much simplified).
//
// Each CPU keeps a few free objects of each cache at hand, which it takes and puts back with interrupts off and no lock;
// it goes to the slabs for several at once.
//
// Guarantees: constant time; an empty slab returns to the page allocator (one per cache is kept). At hand are at most
// kSpareBytes of a cache on each CPU.
#pragma once

#include "arch/x86_64/percpu.h"
#include "core/list.h"
#include "mm/page.h"
#include "sync/guarded.h"

struct SlabCounts;

struct SlabCache {
    SlabCache(const char* cache_name, u32 size);
    void* alloc();
    void free(void* object);
    SlabCounts counts();

    const char* const name;
    const u32 object_size;
    const u32 order;  // pages of a slab: 2^order
    const u32 per_slab;

  private:
    /// Also guards the fields of a slab's head in struct Page.
    struct Slabs {
        List<Page, &Page::lru> partial;  // slabs with a free object
        u32 empty = 0;                   // of those
        u64 objects = 0;                 // handed out
        u64 slabs = 0;
    };
    /// Free objects at hand, linked through their first words. Of its CPU, with interrupts off; others read the count.
    struct Spares {
        void** first = nullptr;
        u32 count = 0;
        void push(void* object);
        void* pop();
    };
    static constexpr u32 kSpareBytes = 8192, kMaxSpares = 32;

    void refill(Spares& spares);
    void give_back(Spares& spares);
    Page* new_slab();
    void* take_from(Slabs& slabs);
    void put_into(Slabs& slabs, void* object);
    void release(Page* slab);
    const u32 max_spares_;
    PerCpu<Spares> spares_;
    Guarded<Slabs, LockRank::kSlab> slabs_;
};

u64 slab_pages();

/// For /proc/slabinfo.
struct SlabCounts {
    const char* name;
    u64 active;  ///< objects in use
    u64 slabs;
    u32 object_size, per_slab, order;
};
/// Of the cache number `index`. False: there is none.
bool slab_counts(unsigned index, SlabCounts* out);
