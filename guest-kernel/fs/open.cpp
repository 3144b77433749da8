// open(2): the walk with its flags, the checks on what was found, and the making of the File.
#include "block/block_registry.h"
#include "fs/chrdev.h"
#include "fs/cred.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/open_file.h"
#include "fs/pipe.h"
#include "fs/posix_acl.h"

namespace {

constexpr int kNotKept = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC;

u32 wanted_access(int flags) {
    u32 mask = 0;
    if ((flags & O_ACCMODE) != O_WRONLY) mask |= kMayRead;
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) mask |= kMayWrite;
    return mask;
}

struct Found {
    Path place;
    bool created = false;
};

// The last component of an open with O_CREAT: found or made, under the directory's lock.
Result<Found> find_or_create(PathWalk& walk, int flags, u32 mode) {
    const Path& dir = walk.here();
    Inode& directory = dir.inode();
    MutexGuard guard(directory.lock);
    Result<RefPtr<Dentry>> there = lookup_child(dir.dentry, walk.name(), true);
    if (there.ok()) {
        if (flags & O_EXCL) return Errno::EEXIST;
        return Found{Path(dir.mount, there.release_value()), false};
    }
    if (there.error() != Errno::ENOENT) return there.error();
    TRY(require_writable(dir));
    TRY(may_create(directory));
    const u32 kept = mode & S_IALLUGO & ~umask_in(directory);
    RefPtr<Inode> made = TRY(directory.mknod(walk.name(), S_IFREG | kept, 0));
    TRY(inherit_or_remove(directory, walk.name(), *made));
    notify_entry(directory, walk.name(), *made, kInCreate);
    RefPtr<Dentry> entry = TRY(Dentry::add(*dir.dentry, walk.name(), std::move(made)));
    return Found{Path(dir.mount, std::move(entry)), true};
}

Result<Found> walk_to_open(const Path& start, const char* path, int flags, u32 mode, u32 resolve) {
    PathWalk walk;
    TRY(walk.begin(start, path, 0, resolve));
    for (;;) {
        TRY(walk.to_parent());
        Found found;
        const bool slash = walk.trailing_slash();
        if ((flags & O_CREAT) && walk.kind() == PathWalk::Last::kName) {
            if (slash) return Errno::EISDIR;
            found = TRY(find_or_create(walk, flags, mode));
            if (found.created) return found;
            found.place = topmost(std::move(found.place));
        } else {
            found.place = TRY(walk.last());
            if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return Errno::EEXIST;
        }
        if (found.place.inode().is_symlink() && (slash || (flags & O_NOFOLLOW) == 0)) {
            TRY(walk.follow(found.place));
            if (!walk.finished()) continue;
            found.place = walk.here();
        }
        if ((slash || (flags & O_DIRECTORY)) && !found.place.inode().is_dir()) {
            return Errno::ENOTDIR;
        }
        return found;
    }
}

// What Linux calls may_open.
Result<void> check_open(const Path& place, int flags) {
    const Inode& inode = place.inode();
    const u32 access = wanted_access(flags);
    if (inode.is_symlink()) return Errno::ELOOP;
    if (inode.is_dir() && ((access & kMayWrite) || (flags & O_CREAT))) return Errno::EISDIR;
    if ((S_ISCHR(inode.mode) || S_ISBLK(inode.mode)) && place.mount && (place.mount->flags & MS_NODEV)) {
        return Errno::EACCES;
    }
    if ((access & kMayWrite) && (inode.is_regular() || inode.is_dir())) TRY(require_writable(place));
    TRY(inode_permission(inode, access));
    if ((flags & O_NOATIME) && (flags & O_PATH) == 0) TRY(owner_or_capable(inode));
    return {};
}

Result<RefPtr<File>> open_tmpfile(const Path& start, const char* path, int flags, u32 mode, u32 resolve) {
    if ((flags & O_ACCMODE) == O_RDONLY) return Errno::EINVAL;
    Path dir = TRY(lookup_path(start, path, kWalkFollow | kWalkDirectory, resolve));
    TRY(require_writable(dir));
    TRY(inode_permission(dir.inode(), kMayWrite | kMayExec));
    RefPtr<Inode> made = TRY(dir.inode().tmpfile(S_IFREG | (mode & S_IALLUGO & ~umask_in(dir.inode()))));
    TRY(inherit_acls(dir.inode(), *made));
    made->linkable = (flags & O_EXCL) == 0;
    char label[32];
    snprintf(label, sizeof(label), "#%llu", static_cast<unsigned long long>(made->ino));
    RefPtr<Dentry> nameless = TRY(Dentry::make_detached(std::move(made), label));
    return open_path(Path(dir.mount, std::move(nameless)), flags & ~O_TMPFILE);
}

}  // namespace

Result<RefPtr<File>> open_path(const Path& path, int flags) {
    Inode& inode = path.inode();
    const bool writes = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
    const bool counts = inode.is_regular() && writes;
    if (counts) TRY(inode.get_write_access());
    Result<RefPtr<File>> opened = inode.open(flags);
    if (!opened.ok()) {
        if (counts) inode.put_write_access();
        return opened.error();
    }
    RefPtr<File> file = opened.release_value();
    file->holds_write_access = counts;
    file->path = path;
    file->flags = flags & ~kNotKept;
    notify_path(path, kInOpen);
    return file;
}

Result<void> set_detached(File& file, const char* label, int flags) {
    file.path = Path(nullptr, TRY(Dentry::make_detached(file.inode, label)));
    file.flags = flags & ~kNotKept;
    return {};
}

Result<RefPtr<File>> open_default(Inode& inode, int flags) {
    switch (inode.mode & S_IFMT) {
        case S_IFIFO:
            return open_fifo(inode, flags);
        case S_IFCHR:
            return open_chrdev(inode, flags);
        case S_IFBLK:
            return open_block_device(inode, flags);
        case S_IFREG:
        case S_IFDIR:
            return RefPtr<File>(TRY(make_ref<File>(inode)));
        default:
            return Errno::ENXIO;
    }
}

Result<RefPtr<File>> open_at(int dirfd, const char* path, int flags, u32 mode, u32 resolve) {
    flags &= kValidOpenFlags;
    if (flags & O_PATH) flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
    // A scoped walk begins at `dirfd` even where the path begins with a slash.
    const bool scoped = (resolve & (kResolveBeneath | kResolveInRoot)) != 0;
    Path start = TRY(walk_start(dirfd, scoped && *path == '/' ? "." : path));
    if ((flags & O_TMPFILE & ~O_DIRECTORY) != 0) {
        if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_CREAT)) return Errno::EINVAL;
        return open_tmpfile(start, path, flags, mode, resolve);
    }
    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) return Errno::EINVAL;
    Found found = TRY(walk_to_open(start, path, flags, mode, resolve));
    if (flags & O_PATH) {
        RefPtr<File> file = TRY(make_ref<File>(found.place.inode()));
        file->path = found.place;
        file->flags = flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW);
        return file;
    }
    if (!found.created) {
        TRY(check_open(found.place, flags));
        Inode& inode = found.place.inode();
        if ((flags & O_TRUNC) && inode.is_regular()) {
            TRY(inode.get_write_access());
            inode.lock.lock();
            Result<void> cut = inode.set_size(0);
            inode.lock.unlock();
            inode.put_write_access();
            TRY(std::move(cut));
            notify_path(found.place, kInModify);
        }
    }
    return open_path(found.place, flags);
}

Result<RefPtr<File>> vfs_open(const char* path, int flags, umode_t mode) {
    return open_at(AT_FDCWD, path, flags, mode);
}
