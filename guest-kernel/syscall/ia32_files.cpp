// Calls of 32-bit programs about files whose arguments differ from x86-64's: 64-bit values come in two registers
// (Linux: arch/x86/kernel/sys_ia32.c, fs/*.c's COMPAT_SYSCALL_DEFINEs).
#include "syscall/ia32_syscalls.h"
#include "syscall/syscalls.h"
#include "task/task.h"

namespace {

constexpr i64 joined(u32 low, u32 high) {
    return static_cast<i64>(u64{high} << 32 | low);
}

/// The layout of a call's structures for a part of it.
class WithLayout {
  public:
    explicit WithLayout(CallLayout layout) : before_(current()->call_layout) {
        current()->call_layout = layout;
    }
    ~WithLayout() { current()->call_layout = before_; }
    WithLayout(const WithLayout&) = delete;
    WithLayout& operator=(const WithLayout&) = delete;

  private:
    CallLayout before_;
};

constexpr int kGetlk64 = 12, kSetlk64 = 13, kSetlkw64 = 14;

}  // namespace

SysResult ia32_llseek(int fd, u32 high, u32 low, UserPtr<i64> result, u32 whence) {
    const long position = TRY(sys_lseek(fd, joined(low, high), whence));
    TRY(result.write(position));
    return 0l;
}

SysResult ia32_truncate64(UserString path, u32 low, u32 high) {
    return sys_truncate(path, joined(low, high));
}
SysResult ia32_ftruncate64(int fd, u32 low, u32 high) {
    return sys_ftruncate(fd, joined(low, high));
}
SysResult ia32_pread64(int fd, UserBytes buf, u32 count, u32 low, u32 high) {
    return sys_pread64(fd, buf, count, joined(low, high));
}
SysResult ia32_pwrite64(int fd, UserBytes buf, u32 count, u32 low, u32 high) {
    return sys_pwrite64(fd, buf, count, joined(low, high));
}
SysResult ia32_preadv(int fd, UserIovec iov, u32 count, u32 low, u32 high) {
    return sys_preadv(fd, iov, count, static_cast<u64>(joined(low, high)), 0);
}
SysResult ia32_pwritev(int fd, UserIovec iov, u32 count, u32 low, u32 high) {
    return sys_pwritev(fd, iov, count, static_cast<u64>(joined(low, high)), 0);
}
SysResult ia32_preadv2(int fd, UserIovec iov, u32 count, u32 low, u32 high, int flags) {
    return sys_preadv2(fd, iov, count, static_cast<u64>(joined(low, high)), 0, flags);
}
SysResult ia32_pwritev2(int fd, UserIovec iov, u32 count, u32 low, u32 high, int flags) {
    return sys_pwritev2(fd, iov, count, static_cast<u64>(joined(low, high)), 0, flags);
}
SysResult ia32_readahead(int fd, u32 low, u32 high, u32 count) {
    return sys_readahead(fd, joined(low, high), count);
}
SysResult ia32_sync_file_range(int fd, u32 low, u32 high, u32 bytes_low, u32 bytes_high, u32 flags) {
    return sys_sync_file_range(fd, joined(low, high), joined(bytes_low, bytes_high), flags);
}
SysResult ia32_fallocate(int fd, int mode, u32 low, u32 high, u32 length_low, u32 length_high) {
    return sys_fallocate(fd, mode, joined(low, high), joined(length_low, length_high));
}
SysResult ia32_fadvise64(int fd, u32 low, u32 high, u32 length, int advice) {
    return sys_fadvise64(fd, joined(low, high), length, advice);
}
SysResult ia32_fadvise64_64(int fd, u32 low, u32 high, u32 length_low, u32 length_high, int advice) {
    return sys_fadvise64(fd, joined(low, high), joined(length_low, length_high), advice);
}

SysResult ia32_fcntl64(int fd, int command, u32 argument) {
    switch (command) {
        case kGetlk64:
        case kSetlk64:
        case kSetlkw64: {
            const WithLayout large(CallLayout::kIa32Large);
            return sys_fcntl(fd, command - kGetlk64 + F_GETLK, argument);
        }
        case F_OFD_GETLK:
        case F_OFD_SETLK:
        case F_OFD_SETLKW: {
            const WithLayout large(CallLayout::kIa32Large);
            return sys_fcntl(fd, command, argument);
        }
        default:
            return sys_fcntl(fd, command, argument);
    }
}
SysResult ia32_statfs64(UserString path, u32 size, UserPtr<KernelStatfs> buf) {
    if (size != user_size<KernelStatfs>()) return Errno::EINVAL;
    return sys_statfs(path, buf);
}
SysResult ia32_fstatfs64(int fd, u32 size, UserPtr<KernelStatfs> buf) {
    if (size != user_size<KernelStatfs>()) return Errno::EINVAL;
    return sys_fstatfs(fd, buf);
}

SysResult ia32_select(u64 arguments) {
    u32 a[5];
    TRY(UserBytes(arguments).copy_in(a, sizeof(a)));
    return sys_select(static_cast<int>(a[0]), UserPtr<u64>(a[1]), UserPtr<u64>(a[2]), UserPtr<u64>(a[3]),
                      UserPtr<KernelTimeval>(a[4]));
}

SysResult ia32_mmap(u64 arguments) {
    u32 a[6];
    TRY(UserBytes(arguments).copy_in(a, sizeof(a)));
    return sys_mmap(a[0], a[1], a[2], a[3], static_cast<int>(a[4]), a[5]);
}
SysResult ia32_mmap2(u64 address, u64 length, u64 prot, u64 flags, int fd, u32 page_offset) {
    return sys_mmap(address, length, prot, flags, fd, u64{page_offset} << 12);
}

SysResult ia32_umount(UserString target) {
    return sys_umount2(target, 0);
}
