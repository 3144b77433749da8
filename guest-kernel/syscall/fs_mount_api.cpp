// fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2), mount_setattr(2).
#include "fs/anon_inode.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_context.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"

namespace {

enum : u32 {
    FSOPEN_CLOEXEC = 1,
    FSMOUNT_CLOEXEC = 1,
    FSPICK_CLOEXEC = 1,
    FSPICK_SYMLINK_NOFOLLOW = 2,
    FSPICK_NO_AUTOMOUNT = 4,
    FSPICK_EMPTY_PATH = 8,
    OPEN_TREE_CLONE = 1,
    kRecursive = 0x8000,
    MOVE_MOUNT_F_SYMLINKS = 1,
    MOVE_MOUNT_F_EMPTY_PATH = 4,
    MOVE_MOUNT_T_SYMLINKS = 0x10,
    MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    MOVE_MOUNT_KNOWN = 0x77,  // without MOVE_MOUNT_SET_GROUP
};
enum FsconfigCommand : u32 {
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_STRING,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_FD,
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_RECONFIGURE,
};
constexpr u64 MOUNT_ATTR__ATIME = 0x70;
constexpr u64 MOUNT_ATTR_NOATIME = 0x10;
constexpr u64 MOUNT_ATTR_STRICTATIME = 0x20;

/// MOUNT_ATTR_… that are flags of a mount by another number.
constexpr struct {
    u64 attribute, flag;
} kAttributes[] = {{1, MS_RDONLY}, {2, MS_NOSUID},        {4, MS_NODEV},
                   {8, MS_NOEXEC}, {0x80, MS_NODIRATIME}, {0x200000, MS_NOSYMFOLLOW}};

u64 known_attributes() {
    u64 known = MOUNT_ATTR__ATIME;
    for (const auto& a : kAttributes) known |= a.attribute;
    return known;
}
u64 plain_flags(u64 attributes) {
    u64 flags = 0;
    for (const auto& a : kAttributes) flags |= (attributes & a.attribute) ? a.flag : 0;
    return flags;
}
/// The flags for one of the three ways of keeping atime. EINVAL for none of them.
Result<u64> atime_flags(u64 attributes) {
    switch (attributes & MOUNT_ATTR__ATIME) {
        case 0:
            return u64{MS_RELATIME};
        case MOUNT_ATTR_NOATIME:
            return u64{MS_NOATIME};
        case MOUNT_ATTR_STRICTATIME:
            return u64{0};
        default:
            return Errno::EINVAL;
    }
}

Result<void> require_mount_right() {
    return may_mount() ? Result<void>() : Result<void>(Errno::EPERM);
}

Result<Path> place_of(int dirfd, UserString path, bool follow, bool empty) {
    KString text = TRY(copy_path(path.address()));
    return lookup_at(dirfd, text.c_str(), (follow ? kWalkFollow : 0) | (empty ? kWalkEmpty : 0));
}

SysResult install_context(RefPtr<FsContext> context, bool cloexec) {
    TRY(set_detached(*context, "anon_inode:[fscontext]", O_RDWR));
    return long{TRY(current()->files->install(RefPtr<File>(context), cloexec))};
}

Result<RefPtr<FsContext>> make_context() {
    return make_ref<FsContext>(*TRY(make_anon_inode("anon_inodefs", 0600)));
}

/// A key or a string value: at most 255 bytes. EINVAL beyond.
Result<KString> short_text(UserString user) {
    Result<KString> text = copy_path(user.address());
    if (text.ok() && text.value().size() > 255) return Errno::EINVAL;
    return text;
}

/// Which arguments a command has.
Result<void> check_arguments(u32 command, bool key, bool value, int aux) {
    bool good = false;
    switch (command) {
        case FSCONFIG_SET_FLAG:
            good = key && !value && !aux;
            break;
        case FSCONFIG_SET_STRING:
            good = key && value && !aux;
            break;
        case FSCONFIG_SET_BINARY:
            good = key && value && aux > 0 && aux <= 1024 * 1024;
            break;
        case FSCONFIG_SET_PATH:
        case FSCONFIG_SET_PATH_EMPTY:
            good = key && value && (aux == AT_FDCWD || aux >= 0);
            break;
        case FSCONFIG_SET_FD:
            good = key && !value && aux >= 0;
            break;
        case FSCONFIG_CMD_CREATE:
        case FSCONFIG_CMD_RECONFIGURE:
            good = !key && !value && !aux;
            break;
        default:
            return Errno::EOPNOTSUPP;
    }
    return good ? Result<void>() : Result<void>(Errno::EINVAL);
}

struct MountAttr {  // struct mount_attr
    u64 attr_set, attr_clr, propagation, userns_fd;
};
struct MountChange {
    u64 set = 0, clear = 0;
    u64 propagation = 0;
};

Result<MountChange> change_of(const MountAttr& attr) {
    MountChange change;
    const u64 types = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
    if ((attr.propagation & ~types) || (attr.propagation & (attr.propagation - 1))) return Errno::EINVAL;
    if ((attr.attr_set | attr.attr_clr) & ~known_attributes()) return Errno::EINVAL;  // no ID-mapped mounts
    change.set = plain_flags(attr.attr_set);
    change.clear = plain_flags(attr.attr_clr);
    change.propagation = attr.propagation;
    const u64 cleared = attr.attr_clr & MOUNT_ATTR__ATIME;
    if (cleared) {
        if (cleared != MOUNT_ATTR__ATIME) return Errno::EINVAL;
        change.clear |= MS_RELATIME | MS_NOATIME;
        change.set |= TRY(atime_flags(attr.attr_set));
    } else if (attr.attr_set & MOUNT_ATTR__ATIME) {
        return Errno::EINVAL;
    }
    return change;
}

}  // namespace

