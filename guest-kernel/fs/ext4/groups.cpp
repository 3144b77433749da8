// Block groups: their descriptors, and the bitmaps that these lead to, with the checksums of all of them.
#include "core/printk.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4.h"

using namespace ext4;

namespace {

bool is_power_of(u32 value, u32 base) {
    while (value > 1 && value % base == 0) value /= base;
    return value == 1;
}

void set_bits(u8* bitmap, u32 first, u32 count) {
    for (u32 i = first; i < first + count; i++)
        bitmap[i / 8] = static_cast<u8>(bitmap[i / 8] | (1u << (i % 8)));
}

}  // namespace

u32 Ext4Super::csum(const void* data, size_t size) const {
    return crc32c(csum_seed, data, size);
}

/// Does the group hold a copy of the super block (and of the descriptors)?
bool Ext4Super::has_super(u32 index) const {
    if (index == 0) return true;
    if (has_compat(kCompatSparseSuper2))
        return index == disk().s_backup_bgs[0] || index == disk().s_backup_bgs[1];
    if (index <= 1 || !has_ro_compat(kRoSparseSuper)) return true;
    return (index & 1) && (is_power_of(index, 3) || is_power_of(index, 5) || is_power_of(index, 7));
}

u64 Ext4Super::group_desc_block(u32 index) const {
    const u32 per_block = block_size / desc_size;
    if (!has_incompat(kIncompatMetaBg) || index < disk().s_first_meta_bg) {
        return u64{kSuperOffset / block_size} + 1 + index;
    }
    const u32 first_group = per_block * index;
    return group_first_block(first_group) + (has_super(first_group) ? 1 : 0);
}

GroupDesc& Ext4Super::group(u32 index) {
    const u32 per_block = block_size / desc_size;
    return *reinterpret_cast<GroupDesc*>(group_buffers_[index / per_block]->data +
                                         u64{index % per_block} * desc_size);
}

u16 Ext4Super::group_desc_csum(u32 index) const {
    const GroupDesc& g = const_cast<Ext4Super*>(this)->group(index);
    constexpr size_t kAt = __builtin_offsetof(GroupDesc, bg_checksum);
    const u8* bytes = reinterpret_cast<const u8*>(&g);
    const u16 zero = 0;
    if (metadata_csum) {
        u32 crc = csum(&index, sizeof(index));
        crc = crc32c(crc, bytes, kAt);
        crc = crc32c(crc, &zero, sizeof(zero));
        if (desc_size > kAt + 2) crc = crc32c(crc, bytes + kAt + 2, desc_size - kAt - 2);
        return static_cast<u16>(crc);
    }
    u16 crc = crc16(0xffff, disk().s_uuid, sizeof(disk().s_uuid));
    crc = crc16(crc, &index, sizeof(index));
    crc = crc16(crc, bytes, kAt);
    if (desc_size > kAt + 2) crc = crc16(crc, bytes + kAt + 2, desc_size - kAt - 2);
    return crc;
}

bool Ext4Super::group_desc_csum_ok(u32 index) {
    return (!metadata_csum && !gdt_csum) || group(index).bg_checksum == group_desc_csum(index);
}

void Ext4Super::dirty_group(Ext4Op& op, u32 index) {
    if (metadata_csum || gdt_csum) group(index).bg_checksum = group_desc_csum(index);
    op.dirty(group_buffers_[index / (block_size / desc_size)]);
}

Result<void> Ext4Super::read_groups() {
    const u32 per_block = block_size / desc_size;
    const u32 blocks = (groups_count + per_block - 1) / per_block;
    TRY(group_buffers_.reserve(blocks));
    for (u32 i = 0; i < blocks; i++) {
        Result<BufferRef> buffer = read_block(group_desc_block(i));
        if (!buffer.ok()) {
            printk(KERN_ERR "EXT4-fs (%s): can't read group descriptor %u\n", device->name(), i);
            return buffer.error();
        }
        TRY(group_buffers_.push(buffer.release_value()));
    }
    TRY(pending_free_.resize(groups_count));
    for (u8*& bitmap : pending_free_) bitmap = nullptr;
    return {};
}

