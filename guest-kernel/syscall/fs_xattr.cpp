// Extended attributes (xattr(7)): the twelve calls, each on a path, a link itself, or a descriptor.
#include "core/string.h"
#include "fs/files_struct.h"
#include "fs/namei.h"
#include "fs/xattr.h"
#include "syscall/fs_syscalls.h"

namespace {

Result<Path> place_of(UserString path, u32 walk) {
    KString text = TRY(copy_path(path.address()));
    return lookup_at(AT_FDCWD, text.c_str(), walk);
}

struct AttrName {
    char text[kXattrNameMax + 1];
};

Result<void> copy_name(UserString user, AttrName* name) {
    const Result<size_t> length = user.strncpy_from_user(name->text, sizeof(name->text));
    if (!length.ok()) return length.error() == Errno::ENAMETOOLONG ? Errno::ERANGE : length.error();
    return length.value() == 0 ? Result<void>(Errno::ERANGE) : Result<void>();
}

SysResult set(const Path& path, UserString user_name, UserBytes value, size_t size, int flags) {
    AttrName name;
    if (flags & ~(kXattrCreate | kXattrReplace)) return Errno::EINVAL;
    TRY(copy_name(user_name, &name));
    if (size > kXattrSizeMax) return Errno::E2BIG;
    Vec<u8> bytes;
    TRY(bytes.resize(size + 1));
    TRY(value.copy_in(bytes.data(), size));
    TRY(vfs_setxattr(path, name.text, bytes.data(), size, flags));
    return 0L;
}

SysResult get(Inode& inode, UserString user_name, UserBytes value, size_t size) {
    AttrName name;
    TRY(copy_name(user_name, &name));
    const size_t room = min(size, kXattrSizeMax);
    Vec<u8> bytes;
    TRY(bytes.resize(room + 1));
    Result<size_t> length = vfs_getxattr(inode, name.text, bytes.data(), room);
    if (!length.ok()) {
        return length.error() == Errno::ERANGE && size >= kXattrSizeMax ? Errno::E2BIG : length.error();
    }
    if (size != 0) TRY(value.copy_out(bytes.data(), length.value()));
    return static_cast<long>(length.value());
}

SysResult list(Inode& inode, UserBytes user_list, size_t size) {
    KString names;
    TRY(vfs_listxattr(inode, names));
    if (size != 0) {
        if (names.size() > kXattrListMax) return Errno::E2BIG;
        if (names.size() > size) return Errno::ERANGE;
        TRY(user_list.copy_out(names.c_str(), names.size()));
    }
    return static_cast<long>(names.size());
}

SysResult remove(const Path& path, UserString user_name) {
    AttrName name;
    TRY(copy_name(user_name, &name));
    TRY(vfs_removexattr(path, name.text));
    return 0L;
}

}  // namespace

SysResult sys_setxattr(UserString path, UserString name, UserBytes value, size_t size, int flags) {
    return set(TRY(place_of(path, kWalkFollow)), name, value, size, flags);
}
SysResult sys_lsetxattr(UserString path, UserString name, UserBytes value, size_t size, int flags) {
    return set(TRY(place_of(path, 0)), name, value, size, flags);
}
SysResult sys_fsetxattr(int fd, UserString name, UserBytes value, size_t size, int flags) {
    return set(TRY(get_file(fd))->path, name, value, size, flags);
}

SysResult sys_getxattr(UserString path, UserString name, UserBytes value, size_t size) {
    return get(TRY(place_of(path, kWalkFollow)).inode(), name, value, size);
}
SysResult sys_lgetxattr(UserString path, UserString name, UserBytes value, size_t size) {
    return get(TRY(place_of(path, 0)).inode(), name, value, size);
}
SysResult sys_fgetxattr(int fd, UserString name, UserBytes value, size_t size) {
    return get(*TRY(get_file(fd))->inode, name, value, size);
}

SysResult sys_listxattr(UserString path, UserBytes names, size_t size) {
    return list(TRY(place_of(path, kWalkFollow)).inode(), names, size);
}
SysResult sys_llistxattr(UserString path, UserBytes names, size_t size) {
    return list(TRY(place_of(path, 0)).inode(), names, size);
}
SysResult sys_flistxattr(int fd, UserBytes names, size_t size) {
    return list(*TRY(get_file(fd))->inode, names, size);
}

SysResult sys_removexattr(UserString path, UserString name) {
    return remove(TRY(place_of(path, kWalkFollow)), name);
}
SysResult sys_lremovexattr(UserString path, UserString name) {
    return remove(TRY(place_of(path, 0)), name);
}
SysResult sys_fremovexattr(int fd, UserString name) {
    return remove(TRY(get_file(fd))->path, name);
}
