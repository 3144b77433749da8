// From a file's blocks to the device's, whichever way the inode keeps them.
#include "fs/ext4/ext4_inode.h"
#include "fs/ext4/extents.h"
#include "fs/ext4/indirect.h"

using namespace ext4;

Result<Ext4Mapping> Ext4Inode::map(u32 block, u32 max_count) {
    if (max_count == 0) return Errno::EINVAL;
    return uses_extents() ? ExtentTree(*this).find(block, max_count)
                          : IndirectMap(*this).find(block, max_count);
}

/// Near the file's other blocks, or in the group of its inode.
u64 Ext4Inode::goal_for(u32 block) {
    if (block > 0) {
        Result<Ext4Mapping> before = map(block - 1, 1);
        if (before.ok() && before.value().kind != Ext4Mapping::Kind::kHole)
            return before.value().physical + 1;
    }
    if (alloc_goal) return alloc_goal;
    return fs().group_first_block((number() - 1) / fs().inodes_per_group);
}

Result<void> Ext4Inode::enter_blocks(Ext4Op& op, u32 block, const Ext4Run& run, bool unwritten) {
    if (uses_extents())
        TRY(ExtentTree(*this).insert(op, block, run.length, run.start, unwritten));
    else
        TRY(IndirectMap(*this).insert(op, block, run.length, run.start));
    add_blocks(run.length);
    alloc_goal = run.start + run.length;
    return {};
}

Result<Ext4Mapping> Ext4Inode::allocate(Ext4Op& op, u32 block, u32 want, bool unwritten, bool is_reserved) {
    Ext4Super& super = fs();
    const Ext4Run run = TRY(super.allocate_blocks(op, goal_for(block), want, is_reserved));
    Result<void> entered = enter_blocks(op, block, run, unwritten);
    if (!entered.ok()) {
        (void)super.free_blocks(op, run.start, run.length, false);
        return entered.error();
    }
    Ext4Mapping made;
    made.kind = unwritten ? Ext4Mapping::Kind::kUnwritten : Ext4Mapping::Kind::kMapped;
    made.physical = run.start;
    made.length = run.length;
    return made;
}

Result<void> Ext4Inode::mark_written(Ext4Op& op, u32 block, u32 count) {
    const u64 end = u64{block} + count;
    while (block < end) {
        const Ext4Mapping piece = TRY(map(block, static_cast<u32>(end - block)));
        if (piece.kind == Ext4Mapping::Kind::kUnwritten) {
            ExtentTree tree(*this);
            const ExtentTree::Piece cut = TRY(tree.cut_next(op, block, block + piece.length - 1));
            if (cut.block != block || cut.length != piece.length) {
                return fs().fs_error("ext4_ext_convert", ino, "extents changed under a conversion");
            }
            TRY(tree.insert(op, block, piece.length, piece.physical, false));
        }
        block += piece.length;
    }
    return {};
}

Result<void> Ext4Inode::unmap(Ext4Op& op, u32 first, u32 last) {
    if (!uses_extents()) return IndirectMap(*this).remove(op, first, last);
    for (;;) {
        const ExtentTree::Piece cut = TRY(ExtentTree(*this).cut_next(op, first, last));
        if (cut.length == 0) return {};
        TRY(fs().free_blocks(op, cut.physical, cut.length, !is_regular()));
        add_blocks(-static_cast<i64>(cut.length));
        TRY(write_to_disk(op));
        if (cut.block + cut.length > last || cut.block + cut.length < cut.block) return {};
        first = cut.block + cut.length;
        TRY(op.extend(kUnmapCredits));
    }
}

Result<void> Ext4Inode::truncate_blocks(Ext4Op& op, u64 new_size) {
    if (is_special_file() || is_fast_symlink()) return {};
    const u64 first = (new_size + fs().block_size - 1) >> fs().block_bits;
    if (first > 0xfffffffeull) return {};
    return unmap(op, static_cast<u32>(first), 0xfffffffe);
}
