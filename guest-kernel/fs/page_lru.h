// The pages of all page caches by age (fs/page_lru.cpp), and the list of caches with dirty pages
// (fs/writeback.cpp): what PageCache itself tells them.
#pragma once

#include "fs/page_cache.h"

void lru_add(Page* page);
void lru_remove(Page* page);

/// `cache` got its first dirty page / leaves memory.
void note_dirty(PageCache& cache);
void forget_dirty(PageCache& cache);

inline void count(u64& counter, i64 change) {
    __atomic_fetch_add(&counter, static_cast<u64>(change), __ATOMIC_RELAXED);
}
