// Changing an extent tree: entries in and out, nodes split and freed, the root deeper and flat again.
#include "fs/ext4/checksum.h"
#include "fs/ext4/extents.h"

using namespace ext4;

namespace {

template <class T>
void insert_at(T* entries, ExtentHeader& header, u32 at, const T& value) {
    memmove(&entries[at + 1], &entries[at], (header.eh_entries - at) * sizeof(T));
    entries[at] = value;
    header.eh_entries++;
}

template <class T>
void erase_at(T* entries, ExtentHeader& header, u32 at) {
    memmove(&entries[at], &entries[at + 1], (header.eh_entries - at - 1) * sizeof(T));
    header.eh_entries--;
}

}  // namespace

/// The node has been changed: its checksum, and the journal.
void ExtentTree::changed(Ext4Op& op, Level& level) {
    if (!level.buffer) return;  // the root goes with the inode
    if (fs_.metadata_csum) {
        const size_t covered = sizeof(ExtentHeader) + level.header->eh_max * sizeof(Extent);
        if (covered + sizeof(u32) <= fs_.block_size) {
            *reinterpret_cast<u32*>(level.buffer->data + covered) =
                crc32c(inode_.checksum_seed(), level.buffer->data, covered);
        }
    }
    op.dirty(level.buffer);
}

u32 ExtentTree::first_key(const Level& level) const {
    return level.extents()[0].ee_block;  // an index begins with its block as well
}

/// The first key of a node stands in its parent too.
void ExtentTree::correct_indexes(Ext4Op& op, Path& path) {
    for (u32 level = path.depth; level > 0; level--) {
        Level& child = path.levels[level];
        Level& parent = path.levels[level - 1];
        ExtentIndex& index = parent.indexes()[parent.at];
        if (child.header->eh_entries == 0 || index.ei_block == first_key(child)) return;
        index.ei_block = first_key(child);
        changed(op, parent);
        if (parent.at != 0) return;
    }
}

Result<BufferRef> ExtentTree::new_node(Ext4Op& op, u64 goal) {
    const Ext4Run run = TRY(fs_.allocate_blocks(op, goal, 1, true));
    Result<BufferRef> buffer = fs_.fresh_block(run.start);
    if (!buffer.ok()) {
        (void)fs_.free_blocks(op, run.start, 1, true);
        return buffer.error();
    }
    inode_.add_blocks(1);
    ExtentHeader& header = *reinterpret_cast<ExtentHeader*>(buffer.value()->data);
    header.eh_magic = kExtentMagic;
    header.eh_max = static_cast<u16>((fs_.block_size - sizeof(ExtentHeader)) / sizeof(Extent));
    buffer.value()->set(kBufferChecked);
    return buffer.release_value();
}

/// The root's entries move to a new block, which the root then leads to.
Result<void> ExtentTree::grow_root(Ext4Op& op, Path& path) {
    Level& root = path.levels[0];
    if (path.depth == kExtentMaxDepth) return damaged("extent tree is too deep");
    Level node;
    node.buffer = TRY(new_node(op, inode_.alloc_goal));
    node.header = reinterpret_cast<ExtentHeader*>(node.buffer->data);
    node.header->eh_entries = root.header->eh_entries;
    node.header->eh_depth = root.header->eh_depth;
    memcpy(node.extents(), root.extents(), root.header->eh_entries * sizeof(Extent));
    changed(op, node);
    ExtentIndex top{};
    top.ei_block = root.header->eh_entries ? first_key(node) : 0;
    top.set_leaf(node.buffer->block);
    root.indexes()[0] = top;
    root.header->eh_entries = 1;
    root.header->eh_depth++;
    return {};
}

/// The node at `level`, which is full, gives its upper half (or, when the path leads past its end, only its last
/// entry) to a new one; the level above has room.
Result<void> ExtentTree::split(Ext4Op& op, Path& path, u32 level) {
    Level& node = path.levels[level];
    Level& parent = path.levels[level - 1];
    const u32 count = node.header->eh_entries;
    if (count < 2) return damaged("extent node too small to split");
    const bool at_end = node.at + 1 == static_cast<i32>(count);
    const u32 keep = at_end ? count - 1 : count / 2;
    Level fresh;
    fresh.buffer = TRY(new_node(op, node.buffer->block));
    fresh.header = reinterpret_cast<ExtentHeader*>(fresh.buffer->data);
    fresh.header->eh_depth = node.header->eh_depth;
    fresh.header->eh_entries = static_cast<u16>(count - keep);
    memcpy(fresh.extents(), node.extents() + keep, (count - keep) * sizeof(Extent));
    node.header->eh_entries = static_cast<u16>(keep);
    changed(op, node);
    changed(op, fresh);
    ExtentIndex index{};
    index.ei_block = first_key(fresh);
    index.set_leaf(fresh.buffer->block);
    insert_at(parent.indexes(), *parent.header, static_cast<u32>(parent.at + 1), index);
    changed(op, parent);
    return {};
}

/// Sees to it that the leaf for `block` has room for one more entry; `path` leads there afterwards.
Result<void> ExtentTree::make_room(Ext4Op& op, Path& path, u32 block) {
    for (u32 round = 0; round < 3 * (kExtentMaxDepth + 1); round++) {
        TRY(walk(path, block));
        if (path.leaf().header->eh_entries < path.leaf().header->eh_max) return {};
        u32 level = path.depth;
        while (level > 0 &&
               path.levels[level - 1].header->eh_entries == path.levels[level - 1].header->eh_max) {
            level--;
        }
        if (level == 0)
            TRY(grow_root(op, path));
        else
            TRY(split(op, path, level));
    }
    return damaged("no room in the extent tree");
}

