// Dirty pages of one file and their way to the device (fs/page_cache.h).
#include "core/atomic.h"
#include "core/string.h"
#include "fs/page_cache.h"
#include "fs/page_lru.h"
#include "sync/hashed_wait.h"

void PageCache::mark_dirty(Page* page) {
    if (__atomic_fetch_or(&page->flags, kPageDirty, __ATOMIC_ACQ_REL) & kPageDirty) return;
    count(page_cache_counts.dirty, 1);
    count(page_cache_counts.dirtied, 1);
    if (__atomic_fetch_add(&dirty_count_, 1, __ATOMIC_ACQ_REL) == 0 || !dirty_node.linked())
        note_dirty(*this);
}

void PageCache::clear_dirty(Page* page) {
    if (!clear_flag(page, kPageDirty)) return;
    count(page_cache_counts.dirty, -1);
    __atomic_fetch_sub(&dirty_count_, 1, __ATOMIC_ACQ_REL);
}

/// Locks a dirty page and makes it one that is being written. False, and unlocked, when it is not to be written.
bool PageCache::begin_write(Page* page, bool wait) {
    lock_page(page);
    if (wait) wait_writeback(page);
    if (!is_mine(page) || !dirty(page) || flag(page, kPageWriteback)) {
        unlock_page(page);
        return false;
    }
    // First the right to write, then the mark: what a program writes from now on is another change.
    if (__atomic_load_n(&page->mapcount, __ATOMIC_RELAXED) > 0) write_protect_mappings(*this, page->index);
    clear_dirty(page);
    set_flag(page, kPageWriteback);
    __atomic_fetch_add(&writeback_count_, 1, __ATOMIC_RELAXED);
    count(page_cache_counts.writeback, 1);
    return true;
}

void PageCache::note_error(Errno error) {
    atomic_store(last_error_, error);
    __atomic_fetch_add(&error_sequence_, 1, __ATOMIC_RELEASE);
}

void PageCache::end_write(Page* page, Errno status) {
    PageCache& self = *static_cast<PageCache*>(page->mapping);
    if (status != Errno::OK) self.note_error(status);
    __atomic_fetch_sub(&self.writeback_count_, 1, __ATOMIC_RELAXED);
    count(page_cache_counts.writeback, -1);
    count(page_cache_counts.written, 1);
    WaitQueue& queue = hashed_wait_queue(page);
    clear_flag(page, kPageWriteback);  // the object may be gone now
    queue.wake_all();
}

u64 PageCache::write_back(u64 first, u64 last, bool wait, u64 limit) {
    constexpr u32 kRun = 64;
    u64 begun = 0;
    u64 at = first;
    while (begun < limit && dirty_count() > 0) {
        Page* run[kRun];
        u32 n = 0;
        while (n < kRun && begun + n < limit) {
            Page* page = n == 0 ? next_page(at, last, kPageDirty) : at <= last ? find(at) : nullptr;
            if (!page) break;
            at = page->index + 1;
            if (n > 0 && !dirty(page)) {
                page_put(page);
                break;
            }
            if (!begin_write(page, wait)) {
                page_put(page);
                if (n > 0) break;
                continue;
            }
            run[n++] = page;
        }
        if (n == 0) break;
        Page* kept[kRun];
        memcpy(kept, run, n * sizeof(Page*));
        write_pages(run, n);
        for (u32 i = 0; i < n; i++) {
            unlock_page(kept[i]);
            page_put(kept[i]);
        }
        begun += n;
    }
    return begun;
}

void PageCache::wait_range(u64 first, u64 last) {
    u64 at = first;
    while (__atomic_load_n(&writeback_count_, __ATOMIC_ACQUIRE) > 0) {
        Page* page = next_page(at, last, kPageWriteback);
        if (!page) return;
        at = page->index + 1;
        wait_writeback(page);
        page_put(page);
    }
}

Result<void> PageCache::write_and_wait(u64 first, u64 last) {
    u32 seen = error_sequence();
    write_back(first, last, true);
    wait_range(first, last);
    return check_error(&seen);
}

Result<void> PageCache::check_error(u32* seen) {
    const u32 now = error_sequence();
    if (*seen == now) return {};
    *seen = now;
    return atomic_load(last_error_) == Errno::ENOSPC ? Errno::ENOSPC : Errno::EIO;
}
