// PageBio: a bio that moves whole pages of a page cache, and ends them when it is done.
#pragma once

#include "block/block_device.h"
#include "fs/page_cache.h"

struct PageBio : Bio {
    static constexpr u32 kMaxPages = Bio::kMaxSegments;
    Page* pages[kMaxPages];
    u32 page_count = 0;

    /// From the heap; null when memory is short.
    static PageBio* make(BlockOp op, u64 sector);
    /// Appends a page that follows on the device; false when it does not or the bio is full.
    bool append(Page* page, u64 at_sector);
};
