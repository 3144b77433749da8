// The pages of a block device, with and without buffers (fs/block_pages.h).
#include "fs/block_pages.h"

#include "core/kmalloc.h"
#include "core/string.h"
#include "fs/buffer_cache.h"
#include "fs/page_bio.h"

namespace {

/// A page's buffers, in order; at page.private_data, freed with the page's place in the cache.
struct PageBuffers {
    u32 count;
    u32 unused;
    Buffer buffers[];
};

PageBuffers* buffers_of(const Page& page) {
    return static_cast<PageBuffers*>(__atomic_load_n(&page.private_data, __ATOMIC_ACQUIRE));
}

}  // namespace

Result<void> BlockPages::set_buffer_size(u32 size) {
    if (size == buffer_size_) return {};
    TRY(write_and_wait());
    if (invalidate(0, ~0ull - 1) > 0) {
        // Pages without buffers may stay (somebody maps them); others are in use.
        for (u64 i = 0; i < (this->size() >> kPageShift); i++) {
            Page* page = find(i);
            if (!page) continue;
            const bool used = buffers_of(*page) != nullptr;
            page_put(page);
            if (used) return Errno::EBUSY;
        }
    }
    buffer_size_ = size;
    return {};
}

/// Gives a locked page its buffers, if it has none.
Result<void> BlockPages::attach(Page* page) {
    if (page->private_data) return {};
    const u32 per_page = static_cast<u32>(kPageSize / buffer_size_);
    auto* made = static_cast<PageBuffers*>(kzalloc(sizeof(PageBuffers) + per_page * sizeof(Buffer)));
    if (!made) return Errno::ENOMEM;
    made->count = per_page;
    // What is dirty about the page so far is so about all of it.
    const u32 state = (uptodate(page) ? u32{kBufferUptodate} : 0) |
                      (dirty(page) || flag(page, kPageWriteback) ? u32{kBufferDirty} : 0);
    for (u32 i = 0; i < per_page; i++) {
        Buffer& b = made->buffers[i];
        b.block = page->index * per_page + i;
        b.data = static_cast<u8*>(page_address(page)) + i * buffer_size_;
        b.size = buffer_size_;
        b.page = page;
        b.cache = this;
        b.state = state;
    }
    __atomic_store_n(&page->private_data, made, __ATOMIC_RELEASE);
    return {};
}

Buffer* BlockPages::cached_buffer(u64 block) {
    const u64 per_page = kPageSize / buffer_size_;
    Page* page = find(block / per_page);
    if (!page) return nullptr;
    PageBuffers* there = buffers_of(*page);
    if (!there) {
        page_put(page);
        return nullptr;
    }
    Buffer& b = there->buffers[block % per_page];
    __atomic_add_fetch(&b.refs, 1, __ATOMIC_RELAXED);
    return &b;  // the page's reference is the buffer's
}

Result<Buffer*> BlockPages::buffer(u64 block) {
    if (block >= size() / buffer_size_) return Errno::EIO;
    if (Buffer* there = cached_buffer(block)) return there;
    const u64 per_page = kPageSize / buffer_size_;
    Page* page = TRY(grab(block / per_page));
    const Result<void> attached = attach(page);
    unlock_page(page);
    if (!attached.ok()) {
        page_put(page);
        return attached.error();
    }
    Buffer& b = buffers_of(*page)->buffers[block % per_page];
    __atomic_add_fetch(&b.refs, 1, __ATOMIC_RELAXED);
    return &b;
}

Result<BlockExtent> BlockPages::map_blocks(u64 first, u64 wanted, bool) {
    BlockExtent extent;
    const u64 end = device().sectors();
    extent.count = wanted;
    if (first >= end) return extent;
    extent.kind = BlockExtent::Kind::kMapped;
    extent.block = first;
    extent.count = min(wanted, end - first);
    return extent;
}

/// Reads those of a locked page's buffers that are not up to date; waits.
Errno BlockPages::read_buffers(Page* page) {
    PageBuffers* all = buffers_of(*page);
    for (u32 i = 0; i < all->count; i++) {
        if (all->buffers[i].sector() >= device().sectors()) continue;
        const Result<void> done = all->buffers[i].read();
        if (!done.ok()) return done.error();
    }
    return Errno::OK;
}

void BlockPages::read_pages(Page** pages, u32 page_count) {
    for (u32 i = 0; i < page_count;) {
        u32 n = 0;
        while (i + n < page_count && !pages[i + n]->private_data) n++;
        if (n > 0) {
            MappedPages::read_pages(pages + i, n);
        } else {
            end_read(pages[i], read_buffers(pages[i]));
            n = 1;
        }
        i += n;
    }
}

/// Writes those of a page's buffers that are dirty and not held. Several are waited for; a page that is one buffer is
/// not, and its buffer stays locked until it is written.
void BlockPages::write_buffers(Page* page) {
    PageBuffers* all = buffers_of(*page);
    bool left = false;
    Errno status = Errno::OK;
    for (u32 i = 0; i < all->count; i++) {
        Buffer& b = all->buffers[i];
        if (!b.dirty()) continue;
        if (b.has(kBufferHeld)) {
            left = true;
            continue;
        }
        const Result<void> done = b.write();
        if (!done.ok()) status = done.error();
    }
    if (left) mark_dirty(page);
    end_write(page, status);
}

void BlockPages::write_pages(Page** pages, u32 page_count) {
    for (u32 i = 0; i < page_count;) {
        u32 n = 0;
        while (i + n < page_count && !pages[i + n]->private_data) n++;
        if (n > 0) {
            MappedPages::write_pages(pages + i, n);
        } else {
            write_buffers(pages[i]);
            n = 1;
        }
        i += n;
    }
}

Result<void> BlockPages::write_end(u64 position, u32 length, u32 copied, Page* page, void* state) {
    PageBuffers* all = copied > 0 ? buffers_of(*page) : nullptr;
    if (all) {
        const u64 in_page = position & ~kPageMask;
        for (u64 i = in_page / buffer_size_; i <= (in_page + copied - 1) / buffer_size_; i++) {
            all->buffers[i].set(kBufferUptodate | kBufferDirty);
        }
    }
    return MappedPages::write_end(position, length, copied, page, state);
}

void BlockPages::release_private(Page& page) {
    kfree(page.private_data);
    page.private_data = nullptr;
}

bool BlockPages::private_unused(const Page& page) {
    const PageBuffers* all = buffers_of(page);
    for (u32 i = 0; i < all->count; i++) {
        if (__atomic_load_n(&all->buffers[i].refs, __ATOMIC_RELAXED) != 0 ||
            all->buffers[i].has(kBufferDirty | kBufferLocked | kBufferHeld)) {
            return false;
        }
    }
    return true;
}
