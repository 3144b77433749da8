// Looking a name up by its hash, and listing a directory in the order of hashes.
#include "core/sort.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/directory.h"
#include "fs/file.h"

using namespace ext4;

namespace {

constexpr u64 kEndPosition = (u64{1} << 63) - 1;

/// As Linux has it for 64-bit programs.
u64 position_of(u32 hash, u32 minor) {
    return (u64{hash >> 1} << 32) | minor;
}

}  // namespace

HashVersion Ext4Directory::hash_version(u8 on_disk) const {
    if (on_disk <= static_cast<u8>(HashVersion::kTea) && (fs_.disk().s_flags & kFlagUnsignedHash))
        on_disk = static_cast<u8>(on_disk + 3);
    return static_cast<HashVersion>(on_disk);
}

u32 Ext4Directory::index_limit(bool root) const {
    const u32 room =
        fs_.block_size - (root ? kDxRootEntries : kDxNodeEntries) - (fs_.metadata_csum ? sizeof(DxTail) : 0);
    return static_cast<u32>(room / sizeof(DxEntry));
}

u32 Ext4Directory::index_checksum(const u8* data, const DxEntry* entries) const {
    const DxCount count = *reinterpret_cast<const DxCount*>(entries);
    const DxTail& tail = *reinterpret_cast<const DxTail*>(entries + count.limit);
    const size_t covered =
        static_cast<size_t>(reinterpret_cast<const u8*>(entries) - data) + count.count * sizeof(DxEntry);
    const u32 zero = 0;
    u32 crc = crc32c(dir_.checksum_seed(), data, covered);
    crc = crc32c(crc, &tail.reserved, sizeof(tail.reserved));
    return crc32c(crc, &zero, sizeof(zero));
}

bool Ext4Directory::index_checksum_ok(const BufferRef& buffer, const DxEntry* entries) const {
    const DxCount count = *reinterpret_cast<const DxCount*>(entries);
    const bool root = entries == reinterpret_cast<const DxEntry*>(buffer->data + kDxRootEntries);
    if (count.limit != index_limit(root) || count.count > count.limit) return false;
    return reinterpret_cast<const DxTail*>(entries + count.limit)->checksum ==
           index_checksum(buffer->data, entries);
}

void Ext4Directory::seal_index(Ext4Op& op, BufferRef& buffer, DxEntry* entries) const {
    if (fs_.metadata_csum && dx_count(entries).limit <= index_limit(false)) {
        DxTail& tail = *reinterpret_cast<DxTail*>(entries + dx_count(entries).limit);
        tail.checksum = index_checksum(buffer->data, entries);
    }
    op.dirty(buffer);
}

Result<void> Ext4Directory::load_frame(Frame& frame, u32 block, bool root) {
    frame.buffer = TRY(read_block(block));
    frame.entries = reinterpret_cast<DxEntry*>(frame.buffer->data + (root ? kDxRootEntries : kDxNodeEntries));
    frame.at = 0;
    const DxCount count = dx_count(frame.entries);
    const DirEntry& first = *reinterpret_cast<const DirEntry*>(frame.buffer->data);
    if (!root && (first.inode != 0 || first.rec_len != fs_.block_size)) return Errno::EUCLEAN;
    if (count.limit != index_limit(root) || count.count == 0 || count.count > count.limit)
        return Errno::EUCLEAN;
    return {};
}

/// From the root to the last index entry that is not above `hash`. EUCLEAN for an index that makes no sense.
Result<void> Ext4Directory::probe(IndexPath& path, u32 hash) {
    Frame* frame = &path.frames[0];
    TRY(load_frame(*frame, 0, true));
    const DxRootInfo& info = *reinterpret_cast<const DxRootInfo*>(frame->buffer->data + kDxRootInfoOffset);
    if (info.hash_version > static_cast<u8>(HashVersion::kTea) || info.reserved_zero != 0 ||
        info.info_length != 8 || (info.unused_flags & 1) ||
        info.indirect_levels >= (fs_.has_incompat(kIncompatLargeDir) ? 3 : 2)) {
        return Errno::EUCLEAN;
    }
    path.version = hash_version(info.hash_version);
    path.levels = info.indirect_levels + 1u;
    for (u32 level = 0;; level++) {
        frame = &path.frames[level];
        u32 low = 1, high = dx_count(frame->entries).count;
        while (low < high) {
            const u32 middle = (low + high) / 2;
            if (frame->entries[middle].hash > hash)
                high = middle;
            else
                low = middle + 1;
        }
        frame->at = low - 1;
        if (level + 1 == path.levels) return {};
        TRY(load_frame(path.frames[level + 1], frame->entries[frame->at].block & 0x0fffffff, false));
    }
}

Result<void> Ext4Directory::probe_name(IndexPath& path, const Name& name, u32* hash) {
    TRY(probe(path, 0));  // tells the version
    *hash = hash_of(name, path.version);
    return probe(path, *hash);
}

Result<bool> Ext4Directory::next_leaf(IndexPath& path, u32* hash) {
    u32 level = path.levels;
    while (level > 0 && path.frames[level - 1].at + 1 >= dx_count(path.frames[level - 1].entries).count)
        level--;
    if (level == 0) return false;
    Frame& turned = path.frames[level - 1];
    turned.at++;
    *hash = turned.entries[turned.at].hash;
    for (; level < path.levels; level++) {
        const Frame& above = path.frames[level - 1];
        TRY(load_frame(path.frames[level], above.entries[above.at].block & 0x0fffffff, false));
    }
    return true;
}

