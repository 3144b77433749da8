// Mounting and unmounting: the journal found and replayed, the file system marked as in use and as clean.
#include "core/printk.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/ext4/ext4_inode.h"

using namespace ext4;

Result<RefPtr<SuperBlock>> Ext4Super::mount(const char* fs_type, RefPtr<BlockDevice> device, bool read_only,
                                            const char* options) {
    // What a replayed log has changed may be anything, the super block too: it is all read again then.
    for (int attempt = 0; attempt < 2; attempt++) {
        bool replayed = false;
        RefPtr<Ext4Super> super = TRY(open(fs_type, device, read_only, options, &replayed));
        if (!replayed) return RefPtr<SuperBlock>(super);
    }
    return Errno::EUCLEAN;
}

Result<RefPtr<Ext4Super>> Ext4Super::open(const char* fs_type, RefPtr<BlockDevice> device, bool read_only,
                                          const char* options, bool* replayed) {
    RefPtr<Ext4Super> super = TRY(make_ref<Ext4Super>(fs_type, device));
    super->read_only = read_only;
    TRY(super->make_inode_table());
    TRY(super->options.parse(options));
    TRY(super->read_super());
    super->options = super->default_options;
    TRY(super->options.parse(options));
    TRY(super->read_groups());
    if (super->has_compat(kCompatHasJournal)) {
        TRY(super->open_journal(replayed));
        if (*replayed) return super;
    } else if (super->has_incompat(kIncompatRecover)) {
        printk(KERN_ERR "EXT4-fs (%s): required journal recovery suppressed and not mounted read-only\n",
               device->name());
        if (!read_only) return Errno::EINVAL;
    }
    TRY(super->check_groups());
    super->overhead_blocks_ += super->journal.length();
    RefPtr<Ext4Inode> root_inode = TRY(super->get_inode(kRootIno));
    if (!root_inode->is_dir() || root_inode->disk_size == 0) {
        printk(KERN_ERR "EXT4-fs (%s): corrupt root inode, run e2fsck\n", device->name());
        return Errno::EUCLEAN;
    }
    super->root = TRY(Dentry::make_root(root_inode));
    if (!super->read_only) TRY(super->start_writing());
    super->mounted_ = true;
    if (!super->read_only) TRY(super->clear_orphans());
    TRY(super->enter_instance());
    super->show_mounted();
    return super;
}

void Ext4Super::show_mounted() {
    const char* how = !has_compat(kCompatHasJournal)                  ? "without journal"
                      : options.data == Ext4Options::Data::kOrdered   ? "with ordered data mode"
                      : options.data == Ext4Options::Data::kWriteback ? "with writeback data mode"
                                                                      : "with journalled data mode";
    printk(KERN_INFO "EXT4-fs (%s): mounted filesystem %s. Quota mode: none.\n", device->name(), how);
}

/// Finds the journal's inode and where its blocks are; replays it if need be.
Result<void> Ext4Super::open_journal(bool* replayed) {
    const u32 number = disk().s_journal_inum;
    if (number == 0) {
        printk(KERN_ERR "EXT4-fs (%s): external journals are not supported\n", device->name());
        return Errno::EINVAL;
    }
    RefPtr<Ext4Inode> inode = TRY(get_inode(number, true));
    if (!inode->is_regular() || inode->disk_nlink == 0) {
        printk(KERN_ERR "EXT4-fs (%s): no journal found\n", device->name());
        return Errno::EINVAL;
    }
    Vec<Journal::Extent> extents;
    MutexGuard guard(lock);
    const u64 blocks = min<u64>(inode->disk_size >> block_bits, 0x7fffffff);
    for (u32 at = 0; at < blocks;) {
        const Ext4Mapping piece = TRY(inode->map(at, static_cast<u32>(blocks - at)));
        if (piece.kind != Ext4Mapping::Kind::kMapped) break;
        TRY(extents.push({piece.physical, piece.length}));
        at += piece.length;
    }
    TRY(journal.open(this, cache_.get(), blocks_count, std::move(extents)));
    const bool needed = has_incompat(kIncompatRecover) || journal.needs_recovery();
    if (!needed || options.noload) {
        if (needed && !read_only) {
            printk(KERN_ERR "EXT4-fs (%s): required journal recovery suppressed and not mounted read-only\n",
                   device->name());
            return Errno::EINVAL;
        }
        return {};
    }
    if (device->read_only()) {
        printk(KERN_ERR "EXT4-fs (%s): write access unavailable, cannot proceed (try mounting with noload)\n",
               device->name());
        return Errno::EROFS;
    }
    if (read_only) {
        printk(KERN_INFO "EXT4-fs (%s): INFO: recovery required on readonly filesystem\n", device->name());
        printk(KERN_INFO "EXT4-fs (%s): write access will be enabled during recovery\n", device->name());
    }
    if (journal.needs_recovery()) {
        Result<void> done = journal.recover();
        if (!done.ok()) {
            printk(KERN_ERR "EXT4-fs (%s): error loading journal\n", device->name());
            return done.error();
        }
    }
    disk().s_feature_incompat &= ~kIncompatRecover;
    TRY(write_super());
    printk(KERN_INFO "EXT4-fs (%s): recovery complete\n", device->name());
    *replayed = true;
    return {};
}

