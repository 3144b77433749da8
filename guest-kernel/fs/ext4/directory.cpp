// Rows of directory records: found, entered, taken out and listed.
#include "fs/ext4/directory.h"

#include "fs/ext4/checksum.h"
#include "fs/file.h"

using namespace ext4;

namespace {

u8 file_type_of(u32 mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return 1;
        case S_IFDIR:
            return 2;
        case S_IFCHR:
            return 3;
        case S_IFBLK:
            return 4;
        case S_IFIFO:
            return 5;
        case S_IFSOCK:
            return 6;
        case S_IFLNK:
            return 7;
        default:
            return 0;
    }
}

DirEntry& entry_at(const BufferRef& buffer, u32 offset) {
    return *reinterpret_cast<DirEntry*>(buffer->data + offset);
}

}  // namespace

u8 ext4_dt_type(u8 file_type) {
    constexpr u8 kTypes[8] = {0, 8, 4, 2, 6, 1, 12, 10};
    return file_type < 8 ? kTypes[file_type] : DT_UNKNOWN;
}

/// Is there a whole record at `offset`?
bool Ext4Directory::sound(const BufferRef& buffer, u32 offset) const {
    if (offset + kDirEntryHead > fs_.block_size) return false;
    const DirEntry& e = entry_at(buffer, offset);
    return e.rec_len >= record_size(1) && e.rec_len % 4 == 0 && e.rec_len >= record_size(e.name_len) &&
           offset + e.rec_len <= fs_.block_size && e.inode <= fs_.inodes_count &&
           (e.inode == 0 || e.name_len != 0);
}

Result<void> Ext4Directory::check_block(u32 block, const BufferRef& buffer) {
    if (!fs_.metadata_csum || buffer->has(kBufferChecked)) return {};
    const DirEntry& first = entry_at(buffer, 0);
    if (dir_.disk_flags & kInodeIndex) {
        const bool is_root = block == 0;
        if (is_root || first.rec_len == fs_.block_size) {
            DxEntry* entries =
                reinterpret_cast<DxEntry*>(buffer->data + (is_root ? kDxRootEntries : kDxNodeEntries));
            if (!index_checksum_ok(buffer, entries)) {
                (void)damaged("Directory index failed checksum");
                return Errno::EBADMSG;
            }
            return {};
        }
    }
    const DirTail& tail = *reinterpret_cast<const DirTail*>(buffer->data + usable());
    if (tail.zero1 != 0 || tail.rec_len != sizeof(DirTail) || tail.file_type != kDirTailType ||
        tail.checksum != crc32c(dir_.checksum_seed(), buffer->data, usable())) {
        (void)damaged("Directory block failed checksum");
        return Errno::EBADMSG;
    }
    return {};
}

Result<BufferRef> Ext4Directory::read_block(u32 block) {
    if (block >= block_count()) return damaged("directory block beyond the end");
    const Ext4Mapping at = TRY(dir_.map(block, 1));
    if (at.kind != Ext4Mapping::Kind::kMapped) return damaged("Directory hole found");
    BufferRef buffer = TRY(fs_.read_block(at.physical));
    TRY(check_block(block, buffer));
    buffer->set(kBufferChecked);
    return buffer;
}

Result<bool> Ext4Directory::find_in(BufferRef& buffer, const Name& name, Found* found) {
    for (u32 offset = 0; offset < fs_.block_size;) {
        if (!sound(buffer, offset)) return damaged("bad entry in directory");
        DirEntry& e = entry_at(buffer, offset);
        if (e.inode != 0 && e.name_len == name.length && memcmp(e.name, name.text, name.length) == 0) {
            found->buffer = buffer;
            found->offset = offset;
            return true;
        }
        offset += e.rec_len;
    }
    return false;
}

Result<Ext4Directory::Found> Ext4Directory::find(const Name& name) {
    if (name.length > kNameMax) return Errno::ENAMETOOLONG;
    const bool dots = name.is_dot() || name.is_dotdot();
    if (indexed() && !dots) {
        bool bad_index = false;
        Result<Found> found = find_by_hash(name, &bad_index);
        if (!bad_index) return found;
    }
    Found found;
    for (u32 block = 0; block < (dots ? 1 : block_count()); block++) {
        BufferRef buffer = TRY(read_block(block));
        if (TRY(find_in(buffer, name, &found))) return found;
    }
    return Errno::ENOENT;
}

