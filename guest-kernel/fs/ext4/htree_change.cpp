// Entering a name by its hash: leaves and index blocks split, the tree deeper.
#include "core/printk.h"
#include "core/sort.h"
#include "fs/ext4/directory.h"

using namespace ext4;

namespace {

/// A record and its hash, while a block is being split.
struct Moved {
    u32 hash;
    u16 offset;
    u16 size;
};

}  // namespace

/// A directory of one block, which is full, gets an index: its names move to a second block.
Result<void> Ext4Directory::make_index(Ext4Op& op) {
    BufferRef root = TRY(read_block(0));
    const u32 dot_size = record_size(1);
    if (!sound(root, 0) || !sound(root, dot_size)) return damaged("bad . or ..");
    DirEntry& dot = *reinterpret_cast<DirEntry*>(root->data);
    DirEntry& dotdot = *reinterpret_cast<DirEntry*>(root->data + dot_size);
    if (!(Name(dot.name, dot.name_len).is_dot() && Name(dotdot.name, dotdot.name_len).is_dotdot()) ||
        dot.rec_len != dot_size || dot_size + dotdot.rec_len > usable()) {
        return damaged("no . or .. at the beginning");
    }
    u32 block = 0;
    BufferRef leaf = TRY(append(op, &block));
    u32 to = 0, last = 0;
    for (u32 from = dot_size + dotdot.rec_len; from < usable();) {
        if (!sound(root, from)) return damaged("bad entry in directory");
        const DirEntry& e = *reinterpret_cast<const DirEntry*>(root->data + from);
        if (from + e.rec_len > usable()) return damaged("entry runs into the checksum");
        if (e.inode != 0) {
            const u32 size = record_size(e.name_len);
            memcpy(leaf->data + to, &e, size);
            reinterpret_cast<DirEntry*>(leaf->data + to)->rec_len = static_cast<u16>(size);
            last = to;
            to += size;
        }
        from += e.rec_len;
    }
    if (to > 0) reinterpret_cast<DirEntry*>(leaf->data + last)->rec_len = static_cast<u16>(usable() - last);
    seal(op, leaf);
    dotdot.rec_len = static_cast<u16>(fs_.block_size - dot_size);
    memset(root->data + kDxRootInfoOffset, 0, fs_.block_size - kDxRootInfoOffset);
    DxRootInfo& info = *reinterpret_cast<DxRootInfo*>(root->data + kDxRootInfoOffset);
    const u8 version = fs_.disk().s_def_hash_version;
    info.hash_version =
        version <= static_cast<u8>(HashVersion::kTea) ? version : static_cast<u8>(HashVersion::kHalfMd4);
    info.info_length = 8;
    DxEntry* entries = reinterpret_cast<DxEntry*>(root->data + kDxRootEntries);
    entries[0].block = block;
    dx_count(entries) = {static_cast<u16>(index_limit(true)), 1};
    dir_.disk_flags |= kInodeIndex;
    seal_index(op, root, entries);
    return {};
}

void Ext4Directory::insert_index(Ext4Op& op, Frame& frame, u32 hash, u32 block) {
    DxCount& count = dx_count(frame.entries);
    const u32 at = frame.at + 1;
    memmove(&frame.entries[at + 1], &frame.entries[at], (count.count - at) * sizeof(DxEntry));
    frame.entries[at] = {hash, block};
    count.count++;
    seal_index(op, frame.buffer, frame.entries);
}

/// The root's entries move to a block of their own.
Result<void> Ext4Directory::deepen(Ext4Op& op, IndexPath& path) {
    DxRootInfo& info = *reinterpret_cast<DxRootInfo*>(path.frames[0].buffer->data + kDxRootInfoOffset);
    const u32 most = fs_.has_incompat(kIncompatLargeDir) ? 3 : 2;
    if (info.indirect_levels + 1u >= most) {
        printk(KERN_WARNING "EXT4-fs warning (device %s): Directory index full!\n", fs_.device->name());
        return Errno::ENOSPC;
    }
    u32 block = 0;
    BufferRef node = TRY(append(op, &block));
    memset(node->data, 0, fs_.block_size);
    reinterpret_cast<DirEntry*>(node->data)->rec_len = static_cast<u16>(fs_.block_size);
    DxEntry* entries = reinterpret_cast<DxEntry*>(node->data + kDxNodeEntries);
    DxEntry* top = path.frames[0].entries;
    const u16 count = dx_count(top).count;
    memcpy(entries, top, count * sizeof(DxEntry));
    dx_count(entries) = {static_cast<u16>(index_limit(false)), count};
    seal_index(op, node, entries);
    dx_count(top).count = 1;
    top[0].block = block;
    info.indirect_levels++;
    seal_index(op, path.frames[0].buffer, top);
    return {};
}

