// A file's pages on their way to and from the disk.
//
// A page without blocks gets them when it is written: they are taken from the bitmaps, the data is written to them,
// and only then the map and the size are changed, all under one lock and so in one transaction: whatever the journal
// brings back after a power cut, the map leads to data that is there (data=ordered).
#include "core/string.h"
#include "fs/block_batch.h"
#include "fs/ext4/ext4_inode.h"
#include "fs/ext4/extents.h"
#include "fs/ext4/indirect.h"

using namespace ext4;

Ext4Pages::Ext4Pages(Ext4Inode& file)
    : MappedPages(*file.fs().device, file.fs().block_bits, &file), file_(file) {}

Result<BlockExtent> Ext4Pages::map_blocks(u64 first, u64 wanted, bool) {
    BlockExtent extent;
    extent.count = wanted;
    if (first > 0xfffffffeull) return extent;
    MutexGuard guard(file_.fs().lock);
    const Ext4Mapping at =
        TRY(file_.map(static_cast<u32>(first), static_cast<u32>(min<u64>(wanted, 0xffffffffull - first))));
    extent.count = at.length;
    if (at.kind == Ext4Mapping::Kind::kMapped) {
        extent.kind = BlockExtent::Kind::kMapped;
        extent.block = at.physical;
    }
    return extent;
}

/// Sets blocks aside for those of the page that have none, as far as the file will reach (`end`, in bytes).
Result<void> Ext4Pages::reserve(Page& page, u64 end) {
    if (page.private_data && end <= size()) return {};
    const u32 per_page = static_cast<u32>(kPageSize >> block_shift());
    const u64 first = page.index * per_page;
    const u64 blocks = (max(end, size()) + (1u << block_shift()) - 1) >> block_shift();
    const u32 count = static_cast<u32>(min<u64>(blocks - first, per_page));
    if (first + count > 0xffffffffull) return Errno::EFBIG;
    MutexGuard guard(file_.fs().lock);
    u32 missing = 0;
    for (u32 i = 0; i < count;) {
        const Ext4Mapping at = TRY(file_.map(static_cast<u32>(first + i), count - i));
        if (at.kind == Ext4Mapping::Kind::kHole) missing += at.length;
        i += at.length;
    }
    const u32 there = static_cast<u32>(reinterpret_cast<u64>(page.private_data));
    if (missing <= there) return {};
    TRY(file_.fs().reserve_blocks(missing - there));
    __atomic_add_fetch(&file_.reserved, missing - there, __ATOMIC_RELAXED);
    page.private_data = reinterpret_cast<void*>(u64{missing});
    return {};
}

void Ext4Pages::unreserve(Page& page) {
    const u32 count = static_cast<u32>(reinterpret_cast<u64>(page.private_data));
    if (count == 0) return;
    page.private_data = nullptr;
    __atomic_sub_fetch(&file_.reserved, count, __ATOMIC_RELAXED);
    file_.fs().release_reserved(count);
}

Result<Page*> Ext4Pages::write_begin(u64 position, u32 length, void** state) {
    if (file_.fs().read_only) return Errno::EROFS;
    Page* page = TRY(MappedPages::write_begin(position, length, state));
    const Result<void> reserved = reserve(*page, position + length);
    if (reserved.ok()) return page;
    unlock_page(page);
    page_put(page);
    return reserved.error();
}

/// Is there a block in [first, end) to be given, or a size to be written down?
Result<bool> Ext4Pages::needs_blocks(u64 first, u64 end) {
    MutexGuard guard(file_.fs().lock);
    if (min(size(), end << block_shift()) > file_.disk_size) return true;
    while (first < end) {
        const Ext4Mapping at = TRY(file_.map(static_cast<u32>(first), static_cast<u32>(end - first)));
        if (at.kind != Ext4Mapping::Kind::kMapped) return true;
        first += at.length;
    }
    return false;
}

void Ext4Pages::write_pages(Page** pages, u32 page_count) {
    const u32 bits = block_shift();
    const u64 bytes = size();
    const u64 first = (pages[0]->index << kPageShift) >> bits;
    const u64 end =
        min(((pages[page_count - 1]->index + 1) << kPageShift), align_up(bytes, 1u << bits)) >> bits;
    Result<bool> slow = first < end ? needs_blocks(first, end) : Result<bool>(false);
    if (slow.ok() && !slow.value()) {
        for (u32 i = 0; i < page_count; i++) unreserve(*pages[i]);
        MappedPages::write_pages(pages, page_count);
        return;
    }
    const Result<void> done = slow.ok() ? write_new(pages, page_count, end) : Result<void>(slow.error());
    for (u32 i = 0; i < page_count; i++) {
        unreserve(*pages[i]);
        end_write(pages[i], done.error());
    }
}

/// Writes the pages' blocks up to `end`, giving blocks to those that have none.
Result<void> Ext4Pages::write_new(Page** pages, u32 page_count, u64 end) {
    const u64 bytes = size();
    Page* last = pages[page_count - 1];
    const u64 start_of_last = last->index << kPageShift;
    if (bytes > start_of_last && bytes - start_of_last < kPageSize) {
        memset(static_cast<u8*>(page_address(last)) + (bytes - start_of_last), 0,
               kPageSize - (bytes - start_of_last));
    }
    Ext4Op op(file_.fs());
    TRY(op.begin(kChangeCredits));
    const u64 base = pages[0]->index << kPageShift >> block_shift();
    for (u64 block = base; block < end;) {
        TRY(write_run(op, pages, block, end, &block));
        const u64 written = min(bytes, block << block_shift());
        if (written > file_.disk_size) file_.disk_size = written;
        TRY(file_.write_to_disk(op));
        if (block < end) TRY(op.extend(kChangeCredits));
    }
    return {};
}

/// One run of blocks that are alike: their data, then the map. `*next`: where the run ends.
Result<void> Ext4Pages::write_run(Ext4Op& op, Page** pages, u64 first, u64 end, u64* next) {
    Ext4Super& super = file_.fs();
    const u32 per_page = static_cast<u32>(kPageSize >> block_shift());
    const u64 base = pages[0]->index * per_page;
    const u32 block = static_cast<u32>(first);
    const Ext4Mapping at = TRY(file_.map(block, static_cast<u32>(end - first)));
    const bool is_hole = at.kind == Ext4Mapping::Kind::kHole;
    const bool is_reserved = pages[(first - base) / per_page]->private_data != nullptr;
    Ext4Run run{at.physical, at.length};
    if (is_hole) run = TRY(super.allocate_blocks(op, file_.goal_for(block), at.length, is_reserved));
    BlockBatch batch(*super.device, super.block_size);
    Result<void> done;
    for (u32 i = 0; done.ok() && i < run.length; i++) {
        const u64 at_block = first - base + i;
        u8* memory = static_cast<u8*>(page_address(pages[at_block / per_page])) +
                     ((at_block % per_page) << block_shift());
        done = batch.add(run.start + i, memory);
    }
    if (done.ok()) done = batch.finish();
    if (done.ok() && is_hole) done = file_.enter_blocks(op, block, run);
    if (!done.ok()) {
        if (is_hole) (void)super.free_blocks(op, run.start, run.length, false);
        return done;
    }
    if (at.kind == Ext4Mapping::Kind::kUnwritten) TRY(file_.mark_written(op, block, run.length));
    *next = first + run.length;
    return {};
}
