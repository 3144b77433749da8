// What a file is: stat and statx, access, readlink, statfs.
#include "core/kmalloc.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/namei.h"
#include "syscall/fs_syscalls.h"

namespace {

SysResult stat_place(const Path& place, UserPtr<KernelStat> buf) {
    KernelStat st;
    place.inode().getattr(&st);
    TRY(buf.write(st));
    return 0L;
}

// What the *at calls with AT_EMPTY_PATH walk to.
Result<Path> place_at(int dirfd, UserString path, int flags) {
    u32 walk = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : kWalkFollow;
    if (flags & AT_EMPTY_PATH) {
        walk |= kWalkEmpty;
        if (path.is_null()) return lookup_at(dirfd, "", walk);
    }
    KString text = TRY(copy_path(path.address()));
    return lookup_at(dirfd, text.c_str(), walk);
}

StatxTimestamp statx_time(const KernelTimespec& t) {
    return {t.tv_sec, static_cast<u32>(t.tv_nsec), 0};
}

SysResult check_access(int dirfd, UserString path, int mode, int flags) {
    if (mode & ~7) return Errno::EINVAL;
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return Errno::EINVAL;
    // access() asks for the real ids; the path itself is walked with them too.
    Credentials& mine = current()->cred;
    const Credentials saved_ids = mine;
    if ((flags & AT_EACCESS) == 0) {
        mine.fsuid = mine.uid;
        mine.fsgid = mine.gid;
        mine.cap_effective = mine.uid == mine.root_uid() ? mine.cap_permitted : 0;
    }
    Result<void> allowed = [&]() -> Result<void> {
        const Path place = TRY(place_at(dirfd, path, flags));
        if ((mode & kMayExec) && place.inode().is_regular() && place.mount &&
            (place.mount->flags & MS_NOEXEC)) {
            return Errno::EACCES;
        }
        if (mode != 0) TRY(inode_permission(place.inode(), static_cast<u32>(mode)));
        const u32 type = place.inode().mode & S_IFMT;
        const bool special = type == S_IFCHR || type == S_IFBLK || type == S_IFIFO || type == S_IFSOCK;
        if ((mode & kMayWrite) && !special) TRY(require_writable(place));
        return {};
    }();
    mine.fsuid = saved_ids.fsuid;
    mine.fsgid = saved_ids.fsgid;
    mine.cap_effective = saved_ids.cap_effective;
    TRY(std::move(allowed));
    return 0L;
}

SysResult statfs_place(const Path& place, UserPtr<KernelStatfs> buf) {
    constexpr i64 kStValid = 0x20;
    KernelStatfs out;
    TRY(place.inode().sb->statfs(&out));
    out.f_flags = kStValid;
    if (place.mount) {
        const u64 m = place.mount->flags;
        if (place.mount->read_only()) out.f_flags |= 1;
        out.f_flags |= static_cast<i64>(m & (MS_NOSUID | MS_NODEV | MS_NOEXEC));
        if (m & MS_NOATIME) out.f_flags |= 0x400;
        if (m & MS_NODIRATIME) out.f_flags |= 0x800;
        if (m & MS_RELATIME) out.f_flags |= 0x1000;
    }
    TRY(buf.write(out));
    return 0L;
}

}  // namespace

SysResult sys_newfstatat(int dirfd, UserString path, UserPtr<KernelStat> buf, int flags) {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) {
        return Errno::EINVAL;
    }
    return stat_place(TRY(place_at(dirfd, path, flags)), buf);
}

SysResult sys_stat(UserString path, UserPtr<KernelStat> buf) {
    return stat_place(TRY(place_at(AT_FDCWD, path, 0)), buf);
}

SysResult sys_lstat(UserString path, UserPtr<KernelStat> buf) {
    return stat_place(TRY(place_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)), buf);
}

SysResult sys_fstat(int fd, UserPtr<KernelStat> buf) {
    RefPtr<File> file = TRY(get_file_or_path(fd));
    return stat_place(file->path, buf);
}

SysResult sys_statx(int dirfd, UserString path, int flags, u32 mask, UserPtr<KernelStatx> buf) {
    if (mask & STATX_RESERVED) return Errno::EINVAL;
    if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) return Errno::EINVAL;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) {
        return Errno::EINVAL;
    }
    const Path place = TRY(place_at(dirfd, path, flags));
    KernelStat st;
    place.inode().getattr(&st);
    KernelStatx out{};
    out.stx_mask = STATX_BASIC_STATS;
    out.stx_blksize = static_cast<u32>(st.st_blksize);
    out.stx_nlink = static_cast<u32>(st.st_nlink);
    out.stx_uid = st.st_uid;
    out.stx_gid = st.st_gid;
    out.stx_mode = static_cast<u16>(st.st_mode);
    out.stx_ino = st.st_ino;
    out.stx_size = static_cast<u64>(st.st_size);
    out.stx_blocks = static_cast<u64>(st.st_blocks);
    out.stx_atime = statx_time(st.st_atim);
    out.stx_mtime = statx_time(st.st_mtim);
    out.stx_ctime = statx_time(st.st_ctim);
    out.stx_rdev_major = dev_major(st.st_rdev);
    out.stx_rdev_minor = dev_minor(st.st_rdev);
    out.stx_dev_major = dev_major(st.st_dev);
    out.stx_dev_minor = dev_minor(st.st_dev);
    const timespec64* born = (mask & STATX_BTIME) ? place.inode().birth_time() : nullptr;
    if (born) {
        out.stx_mask |= STATX_BTIME;
        out.stx_btime = statx_time({born->tv_sec, born->tv_nsec});
    }
    out.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    if (place.mount) {
        out.stx_mask |= STATX_MNT_ID;
        out.stx_mnt_id = place.mount->id;
        if (place.dentry == place.mount->root) out.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
    }
    TRY(buf.write(out));
    return 0L;
}

SysResult sys_access(UserString path, int mode) {
    return check_access(AT_FDCWD, path, mode, 0);
}
SysResult sys_faccessat(int dirfd, UserString path, int mode) {
    return check_access(dirfd, path, mode, 0);
}
SysResult sys_faccessat2(int dirfd, UserString path, int mode, int flags) {
    return check_access(dirfd, path, mode, flags);
}

SysResult sys_readlinkat(int dirfd, UserString path, UserBytes buf, int size) {
    if (size <= 0) return Errno::EINVAL;
    KString text = TRY(copy_path(path.address()));
    const Path place = TRY(lookup_at(dirfd, text.c_str(), kWalkEmpty));
    if (!place.inode().is_symlink()) return text.empty() ? Errno::ENOENT : Errno::EINVAL;
    KString target = TRY(place.inode().readlink());
    const size_t n = min<size_t>(target.size(), static_cast<size_t>(size));
    TRY(buf.copy_out(target.c_str(), n));
    return static_cast<long>(n);
}

SysResult sys_readlink(UserString path, UserBytes buf, int size) {
    return sys_readlinkat(AT_FDCWD, path, buf, size);
}

SysResult sys_statfs(UserString path, UserPtr<KernelStatfs> buf) {
    return statfs_place(TRY(place_at(AT_FDCWD, path, 0)), buf);
}

SysResult sys_fstatfs(int fd, UserPtr<KernelStatfs> buf) {
    RefPtr<File> file = TRY(get_file_or_path(fd));
    return statfs_place(file->path, buf);
}
