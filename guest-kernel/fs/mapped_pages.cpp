// Moving pages between a page cache and a block device (fs/mapped_pages.h).
#include "fs/mapped_pages.h"

#include "core/string.h"
#include "fs/page_bio.h"

namespace {

void end_page(Page* page, BlockOp op, Errno status) {
    if (op == BlockOp::kRead)
        PageCache::end_read(page, status);
    else
        PageCache::end_write(page, status);
}

u8* memory_of(Page* page) {
    return static_cast<u8*>(page_address(page));
}

/// An extent that was looked up, with the block it begins at.
struct Known {
    u64 first = 0;
    BlockExtent extent;
    bool has(u64 block) const { return block >= first && block - first < extent.count; }
};

}  // namespace

PageBio* PageBio::make(BlockOp op, u64 sector) {
    PageBio* bio = new (std::nothrow) PageBio;
    if (!bio) return nullptr;
    bio->op = op;
    bio->sector = sector;
    bio->done = [](Bio& done_bio) {
        PageBio& self = static_cast<PageBio&>(done_bio);
        for (u32 i = 0; i < self.page_count; i++) end_page(self.pages[i], self.op, self.status);
        delete &self;
    };
    return bio;
}

bool PageBio::append(Page* page, u64 at_sector) {
    if (page_count == kMaxPages || end_sector() != at_sector) return false;
    if (!add(page_address(page), kPageSize)) return false;
    pages[page_count++] = page;
    return true;
}

/// Moves one page block by block, and waits. A hole reads as zeroes and is not written.
Errno MappedPages::move_pieces(Page* page, BlockOp op) {
    const u32 block_size = 1u << block_shift_;
    const u64 per_page = kPageSize >> block_shift_;
    const u64 first = page->index * per_page;
    u64 end = per_page;
    if (op == BlockOp::kWrite) {
        const u64 blocks = (size() + block_size - 1) >> block_shift_;
        end = blocks <= first ? 0 : min(per_page, blocks - first);
    }
    for (u64 i = 0; i < end;) {
        Result<BlockExtent> found = map_blocks(first + i, end - i, false);
        if (!found.ok()) return found.error();
        const BlockExtent& extent = found.value();
        const u64 n = min(extent.count, end - i);
        u8* memory = memory_of(page) + (i << block_shift_);
        const u32 bytes = static_cast<u32>(n << block_shift_);
        if (extent.kind == BlockExtent::Kind::kMapped) {
            const Result<void> moved = device_.transfer(op, sector_of(extent.block), memory, bytes);
            if (!moved.ok()) return moved.error();
        } else if (op == BlockOp::kRead) {
            memset(memory, 0, bytes);
        }
        i += n;
    }
    return Errno::OK;
}

void MappedPages::move_pages(Page** pages, u32 page_count, BlockOp op) {
    const u64 per_page = kPageSize >> block_shift_;
    Known known;
    PageBio* bio = nullptr;
    for (u32 i = 0; i < page_count; i++) {
        Page* page = pages[i];
        const u64 block = page->index * per_page;
        if (!known.has(block)) {
            known.first = block;
            Result<BlockExtent> found = map_blocks(block, per_page * (page_count - i), false);
            if (!found.ok()) {
                known.extent = {};
                end_page(page, op, found.error());
                continue;
            }
            known.extent = found.value();
        }
        const u64 within = block - known.first;
        const bool whole = known.extent.count - within >= per_page;
        if (whole && known.extent.kind == BlockExtent::Kind::kHole && op == BlockOp::kRead) {
            memset(memory_of(page), 0, kPageSize);
            end_page(page, op, Errno::OK);
            continue;
        }
        if (!whole || known.extent.kind == BlockExtent::Kind::kHole) {
            end_page(page, op, move_pieces(page, op));
            continue;
        }
        const u64 sector = sector_of(known.extent.block + within);
        if (bio && bio->append(page, sector)) continue;
        if (bio) device_.submit(*bio);
        bio = PageBio::make(op, sector);
        if (bio)
            bio->append(page, sector);
        else
            end_page(page, op, move_pieces(page, op));
    }
    if (bio) device_.submit(*bio);
}

void MappedPages::read_pages(Page** pages, u32 page_count) {
    move_pages(pages, page_count, BlockOp::kRead);
}

void MappedPages::write_pages(Page** pages, u32 page_count) {
    Page* last = pages[page_count - 1];
    const u64 start = last->index << kPageShift;
    const u64 end = size();
    // A program that has mapped the page may have written behind the end.
    if (end > start && end - start < kPageSize)
        memset(memory_of(last) + (end - start), 0, kPageSize - (end - start));
    move_pages(pages, page_count, BlockOp::kWrite);
}

namespace {
// What write_begin tells write_end.
void* const kFresh = reinterpret_cast<void*>(1);
}  // namespace

Result<Page*> MappedPages::write_begin(u64 position, u32 length, void** state) {
    *state = nullptr;
    const u64 index = position >> kPageShift;
    const u32 from = static_cast<u32>(position & ~kPageMask);
    const u32 to = from + length;
    Page* page;
    for (;;) {
        page = TRY(grab(index));
        if (uptodate(page) || length == kPageSize) break;
        if (from == 0 && position + length >= size()) {
            memset(memory_of(page) + to, 0, kPageSize - to);
            break;
        }
        unlock_page(page);
        page_put(page);
        page_put(TRY(read_page(index)));
    }
    const u64 end = (position + length - 1) >> block_shift_;
    for (u64 block = position >> block_shift_; block <= end;) {
        Result<BlockExtent> found = map_blocks(block, end - block + 1, true);
        if (!found.ok()) {
            unlock_page(page);
            page_put(page);
            return found.error();
        }
        if (found.value().fresh) *state = kFresh;
        block += found.value().count;
    }
    return page;
}

Result<void> MappedPages::write_end(u64 position, u32 length, u32 copied, Page* page, void* state) {
    if (copied < length && !uptodate(page) && state == kFresh) {
        // Blocks were allocated and the program's memory turned out not to be there: they hold zeroes.
        memset(memory_of(page), 0, kPageSize);
        set_uptodate(page);
        mark_dirty(page);
        copied = 0;
    }
    if (copied > 0) {
        set_uptodate(page);
        mark_dirty(page);
        const u64 end = position + copied;
        if (end > size()) {
            grow_size(end);
            size_grown();
        }
    }
    unlock_page(page);
    page_put(page);
    return {};
}
