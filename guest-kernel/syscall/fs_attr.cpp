// Mode, owner, times, umask.
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/fs_struct.h"
#include "fs/namei.h"
#include "fs/vfs_ops.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"

namespace {

Result<Path> place_of(int dirfd, UserString path, u32 walk) {
    KString text = TRY(copy_path(path.address()));
    return lookup_at(dirfd, text.c_str(), walk);
}

SysResult done(Result<void> result) {
    TRY(std::move(result));
    return 0L;
}

bool good_time(const KernelTimespec& t) {
    return t.tv_nsec == UTIME_NOW || t.tv_nsec == UTIME_OMIT ||
           (t.tv_nsec >= 0 && t.tv_nsec < static_cast<i64>(kNsPerSec));
}

// The two times, which Linux reads before it looks for the file; `given`: not null, which means now.
struct TimePair {
    KernelTimespec both[2];
    bool given;
    const KernelTimespec* get() const { return given ? both : nullptr; }
};

Result<TimePair> read_micro_times(UserPtr<KernelTimeval> times) {
    TimePair pair{{}, !times.is_null()};
    for (int i = 0; pair.given && i < 2; i++) {
        const KernelTimeval t = TRY(times.offset(i).read());
        if (t.tv_usec < 0 || t.tv_usec >= 1'000'000) return Errno::EINVAL;
        pair.both[i] = {t.tv_sec, t.tv_usec * 1000};
    }
    return pair;
}

}  // namespace

SysResult sys_fchmodat(int dirfd, UserString path, u32 mode) {
    return done(vfs_chmod(TRY(place_of(dirfd, path, kWalkFollow)), mode));
}
SysResult sys_chmod(UserString path, u32 mode) {
    return sys_fchmodat(AT_FDCWD, path, mode);
}
SysResult sys_fchmod(int fd, u32 mode) {
    return done(vfs_chmod(TRY(get_file(fd))->path, mode));
}

namespace {

/// Ids that a program names, -1 standing for none. EINVAL when its user namespace does not have one of them.
Result<void> to_kernel_ids(u32* uid, u32* gid) {
    const Credentials& cred = current_cred();
    const u32 kernel_uid = cred.kernel_uid(*uid), kernel_gid = cred.kernel_gid(*gid);
    if ((kernel_uid == kNoId && *uid != kNoId) || (kernel_gid == kNoId && *gid != kNoId))
        return Errno::EINVAL;
    *uid = kernel_uid;
    *gid = kernel_gid;
    return {};
}

}  // namespace

SysResult sys_fchownat(int dirfd, UserString path, u32 uid, u32 gid, int flags) {
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return Errno::EINVAL;
    u32 walk = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : kWalkFollow;
    if (flags & AT_EMPTY_PATH) walk |= kWalkEmpty;
    TRY(to_kernel_ids(&uid, &gid));
    return done(vfs_chown(TRY(place_of(dirfd, path, walk)), uid, gid));
}
SysResult sys_chown(UserString path, u32 uid, u32 gid) {
    return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}
SysResult sys_lchown(UserString path, u32 uid, u32 gid) {
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
SysResult sys_fchown(int fd, u32 uid, u32 gid) {
    const RefPtr<File> file = TRY(get_file(fd));
    TRY(to_kernel_ids(&uid, &gid));
    return done(vfs_chown(file->path, uid, gid));
}

SysResult sys_utimensat(int dirfd, UserString path, UserTimespec times, int flags) {
    KernelTimespec both[2];
    if (!times.is_null()) {
        TRY(times.read_array(both, 2));
        if (!good_time(both[0]) || !good_time(both[1])) return Errno::EINVAL;
        if (both[0].tv_nsec == UTIME_OMIT && both[1].tv_nsec == UTIME_OMIT) return 0L;
    }
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return Errno::EINVAL;
    Path place;
    if (path.is_null()) {  // the descriptor itself
        if (dirfd == AT_FDCWD) return Errno::EFAULT;
        if (flags) return Errno::EINVAL;
        place = TRY(get_file(dirfd))->path;
    } else {
        u32 walk = (flags & AT_SYMLINK_NOFOLLOW) ? 0 : kWalkFollow;
        if (flags & AT_EMPTY_PATH) walk |= kWalkEmpty;
        place = TRY(place_of(dirfd, path, walk));
    }
    return done(vfs_utimes(place, times.is_null() ? nullptr : both));
}

SysResult sys_futimesat(int dirfd, UserString path, UserPtr<KernelTimeval> times) {
    const TimePair pair = TRY(read_micro_times(times));
    if (path.is_null() && dirfd != AT_FDCWD) return done(vfs_utimes(TRY(get_file(dirfd))->path, pair.get()));
    return done(vfs_utimes(TRY(place_of(dirfd, path, kWalkFollow)), pair.get()));
}
SysResult sys_utimes(UserString path, UserPtr<KernelTimeval> times) {
    const TimePair pair = TRY(read_micro_times(times));
    return done(vfs_utimes(TRY(place_of(AT_FDCWD, path, kWalkFollow)), pair.get()));
}
SysResult sys_utime(UserString path, UserPtr<UserLong> times) {
    TimePair pair{{}, !times.is_null()};
    for (int i = 0; pair.given && i < 2; i++) pair.both[i].tv_sec = TRY(times.offset(i).read()).value;
    return done(vfs_utimes(TRY(place_of(AT_FDCWD, path, kWalkFollow)), pair.get()));
}

SysResult sys_umask(u32 mask) {
    return long{current()->fs->set_umask(mask)};
}
