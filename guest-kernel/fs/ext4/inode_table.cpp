// The inodes in memory: at most one object for each number. One that nobody uses stays for a while, since a name
// that was looked up is looked up again.
//
// An object's count falls to zero under the table's lock, so that get_inode never meets one that is being freed.
// One that goes (`dying`) is in the table until its last change of the disk is made: who wants the number waits.
#include "core/printk.h"
#include "fs/ext4/ext4_inode.h"

struct Ext4Super::InodeTable {
    static constexpr u32 kBuckets = 256;
    static constexpr u32 kMaxUnused = 4096;
    /// Of the oldest so many, one without data for the disk goes first: who has some stays for the flusher, but not
    /// beyond twice the number.
    static constexpr u32 kLookedAt = 16;
    struct Lists {
        List<Ext4Inode, &Ext4Inode::hash_node> buckets[kBuckets];
        List<Ext4Inode, &Ext4Inode::unused_node> unused;
        u32 unused_count = 0;

        Ext4Inode* find(u32 number) {
            for (Ext4Inode& inode : buckets[number % kBuckets]) {
                if (inode.number() == number) return &inode;
            }
            return nullptr;
        }
        void use(Ext4Inode& inode) {
            if (!inode.unused_node.linked()) return;
            inode.unused_node.remove();
            unused_count--;
        }
        void condemn(Ext4Inode& inode) {
            use(inode);
            inode.dying = true;
        }
        /// Condemns one, if there are too many.
        Ext4Inode* shed() {
            for (u32 i = 0; unused_count > kMaxUnused && i < kLookedAt; i++) {
                Ext4Inode& oldest = *unused.front();
                if (!oldest.has_dirty_pages() || unused_count > 2 * kMaxUnused) {
                    condemn(oldest);
                    return &oldest;
                }
                oldest.unused_node.remove();
                unused.push_back(&oldest);
            }
            return nullptr;
        }
    };
    Guarded<Lists, LockRank::kInodeTable> lists;
    WaitQueue gone;  ///< a dying inode has left

    /// The inode with a reference, or null; `*is_dying` when it is there but on its way out.
    RefPtr<Ext4Inode> find(u32 number, bool* is_dying) {
        return lists.with([&](Lists& all) -> RefPtr<Ext4Inode> {
            Ext4Inode* inode = all.find(number);
            *is_dying = inode && inode->dying;
            if (!inode || inode->dying) return nullptr;
            all.use(*inode);
            return RefPtr<Ext4Inode>(inode);
        });
    }
};

Result<void> Ext4Super::make_inode_table() {
    inodes_ = new (std::nothrow) InodeTable;
    return inodes_ ? Result<void>() : Result<void>(Errno::ENOMEM);
}

void Ext4Super::free_inode_table() {
    delete inodes_;
    inodes_ = nullptr;
}

Result<RefPtr<Ext4Inode>> Ext4Super::get_inode(u32 number, bool special) {
    const u32 first = disk().s_rev_level == 0 ? 11 : disk().s_first_ino;
    if (number == 0 || number > inodes_count || (!special && number != ext4::kRootIno && number < first)) {
        MutexGuard guard(lock);
        return fs_error("ext4_iget", number, "bad inode number");
    }
    for (;;) {
        bool is_dying = false;
        if (RefPtr<Ext4Inode> there = inodes_->find(number, &is_dying)) return there;
        if (!is_dying) {
            MutexGuard guard(lock);
            if (RefPtr<Ext4Inode> there = inodes_->find(number, &is_dying)) return there;
            if (!is_dying) return read_inode(number, special);
        }
        wait_event_uninterruptible(inodes_->gone, [&] {
            return inodes_->lists.with([&](InodeTable::Lists& all) {
                Ext4Inode* inode = all.find(number);
                return !inode || !inode->dying;
            });
        });
    }
}

Result<RefPtr<Ext4Inode>> Ext4Super::read_inode(u32 number, bool special) {
    const u32 mode = TRY(peek_mode(number));
    Ext4Inode* fresh = new (std::nothrow) Ext4Inode(*this, number, mode);
    if (!fresh) return Errno::ENOMEM;
    Result<void> read = fresh->read_from_disk(special);
    if (!read.ok()) {
        delete fresh;
        return read.error();
    }
    return enter_inode(fresh);
}

RefPtr<Ext4Inode> Ext4Super::enter_inode(Ext4Inode* fresh) {
    inodes_->lists.with([&](InodeTable::Lists& all) {
        all.buckets[fresh->number() % InodeTable::kBuckets].push_back(fresh);
    });
    return adopt_ref(fresh);
}

Ext4Inode* Ext4Super::inode_in_memory(u32 number) {
    return inodes_->lists.with([&](InodeTable::Lists& all) { return all.find(number); });
}

void Ext4Inode::unref_last() {
    fs().inode_unused(*this);
}