void Ext4Directory::fill_record(DirEntry& entry, const Name& name, u32 child, u32 child_mode) const {
    entry.inode = child;
    entry.name_len = static_cast<u8>(name.length);
    entry.file_type = fs_.has_incompat(kIncompatFiletype) ? file_type_of(child_mode) : 0;
    memcpy(entry.name, name.text, name.length);
}

/// One record that fills the block.
void Ext4Directory::clear_block(u8* data) const {
    memset(data, 0, fs_.block_size);
    reinterpret_cast<DirEntry*>(data)->rec_len = static_cast<u16>(usable());
    if (!fs_.metadata_csum) return;
    DirTail& tail = *reinterpret_cast<DirTail*>(data + usable());
    tail.rec_len = sizeof(DirTail);
    tail.file_type = kDirTailType;
}

void Ext4Directory::seal(Ext4Op& op, BufferRef& buffer) const {
    if (fs_.metadata_csum) {
        DirTail& tail = *reinterpret_cast<DirTail*>(buffer->data + usable());
        tail.checksum = crc32c(dir_.checksum_seed(), buffer->data, usable());
    }
    op.dirty(buffer);
}

Result<BufferRef> Ext4Directory::append(Ext4Op& op, u32* block) {
    *block = block_count();
    const u64 new_size = (u64{*block} + 1) << fs_.block_bits;
    if (new_size > 0x7fffffff && !fs_.has_incompat(kIncompatLargeDir)) return Errno::ENOSPC;
    const Ext4Mapping at = TRY(dir_.allocate(op, *block, 1, false, false));
    BufferRef buffer = TRY(fs_.fresh_block(at.physical));
    clear_block(buffer->data);
    buffer->set(kBufferChecked);
    dir_.disk_size = dir_.size = new_size;
    return buffer;
}

Result<bool> Ext4Directory::add_in(Ext4Op& op, BufferRef& buffer, const Name& name, u32 child,
                                   u32 child_mode) {
    const u32 need = record_size(name.length);
    for (u32 offset = 0; offset < usable();) {
        if (!sound(buffer, offset)) return damaged("bad entry in directory");
        DirEntry& e = entry_at(buffer, offset);
        if (offset + e.rec_len > usable()) return damaged("entry runs into the checksum");
        const u32 used = e.inode ? record_size(e.name_len) : 0;
        if (e.rec_len >= used + need) {
            DirEntry& fresh = entry_at(buffer, offset + used);
            const u32 left = e.rec_len - used;
            if (used) e.rec_len = static_cast<u16>(used);
            fresh.rec_len = static_cast<u16>(left);
            fill_record(fresh, name, child, child_mode);
            seal(op, buffer);
            return true;
        }
        offset += e.rec_len;
    }
    return false;
}

Result<void> Ext4Directory::add(Ext4Op& op, const Name& name, u32 child, u32 child_mode) {
    if (name.length > kNameMax) return Errno::ENAMETOOLONG;
    dir_.names_version++;
    if (indexed()) {
        IndexPath path;
        u32 hash;
        if (probe_name(path, name, &hash).ok()) return add_by_hash(op, name, child, child_mode);
        // Without its index it is still a directory, unless the checksums of its blocks say otherwise.
        if (fs_.metadata_csum) return damaged("Directory has corrupted htree index.");
        dir_.disk_flags &= ~kInodeIndex;
    }
    const u32 blocks = block_count();
    for (u32 block = 0; block < blocks; block++) {
        BufferRef buffer = TRY(read_block(block));
        if (TRY(add_in(op, buffer, name, child, child_mode))) return {};
    }
    if (blocks == 1 && fs_.has_compat(kCompatDirIndex)) {
        TRY(make_index(op));
        return add_by_hash(op, name, child, child_mode);
    }
    u32 block = 0;
    BufferRef buffer = TRY(append(op, &block));
    const bool added = TRY(add_in(op, buffer, name, child, child_mode));
    return added ? Result<void>() : Result<void>(Errno::ENOSPC);
}

