// Looking an extent up.
#include "fs/ext4/extents.h"

#include "fs/ext4/checksum.h"

using namespace ext4;

namespace {

/// The last of `count` entries whose first word is not above `block`, or -1. Extents and indexes begin with it.
i32 last_not_above(const Extent* entries, u32 count, u32 block) {
    u32 low = 0, high = count;
    while (low < high) {
        const u32 middle = (low + high) / 2;
        if (entries[middle].ee_block <= block)
            low = middle + 1;
        else
            high = middle;
    }
    return static_cast<i32>(low) - 1;
}
}  // namespace

void ExtentTree::init(Ext4Inode& inode) {
    memset(inode.i_block, 0, sizeof(inode.i_block));
    ExtentHeader& root = *reinterpret_cast<ExtentHeader*>(inode.i_block);
    root.eh_magic = kExtentMagic;
    root.eh_max = kExtentRootRoom;
    inode.disk_flags |= kInodeExtents;
}

Result<void> ExtentTree::check_header(const Level& level, u32 depth, u32 room) {
    const ExtentHeader& h = *level.header;
    if (h.eh_magic != kExtentMagic) return damaged("pblk bad header/extent: invalid magic");
    if (h.eh_depth != depth) return damaged("bad header/extent: unexpected eh_depth");
    if (h.eh_max == 0 || h.eh_max > room) return damaged("bad header/extent: invalid eh_max");
    if (h.eh_entries > h.eh_max) return damaged("bad header/extent: invalid eh_entries");
    if (depth > 0 && h.eh_entries == 0)
        return damaged("bad header/extent: eh_entries is 0 but eh_depth is > 0");
    return {};
}

Result<void> ExtentTree::load_root(Path& path) {
    Level& root = path.levels[0];
    root.buffer = BufferRef();
    root.header = reinterpret_cast<ExtentHeader*>(inode_.i_block);
    root.at = -1;
    if (root.header->eh_depth > kExtentMaxDepth) return damaged("bad header/extent: too large eh_depth");
    path.depth = root.header->eh_depth;
    return check_header(root, path.depth, kExtentRootRoom);
}

Result<void> ExtentTree::load_child(Path& path, u32 level, u64 block) {
    if (!fs_.valid_blocks(block, 1)) return damaged("bad header/extent: invalid extent entries");
    Level& child = path.levels[level];
    child.buffer = TRY(fs_.read_block(block));
    child.header = reinterpret_cast<ExtentHeader*>(child.buffer->data);
    child.at = -1;
    const u32 room = static_cast<u32>((fs_.block_size - sizeof(ExtentHeader)) / sizeof(Extent));
    TRY(check_header(child, path.depth - level, room));
    if (fs_.metadata_csum && !child.buffer->has(kBufferChecked)) {
        const size_t covered = sizeof(ExtentHeader) + child.header->eh_max * sizeof(Extent);
        if (covered + sizeof(u32) > fs_.block_size)
            return damaged("extent tree corrupted: no room for the checksum");
        const u32 stored = *reinterpret_cast<const u32*>(child.buffer->data + covered);
        if (crc32c(inode_.checksum_seed(), child.buffer->data, covered) != stored) {
            (void)damaged("extent tree corrupted");
            return Errno::EBADMSG;
        }
    }
    child.buffer->set(kBufferChecked);
    return {};
}

/// From the root to the leaf that has, or would have, `block`.
Result<void> ExtentTree::walk(Path& path, u32 block) {
    TRY(load_root(path));
    for (u32 level = 0; level < path.depth; level++) {
        Level& here = path.levels[level];
        here.at = max(0, last_not_above(here.extents(), here.header->eh_entries, block));
        TRY(load_child(path, level + 1, here.indexes()[here.at].leaf()));
    }
    Level& leaf = path.leaf();
    leaf.at = last_not_above(leaf.extents(), leaf.header->eh_entries, block);
    if (leaf.at >= 0) {
        const Extent& extent = leaf.extents()[leaf.at];
        if (extent.length() == 0 || extent.end() > (u64{1} << 32) ||
            !fs_.valid_blocks(extent.start(), extent.length())) {
            return damaged("bad header/extent: invalid extent entries");
        }
    }
    return {};
}

/// The first block after `block` that some extent of the path's leaf or of its neighbour begins with; ~0: none.
Result<u32> ExtentTree::next_extent_start(Path& path, u32 block) {
    const Level& leaf = path.leaf();
    for (u32 i = static_cast<u32>(leaf.at + 1); i < leaf.header->eh_entries; i++) {
        if (leaf.extents()[i].ee_block > block) return u32{leaf.extents()[i].ee_block};
    }
    for (u32 level = path.depth; level-- > 0;) {
        const Level& here = path.levels[level];
        const u32 next = static_cast<u32>(here.at + 1);
        if (next < here.header->eh_entries && here.indexes()[next].ei_block > block) {
            return u32{here.indexes()[next].ei_block};
        }
    }
    return ~0u;
}

Result<Ext4Mapping> ExtentTree::find(u32 block, u32 max_count) {
    Path path;
    TRY(walk(path, block));
    Ext4Mapping found;
    const Level& leaf = path.leaf();
    if (leaf.at >= 0) {
        const Extent& extent = leaf.extents()[leaf.at];
        if (block < extent.end()) {
            const u32 into = block - extent.ee_block;
            found.kind = extent.unwritten() ? Ext4Mapping::Kind::kUnwritten : Ext4Mapping::Kind::kMapped;
            found.physical = extent.start() + into;
            found.length = min(extent.length() - into, max_count);
            return found;
        }
    }
    found.length = min(TRY(next_extent_start(path, block)) - block, max_count);
    return found;
}