void Ext4Super::inode_unused(Ext4Inode& inode) {
    Ext4Inode* victim = inodes_->lists.with([&](InodeTable::Lists& all) -> Ext4Inode* {
        if (!inode.drop_reference()) return nullptr;
        if (inode.nlink == 0) {
            all.condemn(inode);
            return &inode;
        }
        all.unused.push_back(&inode);
        all.unused_count++;
        return all.shed();
    });
    if (!victim) return;
    evict(*victim);
    // And one more, so that those that once had to stay go in the end.
    victim = inodes_->lists.with([](InodeTable::Lists& all) { return all.shed(); });
    if (victim) evict(*victim);
}

void Ext4Super::evict(Ext4Inode& inode) {
    if (inode.pages && inode.nlink == 0) inode.pages->drop_all();
    if (inode.nlink == 0 && !read_only && !aborted_) {
        Result<void> done = delete_inode(inode);
        if (!done.ok() && done.error() != Errno::EROFS) {
            printk(KERN_WARNING "EXT4-fs (%s): couldn't delete inode %u (err %d)\n", device->name(),
                   inode.number(), -static_cast<int>(done.error()));
        }
    } else {
        Result<void> done = inode.pages ? inode.pages->write_and_wait() : Result<void>();
        const Result<void> fields = inode.write_if_dirty();
        if (done.ok()) done = fields.ok() ? Result<void>() : Result<void>(fields.error());
        if (!done.ok() && !read_only && !aborted_) {
            printk(KERN_WARNING "EXT4-fs (%s): couldn't write inode %u (err %d)\n", device->name(),
                   inode.number(), -static_cast<int>(done.error()));
        }
    }
    inodes_->lists.with([&](InodeTable::Lists&) {
        if (inode.hash_node.linked()) inode.hash_node.remove();
    });
    inodes_->gone.wake_all();
    delete &inode;
}

/// The end of a file without a name: its blocks and its number are free again.
Result<void> Ext4Super::delete_inode(Ext4Inode& inode) {
    Ext4Op op(*this);
    TRY(op.begin(kDeleteCredits));
    Result<void> done = inode.is_fast_symlink() ? Result<void>() : inode.truncate_blocks(op, 0);
    if (done.ok()) done = inode.drop_xattr_block(op);
    // What is damaged stays on the disk, but no longer as an orphan that every mount would try again.
    const Result<void> off_list = orphan_del(op, inode);
    if (done.ok() && off_list.ok()) {
        inode.next_orphan = static_cast<u32>(ktime_get_real_seconds());  // i_dtime
        inode.disk_size = 0;
        done = inode.write_to_disk(op);
        if (done.ok()) done = free_inode(op, inode.number(), inode.is_dir());
    }
    // The number may be given away as soon as the lock is: the table must not know it any more.
    inodes_->lists.with([&](InodeTable::Lists&) { inode.hash_node.remove(); });
    return done;
}

/// The instance ends: what could not be written goes, and with it the references that kept its inodes.
void Ext4Super::drop_all_pages() {
    for (u32 bucket = 0; bucket < InodeTable::kBuckets; bucket++) {
        for (;;) {
            RefPtr<Ext4Inode> found = inodes_->lists.with([&](InodeTable::Lists& all) -> RefPtr<Ext4Inode> {
                for (Ext4Inode& inode : all.buckets[bucket]) {
                    if (inode.dying || !inode.has_dirty_pages()) continue;
                    all.use(inode);
                    return RefPtr<Ext4Inode>(&inode);
                }
                return nullptr;
            });
            if (!found) break;
            found->pages->drop_all();
        }
    }
}

void Ext4Super::evict_all() {
    drop_all_pages();
    for (;;) {
        Ext4Inode* victim = inodes_->lists.with([&](InodeTable::Lists& all) -> Ext4Inode* {
            Ext4Inode* oldest = all.unused.front();
            if (oldest) all.condemn(*oldest);
            return oldest;
        });
        if (!victim) return;
        evict(*victim);
    }
}

Result<void> Ext4Super::write_dirty_inodes() {
    // One at a time, since writing one sleeps; a bucket is looked at again from its beginning.
    Result<void> result;
    if (read_only) return result;
    for (u32 bucket = 0; bucket < InodeTable::kBuckets; bucket++) {
        for (;;) {
            RefPtr<Ext4Inode> found = inodes_->lists.with([&](InodeTable::Lists& all) -> RefPtr<Ext4Inode> {
                for (Ext4Inode& inode : all.buckets[bucket]) {
                    if (inode.dying || !(inode.fields_dirty || inode.has_dirty_pages())) continue;
                    all.use(inode);
                    return RefPtr<Ext4Inode>(&inode);
                }
                return nullptr;
            });
            if (!found) break;
            Result<void> written = found->pages ? found->pages->write_and_wait() : Result<void>();
            if (written.ok()) written = found->write_if_dirty();
            found->fields_dirty = false;
            if (!written.ok() && found->has_dirty_pages()) break;  // they stay: the disk takes no more
            if (!written.ok()) result = written.error();
        }
    }
    return result;
}