Result<Ext4Directory::Found> Ext4Directory::find_by_hash(const Name& name, bool* bad_index) {
    IndexPath path;
    u32 hash = 0;
    Result<void> probed = probe_name(path, name, &hash);
    *bad_index = probed.is_error() && probed.error() == Errno::EUCLEAN;
    if (!probed.ok()) return probed.error();
    Found found;
    for (u32 leaves = 0; leaves <= block_count(); leaves++) {
        BufferRef leaf = TRY(read_block(path.last().entries[path.last().at].block & 0x0fffffff));
        if (TRY(find_in(leaf, name, &found))) return found;
        // Names of one hash may go on in the next block, which then says so.
        u32 next = 0;
        Result<bool> more = next_leaf(path, &next);
        if (!more.ok()) {
            *bad_index = more.error() == Errno::EUCLEAN;
            return more.error();
        }
        if (!more.value() || (next & ~1u) != hash || (next & 1) == 0) break;
    }
    return Errno::ENOENT;
}

/// The records of a block at or after the position `from`.
Result<void> Ext4Directory::gather(const BufferRef& buffer, u32 which, HashVersion version, u64 from,
                                   Vec<Sorted>& all) {
    for (u32 offset = 0; offset < fs_.block_size;) {
        if (!sound(buffer, offset)) return damaged("bad entry in directory");
        const DirEntry& e = *reinterpret_cast<const DirEntry*>(buffer->data + offset);
        const Name name(e.name, e.name_len);
        if (e.inode != 0 && !name.is_dot() && !name.is_dotdot()) {
            u32 minor = 0;
            const u32 hash = dir_hash(e.name, e.name_len, version, fs_.disk().s_hash_seed, &minor);
            if (position_of(hash, minor) >= from) TRY(all.push({hash, minor, offset, which}));
        }
        offset += e.rec_len;
    }
    return {};
}

Result<void> Ext4Directory::iterate_sorted(DirContext& context) {
    if (context.position < 0 || static_cast<u64>(context.position) >= kEndPosition) return {};
    // "." and ".." come first, at positions that no name's hash has: 0 and 1 (hash 2 in Linux's count).
    while (context.position < 2) {
        const bool dotdot = context.position == 1;
        Result<Found> dot = find(Name(dotdot ? ".." : "."));
        if (!dot.ok() && dot.error() != Errno::ENOENT) return dot.error();
        if (dot.ok() && !context.emit(Name(dotdot ? ".." : "."), dot.value().entry().inode, dt_type(S_IFDIR)))
            return {};
        context.position++;
    }
    IndexPath path;
    HashVersion version = hash_version(fs_.disk().s_def_hash_version);
    const bool with_index =
        indexed() && probe(path, static_cast<u32>(static_cast<u64>(context.position) >> 32) << 1).ok();
    if (with_index) version = path.version;
    if (indexed() && !with_index) return iterate_all(context, version);
    for (u32 leaves = 0; leaves <= block_count(); leaves++) {
        Vec<BufferRef> blocks;
        Vec<Sorted> all;
        u32 next_hash = 0;
        bool more = true;
        do {  // a leaf, and those that go on with its last hash
            if (blocks.size() > block_count()) return damaged("directory index goes round");
            const u32 block = with_index ? path.last().entries[path.last().at].block & 0x0fffffff : 0;
            BufferRef leaf = TRY(read_block(block));
            TRY(gather(leaf, static_cast<u32>(blocks.size()), version, static_cast<u64>(context.position),
                       all));
            TRY(blocks.push(std::move(leaf)));
            more = with_index && TRY(next_leaf(path, &next_hash));
        } while (more && (next_hash & 1));
        if (!TRY(emit_sorted(context, blocks, all))) return {};
        if (!more) break;
        const u64 next = position_of(next_hash, 0);
        if (next > static_cast<u64>(context.position)) context.position = static_cast<loff_t>(next);
        if (!all.empty()) return {};
    }
    context.position = static_cast<loff_t>(kEndPosition);
    return {};
}

/// An index that makes no sense: all blocks at once, in the same order.
Result<void> Ext4Directory::iterate_all(DirContext& context, HashVersion version) {
    Vec<BufferRef> blocks;
    Vec<Sorted> all;
    for (u32 block = 0; block < block_count(); block++) {
        BufferRef buffer = TRY(read_block(block));
        TRY(gather(buffer, block, version, static_cast<u64>(context.position), all));
        TRY(blocks.push(std::move(buffer)));
    }
    if (TRY(emit_sorted(context, blocks, all))) context.position = static_cast<loff_t>(kEndPosition);
    return {};
}

/// False when the reader has no more room.
Result<bool> Ext4Directory::emit_sorted(DirContext& context, Vec<BufferRef>& blocks, Vec<Sorted>& all) {
    sort_items(all.data(), all.size(), [](const Sorted& a, const Sorted& b) {
        if (a.hash != b.hash) return a.hash < b.hash;
        if (a.minor != b.minor) return a.minor < b.minor;
        return a.block != b.block ? a.block < b.block : a.offset < b.offset;
    });
    for (const Sorted& s : all) {
        const DirEntry& e = *reinterpret_cast<const DirEntry*>(blocks[s.block]->data + s.offset);
        context.position = max<loff_t>(2, static_cast<loff_t>(position_of(s.hash, s.minor)));
        if (!context.emit(Name(e.name, e.name_len), e.inode, ext4_dt_type(e.file_type))) return false;
        context.position++;
    }
    return true;
}