SysResult sys_fsopen(UserString name, u32 flags) {
    TRY(require_mount_right());
    if (flags & ~u32{FSOPEN_CLOEXEC}) return Errno::EINVAL;
    KString text = TRY(copy_path(name.address()));
    const FileSystemType* type = find_filesystem(text.c_str());
    if (!type) return Errno::ENODEV;
    RefPtr<FsContext> context = TRY(make_context());
    context->type = type;
    return install_context(std::move(context), (flags & FSOPEN_CLOEXEC) != 0);
}

SysResult sys_fspick(int dirfd, UserString path, u32 flags) {
    TRY(require_mount_right());
    if (flags & ~u32{FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH})
        return Errno::EINVAL;
    const Path place =
        TRY(place_of(dirfd, path, !(flags & FSPICK_SYMLINK_NOFOLLOW), (flags & FSPICK_EMPTY_PATH) != 0));
    if (!place.mount || !(place.dentry == place.mount->root)) return Errno::EINVAL;
    RefPtr<FsContext> context = TRY(make_context());
    context->super = place.mount->sb;
    context->phase = FsContext::Phase::kReconfigure;
    return install_context(std::move(context), (flags & FSPICK_CLOEXEC) != 0);
}

SysResult sys_fsconfig(int fd, u32 command, UserString key, UserString value, int aux) {
    if (fd < 0) return Errno::EINVAL;
    TRY(check_arguments(command, !key.is_null(), !value.is_null(), aux));
    RefPtr<File> file = TRY(get_file(fd));
    FsContext* context = file->as_fs_context();
    if (!context) return Errno::EINVAL;
    if (command == FSCONFIG_CMD_CREATE || command == FSCONFIG_CMD_RECONFIGURE) {
        TRY(require_mount_right());
        TRY(command == FSCONFIG_CMD_CREATE ? context->create() : context->reconfigure());
        return 0L;
    }
    KString key_text = TRY(short_text(key));
    if (command == FSCONFIG_SET_FLAG) {
        TRY(context->set(key_text.c_str(), nullptr));
        return 0L;
    }
    if (command != FSCONFIG_SET_STRING) return Errno::EINVAL;  // no file system here has such a parameter
    KString value_text = TRY(short_text(value));
    TRY(context->set(key_text.c_str(), value_text.c_str()));
    return 0L;
}

