// Inodes taken from and given back to the bitmaps (Linux, fs/ext4/ialloc.c: directories spread over the groups,
// files with their directory).
#include "fs/ext4/ext4_inode.h"

using namespace ext4;

namespace {

bool bit_of(const u8* bitmap, u32 bit) {
    return (bitmap[bit / 8] >> (bit % 8)) & 1;
}

}  // namespace

Result<BufferRef> Ext4Super::inode_block(u32 number, u32* offset) {
    if (number == 0 || number > inodes_count)
        return fs_error("ext4_get_inode_loc", number, "invalid inode number");
    const u32 index = (number - 1) / inodes_per_group;
    const u64 byte = u64{(number - 1) % inodes_per_group} * inode_size;
    *offset = static_cast<u32>(byte & (block_size - 1));
    return read_block(inode_table_of(group(index)) + (byte >> block_bits));
}

/// A directory at the top goes to the emptiest group; everything else near its directory.
u32 Ext4Super::first_inode_group(const Ext4Inode* directory, u32 mode) {
    if (!directory) return 0;
    const u32 parent = (directory->number() - 1) / inodes_per_group;
    if (!S_ISDIR(mode) || directory->number() != kRootIno) return parent;
    u32 best = parent, best_free = 0;
    for (u32 i = 0; i < groups_count; i++) {
        const u32 free = free_inodes_of(group(i)) ? free_blocks_of(group(i)) : 0;
        if (free > best_free) {
            best = i;
            best_free = free;
        }
    }
    return best;
}

Result<u32> Ext4Super::allocate_inode(Ext4Op& op, const Ext4Inode* directory, u32 mode) {
    const u32 start = first_inode_group(directory, mode);
    const u32 first_free = disk().s_rev_level == 0 ? 11 : disk().s_first_ino;
    for (u32 i = 0; i < groups_count; i++) {
        const u32 index = (start + i) % groups_count;
        GroupDesc& g = group(index);
        if (free_inodes_of(g) == 0) continue;
        BufferRef bitmap = TRY(inode_bitmap(index));
        for (u32 bit = index == 0 ? first_free - 1 : 0; bit < inodes_per_group; bit++) {
            if (bit % 8 == 0 && bitmap->data[bit / 8] == 0xff) {
                bit += 7;
                continue;
            }
            if (bit_of(bitmap->data, bit)) continue;
            if (index * inodes_per_group + bit + 1 > inodes_count) break;
            bitmap->data[bit / 8] = static_cast<u8>(bitmap->data[bit / 8] | (1u << (bit % 8)));
            // A group whose block bitmap was never written gets it now, as e2fsck expects of a group in use.
            if (metadata_csum || gdt_csum) TRY(init_group(op, index));
            g.bg_flags = static_cast<u16>(g.bg_flags & ~kGroupInodeUninit);
            set_free_inodes(g, free_inodes_of(g) - 1);
            if (S_ISDIR(mode)) set_used_dirs(g, used_dirs_of(g) + 1);
            const u32 behind = inodes_per_group - bit - 1;
            if (itable_unused_of(g) > behind) set_itable_unused(g, behind);
            set_inode_bitmap_csum(index, bitmap->data);
            op.dirty(bitmap);
            dirty_group(op, index);
            free_inodes_ -= min<u64>(free_inodes_, 1);
            return index * inodes_per_group + bit + 1;
        }
    }
    return Errno::ENOSPC;
}

/// The group's block bitmap, if it was only implied, is written out.
Result<void> Ext4Super::init_group(Ext4Op& op, u32 index) {
    GroupDesc& g = group(index);
    if ((g.bg_flags & kGroupBlockUninit) == 0) return {};
    BufferRef bitmap = TRY(block_bitmap(index));
    g.bg_flags = static_cast<u16>(g.bg_flags & ~kGroupBlockUninit);
    u32 free = 0;
    for (u32 bit = 0; bit < blocks_in_group(index); bit++) free += bit_of(bitmap->data, bit) ? 0 : 1;
    free_blocks_ = free_blocks_ - min<u64>(free_blocks_, free_blocks_of(g)) + free;
    set_free_blocks(g, free);
    set_block_bitmap_csum(index, bitmap->data);
    op.dirty(bitmap);
    return {};
}

Result<void> Ext4Super::free_inode(Ext4Op& op, u32 number, bool is_dir) {
    const u32 first_free = disk().s_rev_level == 0 ? 11 : disk().s_first_ino;
    if (number < first_free || number > inodes_count) {
        return fs_error("ext4_free_inode", number, "reserved or nonexistent inode");
    }
    const u32 index = (number - 1) / inodes_per_group;
    const u32 bit = (number - 1) % inodes_per_group;
    BufferRef bitmap = TRY(inode_bitmap(index));
    if (!bit_of(bitmap->data, bit))
        return fs_error("ext4_free_inode", number, "bit already cleared for inode");
    bitmap->data[bit / 8] = static_cast<u8>(bitmap->data[bit / 8] & ~(1u << (bit % 8)));
    GroupDesc& g = group(index);
    set_free_inodes(g, min(free_inodes_of(g) + 1, inodes_per_group));
    if (is_dir && used_dirs_of(g) > 0) set_used_dirs(g, used_dirs_of(g) - 1);
    set_inode_bitmap_csum(index, bitmap->data);
    op.dirty(bitmap);
    dirty_group(op, index);
    free_inodes_++;
    return {};
}