/// From now on the disk may change: it says so, and that its journal may have to be replayed.
Result<void> Ext4Super::start_writing() {
    SuperBlockDisk& s = disk();
    if ((s.s_state & kStateError) != 0) {
        printk(KERN_WARNING "EXT4-fs (%s): warning: mounting fs with errors, running e2fsck is recommended\n",
               device->name());
    } else if ((s.s_state & kStateValid) == 0 && !has_compat(kCompatHasJournal)) {
        printk(KERN_WARNING "EXT4-fs (%s): warning: mounting unchecked fs, running e2fsck is recommended\n",
               device->name());
    }
    if (device->read_only()) return Errno::EROFS;
    if (has_compat(kCompatHasJournal)) {
        TRY(journal.start_writing(metadata_csum, has_incompat(kIncompat64Bit), options.barrier));
        s.s_feature_incompat |= kIncompatRecover;
    } else {
        s.s_state &= static_cast<u16>(~kStateValid);
    }
    s.s_mnt_count++;
    s.s_mtime = static_cast<u32>(ktime_get_real_seconds());
    return write_super();
}

/// Everything is in place: the disk says that it is clean.
Result<void> Ext4Super::stop_writing() {
    MutexGuard guard(lock);
    Result<void> done;
    if (journal.active()) {
        done = journal.stop();
    } else {
        done = cache_->sync();
    }
    if (!done.ok() || aborted_) return done.ok() ? Result<void>(Errno::EIO) : std::move(done);
    SuperBlockDisk& s = disk();
    s.s_feature_incompat &= ~kIncompatRecover;
    if ((s.s_state & kStateError) == 0) s.s_state |= kStateValid;
    if (orphans_.empty()) s.s_feature_ro_compat &= ~kRoOrphanPresent;
    TRY(write_super());
    return device->flush();
}

Result<void> Ext4Super::commit() {
    MutexGuard guard(lock);
    if (read_only || aborted_) return {};
    return journal.active() ? journal.commit() : cache_->sync();
}

Result<void> Ext4Super::sync() {
    if (read_only) return {};
    TRY(write_dirty_inodes());
    TRY(commit());
    return options.barrier ? device->flush() : Result<void>();
}

Result<void> Ext4Super::remount(u64 flags, const char* data) {
    Ext4Options fresh = options;
    TRY(fresh.parse(data));
    if (aborted_) return (flags & MS_RDONLY) ? Result<void>() : Result<void>(Errno::EROFS);
    if (fresh.data != options.data && mounted_) {
        printk(KERN_ERR "EXT4-fs (%s): Cannot change data mode on remount\n", device->name());
        return Errno::EINVAL;
    }
    const bool to_read_only = (flags & MS_RDONLY) != 0;
    if (to_read_only && !read_only) {
        TRY(sync());
        TRY(stop_writing());
        read_only = true;
    } else if (!to_read_only && read_only) {
        TRY(check_features(disk(), true));
        if (device->read_only() || (disk().s_feature_ro_compat & kRoReadOnly)) return Errno::EROFS;
        if (has_incompat(kIncompatRecover))
            return Errno::EROFS;  // mounted with noload: the log is still there
        {
            MutexGuard guard(lock);
            read_only = false;
            Result<void> started = start_writing();
            if (!started.ok()) {
                read_only = true;
                return started;
            }
        }
        TRY(clear_orphans());
    }
    options = fresh;
    journal.set_barrier(options.barrier);
    printk(KERN_INFO "EXT4-fs (%s): re-mounted. Quota mode: none.\n", device->name());
    return {};
}

Ext4Super::~Ext4Super() {
    leave_instances();
    if (root) shutdown();
    if (inodes_) evict_all();
    if (mounted_) {
        if (!read_only && !aborted_) (void)stop_writing();
        printk(KERN_INFO "EXT4-fs (%s): unmounting filesystem.\n", device->name());
    }
    free_inode_table();
    for (u8* bitmap : pending_free_) kfree(bitmap);
}