/// Everything that a descriptor names is on the device, and in its own group unless flex_bg.
Result<void> Ext4Super::check_groups() {
    const bool flex = has_incompat(kIncompatFlexBg);
    const u32 table_blocks =
        static_cast<u32>((u64{inodes_per_group} * inode_size + block_size - 1) / block_size);
    for (u32 i = 0; i < groups_count; i++) {
        const GroupDesc& g = group(i);
        const u64 first = flex ? first_data_block : group_first_block(i);
        const u64 end = flex ? blocks_count : first + blocks_in_group(i);
        const struct {
            const char* name;
            u64 start;
            u32 count;
        } parts[] = {{"Block bitmap", block_bitmap_of(g), 1},
                     {"Inode bitmap", inode_bitmap_of(g), 1},
                     {"Inode table", inode_table_of(g), table_blocks}};
        for (const auto& part : parts) {
            if (part.start >= first && part.start < end && part.count <= end - part.start) continue;
            printk(KERN_ERR
                   "EXT4-fs (%s): ext4_check_descriptors: %s for group %u not in group (block %llu)!\n",
                   device->name(), part.name, i, static_cast<unsigned long long>(part.start));
            return Errno::EUCLEAN;
        }
        if (!group_desc_csum_ok(i)) {
            printk(KERN_ERR "EXT4-fs (%s): ext4_check_descriptors: Checksum for group %u failed (%u!=%u)\n",
                   device->name(), i, group_desc_csum(i), g.bg_checksum);
            if (!read_only) return Errno::EUCLEAN;
        }
    }
    count_free();
    count_overhead();
    return {};
}

/// What statfs does not count as blocks: the file system's own.
void Ext4Super::count_overhead() {
    const u32 table_blocks =
        static_cast<u32>((u64{inodes_per_group} * inode_size + block_size - 1) / block_size);
    overhead_blocks_ = first_data_block;
    for (u32 i = 0; i < groups_count; i++) {
        overhead_blocks_ += (has_super(i) ? 1 : 0) + group_desc_copies(i) + 2 + table_blocks;
    }
}

void Ext4Super::count_free() {
    free_blocks_ = free_inodes_ = 0;
    for (u32 i = 0; i < groups_count; i++) {
        free_blocks_ += min(free_blocks_of(group(i)), blocks_in_group(i));
        free_inodes_ += min(free_inodes_of(group(i)), inodes_per_group);
    }
}

u32 Ext4Super::blocks_in_group(u32 index) const {
    if (index + 1 < groups_count) return blocks_per_group;
    return static_cast<u32>(blocks_count - group_first_block(index));
}

#define EXT4_WIDE(lo, hi) (desc_size >= sizeof(GroupDesc) ? (hi) : 0)
u64 Ext4Super::block_bitmap_of(const GroupDesc& g) const {
    return g.bg_block_bitmap_lo | (u64{EXT4_WIDE(0, g.bg_block_bitmap_hi)} << 32);
}
u64 Ext4Super::inode_bitmap_of(const GroupDesc& g) const {
    return g.bg_inode_bitmap_lo | (u64{EXT4_WIDE(0, g.bg_inode_bitmap_hi)} << 32);
}
u64 Ext4Super::inode_table_of(const GroupDesc& g) const {
    return g.bg_inode_table_lo | (u64{EXT4_WIDE(0, g.bg_inode_table_hi)} << 32);
}
#undef EXT4_WIDE

// The counts of a group: 16 bits, and 16 more in wide descriptors.
#define EXT4_COUNT(get, set, field)                                                           \
    u32 Ext4Super::get(const GroupDesc& g) const {                                            \
        return g.field##_lo | (desc_size >= sizeof(GroupDesc) ? u32{g.field##_hi} << 16 : 0); \
    }                                                                                         \
    void Ext4Super::set(GroupDesc& g, u32 count) const {                                      \
        g.field##_lo = static_cast<u16>(count);                                               \
        if (desc_size >= sizeof(GroupDesc)) g.field##_hi = static_cast<u16>(count >> 16);     \
    }
EXT4_COUNT(free_blocks_of, set_free_blocks, bg_free_blocks_count)
EXT4_COUNT(free_inodes_of, set_free_inodes, bg_free_inodes_count)
EXT4_COUNT(used_dirs_of, set_used_dirs, bg_used_dirs_count)
EXT4_COUNT(itable_unused_of, set_itable_unused, bg_itable_unused)
#undef EXT4_COUNT

void Ext4Super::set_block_bitmap_csum(u32 index, const u8* bitmap) {
    if (!metadata_csum) return;
    GroupDesc& g = group(index);
    const u32 crc = csum(bitmap, blocks_per_group / 8);
    g.bg_block_bitmap_csum_lo = static_cast<u16>(crc);
    if (desc_size >= sizeof(GroupDesc)) g.bg_block_bitmap_csum_hi = static_cast<u16>(crc >> 16);
}

