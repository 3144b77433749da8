// Making, removing and renaming names. The work is in fs/vfs_ops.h; here the paths are copied in.
#include "fs/namei.h"
#include "fs/vfs_ops.h"
#include "syscall/fs_syscalls.h"

namespace {

// What would be said of `path`, were it looked at: the error of its walk to the last name.
Result<void> walk_to_last(int dirfd, const char* path) {
    PathWalk walk;
    Path start = TRY(walk_start(dirfd, path));
    TRY(walk.begin(std::move(start), path, 0));
    return walk.to_parent();
}

// Runs `act` on the path's text.
template <class Act>
SysResult with_path(UserString path, Act act) {
    KString text = TRY(copy_path(path.address()));
    TRY(act(text.c_str()));
    return 0L;
}

template <class Act>
SysResult with_paths(UserString first, UserString second, Act act) {
    KString a = TRY(copy_path(first.address()));
    KString b = TRY(copy_path(second.address()));
    TRY(act(a.c_str(), b.c_str()));
    return 0L;
}

}  // namespace

SysResult sys_mkdirat(int dirfd, UserString path, u32 mode) {
    return with_path(path, [&](const char* p) { return vfs_mkdir(dirfd, p, mode); });
}
SysResult sys_mkdir(UserString path, u32 mode) {
    return sys_mkdirat(AT_FDCWD, path, mode);
}

SysResult sys_mknodat(int dirfd, UserString path, u32 mode, u32 dev) {
    switch (mode & S_IFMT) {
        case 0:
        case S_IFREG:
        case S_IFCHR:
        case S_IFBLK:
        case S_IFIFO:
        case S_IFSOCK:
            return with_path(path, [&](const char* p) { return vfs_mknod(dirfd, p, mode, dev); });
        case S_IFDIR:
            return Errno::EPERM;
        default:
            return Errno::EINVAL;
    }
}
SysResult sys_mknod(UserString path, u32 mode, u32 dev) {
    return sys_mknodat(AT_FDCWD, path, mode, dev);
}

SysResult sys_rmdir(UserString path) {
    return with_path(path, [](const char* p) { return vfs_rmdir(AT_FDCWD, p); });
}
SysResult sys_unlink(UserString path) {
    return with_path(path, [](const char* p) { return vfs_unlink(AT_FDCWD, p); });
}
SysResult sys_unlinkat(int dirfd, UserString path, int flags) {
    if (flags & ~AT_REMOVEDIR) return Errno::EINVAL;
    return with_path(path, [&](const char* p) { return flags ? vfs_rmdir(dirfd, p) : vfs_unlink(dirfd, p); });
}

SysResult sys_renameat2(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, u32 flags) {
    TRY(check_rename_flags(flags));
    KString from = TRY(copy_path(old_path.address()));
    Result<KString> to = copy_path(new_path.address());
    if (!to.ok()) {  // told when the new name is used, after the old one
        TRY(walk_to_last(old_dirfd, from.c_str()));
        return to.error();
    }
    TRY(vfs_rename(old_dirfd, from.c_str(), new_dirfd, to.value().c_str(), flags));
    return 0L;
}
SysResult sys_renameat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path) {
    return sys_renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}
SysResult sys_rename(UserString old_path, UserString new_path) {
    return sys_renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

SysResult sys_linkat(int old_dirfd, UserString old_path, int new_dirfd, UserString new_path, int flags) {
    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return Errno::EINVAL;
    KString from = TRY(copy_path(old_path.address()));
    Result<KString> to = copy_path(new_path.address());
    if (!to.ok()) {  // told when the new name is used, after the old one
        TRY(lookup_at(old_dirfd, from.c_str(), flags & AT_SYMLINK_FOLLOW ? kWalkFollow : 0));
        return to.error();
    }
    TRY(vfs_link(old_dirfd, from.c_str(), new_dirfd, to.value().c_str(), flags));
    return 0L;
}
SysResult sys_link(UserString old_path, UserString new_path) {
    return sys_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

SysResult sys_symlinkat(UserString target, int dirfd, UserString path) {
    return with_paths(target, path,
                      [&](const char* text, const char* p) { return vfs_symlink(text, dirfd, p); });
}
SysResult sys_symlink(UserString target, UserString path) {
    return sys_symlinkat(target, AT_FDCWD, path);
}
