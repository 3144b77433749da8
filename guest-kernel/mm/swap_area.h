// The areas behind mm/swap.h: what swapon(2) opens, which places are in use, and the cache of pages.
#pragma once

#include "block/block_device.h"
#include "fs/file.h"
#include "fs/page_tree.h"
#include "mm/swap.h"
#include "sync/guarded.h"

constexpr unsigned kMaxSwapAreas = 29;  // Linux's MAX_SWAPFILES with its usual options

struct SwapArea {
    RefPtr<File> file;  // null: the slot is free
    RefPtr<BlockDevice> device;
    u64 pages = 0;          // places, the header's among them
    u16* counts = nullptr;  // of each place: page table entries, and one for the cache
    u64 used = 0, bad = 0;  // places in use, the bad ones among them
    u64 next = 1;           // where to look for a free one
    i32 priority = 0;
    bool open = false;  // gives places out
    PageTree cache;     // by offset; has a reference to each

    bool refers(u64 offset) const { return offset > 0 && offset < pages && counts[offset] != 0; }
};

struct SwapTable {
    SwapArea areas[kMaxSwapAreas];
    u64 cached = 0;
    i32 least_priority = -1;  // of an area without one of its own: each gets a lower one

    /// Gives `count` references to a place back; frees it with the last.
    void put(SwapEntry entry);
    /// Takes `page` out of the cache; the cache's reference to it is the caller's to give back.
    void uncache(Page* page);
};
extern Guarded<SwapTable, LockRank::kSwap> swap_table;

/// Brings every page of area `type` in, whoever has it. EINTR, ENOMEM, EIO: some are left.
Result<void> unuse_swap_area(unsigned type);
