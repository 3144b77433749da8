// open, close and what makes descriptors out of nothing: pipe, memfd_create.
#include "abi/signal.h"
#include "fs/files_struct.h"
#include "fs/hugetlbfs/hugetlbfs.h"
#include "fs/namei.h"
#include "fs/open_file.h"
#include "fs/pipe.h"
#include "fs/tmpfs/tmpfs.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"

SysResult sys_openat(int dirfd, UserString path, int flags, u32 mode) {
    KString text = TRY(copy_path(path.address()));
    RefPtr<File> file = TRY(open_at(dirfd, text.c_str(), flags, mode));
    return long{TRY(current()->files->install(std::move(file), (flags & O_CLOEXEC) != 0))};
}

namespace {
struct OpenHow {  // struct open_how
    u64 flags, mode, resolve;
};

/// openat2(2) refuses what openat(2) ignores.
Result<void> check_how(const OpenHow& how) {
    constexpr u64 kKnownResolve = 0x3f;
    if (how.flags & ~static_cast<u64>(static_cast<u32>(kValidOpenFlags))) return Errno::EINVAL;
    if ((how.resolve & ~kKnownResolve) || ((how.resolve & kResolveBeneath) && (how.resolve & kResolveInRoot)))
        return Errno::EINVAL;
    const bool makes = (how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0;
    if (makes ? (how.mode & ~u64{S_IALLUGO}) != 0 : how.mode != 0) return Errno::EINVAL;
    constexpr u64 kPathFlags = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
    if ((how.flags & O_PATH) && (how.flags & ~kPathFlags)) return Errno::EINVAL;
    if ((how.resolve & kResolveCached) && (makes || (how.flags & O_TRUNC))) return Errno::EAGAIN;
    return {};
}
}  // namespace

SysResult sys_openat2(int dirfd, UserString path, u64 user_how, u64 size) {
    if (size < sizeof(OpenHow)) return Errno::EINVAL;
    if (size > kPageSize) return Errno::E2BIG;
    const OpenHow how = TRY(UserPtr<OpenHow>(user_how).read());
    for (u64 at = sizeof(how); at < size; at++) {  // what later kernels know must not be asked for
        if (TRY(UserPtr<u8>(user_how + at).read())) return Errno::E2BIG;
    }
    TRY(check_how(how));
    KString text = TRY(copy_path(path.address()));
    const int flags = static_cast<int>(how.flags);
    RefPtr<File> file =
        TRY(open_at(dirfd, text.c_str(), flags, static_cast<u32>(how.mode), static_cast<u32>(how.resolve)));
    return long{TRY(current()->files->install(std::move(file), (flags & O_CLOEXEC) != 0))};
}

SysResult sys_open(UserString path, int flags, u32 mode) {
    return sys_openat(AT_FDCWD, path, flags, mode);
}

SysResult sys_creat(UserString path, u32 mode) {
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SysResult sys_close(int fd) {
    TRY(current()->files->close(fd));
    return 0L;
}

SysResult sys_close_range(u32 first, u32 last, u32 flags) {
    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return Errno::EINVAL;
    if (first > last) return Errno::EINVAL;
    if ((flags & CLOSE_RANGE_UNSHARE) && current()->files->ref_count() > 1) {
        RefPtr<FilesStruct> own = TRY(current()->files->clone());
        FilesStruct* shared = current()->files;
        current()->files = own.leak();
        shared->unref();
    }
    if (flags & CLOSE_RANGE_CLOEXEC) {
        current()->files->set_cloexec_range(first, last);
    } else {
        current()->files->close_range(first, last);
    }
    return 0L;
}

SysResult sys_pipe2(UserPtr<i32> fds, int flags) {
    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) return Errno::EINVAL;
    if (flags & O_DIRECT) return Errno::EINVAL;  // no packet mode here
    PipePair pair = TRY(make_pipe(flags));
    FilesStruct& files = *current()->files;
    const bool cloexec = (flags & O_CLOEXEC) != 0;
    const i32 read_fd = TRY(files.install(std::move(pair.read_end), cloexec));
    Result<int> write_fd = files.install(std::move(pair.write_end), cloexec);
    if (!write_fd.ok()) {
        (void)files.close(read_fd);
        return write_fd.error();
    }
    const i32 both[2] = {read_fd, write_fd.value()};
    if (!fds.copy_out(both, sizeof(both)).ok()) {
        (void)files.close(both[0]);
        (void)files.close(both[1]);
        return Errno::EFAULT;
    }
    return 0L;
}

SysResult sys_pipe(UserPtr<i32> fds) {
    return sys_pipe2(fds, 0);
}

SysResult sys_memfd_create(UserString name, u32 flags) {
    constexpr size_t kMaxName = 249;
    const u32 size_bits = flags & MFD_HUGETLB ? 63u << MFD_HUGE_SHIFT : 0;
    if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | size_bits)) return Errno::EINVAL;
    char label[kMaxName + 8] = "/memfd:";
    Result<size_t> length = name.strncpy_from_user(label + 7, kMaxName + 1);
    if (!length.ok()) return length.error() == Errno::ENAMETOOLONG ? Errno::EINVAL : length.error();
    const bool sealable = flags & MFD_ALLOW_SEALING;
    RefPtr<TmpfsInode> inode = flags & MFD_HUGETLB
                                   ? TRY(make_nameless_hugetlbfs_file(flags >> MFD_HUGE_SHIFT & 63, sealable))
                                   : TRY(make_nameless_tmpfs_file(sealable));
    RefPtr<File> file = TRY(inode->open(O_RDWR));
    TRY(set_detached(*file, label, O_RDWR | O_LARGEFILE));
    TRY(inode->get_write_access());
    file->holds_write_access = true;
    return long{TRY(current()->files->install(std::move(file), (flags & MFD_CLOEXEC) != 0))};
}
