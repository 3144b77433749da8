// Reading and writing a file through its page cache (fs/cached_file.h).
#include "fs/cached_file.h"

#include "arch/x86_64/percpu.h"
#include "fs/mount.h"
#include "fs/size_limit.h"
#include "fs/writeback.h"
#include "sched/sched.h"

namespace {

/// While one lives, a user copy that faults fails instead of sleeping: for copies under a page's lock.
class NoFaults {
  public:
    NoFaults() { this_cpu().preempt_count++; }
    ~NoFaults() { this_cpu().preempt_count--; }
    NoFaults(const NoFaults&) = delete;
    NoFaults& operator=(const NoFaults&) = delete;
};

}  // namespace

/// The page up to date; begins to read what a sequential reader will want next. `wanted`: pages of this read.
Result<Page*> CachedFile::page_for_read(u64 index, u64 wanted) {
    ReadAhead& ra = read_ahead;
    const bool sequential = index == 0 || index == ra.next || index + 1 == ra.next;
    Page* page = cache_.find(index);
    if (!page) {
        const u64 most = max<u64>(ra.max, 1);
        const u64 asked = min(max<u64>(wanted, 1), most);
        if (ra.max == 0) {
            cache_.start_read(index, min<u64>(wanted, ReadAhead::kDefaultPages));
        } else if (!sequential) {
            ra.window = 0;
            cache_.start_read(index, asked);
        } else {
            ra.window = static_cast<u32>(min(ra.window ? u64{ra.window} * 2 : max<u64>(asked * 2, 4), most));
            // Who reaches the page behind what was asked for now makes the next window begin.
            cache_.start_read(index, ra.window, index + asked < index + ra.window ? index + asked : ~0ull);
            ra.end = index + ra.window;
        }
    } else {
        if (cache_.take_readahead_mark(page) && ra.max > 0) {
            ra.window = static_cast<u32>(min<u64>(ra.window ? ra.window * 2 : 4, ra.max));
            const u64 start = max(ra.end, index + 1);
            cache_.start_read(start, ra.window, start);
            ra.end = start + ra.window;
        }
        if (PageCache::uptodate(page)) {
            ra.next = index + 1;
            return page;
        }
        page_put(page);
    }
    ra.next = index + 1;
    return cache_.read_page(index);
}

Result<size_t> CachedFile::read_cached(IovIter& to, u64 at) {
    size_t done = 0;
    while (to.remaining() > 0 && at < data_end()) {
        const u64 in_page = at & ~kPageMask;
        const u64 wanted = (in_page + to.remaining() + kPageSize - 1) >> kPageShift;
        Result<Page*> page = page_for_read(at >> kPageShift, wanted);
        if (!page.ok()) {
            if (done == 0) return page.error();
            break;
        }
        const u64 end = data_end();  // again: a truncation may have come first
        const size_t n = at >= end ? 0 : min<u64>(min<u64>(kPageSize - in_page, end - at), to.remaining());
        const size_t moved = n ? to.copy_to(static_cast<u8*>(page_address(page.value())) + in_page, n) : 0;
        PageCache::mark_used(page.value());
        page_put(page.value());
        done += moved;
        at += moved;
        if (n == 0) break;
        if (moved < n) {
            if (done == 0) return Errno::EFAULT;
            break;
        }
        if (fatal_signal_pending(current())) {
            if (done == 0) return Errno::EINTR;
            break;
        }
        cond_resched();
    }
    return size_t{done};
}

/// Checks an O_DIRECT transfer, and makes cache and device agree on its range.
Result<void> CachedFile::prepare_direct(const IovIter& it, u64 at) {
    if (((at | it.remaining()) & (alignment_ - 1)) != 0 || !it.aligned(alignment_)) return Errno::EINVAL;
    if (it.remaining() == 0) return {};
    const u64 first = at >> kPageShift, last = (at + it.remaining() - 1) >> kPageShift;
    TRY(cache_.write_and_wait(first, last));
    cache_.invalidate(first, last);
    return {};
}

