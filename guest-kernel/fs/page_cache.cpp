// Finding, reading and removing the pages of a file (fs/page_cache.h). Write-back is in page_write.cpp.
#include "fs/page_cache.h"

#include "core/string.h"
#include "fs/page_lru.h"
#include "sync/hashed_wait.h"

PageCacheCounts page_cache_counts;

// Page locks

void PageCache::wait_flag_clear(Page* page, u32 mask) {
    wait_event_uninterruptible(hashed_wait_queue(page), [&] { return !flag(page, mask); });
}

bool PageCache::try_lock_page(Page* page) {
    return (__atomic_fetch_or(&page->flags, kPageLocked, __ATOMIC_ACQUIRE) & kPageLocked) == 0;
}

void PageCache::lock_page(Page* page) {
    if (try_lock_page(page)) return;
    wait_event_uninterruptible(hashed_wait_queue(page), [&] { return try_lock_page(page); });
}

void PageCache::unlock_page(Page* page) {
    WaitQueue& queue = hashed_wait_queue(page);
    BUG_ON(!clear_flag(page, kPageLocked));
    queue.wake_all();
}

void PageCache::wait_writeback(Page* page) {
    if (flag(page, kPageWriteback)) wait_flag_clear(page, kPageWriteback);
}

// Finding

Page* PageCache::find(u64 index) {
    const auto tree = tree_.lock();
    Page* page = tree->get(index);
    if (page) page_get(page);
    return page;
}

bool PageCache::cached_pages(u64 first, u64 count_of, Page** pages) {
    const u64 end = pages_of_size();
    bool any = false;
    const auto tree = tree_.lock();
    for (u64 i = 0; i < count_of; i++) {
        Page* page = first + i < end ? tree->get(first + i) : nullptr;
        // A locked page is being filled, or is about to go.
        if (page && (!uptodate(page) || flag(page, kPageLocked))) page = nullptr;
        if (page) page_get(page);
        pages[i] = page;
        any = any || page;
    }
    return any;
}

/// A new page at `index`, locked, with a reference for the caller. EEXIST when there is one.
Result<Page*> PageCache::make_page(u64 index) {
    Page* page = alloc_page(kAllocUser);
    if (!page) return Errno::ENOMEM;
    page->mapping = this;
    page->index = index;
    page->private_data = nullptr;
    page->flags = kPageLocked;
    Result<void> entered;
    {
        const auto tree = tree_.lock();
        if (tree->get(index))
            entered = Errno::EEXIST;
        else
            entered = tree->set(index, page);
        if (entered.ok()) {
            page_get(page);
            page_count_++;
        }
    }
    if (!entered.ok()) {
        page->mapping = nullptr;
        page->flags = 0;
        page_put(page);
        return entered.error();
    }
    count(page_cache_counts.pages, 1);
    if (is_device()) count(page_cache_counts.device_pages, 1);
    lru_add(page);
    return page;
}

Result<Page*> PageCache::grab(u64 index) {
    for (;;) {
        Page* page = find(index);
        if (!page) {
            Result<Page*> made = make_page(index);
            if (made.ok() || made.error() != Errno::EEXIST) return made;
            continue;
        }
        lock_page(page);
        if (is_mine(page)) return page;
        unlock_page(page);
        page_put(page);
    }
}

// Reading

void PageCache::end_read(Page* page, Errno status) {
    if (status == Errno::OK)
        set_flag(page, kPageUptodate);
    else
        set_flag(page, kPageError);
    unlock_page(page);
}

void PageCache::start_read(u64 first, u64 count_of, u64 marker) {
    constexpr u32 kRun = 64;
    Page* run[kRun];
    u32 n = 0;
    const auto flush = [&] {
        if (n == 0) return;
        count(page_cache_counts.read, n);
        Page* kept[kRun];
        memcpy(kept, run, n * sizeof(Page*));
        read_pages(run, n);
        for (u32 i = 0; i < n; i++) page_put(kept[i]);
        n = 0;
    };
    const u64 end = min(first + count_of, pages_of_size());
    for (u64 index = first; index < end; index++) {
        Result<Page*> made = make_page(index);
        if (!made.ok()) {
            flush();
            if (made.error() == Errno::ENOMEM) return;
            continue;
        }
        if (index == marker) set_flag(made.value(), kPageReadahead);
        run[n++] = made.value();
        if (n == kRun) flush();
    }
    flush();
}

Result<Page*> PageCache::read_page_ahead(u64 index, u32 ahead) {
    if (ahead > 1) start_read(index, ahead);
    for (;;) {
        Page* page = find(index);
        if (!page) {
            page = TRY(grab(index));
        } else if (uptodate(page)) {
            return page;
        } else {
            lock_page(page);
        }
        if (uptodate(page)) {
            unlock_page(page);
            return page;
        }
        if (!is_mine(page)) {
            unlock_page(page);
            page_put(page);
            continue;
        }
        // Fresh, or an earlier try failed, or somebody gave up filling it.
        clear_flag(page, kPageError);
        count(page_cache_counts.read, 1);
        Page* one = page;
        read_pages(&one, 1);
        wait_flag_clear(page, kPageLocked);
        if (uptodate(page)) return page;
        const bool failed = flag(page, kPageError);
        page_put(page);
        if (failed) return Errno::EIO;
    }
}

