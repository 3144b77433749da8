// rename(2): two directories locked at once, in an order that cannot deadlock.
//
// One mutex serialises renames between different directories, so that the tree does not change shape while
// the ancestor of the two is sought; then the ancestor is locked before its descendant, and otherwise the
// lower address first (Linux, Documentation/filesystems/directory-locking).
#include "fs/cred.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/vfs_ops.h"

namespace {

// Bare: it orders renames as a whole.
Mutex g_rename_lock{LockRank::kNamespace};

class TwoDirectories {
  public:
    TwoDirectories(const RefPtr<Dentry>& a, const RefPtr<Dentry>& b) : a_(a->inode()), b_(b->inode()) {
        if (&a_ == &b_) {
            a_.lock.lock();
            return;
        }
        g_rename_lock.lock();
        const bool a_first = b->is_below(*a) || (!a->is_below(*b) && &a_ < &b_);
        (a_first ? a_ : b_).lock.lock();
        (a_first ? b_ : a_).lock.lock_nested();
    }
    ~TwoDirectories() {
        a_.lock.unlock();
        if (&a_ == &b_) return;
        b_.lock.unlock();
        g_rename_lock.unlock();
    }
    TwoDirectories(const TwoDirectories&) = delete;
    TwoDirectories& operator=(const TwoDirectories&) = delete;

  private:
    Inode& a_;
    Inode& b_;
};

Result<void> check_replaced(Inode& to_dir, Inode& moved, Inode& victim, u32 flags) {
    if (flags & RENAME_NOREPLACE) return Errno::EEXIST;
    if (flags & RENAME_EXCHANGE) return may_delete(to_dir, victim, victim.is_dir());
    return may_delete(to_dir, victim, moved.is_dir());
}

}  // namespace

Result<void> check_rename_flags(u32 flags) {
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) return Errno::EINVAL;
    if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE)) return Errno::EINVAL;
    return {};
}

Result<void> vfs_rename(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path, u32 flags) {
    TRY(check_rename_flags(flags));
    PathWalk from;
    PathWalk to;
    Path old_start = TRY(walk_start(old_dirfd, old_path));
    TRY(from.begin(std::move(old_start), old_path, 0));
    TRY(from.to_parent());
    Path new_start = TRY(walk_start(new_dirfd, new_path));
    TRY(to.begin(std::move(new_start), new_path, 0));
    TRY(to.to_parent());
    if (!(from.here().mount == to.here().mount)) return Errno::EXDEV;
    if (from.kind() != PathWalk::Last::kName) return Errno::EBUSY;
    if (to.kind() != PathWalk::Last::kName) {
        return (flags & RENAME_NOREPLACE) ? Errno::EEXIST : Errno::EBUSY;
    }
    TRY(require_writable(from.here()));

    RefPtr<Dentry> moved;
    RefPtr<Dentry> victim;
    const RefPtr<Dentry>& from_dir = from.here().dentry;
    const RefPtr<Dentry>& to_dir = to.here().dentry;
    TwoDirectories locks(from_dir, to_dir);
    moved = TRY(lookup_child(from_dir, from.name(), true));
    Result<RefPtr<Dentry>> there = lookup_child(to_dir, to.name(), true);
    if (there.ok()) {
        victim = there.release_value();
    } else if (there.error() != Errno::ENOENT) {
        return there.error();
    }
    if ((flags & RENAME_EXCHANGE) && !victim) return Errno::ENOENT;
    if (!moved->inode().is_dir()) {
        if (from.trailing_slash()) return Errno::ENOTDIR;
        if (to.trailing_slash() && !(flags & RENAME_EXCHANGE)) return Errno::ENOTDIR;
    }
    if (victim && (flags & RENAME_NOREPLACE)) return Errno::EEXIST;
    if (to_dir->is_below(*moved)) return Errno::EINVAL;  // into itself
    if (victim && from_dir->is_below(*victim)) {         // over an ancestor
        return (flags & RENAME_EXCHANGE) ? Errno::EINVAL : Errno::ENOTEMPTY;
    }
    TRY(may_delete(from_dir->inode(), moved->inode(), moved->inode().is_dir()));
    if (victim) {
        TRY(check_replaced(to_dir->inode(), moved->inode(), victim->inode(), flags));
        if (&victim->inode() == &moved->inode()) return {};  // two names of one file: nothing to do
    } else {
        TRY(may_create(to_dir->inode()));
    }
    if (moved->inode().is_dir() && !(from_dir == to_dir)) {
        TRY(inode_permission(moved->inode(), kMayWrite));  // its ".." changes
    }
    if (moved->mounts_here || (victim && victim->mounts_here)) return Errno::EBUSY;

    TRY(from_dir->inode().rename(from.name(), moved->inode(), to_dir->inode(), to.name(),
                                 victim ? &victim->inode() : nullptr, flags));
    // The cache follows. Should it lack memory, forgetting the names is as good: they are looked up again.
    if (flags & RENAME_EXCHANGE) {
        victim->drop();
        moved->drop();
        if (!victim->move_to(*from_dir, from.name()).ok() || !moved->move_to(*to_dir, to.name()).ok()) {
            victim->drop();
            moved->drop();
        }
        notify_rename(from_dir->inode(), from.name(), to_dir->inode(), to.name(), moved->inode(), nullptr);
        notify_rename(to_dir->inode(), to.name(), from_dir->inode(), from.name(), victim->inode(), nullptr);
        return {};
    }
    if (victim) victim->drop();
    if (!moved->move_to(*to_dir, to.name()).ok()) moved->drop();
    notify_rename(from_dir->inode(), from.name(), to_dir->inode(), to.name(), moved->inode(),
                  victim ? &victim->inode() : nullptr);
    return {};
}