SysResult sys_fsmount(int fd, u32 flags, u32 attributes) {
    TRY(require_mount_right());
    if ((flags & ~u32{FSMOUNT_CLOEXEC}) || (attributes & ~known_attributes())) return Errno::EINVAL;
    const u64 mount_flags = plain_flags(attributes) | TRY(atime_flags(attributes));
    RefPtr<File> file = TRY(get_file(fd));
    FsContext* context = file->as_fs_context();
    if (!context) return Errno::EINVAL;
    RefPtr<Mount> mount = TRY(context->mount(mount_flags));
    const Path top(mount, mount->root);
    RefPtr<MntNamespace> tree = TRY(detached_namespace(std::move(mount)));
    RefPtr<File> made = TRY(make_tree_file(top, std::move(tree)));
    return long{TRY(current()->files->install(std::move(made), (flags & FSMOUNT_CLOEXEC) != 0))};
}

SysResult sys_open_tree(int dirfd, UserString path, u32 flags) {
    const bool clone = (flags & OPEN_TREE_CLONE) != 0;
    const bool recursive = (flags & kRecursive) != 0;
    if (flags & ~u32{AT_EMPTY_PATH | AT_NO_AUTOMOUNT | kRecursive | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE |
                     O_CLOEXEC})
        return Errno::EINVAL;
    if (recursive && !clone) return Errno::EINVAL;
    if (clone) TRY(require_mount_right());
    const Path place =
        TRY(place_of(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), (flags & AT_EMPTY_PATH) != 0));
    RefPtr<MntNamespace> tree;
    if (clone) tree = TRY(clone_tree(place, recursive));
    const Path shown = tree ? Path(tree->root, tree->root->root) : place;
    RefPtr<File> made = TRY(make_tree_file(shown, std::move(tree)));
    return long{TRY(current()->files->install(std::move(made), (flags & O_CLOEXEC) != 0))};
}

SysResult sys_move_mount(int from_dirfd, UserString from_path, int to_dirfd, UserString to_path, u32 flags) {
    TRY(require_mount_right());
    if (flags & ~u32{MOVE_MOUNT_KNOWN}) return Errno::EINVAL;
    const Path from = TRY(place_of(from_dirfd, from_path, (flags & MOVE_MOUNT_F_SYMLINKS) != 0,
                                   (flags & MOVE_MOUNT_F_EMPTY_PATH) != 0));
    const Path to = TRY(place_of(to_dirfd, to_path, (flags & MOVE_MOUNT_T_SYMLINKS) != 0,
                                 (flags & MOVE_MOUNT_T_EMPTY_PATH) != 0));
    TRY(move_mount(from, to));
    return 0L;
}

SysResult sys_mount_setattr(int dirfd, UserString path, u32 flags, u64 user_attr, u64 size) {
    if (flags & ~u32{AT_EMPTY_PATH | kRecursive | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT})
        return Errno::EINVAL;
    if (size > kPageSize) return Errno::E2BIG;
    if (size < sizeof(MountAttr)) return Errno::EINVAL;
    TRY(require_mount_right());
    const MountAttr attr = TRY(UserPtr<MountAttr>(user_attr).read());
    for (u64 at = sizeof(attr); at < size; at++) {  // what later kernels know must not be asked for
        if (TRY(UserPtr<u8>(user_attr + at).read())) return Errno::E2BIG;
    }
    if (!attr.attr_set && !attr.attr_clr && !attr.propagation) return 0L;
    const MountChange change = TRY(change_of(attr));
    const Path place =
        TRY(place_of(dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW), (flags & AT_EMPTY_PATH) != 0));
    TRY(change_mounts(place, (flags & kRecursive) != 0, change.set, change.clear, change.propagation));
    return 0L;
}
