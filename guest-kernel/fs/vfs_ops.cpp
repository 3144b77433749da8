// Names made and removed. Each operation walks to the parent, locks it, looks at the last name under the
// lock, checks, and calls the file system.
#include "fs/vfs_ops.h"

#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/posix_acl.h"

namespace {

// Walks to where a new name goes. `or_dir`: a trailing slash is allowed (mkdir).
Result<void> walk_to_new(PathWalk& walk, int dirfd, const char* path, bool or_dir) {
    Path start = TRY(walk_start(dirfd, path));
    TRY(walk.begin(std::move(start), path, 0));
    TRY(walk.to_parent());
    if (walk.kind() != PathWalk::Last::kName) return Errno::EEXIST;
    if (walk.trailing_slash() && !or_dir) {
        return lookup_child(walk.here().dentry, walk.name()).ok() ? Errno::EEXIST : Errno::ENOENT;
    }
    return {};
}

// Runs `make(directory, name)` → the new inode, with the directory locked and known to lack the name. `old` is what gets
// another name, if anything: it must be on the same mount.
template <class Make>
Result<void> create_name(PathWalk& walk, Make make, const Path* old = nullptr) {
    const Path& dir = walk.here();
    Inode& directory = dir.inode();
    MutexGuard guard(directory.lock);
    Result<RefPtr<Dentry>> there = lookup_child(dir.dentry, walk.name(), true);
    if (there.ok()) return Errno::EEXIST;
    if (there.error() != Errno::ENOENT) return there.error();
    TRY(require_writable(dir));
    if (old && !(old->mount == dir.mount)) return Errno::EXDEV;
    TRY(may_create(directory));
    RefPtr<Inode> made = TRY(make(directory, walk.name()));
    if (!old) TRY(inherit_or_remove(directory, walk.name(), *made));
    if (old) notify_inode(*made, kInAttrib);
    notify_entry(directory, walk.name(), *made, kInCreate);
    (void)Dentry::add(*dir.dentry, walk.name(), std::move(made));  // only a cache: it may fail
    return {};
}

// Told to the file first where nobody else uses it, as Linux does.
void notify_removed(Inode& directory, const Name& name, const Dentry& victim) {
    if (victim.inode().nlink == 0 && victim.is_sole_user()) notify_gone(victim.inode());
    notify_entry(directory, name, victim.inode(), kInDelete);
}

}  // namespace

Result<void> vfs_mkdir(int dirfd, const char* path, u32 mode) {
    PathWalk walk;
    TRY(walk_to_new(walk, dirfd, path, true));
    return create_name(walk, [mode](Inode& dir, const Name& name) {
        return dir.mkdir(name, S_IFDIR | (mode & (0777 | S_ISVTX) & ~umask_in(dir)));
    });
}

Result<void> vfs_mknod(int dirfd, const char* path, u32 mode, dev_t device) {
    if ((mode & S_IFMT) == 0) mode |= S_IFREG;
    switch (mode & S_IFMT) {
        case S_IFREG:
        case S_IFIFO:
        case S_IFSOCK:
            device = 0;
            break;
        case S_IFCHR:
        case S_IFBLK:
            break;
        case S_IFDIR:
            return Errno::EPERM;
        default:
            return Errno::EINVAL;
    }
    PathWalk walk;
    TRY(walk_to_new(walk, dirfd, path, false));
    return create_name(walk, [mode, device](Inode& dir, const Name& name) -> Result<RefPtr<Inode>> {
        if ((S_ISCHR(mode) || S_ISBLK(mode)) && !current_cred().has(kCapMknod)) return Errno::EPERM;
        return dir.mknod(name, mode & (S_IFMT | (S_IALLUGO & ~umask_in(dir))), device);
    });
}

Result<void> vfs_symlink(const char* target, int dirfd, const char* path) {
    if (*target == '\0') return Errno::ENOENT;
    PathWalk walk;
    TRY(walk_to_new(walk, dirfd, path, false));
    return create_name(walk, [target](Inode& dir, const Name& name) { return dir.symlink(name, target); });
}

Result<void> vfs_link(int old_dirfd, const char* old_path, int new_dirfd, const char* new_path, int flags) {
    u32 walk_flags = (flags & AT_SYMLINK_FOLLOW) ? kWalkFollow : 0;
    if (flags & AT_EMPTY_PATH) {
        if (!current_cred().has(kCapDacReadSearch)) return Errno::ENOENT;
        walk_flags |= kWalkEmpty;
    }
    Path old = TRY(lookup_at(old_dirfd, old_path, walk_flags));
    PathWalk walk;
    TRY(walk_to_new(walk, new_dirfd, new_path, false));
    RefPtr<Inode> inode(&old.inode());
    const auto add = [&inode](Inode& dir, const Name& name) -> Result<RefPtr<Inode>> {
        if (inode->sb != dir.sb) return Errno::EXDEV;
        if (inode->is_dir()) return Errno::EPERM;
        if (inode->nlink == 0 && !inode->linkable)
            return Errno::ENOENT;  // removed: its last name does not come back
        TRY(dir.link(name, *inode));
        return RefPtr<Inode>(inode);
    };
    return create_name(walk, add, &old);
}

Result<void> vfs_unlink(int dirfd, const char* path) {
    PathWalk walk;
    Path start = TRY(walk_start(dirfd, path));
    TRY(walk.begin(std::move(start), path, 0));
    TRY(walk.to_parent());
    if (walk.kind() != PathWalk::Last::kName) return Errno::EISDIR;
    const Path& dir = walk.here();
    RefPtr<Dentry> victim;  // outlives the lock: its last reference frees the file's pages
    MutexGuard guard(dir.inode().lock);
    victim = TRY(lookup_child(dir.dentry, walk.name(), true));
    if (walk.trailing_slash()) return victim->inode().is_dir() ? Errno::EISDIR : Errno::ENOTDIR;
    TRY(require_writable(dir));
    TRY(may_delete(dir.inode(), victim->inode(), false));
    if (victim->mounts_here) return Errno::EBUSY;
    TRY(dir.inode().unlink(walk.name(), victim->inode()));
    victim->drop();
    notify_inode(victim->inode(), kInAttrib);
    notify_removed(dir.inode(), walk.name(), *victim);
    return {};
}

Result<void> vfs_rmdir(int dirfd, const char* path) {
    PathWalk walk;
    Path start = TRY(walk_start(dirfd, path));
    TRY(walk.begin(std::move(start), path, 0));
    TRY(walk.to_parent());
    switch (walk.kind()) {
        case PathWalk::Last::kDotDot:
            return Errno::ENOTEMPTY;
        case PathWalk::Last::kDot:
            return Errno::EINVAL;
        case PathWalk::Last::kRoot:
            return Errno::EBUSY;
        case PathWalk::Last::kName:
            break;
    }
    const Path& dir = walk.here();
    RefPtr<Dentry> victim;
    MutexGuard guard(dir.inode().lock);
    victim = TRY(lookup_child(dir.dentry, walk.name(), true));
    TRY(require_writable(dir));
    TRY(may_delete(dir.inode(), victim->inode(), true));
    if (victim->mounts_here) return Errno::EBUSY;
    victim->inode().lock.lock_nested();
    Result<void> removed = dir.inode().rmdir(walk.name(), victim->inode());
    victim->inode().lock.unlock();
    TRY(std::move(removed));
    victim->drop();
    notify_removed(dir.inode(), walk.name(), *victim);
    return {};
}
