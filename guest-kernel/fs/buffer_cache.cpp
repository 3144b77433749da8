// Single blocks of a block device (fs/buffer_cache.h).
#include "fs/buffer_cache.h"

#include "sync/hashed_wait.h"

bool Buffer::try_lock() {
    return (__atomic_fetch_or(&state, kBufferLocked, __ATOMIC_ACQUIRE) & kBufferLocked) == 0;
}

void Buffer::lock() {
    if (try_lock()) return;
    wait_event_uninterruptible(hashed_wait_queue(this), [&] { return try_lock(); });
}

void Buffer::unlock() {
    WaitQueue& queue = hashed_wait_queue(this);
    BUG_ON(!clear(kBufferLocked));
    queue.wake_all();
}

void Buffer::get() {
    page_get(page);
    __atomic_add_fetch(&refs, 1, __ATOMIC_RELAXED);
}

void Buffer::put() {
    Page* its_page = page;
    __atomic_sub_fetch(&refs, 1, __ATOMIC_RELEASE);
    page_put(its_page);
}

void Buffer::mark_dirty() {
    set(kBufferDirty);
    cache->mark_dirty(page);
}

void Buffer::release_hold() {
    clear(kBufferHeld);
    if (dirty()) cache->mark_dirty(page);
}

Result<void> Buffer::read() {
    if (uptodate()) return {};
    lock();
    Result<void> done;
    if (!uptodate()) {
        done = cache->device().read(sector(), data, size);
        if (done.ok()) set(kBufferUptodate);
    }
    unlock();
    return done;
}

Result<void> Buffer::write(u8 flags) {
    lock();
    Result<void> done;
    if (clear(kBufferDirty)) {
        done = cache->device().write(sector(), data, size, flags);
        if (done.ok())
            clear(kBufferWriteError);
        else
            set(kBufferWriteError);
    }
    unlock();
    return done;
}

Result<BufferCache> BufferCache::make(BlockDevice& device, u32 block_size) {
    if (block_size < device.logical_block_size() || block_size > kPageSize ||
        (block_size & (block_size - 1)) != 0)
        return Errno::EINVAL;
    BlockPages* pages = TRY(device.pages());
    TRY(pages->set_buffer_size(block_size));
    return BufferCache(pages);
}

Result<BufferRef> BufferCache::get(u64 block) {
    return BufferRef(TRY(pages_->buffer(block)));
}

Result<BufferRef> BufferCache::read(u64 block) {
    BufferRef found = TRY(get(block));
    TRY(found->read());
    return found;
}

void BufferCache::read_ahead(u64 block, u64 count) {
    if (count == 0) return;
    const u64 per_page = kPageSize / block_size();
    const u64 first = block / per_page;
    pages_->start_read(first, (block + count - 1) / per_page - first + 1);
}

void BufferCache::forget(u64 block, u64 count) {
    for (u64 i = 0; i < count; i++) {
        if (BufferRef there = cached(block + i)) there->forget();
    }
}
