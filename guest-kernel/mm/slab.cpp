// Slabs and kmalloc (mm/slab.h, core/kmalloc.h).
//
// Guarantees: kfree finds the slab of an object through its struct page: every page of a slab names its cache
// and its head. Sizes above 8 KiB come straight from the page allocator.
#include "mm/slab.h"

#include "arch/x86_64/cpu.h"
#include "core/kmalloc.h"
#include "core/panic.h"
#include "core/string.h"

namespace {

constexpr u32 kSlabTail = 0x5ab7a11;  // Page::unused of the pages after a slab's head
u64 pages_in_slabs = 0;

SlabCache caches[] = {{"kmalloc-16", 16},   {"kmalloc-32", 32},   {"kmalloc-64", 64},   {"kmalloc-96", 96},
                      {"kmalloc-128", 128}, {"kmalloc-192", 192}, {"kmalloc-256", 256}, {"kmalloc-512", 512},
                      {"kmalloc-1k", 1024}, {"kmalloc-2k", 2048}, {"kmalloc-4k", 4096}, {"kmalloc-8k", 8192}};

SlabCache* cache_for(size_t size) {
    for (SlabCache& cache : caches) {
        if (size <= cache.object_size) return &cache;
    }
    return nullptr;
}

Page* slab_head(Page* page) {
    return page->unused == kSlabTail ? page - page->index : page;
}

}  // namespace

SlabCache::SlabCache(const char* cache_name, u32 size)
    : name(cache_name),
      object_size(size),
      order(size <= 256    ? 0
            : size <= 1024 ? 1
            : size <= 2048 ? 2
                           : 3),
      per_slab(static_cast<u32>((kPageSize << order) / size)),
      max_spares_(min(max(kSpareBytes / size, 2u), kMaxSpares)) {}

/// Pages cut into free objects; null: out of memory.
Page* SlabCache::new_slab() {
    Page* slab = alloc_pages(order);
    if (!slab) return nullptr;
    __atomic_add_fetch(&pages_in_slabs, 1ull << order, __ATOMIC_RELAXED);
    for (u32 i = 0; i < 1u << order; i++) {
        slab[i].flags |= kPageSlab;
        slab[i].slab_cache = this;
        slab[i].index = i;
        slab[i].unused = i ? kSlabTail : 0;
    }
    slab->objects_used = 0;
    slab->freelist = nullptr;
    u8* base = static_cast<u8*>(page_address(slab));
    for (u32 i = per_slab; i-- > 0;) {
        void** object = reinterpret_cast<void**>(base + i * object_size);
        *object = slab->freelist;
        slab->freelist = object;
    }
    return slab;
}

void SlabCache::Spares::push(void* object) {
    *static_cast<void**>(object) = first;
    first = static_cast<void**>(object);
    __atomic_store_n(&count, count + 1, __ATOMIC_RELAXED);
}

void* SlabCache::Spares::pop() {
    void** object = first;
    first = static_cast<void**>(*object);
    __atomic_store_n(&count, count - 1, __ATOMIC_RELAXED);
    return object;
}

void* SlabCache::alloc() {
    IrqsOff off;
    Spares& spares = spares_.here();
    if (spares.count == 0) {
        refill(spares);
        if (spares.count == 0) return nullptr;
    }
    return spares.pop();
}

void SlabCache::free(void* object) {
    BUG_ON(slab_head(virt_to_page(object))->slab_cache != this);
    IrqsOff off;
    Spares& spares = spares_.here();
    spares.push(object);
    if (spares.count > max_spares_) give_back(spares);
}

/// Half as many as may be at hand; none when memory is out.
void SlabCache::refill(Spares& spares) {
    const auto slabs = slabs_.lock();
    while (spares.count < max_spares_ / 2) {
        void* object = take_from(*slabs);
        if (!object) return;
        spares.push(object);
    }
}

/// All beyond half of them.
void SlabCache::give_back(Spares& spares) {
    const auto slabs = slabs_.lock();
    while (spares.count > max_spares_ / 2) put_into(*slabs, spares.pop());
}

void* SlabCache::take_from(Slabs& slabs) {
    Page* slab = slabs.partial.front();
    if (!slab) {
        slab = new_slab();
        if (!slab) return nullptr;
        slabs.partial.push_front(slab);
        slabs.empty++;
        slabs.slabs++;
    }
    slabs.objects++;
    void** object = static_cast<void**>(slab->freelist);
    slab->freelist = *object;
    if (slab->objects_used++ == 0) slabs.empty--;
    if (!slab->freelist) slab->lru.remove();
    return object;
}

void SlabCache::put_into(Slabs& slabs, void* object) {
    Page* slab = slab_head(virt_to_page(object));
    BUG_ON(slab->objects_used == 0);
    if (!slab->freelist) slabs.partial.push_front(slab);
    *static_cast<void**>(object) = slab->freelist;
    slab->freelist = object;
    slabs.objects--;
    if (--slab->objects_used > 0) return;
    if (slabs.empty == 0) {
        slabs.empty = 1;
        return;
    }
    slab->lru.remove();
    slabs.slabs--;
    release(slab);
}

SlabCounts SlabCache::counts() {
    const auto slabs = slabs_.lock();
    u64 at_hand = 0;
    for (unsigned cpu = 0; cpu < kMaxCpus; cpu++)
        at_hand += __atomic_load_n(&spares_.on(cpu).count, __ATOMIC_RELAXED);
    return {name, slabs->objects - min(slabs->objects, at_hand), slabs->slabs, object_size, per_slab, order};
}

void SlabCache::release(Page* slab) {
    __atomic_sub_fetch(&pages_in_slabs, 1ull << order, __ATOMIC_RELAXED);
    for (u32 i = 0; i < 1u << order; i++) {
        slab[i].flags &= ~kPageSlab;
        slab[i].slab_cache = nullptr;
        slab[i].unused = 0;
    }
    free_pages(slab, order);
}

void* kmalloc(size_t size) {
    if (SlabCache* cache = cache_for(size)) return cache->alloc();
    unsigned order = 0;
    while (kPageSize << order < size) order++;
    if (order > kMaxOrder) return nullptr;
    Page* page = alloc_pages(order);
    return page ? page_address(page) : nullptr;
}

void* kzalloc(size_t size) {
    void* memory = kmalloc(size);
    if (memory) memset(memory, 0, size);
    return memory;
}

void kfree(const void* memory) {
    if (!memory) return;
    Page* page = virt_to_page(memory);
    if (page->flags & kPageSlab) {
        page->slab_cache->free(const_cast<void*>(memory));
    } else {
        BUG_ON(page->flags & (kPageBuddy | kPageReserved));
        free_pages(page, page->flags & kPageHead ? page->order : 0);
    }
}

size_t ksize(const void* memory) {
    const Page* page = virt_to_page(memory);
    return page->flags & kPageSlab ? page->slab_cache->object_size
                                   : kPageSize << (page->flags & kPageHead ? page->order : 0);
}

bool slab_counts(unsigned index, SlabCounts* out) {
    if (index >= sizeof(caches) / sizeof(caches[0])) return false;
    *out = caches[index].counts();
    return true;
}

u64 slab_pages() {
    return pages_in_slabs;
}