/// Makes `left` longer by `right` if that is one run of the same kind.
bool ExtentTree::join(Extent& left, const Extent& right) const {
    if (left.unwritten() != right.unwritten() || left.end() != right.ee_block ||
        left.start() + left.length() != right.start()) {
        return false;
    }
    const u32 most = left.unwritten() ? kMaxUnwrittenLen : kExtentMaxLen;
    if (left.length() + right.length() > most) return false;
    left.set_length(left.length() + right.length(), left.unwritten());
    return true;
}

Result<void> ExtentTree::insert(Ext4Op& op, u32 block, u32 count, u64 physical, bool unwritten) {
    const u32 most = unwritten ? kMaxUnwrittenLen : kExtentMaxLen;
    for (u32 done = 0; done < count;) {
        Extent fresh{};
        fresh.ee_block = block + done;
        fresh.set_start(physical + done);
        fresh.set_length(min(count - done, most), unwritten);
        done += fresh.length();
        Path path;
        TRY(walk(path, fresh.ee_block));
        Level* leaf = &path.leaf();
        const u32 entries = leaf->header->eh_entries;
        Extent* next = leaf->at + 1 < static_cast<i32>(entries) ? &leaf->extents()[leaf->at + 1] : nullptr;
        if (leaf->at >= 0 && leaf->extents()[leaf->at].end() > fresh.ee_block)
            return damaged("extents overlap");
        if (next && next->ee_block < fresh.end()) return damaged("extents overlap");
        if (leaf->at >= 0 && join(leaf->extents()[leaf->at], fresh)) {
            if (next && join(leaf->extents()[leaf->at], *next)) {
                erase_at(leaf->extents(), *leaf->header, static_cast<u32>(leaf->at + 1));
            }
            changed(op, *leaf);
            continue;
        }
        if (next && join(fresh, *next)) {
            *next = fresh;
        } else {
            TRY(make_room(op, path, fresh.ee_block));
            leaf = &path.leaf();
            insert_at(leaf->extents(), *leaf->header, static_cast<u32>(leaf->at + 1), fresh);
        }
        changed(op, *leaf);
        correct_indexes(op, path);
    }
    return {};
}

/// The leaf's entry at the path goes, and with the last entry of a node the node.
Result<void> ExtentTree::remove_entry(Ext4Op& op, Path& path) {
    Level& leaf = path.leaf();
    erase_at(leaf.extents(), *leaf.header, static_cast<u32>(leaf.at));
    changed(op, leaf);
    u32 level = path.depth;
    while (level > 0 && path.levels[level].header->eh_entries == 0) {
        Level& parent = path.levels[level - 1];
        const u64 block = path.levels[level].buffer->block;
        erase_at(parent.indexes(), *parent.header, static_cast<u32>(parent.at));
        changed(op, parent);
        path.levels[level].buffer = BufferRef();
        TRY(fs_.free_blocks(op, block, 1, true));
        inode_.add_blocks(-1);
        level--;
    }
    if (level == 0 && path.depth > 0 && path.levels[0].header->eh_entries == 0) {
        path.levels[0].header->eh_depth = 0;
        path.levels[0].header->eh_max = kExtentRootRoom;
        return {};
    }
    if (level == path.depth) {
        correct_indexes(op, path);
        return {};
    }
    // A node lost its first child: the nodes above it may have to say so.
    path.depth = level;
    correct_indexes(op, path);
    return {};
}

Result<ExtentTree::Piece> ExtentTree::cut_next(Ext4Op& op, u32 from, u32 last) {
    Piece piece;
    Path path;
    TRY(walk(path, from));
    Level* leaf = &path.leaf();
    if (leaf->at < 0 || leaf->extents()[leaf->at].end() <= from) {
        const u32 start = TRY(next_extent_start(path, from));
        if (start == ~0u || start > last || start <= from) return piece;
        TRY(walk(path, start));
        leaf = &path.leaf();
        if (leaf->at < 0 || leaf->extents()[leaf->at].ee_block < from) return damaged("extents out of order");
    }
    Extent& extent = leaf->extents()[leaf->at];
    const u32 begin = max(from, u32{extent.ee_block});
    if (begin > last) return piece;
    const u64 end = min(extent.end(), u64{last} + 1);
    piece.block = begin;
    piece.length = static_cast<u32>(end - begin);
    piece.physical = extent.start() + (begin - extent.ee_block);
    piece.unwritten = extent.unwritten();
    const u32 head = begin - extent.ee_block;
    const u32 tail = static_cast<u32>(extent.end() - end);
    if (head == 0 && tail == 0) {
        TRY(remove_entry(op, path));
    } else if (head == 0) {
        extent.ee_block = static_cast<u32>(end);
        extent.set_start(piece.physical + piece.length);
        extent.set_length(tail, piece.unwritten);
        changed(op, *leaf);
        correct_indexes(op, path);
    } else if (tail == 0) {
        extent.set_length(head, piece.unwritten);
        changed(op, *leaf);
    } else {
        // A hole in the middle: the rest becomes an entry of its own, for which there has to be room first.
        TRY(make_room(op, path, begin));
        leaf = &path.leaf();
        Extent& left = leaf->extents()[leaf->at];
        Extent right{};
        right.ee_block = static_cast<u32>(end);
        right.set_start(piece.physical + piece.length);
        right.set_length(tail, piece.unwritten);
        left.set_length(head, piece.unwritten);
        insert_at(leaf->extents(), *leaf->header, static_cast<u32>(leaf->at + 1), right);
        changed(op, *leaf);
    }
    return piece;
}