Result<Page*> PageCache::get_page(u64 index, bool for_write) {
    constexpr u32 kAround = 16;
    if (index >= pages_of_size()) return Errno::ENXIO;
    Page* page = find(index);
    if (!page || !uptodate(page)) {
        if (page) page_put(page);
        // Around what was touched; where faults go on in order, twice as far ahead.
        const bool sequential = index == __atomic_load_n(&fault_end_, __ATOMIC_RELAXED);
        const u64 start = sequential ? index : align_down(index, u64{kAround});
        const u32 window = sequential ? 2 * kAround : kAround;
        start_read(start, window);
        __atomic_store_n(&fault_end_, start + window, __ATOMIC_RELAXED);
        page = TRY(read_page(index));
    }
    set_flag(page, kPageReferenced);
    if (!for_write) return page;
    page_put(page);
    const u64 position = index << kPageShift;
    const u64 end = size();
    if (position >= end) return Errno::ENXIO;
    const u32 length = static_cast<u32>(min(end - position, kPageSize));
    void* state = nullptr;
    page = TRY(write_begin(position, length, &state));
    page_get(page);
    Result<void> done = write_end(position, length, length, page, state);
    if (!done.ok()) {
        page_put(page);
        return done.error();
    }
    return page;
}

void PageCache::grow_size(u64 at_least) {
    for (u64 seen = size(); seen < at_least;) {
        if (__atomic_compare_exchange_n(&size_, &seen, at_least, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            return;
    }
}

// Removing

/// The first page with `mask` set (0: any) in [first, last], with a reference; or null.
Page* PageCache::next_page(u64 first, u64 last, u32 mask) {
    const auto tree = tree_.lock();
    for (u64 i = tree->next_present(first); i <= last && i != ~0ull; i = tree->next_present(i + 1)) {
        Page* page = tree->get(i);
        if (mask && !flag(page, mask)) continue;
        page_get(page);
        return page;
    }
    return nullptr;
}

/// Takes a locked page out, if it is clean and nobody but the caller has a reference. After the tree's lock is given
/// back the object is not touched: its owner may be waiting for just that.
bool PageCache::remove_if_unused(Page* page) {
    const bool device = is_device();
    {
        const auto tree = tree_.lock();
        if (__atomic_load_n(&page->refcount, __ATOMIC_ACQUIRE) != 2) return false;
        if (flag(page, kPageDirty | kPageWriteback)) return false;
        if (page->private_data && !private_unused(*page)) return false;
        tree->take(page->index);
        if (page->private_data) release_private(*page);
        page_count_--;
        __atomic_store_n(&page->mapping, nullptr, __ATOMIC_RELEASE);
    }
    lru_remove(page);
    count(page_cache_counts.pages, -1);
    if (device) count(page_cache_counts.device_pages, -1);
    page_put(page);
    return true;
}

/// Takes a locked page out, whoever else still refers to it. It is not on its way to the device.
void PageCache::remove(Page* page) {
    clear_dirty(page);
    {
        const auto tree = tree_.lock();
        tree->take(page->index);
        if (page->private_data) release_private(*page);
        page_count_--;
        __atomic_store_n(&page->mapping, nullptr, __ATOMIC_RELEASE);
    }
    lru_remove(page);
    count(page_cache_counts.pages, -1);
    if (is_device()) count(page_cache_counts.device_pages, -1);
    page_put(page);
}

u64 PageCache::invalidate(u64 first, u64 last) {
    u64 kept = 0;
    for (u64 at = first; Page* page = next_page(at, last, 0);) {
        at = page->index + 1;
        if (!try_lock_page(page)) {
            kept++;
        } else {
            if (is_mine(page) && !remove_if_unused(page)) kept++;
            unlock_page(page);
        }
        page_put(page);
        if (at == 0) break;
    }
    return kept;
}

void PageCache::drop_range(u64 first, u64 last) {
    unmap_mapping_range(*this, first, last, true);
    for (u64 at = first; Page* page = next_page(at, last, 0);) {
        at = page->index + 1;
        lock_page(page);
        wait_writeback(page);
        if (is_mine(page)) remove(page);
        unlock_page(page);
        page_put(page);
    }
}

void PageCache::drop_all() {
    drop_range(0, ~0ull - 1);
    forget_dirty(*this);
    (void)tree_.lock();  // whoever took the last page out is done with this object
}

void PageCache::truncate(u64 bytes) {
    const u64 old = size();
    set_size(bytes);
    if (bytes >= old) return;
    drop_range((bytes + kPageSize - 1) >> kPageShift, ~0ull - 1);
    const u64 in_page = bytes & ~kPageMask;
    if (in_page == 0) return;
    if (Page* page = find(bytes >> kPageShift)) {
        lock_page(page);
        if (is_mine(page) && uptodate(page))
            memset(static_cast<u8*>(page_address(page)) + in_page, 0, kPageSize - in_page);
        unlock_page(page);
        page_put(page);
    }
}