Result<void> Ext4Directory::remove(Ext4Op& op, Found& found) {
    dir_.names_version++;
    u32 before = ~0u;
    for (u32 offset = 0; offset < found.offset;) {
        if (!sound(found.buffer, offset)) return damaged("bad entry in directory");
        before = offset;
        offset += entry_at(found.buffer, offset).rec_len;
    }
    DirEntry& gone = found.entry();
    if (before != ~0u) {
        DirEntry& previous = entry_at(found.buffer, before);
        if (before + previous.rec_len != found.offset) return damaged("bad entry in directory");
        previous.rec_len = static_cast<u16>(previous.rec_len + gone.rec_len);
    }
    gone.inode = 0;
    seal(op, found.buffer);
    return {};
}

void Ext4Directory::replace(Ext4Op& op, Found& found, u32 child, u32 child_mode) {
    dir_.names_version++;
    found.entry().inode = child;
    if (fs_.has_incompat(kIncompatFiletype)) found.entry().file_type = file_type_of(child_mode);
    // ".." of an indexed directory lies in its root, which has another checksum.
    if ((dir_.disk_flags & kInodeIndex) && found.offset == record_size(1) && found.entry().name_len == 2 &&
        found.entry().name[0] == '.' && found.entry().name[1] == '.') {
        seal_index(op, found.buffer, reinterpret_cast<DxEntry*>(found.buffer->data + kDxRootEntries));
        return;
    }
    seal(op, found.buffer);
}

Result<void> Ext4Directory::make(Ext4Op& op, u32 parent) {
    u32 block = 0;
    BufferRef buffer = TRY(append(op, &block));
    DirEntry& dot = entry_at(buffer, 0);
    fill_record(dot, Name("."), dir_.number(), S_IFDIR);
    dot.rec_len = static_cast<u16>(record_size(1));
    DirEntry& dotdot = entry_at(buffer, dot.rec_len);
    fill_record(dotdot, Name(".."), parent, S_IFDIR);
    dotdot.rec_len = static_cast<u16>(usable() - dot.rec_len);
    seal(op, buffer);
    return {};
}

Result<bool> Ext4Directory::is_empty() {
    for (u32 block = 0; block < block_count(); block++) {
        BufferRef buffer = TRY(read_block(block));
        for (u32 offset = 0; offset < fs_.block_size;) {
            if (!sound(buffer, offset)) return damaged("bad entry in directory");
            const DirEntry& e = entry_at(buffer, offset);
            const Name name(e.name, e.name_len);
            if (e.inode != 0 && !name.is_dot() && !name.is_dotdot()) return false;
            offset += e.rec_len;
        }
    }
    return true;
}

Result<void> Ext4Directory::iterate(DirContext& context) {
    // As Linux: by hash, which stays right while names come and go, wherever the file system has indexes.
    if (fs_.has_compat(kCompatDirIndex) && ((dir_.disk_flags & kInodeIndex) || block_count() == 1)) {
        return iterate_sorted(context);
    }
    return iterate_rows(context);
}

/// Without an index a position is a byte of the directory.
Result<void> Ext4Directory::iterate_rows(DirContext& context) {
    while (context.position >= 0 && static_cast<u64>(context.position) < dir_.disk_size) {
        const u32 block = static_cast<u32>(static_cast<u64>(context.position) >> fs_.block_bits);
        const u32 want = static_cast<u32>(context.position) & (fs_.block_size - 1);
        BufferRef buffer = TRY(read_block(block));
        bool any = false;
        for (u32 offset = 0; offset < fs_.block_size;) {
            if (!sound(buffer, offset)) return damaged("bad entry in directory");
            const DirEntry& e = entry_at(buffer, offset);
            if (offset >= want) {
                any = any || e.inode != 0;
                context.position = static_cast<loff_t>((u64{block} << fs_.block_bits) + offset);
                if (e.inode != 0 &&
                    !context.emit(Name(e.name, e.name_len), e.inode, ext4_dt_type(e.file_type)))
                    return {};
            }
            offset += e.rec_len;
        }
        context.position = static_cast<loff_t>((u64{block} + 1) << fs_.block_bits);
        if (any) return {};
    }
    return {};
}