Result<size_t> CachedFile::read(IovIter& to, loff_t& pos) {
    const u64 at = static_cast<u64>(pos);
    const u64 asked = to.remaining();
    if (flags & O_DIRECT) TRY(prepare_direct(to, at));
    const size_t n = TRY(read_cached(to, at));
    if ((flags & O_DIRECT) && n > 0) cache_.invalidate(at >> kPageShift, (at + n - 1) >> kPageShift);
    pos = static_cast<loff_t>(at + n);
    if (asked > 0 && (flags & O_NOATIME) == 0 && path.mount && !path.mount->read_only() &&
        (path.mount->flags & MS_NOATIME) == 0) {
        update_atime(*inode);
    }
    return size_t{n};
}

Result<size_t> CachedFile::write_cached(IovIter& from, u64 at) {
    constexpr u32 kPagesPerBalance = 64;
    size_t done = 0;
    Errno trouble = Errno::OK;
    for (u32 pages = 1; from.remaining() > 0; pages++) {
        const u64 in_page = at & ~kPageMask;
        const u32 n = static_cast<u32>(min<u64>(kPageSize - in_page, from.remaining()));
        void* state = nullptr;
        Result<Page*> page = cache_.write_begin(at, n, &state);
        if (!page.ok()) {
            trouble = page.error();
            break;
        }
        const IovIter before = from;
        u32 moved;
        {
            const NoFaults guard;
            moved =
                static_cast<u32>(from.copy_from(static_cast<u8*>(page_address(page.value())) + in_page, n));
        }
        // A page that was not up to date takes all or nothing.
        if (moved < n && !PageCache::uptodate(page.value())) moved = 0;
        PageCache::mark_used(page.value());
        const Result<void> ended = cache_.write_end(at, n, moved, page.value(), state);
        if (!ended.ok()) {
            trouble = ended.error();
            break;
        }
        if (moved < n) {
            from = before;
            from.skip(moved);
        }
        done += moved;
        at += moved;
        if (moved == 0 && !from.fault_in(n)) {
            trouble = Errno::EFAULT;
            break;
        }
        if (pages % kPagesPerBalance == 0) balance_dirty_pages(cache_);
        if (fatal_signal_pending(current())) {
            trouble = Errno::EINTR;
            break;
        }
        cond_resched();
    }
    balance_dirty_pages(cache_);
    if (done == 0 && trouble != Errno::OK) return trouble;
    return size_t{done};
}

Result<void> CachedFile::check_write(IovIter& from, loff_t pos) {
    return limit_write_size(from, pos);
}

void CachedFile::wrote() {
    inode->size = cache_.size();
    drop_set_ids(*inode);
    inode->touch_mtime();
}

Result<void> CachedFile::sync_written(u64, u64, bool data_only) {
    return sync(data_only);
}

Result<size_t> CachedFile::write(IovIter& from, loff_t& pos) {
    u64 at;
    size_t n;
    {
        MutexGuard guard(inode->lock);
        if (flags & O_APPEND) pos = static_cast<loff_t>(data_end());
        if (from.remaining() == 0) return size_t{0};
        TRY(check_write(from, pos));
        at = static_cast<u64>(pos);
        if (flags & O_DIRECT) TRY(prepare_direct(from, at));
        n = TRY(write_cached(from, at));
        if (n == 0) return size_t{0};
        wrote();
        pos = static_cast<loff_t>(at + n);
    }
    const u64 first = at >> kPageShift, last = (at + n - 1) >> kPageShift;
    if (flags & O_DIRECT) {
        TRY(cache_.write_and_wait(first, last));
        cache_.invalidate(first, last);
    }
    if (flags & O_DSYNC) TRY(sync_written(at, at + n, (flags & O_SYNC) != O_SYNC));
    return size_t{n};
}

Result<loff_t> CachedFile::seek(loff_t offset, int whence) {
    if (whence == SEEK_END) {
        loff_t target;
        if (__builtin_add_overflow(static_cast<loff_t>(data_end()), offset, &target)) return Errno::EOVERFLOW;
        return File::seek(target, SEEK_SET);
    }
    return File::seek(offset, whence);
}

Result<void> CachedFile::sync(bool data_only) {
    cache_.write_back(0, ~0ull, true);
    cache_.wait_range(0, ~0ull);
    const Result<void> inode_result = inode->sync(data_only);
    TRY(check_error());
    return inode_result.ok() ? Result<void>() : Result<void>(inode_result.error());
}
