// File-related ABI numbers of Linux x86-64: open flags, fcntl commands, at-flags, seek origins, locks
// (open(2), fcntl(2), lseek(2), openat2(2)). Numbers only; what the kernel does with them is in fs/.
#pragma once

#include "abi/call_layout.h"
#include "abi/host_names.h"
#include "core/types.h"

constexpr int O_ACCMODE = 03;
constexpr int O_RDONLY = 00;
constexpr int O_WRONLY = 01;
constexpr int O_RDWR = 02;
constexpr int O_CREAT = 0100;
constexpr int O_EXCL = 0200;
constexpr int O_NOCTTY = 0400;
constexpr int O_TRUNC = 01000;
constexpr int O_APPEND = 02000;
constexpr int O_NONBLOCK = 04000;
constexpr int O_DSYNC = 010000;
constexpr int O_ASYNC = 020000;
constexpr int O_DIRECT = 040000;
constexpr int O_LARGEFILE = 0100000;
constexpr int O_DIRECTORY = 0200000;
constexpr int O_NOFOLLOW = 0400000;
constexpr int O_NOATIME = 01000000;
constexpr int O_CLOEXEC = 02000000;
constexpr int O_SYNC = 04010000;
constexpr int O_PATH = 010000000;
constexpr int O_TMPFILE = 020200000;

/// What open(2) silently keeps; every other bit is ignored there, as Linux does.
constexpr int kValidOpenFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK |
                                O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW |
                                O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;

constexpr int F_DUPFD = 0;
constexpr int F_GETFD = 1;
constexpr int F_SETFD = 2;
constexpr int F_GETFL = 3;
constexpr int F_SETFL = 4;
constexpr int F_GETLK = 5;
constexpr int F_SETLK = 6;
constexpr int F_SETLKW = 7;
constexpr int F_SETOWN = 8;
constexpr int F_GETOWN = 9;
constexpr int F_SETSIG = 10;
constexpr int F_GETSIG = 11;
constexpr int F_SETOWN_EX = 15;
constexpr int F_GETOWN_EX = 16;
constexpr int F_OFD_GETLK = 36;
constexpr int F_OFD_SETLK = 37;
constexpr int F_OFD_SETLKW = 38;
constexpr int F_SETLEASE = 1024;
constexpr int F_GETLEASE = 1025;
constexpr int F_NOTIFY = 1026;
constexpr int F_DUPFD_CLOEXEC = 1030;
constexpr int F_SETPIPE_SZ = 1031;
constexpr int F_GETPIPE_SZ = 1032;
constexpr int F_ADD_SEALS = 1033;
constexpr int F_GET_SEALS = 1034;
constexpr int FD_CLOEXEC = 1;

constexpr u32 F_SEAL_SEAL = 1;
constexpr u32 F_SEAL_SHRINK = 2;
constexpr u32 F_SEAL_GROW = 4;
constexpr u32 F_SEAL_WRITE = 8;
constexpr u32 F_SEAL_FUTURE_WRITE = 16;

constexpr i16 F_RDLCK = 0;
constexpr i16 F_WRLCK = 1;
constexpr i16 F_UNLCK = 2;
constexpr int LOCK_SH = 1;
constexpr int LOCK_EX = 2;
constexpr int LOCK_NB = 4;
constexpr int LOCK_UN = 8;
constexpr int LOCK_MAND = 32;  ///< mandatory locks; gone from Linux, which takes the call and does nothing

constexpr int AT_FDCWD = -100;
constexpr int AT_SYMLINK_NOFOLLOW = 0x100;
constexpr int AT_REMOVEDIR = 0x200;
constexpr int AT_EACCESS = 0x200;
constexpr int AT_SYMLINK_FOLLOW = 0x400;
constexpr int AT_NO_AUTOMOUNT = 0x800;
constexpr int AT_EMPTY_PATH = 0x1000;
constexpr int AT_STATX_SYNC_TYPE = 0x6000;

constexpr int SEEK_SET = 0;
constexpr int SEEK_CUR = 1;
constexpr int SEEK_END = 2;
constexpr int SEEK_DATA = 3;
constexpr int SEEK_HOLE = 4;

constexpr u32 RENAME_NOREPLACE = 1;
constexpr u32 RENAME_EXCHANGE = 2;
constexpr u32 RENAME_WHITEOUT = 4;

constexpr int FALLOC_FL_KEEP_SIZE = 1;
constexpr int FALLOC_FL_PUNCH_HOLE = 2;
constexpr int FALLOC_FL_ZERO_RANGE = 16;

constexpr u32 MFD_CLOEXEC = 1;
constexpr u32 MFD_ALLOW_SEALING = 2;
constexpr u32 MFD_HUGETLB = 4;
constexpr unsigned MFD_HUGE_SHIFT = 26;  // six bits: log2 of the page size
constexpr u32 CLOSE_RANGE_UNSHARE = 2;
constexpr u32 CLOSE_RANGE_CLOEXEC = 4;

constexpr size_t PATH_MAX = 4096;
constexpr size_t NAME_MAX = 255;
constexpr size_t PIPE_BUF = 4096;
constexpr int kMaxSymlinks = 40;  ///< MAXSYMLINKS: one walk follows at most this many (path_resolution(7)).
constexpr size_t IOV_MAX = 1024;

struct KernelFlock {  // struct flock of the x86-64 ABI
    i16 l_type;
    i16 l_whence;
    i32 pad;
    i64 l_start;
    i64 l_len;
    i32 l_pid;
    i32 pad2;
};
static_assert(sizeof(KernelFlock) == 32);
template <>
struct Ia32Layout<KernelFlock> {
    template <class Off>
    struct [[gnu::packed]] Raw {
        i16 type, whence;
        Off start, len;
        i32 pid;
    };
    using Small = Raw<i32>;  // struct flock
    using Large = Raw<i64>;  // struct flock64
    static_assert(sizeof(Small) == 16 && sizeof(Large) == 24);

    template <class Off>
    static Result<KernelFlock> widen(const Raw<Off>& r) {
        return KernelFlock{r.type, r.whence, 0, r.start, r.len, r.pid, 0};
    }
    template <class Off>
    static Result<void> narrow(const KernelFlock& f, Raw<Off>& out) {
        constexpr i64 kLongest = sizeof(Off) == 4 ? 0x7fffffff : 0x7fffffffffffffff;
        if (f.l_start > kLongest) return Errno::EOVERFLOW;
        // A lock to the end of the file stays one, whatever its length.
        out.type = f.l_type;
        out.whence = f.l_whence;
        out.start = static_cast<Off>(f.l_start);
        out.len = static_cast<Off>(f.l_len > kLongest ? kLongest : f.l_len);
        out.pid = f.l_pid;
        return {};
    }
};

struct KernelIovec {
    u64 iov_base;
    u64 iov_len;
};
template <>
struct Ia32Layout<KernelIovec> {
    struct Small {
        u32 base;
        i32 length;
    };
    static Result<KernelIovec> widen(const Small& s) {
        return KernelIovec{s.base,
                           static_cast<u64>(static_cast<i64>(s.length))};  // negative ones are refused
    }
    using Large = Small;
};
