// Files without a name that are still open: a list on the disk, so that a mount after a power cut can finish what
// the last close would have done. The list runs from the super block through i_dtime. What Debian 13's e2fsprogs
// make, an orphan file, is emptied at mount; new orphans go to the list, as on Linux when that file is full.
#include "core/printk.h"
#include "fs/ext4/checksum.h"
#include "fs/ext4/ext4_inode.h"

using namespace ext4;

Result<void> Ext4Super::orphan_add(Ext4Op& op, Ext4Inode& inode) {
    if (inode.orphan) return {};
    TRY(orphans_.push(inode.number()));
    inode.next_orphan = disk().s_last_orphan;
    disk().s_last_orphan = inode.number();
    inode.orphan = true;
    dirty_super(op);
    return inode.write_to_disk(op);
}

/// Takes the inode off the list; the caller writes the inode, or it is written here.
Result<void> Ext4Super::orphan_del(Ext4Op& op, Ext4Inode& inode) {
    if (!inode.orphan) return {};
    inode.orphan = false;
    size_t at = orphans_.size();
    while (at > 0 && orphans_[at - 1] != inode.number()) at--;
    if (at == 0) return {};
    at--;
    // The list on the disk is the vector, last first: who comes after in the vector points here.
    const u32 next = inode.next_orphan;
    inode.next_orphan = 0;
    if (at + 1 == orphans_.size()) {
        disk().s_last_orphan = next;
        dirty_super(op);
    } else {
        // An orphan is in memory: somebody has it open, or it is just being deleted.
        if (Ext4Inode* previous = inode_in_memory(orphans_[at + 1])) {
            previous->next_orphan = next;
            TRY(previous->write_to_disk(op));
        }
    }
    orphans_.erase(at);
    return inode.write_to_disk(op);
}

/// Does the bitmap have the inode?
Result<bool> Ext4Super::inode_in_use(u32 number) {
    if (number == 0 || number > inodes_count) return false;
    MutexGuard guard(lock);
    BufferRef bitmap = TRY(inode_bitmap((number - 1) / inodes_per_group));
    const u32 bit = (number - 1) % inodes_per_group;
    return ((bitmap->data[bit / 8] >> (bit % 8)) & 1) != 0;
}

/// One orphan found at mount: deleted if it has no name, else cut to its size. `listed`: the head of the list, not
/// out of the file. False: it cannot be one.
Result<bool> Ext4Super::clear_orphan_inode(u32 number, bool listed, u32* next) {
    if (!TRY(inode_in_use(number))) return false;
    Result<RefPtr<Ext4Inode>> found = get_inode(number);
    if (!found.ok()) {
        printk(KERN_ERR "EXT4-fs (%s): bad orphan inode %u\n", device->name(), number);
        return false;
    }
    RefPtr<Ext4Inode> inode = found.release_value();
    *next = inode->next_orphan;
    if (listed && !inode->orphan) {
        TRY(orphans_.push(number));
        inode->orphan = true;
    }
    if (inode->disk_nlink > 0) {
        Ext4Op op(*this);
        TRY(op.begin(kDeleteCredits));
        TRY(inode->truncate_blocks(op, inode->disk_size));
        if (listed) TRY(orphan_del(op, *inode));
        TRY(inode->write_to_disk(op));
    }
    return true;  // without a name it goes with this reference
}

Result<void> Ext4Super::clear_orphans() {
    u32 cleared = 0;
    const u32 most = inodes_count;
    clearing_orphans_ = true;
    Result<void> done;
    for (u32 number = disk().s_last_orphan; number != 0 && cleared < most; number = disk().s_last_orphan) {
        u32 next = 0;
        const Result<bool> good = clear_orphan_inode(number, true, &next);
        if (!good.ok()) done = good.error();
        if (!good.ok() || !good.value() || disk().s_last_orphan == number) break;
        cleared++;
    }
    orphans_.clear();
    if (disk().s_last_orphan != 0 && done.ok()) {
        // What cannot be followed is forgotten, as Linux does.
        Ext4Op op(*this);
        done = op.begin(kInodeCredits);
        if (done.ok()) {
            disk().s_last_orphan = 0;
            dirty_super(op);
        }
    }
    if (done.ok() && has_compat(kCompatOrphanFile)) done = clear_orphan_file(&cleared);
    clearing_orphans_ = false;
    if (cleared)
        printk(KERN_INFO "EXT4-fs (%s): %u orphan inode%s deleted\n", device->name(), cleared,
               cleared == 1 ? "" : "s");
    return done;
}

Result<void> Ext4Super::clear_orphan_file(u32* cleared) {
    if (!has_ro_compat(kRoOrphanPresent)) return {};
    RefPtr<Ext4Inode> file = TRY(get_inode(disk().s_orphan_file_inum, true));
    const u32 per_block = (block_size - sizeof(OrphanTail)) / sizeof(u32);
    const u64 blocks = min<u64>(file->disk_size >> block_bits, 512);
    for (u32 i = 0; i < blocks; i++) {
        BufferRef buffer;
        {
            MutexGuard guard(lock);
            const Ext4Mapping at = TRY(file->map(i, 1));
            if (at.kind != Ext4Mapping::Kind::kMapped)
                return fs_error("ext4_init_orphan_info", file->ino, "hole in the orphan file");
            buffer = TRY(read_block(at.physical));
        }
        OrphanTail& tail = *reinterpret_cast<OrphanTail*>(buffer->data + block_size - sizeof(OrphanTail));
        if (tail.ob_magic != kOrphanBlockMagic) {
            MutexGuard guard(lock);
            return fs_error("ext4_init_orphan_info", file->ino, "bad orphan block magic");
        }
        u32* numbers = reinterpret_cast<u32*>(buffer->data);
        bool changed = false;
        for (u32 k = 0; k < per_block; k++) {
            if (numbers[k] == 0) continue;
            u32 next = 0;
            if (TRY(clear_orphan_inode(numbers[k], false, &next))) (*cleared)++;
            numbers[k] = 0;
            changed = true;
        }
        if (!changed) continue;
        Ext4Op op(*this);
        TRY(op.begin(kInodeCredits));
        if (metadata_csum) {
            const u64 place = buffer->block;
            u32 crc = crc32c(file->checksum_seed(), &place, sizeof(place));
            tail.ob_checksum = crc32c(crc, buffer->data, per_block * sizeof(u32));
        }
        op.dirty(buffer);
    }
    Ext4Op op(*this);
    TRY(op.begin(kInodeCredits));
    disk().s_feature_ro_compat &= ~kRoOrphanPresent;
    dirty_super(op);
    return {};
}