/// The upper half of a full index block moves to a new one; the block above has room.
Result<void> Ext4Directory::split_index(Ext4Op& op, IndexPath& path, u32 level) {
    Frame& frame = path.frames[level];
    u32 block = 0;
    BufferRef node = TRY(append(op, &block));
    memset(node->data, 0, fs_.block_size);
    reinterpret_cast<DirEntry*>(node->data)->rec_len = static_cast<u16>(fs_.block_size);
    DxEntry* entries = reinterpret_cast<DxEntry*>(node->data + kDxNodeEntries);
    const u32 count = dx_count(frame.entries).count;
    const u32 keep = count / 2;
    const u32 hash = frame.entries[keep].hash;
    memcpy(entries, frame.entries + keep, (count - keep) * sizeof(DxEntry));
    dx_count(entries) = {static_cast<u16>(index_limit(false)), static_cast<u16>(count - keep)};
    dx_count(frame.entries).count = static_cast<u16>(keep);
    seal_index(op, frame.buffer, frame.entries);
    seal_index(op, node, entries);
    insert_index(op, path.frames[level - 1], hash, block);
    return {};
}

/// Sees to it that the last index block on the way to `hash` has room.
Result<void> Ext4Directory::make_index_room(Ext4Op& op, IndexPath& path, u32 hash) {
    const auto full = [](Frame& frame) {
        return dx_count(frame.entries).count >= dx_count(frame.entries).limit;
    };
    for (u32 round = 0; round < 4 * IndexPath::kMaxLevels; round++) {
        TRY(probe(path, hash));
        u32 level = path.levels - 1;
        if (!full(path.frames[level])) return {};
        while (level > 0 && full(path.frames[level - 1])) level--;
        if (level == 0)
            TRY(deepen(op, path));
        else
            TRY(split_index(op, path, level));
    }
    return damaged("no room in the directory index");
}

/// The records of the upper half of hashes move from `leaf` to a new block. `*target`: where `hash` belongs.
Result<void> Ext4Directory::split_leaf(Ext4Op& op, IndexPath& path, BufferRef& leaf, u32 hash,
                                       BufferRef* target) {
    Vec<Moved> records;
    u32 total = 0;
    for (u32 offset = 0; offset < usable();) {
        if (!sound(leaf, offset)) return damaged("bad entry in directory");
        const DirEntry& e = *reinterpret_cast<const DirEntry*>(leaf->data + offset);
        if (offset + e.rec_len > usable()) return damaged("entry runs into the checksum");
        if (e.inode != 0) {
            const u32 size = record_size(e.name_len);
            TRY(records.push({hash_of(Name(e.name, e.name_len), path.version), static_cast<u16>(offset),
                              static_cast<u16>(size)}));
            total += size;
        }
        offset += e.rec_len;
    }
    if (records.size() < 2) return damaged("directory leaf too small to split");
    sort_items(records.data(), records.size(), [](const Moved& a, const Moved& b) {
        return a.hash != b.hash ? a.hash < b.hash : a.offset < b.offset;
    });
    size_t keep = 0;
    for (u32 kept = 0; keep + 1 < records.size() && kept + records[keep].size <= total / 2; keep++)
        kept += records[keep].size;
    if (keep == 0) keep = 1;
    const u32 first_moved = records[keep].hash;
    const bool goes_on = first_moved == records[keep - 1].hash;

    u8* old = static_cast<u8*>(kmalloc(fs_.block_size));
    if (!old) return Errno::ENOMEM;
    u32 block = 0;
    Result<BufferRef> made = append(op, &block);
    if (!made.ok()) {
        kfree(old);
        return made.error();
    }
    BufferRef fresh = made.release_value();
    memcpy(old, leaf->data, fs_.block_size);
    const auto pack = [&](BufferRef& to, size_t from, size_t end) {
        clear_block(to->data);
        u32 at = 0;
        for (size_t i = from; i < end; i++) {
            memcpy(to->data + at, old + records[i].offset, records[i].size);
            const u32 size = i + 1 == end ? usable() - at : records[i].size;
            reinterpret_cast<DirEntry*>(to->data + at)->rec_len = static_cast<u16>(size);
            at += size;
        }
        seal(op, to);
    };
    pack(leaf, 0, keep);
    pack(fresh, keep, records.size());
    kfree(old);
    insert_index(op, path.last(), first_moved + (goes_on ? 1 : 0), block);
    *target = hash >= first_moved ? fresh : leaf;
    return {};
}

Result<void> Ext4Directory::add_by_hash(Ext4Op& op, const Name& name, u32 child, u32 child_mode) {
    IndexPath path;
    u32 hash = 0;
    TRY(probe_name(path, name, &hash));
    BufferRef leaf = TRY(read_block(path.last().entries[path.last().at].block & 0x0fffffff));
    if (TRY(add_in(op, leaf, name, child, child_mode))) return {};
    TRY(make_index_room(op, path, hash));
    leaf = TRY(read_block(path.last().entries[path.last().at].block & 0x0fffffff));
    BufferRef target;
    TRY(split_leaf(op, path, leaf, hash, &target));
    if (TRY(add_in(op, target, name, child, child_mode))) return {};
    // One half was still too full: long names. Once more splits it again.
    TRY(make_index_room(op, path, hash));
    leaf = TRY(read_block(path.last().entries[path.last().at].block & 0x0fffffff));
    TRY(split_leaf(op, path, leaf, hash, &target));
    const bool added = TRY(add_in(op, target, name, child, child_mode));
    return added ? Result<void>() : Result<void>(Errno::ENOSPC);
}
