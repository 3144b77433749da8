// Pages of page caches by age, and taking back the oldest: one list with a second chance for what was used since
// (Corbató's clock).
#include "fs/page_lru.h"

#include "sync/guarded.h"

namespace {

struct Lru {
    List<Page, &Page::lru> pages;  // newest first
    u64 count = 0;
};
Guarded<Lru, LockRank::kPageLru> g_lru;

bool has(const Page* page, u32 mask) {
    return (__atomic_load_n(&page->flags, __ATOMIC_RELAXED) & mask) != 0;
}

/// The next pages worth a try, each with a reference; looks at no more than `*budget` pages.
u32 pick(Page** pages, u32 room, u64* budget) {
    u32 n = 0;
    const auto lru = g_lru.lock();
    while (n<room&& * budget> 0) {
        Page* page = lru->pages.back();
        if (!page) break;
        (*budget)--;
        page->lru.remove();
        lru->pages.push_front(page);
        if (has(page, kPageLocked | kPageDirty | kPageWriteback)) continue;
        if (__atomic_fetch_and(&page->flags, ~u32{kPageReferenced}, __ATOMIC_RELAXED) & kPageReferenced)
            continue;
        if (__atomic_load_n(&page->refcount, __ATOMIC_RELAXED) != 1) continue;
        page_get(page);
        pages[n++] = page;
    }
    return n;
}

}  // namespace

void lru_add(Page* page) {
    const auto lru = g_lru.lock();
    lru->pages.push_front(page);
    lru->count++;
}

void lru_remove(Page* page) {
    const auto lru = g_lru.lock();
    page->lru.remove();
    lru->count--;
}

u64 shrink_page_cache(u64 wanted) {
    constexpr u32 kBatch = 32;
    Page* batch[kBatch];
    u64 freed = 0;
    u64 budget = 2 * g_lru.lock()->count;
    while (freed < wanted) {
        const u32 n = pick(batch, static_cast<u32>(min<u64>(kBatch, wanted - freed)), &budget);
        if (n == 0) break;
        for (u32 i = 0; i < n; i++) {
            Page* page = batch[i];
            if (!PageCache::flag(page, kPageLocked) && PageCache::try_lock_page(page)) {
                // While its lock is held the page keeps its object alive.
                PageCache* cache = static_cast<PageCache*>(__atomic_load_n(&page->mapping, __ATOMIC_ACQUIRE));
                if (cache && cache->remove_if_unused(page)) freed++;
                PageCache::unlock_page(page);
            }
            page_put(page);
        }
    }
    count(page_cache_counts.reclaimed, static_cast<i64>(freed));
    return freed;
}

u64 drop_page_cache() {
    // Twice around: the first takes away what was used lately.
    const u64 all = g_lru.lock()->count;
    return shrink_page_cache(all) + shrink_page_cache(all);
}
