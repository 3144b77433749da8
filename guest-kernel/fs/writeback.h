// Writing dirty pages back: who has some, how long they may stay, how many there may be, and sync(2).
//
// Guarantees: a page is written at the latest dirty_expire_centisecs + dirty_writeback_centisecs after it became
// dirty; a program that dirties pages faster than the device takes them waits at dirty_ratio. The limits are
// /proc/sys/vm/dirty_*, in Linux's words.
#pragma once

#include "core/result.h"
#include "core/types.h"

class PageCache;

struct WritebackLimits {
    u32 dirty_background_ratio = 10;  // percent of the memory that may be had: the flusher begins
    u32 dirty_ratio = 20;             // …: who writes waits
    u64 dirty_background_bytes = 0;   // instead of the ratio, if not 0
    u64 dirty_bytes = 0;
    u32 dirty_writeback_centisecs = 500;
    u32 dirty_expire_centisecs = 3000;
};
extern WritebackLimits writeback_limits;

/// Pages: where the flusher begins, and where writers wait.
struct DirtyThresholds {
    u64 background, limit;
};
DirtyThresholds dirty_thresholds();

/// After a write made pages of `cache` dirty: waits while there are too many.
void balance_dirty_pages(PageCache& cache);
/// Begins to write every cache whose first dirty page is older than `age_ns`; at most `limit` pages. Returns how
/// many were begun.
u64 write_back_all(u64 age_ns, u64 limit = ~0ull);
/// sync(2) for the pages: writes all that is dirty now, and waits. Errors go to those who ask by fsync.
void sync_all_pages();
/// What else the flusher does on its turns: a file system's commits. Registered once, never taken away.
struct FlusherWork {
    u64 (*turn)();  ///< does what is due; when to come again, in nanoseconds
    FlusherWork* next;
};
void register_flusher_work(FlusherWork* work);

/// The flusher's turn: writes what is due. When to come again, in nanoseconds.
u64 flusher_turn();
/// Lets the flusher thread begin at once; set by whoever starts it.
extern void (*wake_flusher)();