void Ext4Super::set_inode_bitmap_csum(u32 index, const u8* bitmap) {
    if (!metadata_csum) return;
    GroupDesc& g = group(index);
    const u32 crc = csum(bitmap, inodes_per_group / 8);
    g.bg_inode_bitmap_csum_lo = static_cast<u16>(crc);
    if (desc_size >= sizeof(GroupDesc)) g.bg_inode_bitmap_csum_hi = static_cast<u16>(crc >> 16);
}

/// How many blocks of descriptors the group has a copy of.
u32 Ext4Super::group_desc_copies(u32 index) const {
    const u32 per_block = block_size / desc_size;
    const u32 meta_group = index / per_block;
    if (has_incompat(kIncompatMetaBg) && meta_group >= disk().s_first_meta_bg) {
        const u32 at = index % per_block;
        return at == 0 || at == 1 || at == per_block - 1 ? 1 : 0;
    }
    if (!has_super(index)) return 0;
    if (has_incompat(kIncompatMetaBg)) return disk().s_first_meta_bg;
    return static_cast<u32>(group_buffers_.size()) + disk().s_reserved_gdt_blocks;
}

/// What the bitmap of a group that was never used would say (BLOCK_UNINIT): its own metadata is taken.
void Ext4Super::init_block_bitmap(u32 index, u8* bitmap) {
    memset(bitmap, 0, block_size);
    const u32 own = min(blocks_in_group(index), (has_super(index) ? 1u : 0u) + group_desc_copies(index));
    set_bits(bitmap, 0, own);
    const u64 first = group_first_block(index);
    const u64 end = first + blocks_in_group(index);
    const u32 table_blocks =
        static_cast<u32>((u64{inodes_per_group} * inode_size + block_size - 1) / block_size);
    // With flex_bg the metadata of a whole flex group lies in its first group: of others only their own is theirs.
    const GroupDesc& g = group(index);
    const u64 places[3] = {block_bitmap_of(g), inode_bitmap_of(g), inode_table_of(g)};
    for (int i = 0; i < 3; i++) {
        const u64 count = i == 2 ? table_blocks : 1;
        for (u64 block = places[i]; block < places[i] + count; block++) {
            if (block >= first && block < end) set_bits(bitmap, static_cast<u32>(block - first), 1);
        }
    }
    set_bits(bitmap, blocks_in_group(index), block_size * 8 - blocks_in_group(index));
}

Result<BufferRef> Ext4Super::block_bitmap(u32 index) {
    GroupDesc& g = group(index);
    const u64 block = block_bitmap_of(g);
    if ((g.bg_flags & kGroupBlockUninit) && (metadata_csum || gdt_csum)) {
        BufferRef buffer = TRY(fresh_block(block));
        init_block_bitmap(index, buffer->data);
        return buffer;
    }
    BufferRef buffer = TRY(read_block(block));
    if (metadata_csum && !buffer->has(kBufferChecked)) {
        const u32 crc = csum(buffer->data, blocks_per_group / 8);
        const bool wide = desc_size >= sizeof(GroupDesc);
        const u32 stored = g.bg_block_bitmap_csum_lo | (wide ? u32{g.bg_block_bitmap_csum_hi} << 16 : 0);
        if (stored != (wide ? crc : crc & 0xffff))
            return fs_error("ext4_validate_block_bitmap", 0, "bad block bitmap checksum");
    }
    buffer->set(kBufferChecked);
    return buffer;
}

Result<BufferRef> Ext4Super::inode_bitmap(u32 index) {
    GroupDesc& g = group(index);
    const u64 block = inode_bitmap_of(g);
    if ((g.bg_flags & kGroupInodeUninit) && (metadata_csum || gdt_csum)) {
        BufferRef buffer = TRY(fresh_block(block));
        set_bits(buffer->data, inodes_per_group, block_size * 8 - inodes_per_group);
        return buffer;
    }
    BufferRef buffer = TRY(read_block(block));
    if (metadata_csum && !buffer->has(kBufferChecked)) {
        const u32 crc = csum(buffer->data, inodes_per_group / 8);
        const bool wide = desc_size >= sizeof(GroupDesc);
        const u32 stored = g.bg_inode_bitmap_csum_lo | (wide ? u32{g.bg_inode_bitmap_csum_hi} << 16 : 0);
        if (stored != (wide ? crc : crc & 0xffff))
            return fs_error("ext4_validate_inode_bitmap", 0, "Corrupt inode bitmap");
    }
    buffer->set(kBufferChecked);
    return buffer;
}
