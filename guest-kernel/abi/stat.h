// File modes, struct stat, struct statx, struct statfs and directory entries of the Linux x86-64 ABI
// (inode(7), stat(2), statx(2), statfs(2), getdents(2)).
#pragma once

#include "abi/call_layout.h"
#include "abi/host_names.h"
#include "core/types.h"

constexpr u32 S_IFMT = 0170000;
constexpr u32 S_IFSOCK = 0140000;
constexpr u32 S_IFLNK = 0120000;
constexpr u32 S_IFREG = 0100000;
constexpr u32 S_IFBLK = 0060000;
constexpr u32 S_IFDIR = 0040000;
constexpr u32 S_IFCHR = 0020000;
constexpr u32 S_IFIFO = 0010000;
constexpr u32 S_ISUID = 0004000;
constexpr u32 S_ISGID = 0002000;
constexpr u32 S_ISVTX = 0001000;
constexpr u32 S_IXGRP = 0000010;
constexpr u32 S_IALLUGO = 07777;

constexpr bool S_ISDIR(u32 mode) {
    return (mode & S_IFMT) == S_IFDIR;
}
constexpr bool S_ISREG(u32 mode) {
    return (mode & S_IFMT) == S_IFREG;
}
constexpr bool S_ISLNK(u32 mode) {
    return (mode & S_IFMT) == S_IFLNK;
}
constexpr bool S_ISCHR(u32 mode) {
    return (mode & S_IFMT) == S_IFCHR;
}
constexpr bool S_ISBLK(u32 mode) {
    return (mode & S_IFMT) == S_IFBLK;
}
constexpr bool S_ISFIFO(u32 mode) {
    return (mode & S_IFMT) == S_IFIFO;
}

struct KernelTimespec {
    i64 tv_sec;
    i64 tv_nsec;
};
struct KernelTimeval {
    i64 tv_sec;
    i64 tv_usec;
};
template <>
struct Ia32Layout<KernelTimespec> : Ia32TimespecLayout<KernelTimespec> {};
template <>
struct Ia32Layout<KernelTimeval> : Ia32PairLayout<KernelTimeval> {};

struct KernelStat {
    u64 st_dev;
    u64 st_ino;
    u64 st_nlink;
    u32 st_mode;
    u32 st_uid;
    u32 st_gid;
    u32 pad0;
    u64 st_rdev;
    i64 st_size;
    i64 st_blksize;
    i64 st_blocks;
    KernelTimespec st_atim;
    KernelTimespec st_mtim;
    KernelTimespec st_ctim;
    i64 unused[3];
};
static_assert(sizeof(KernelStat) == 144);

template <>
struct Ia32Layout<KernelStat> {
    struct Small {  // struct compat_stat
        u32 dev, ino;
        u16 mode, nlink, uid, gid;
        u32 rdev, size, blksize, blocks;
        u32 atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
        u32 unused[2];
    };
    struct [[gnu::packed]] Large {  // struct stat64
        u64 dev;
        u32 padding0, low_ino, mode, nlink, uid, gid;
        u64 rdev;
        u32 padding1;
        i64 size;
        u32 blksize;
        i64 blocks;
        u32 atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
        u64 ino;
    };
    static_assert(sizeof(Small) == 64 && sizeof(Large) == 96);

    template <class Raw>
    static void narrow_times(const KernelStat& s, Raw& out) {
        out.atime = static_cast<u32>(s.st_atim.tv_sec);
        out.atime_nsec = static_cast<u32>(s.st_atim.tv_nsec);
        out.mtime = static_cast<u32>(s.st_mtim.tv_sec);
        out.mtime_nsec = static_cast<u32>(s.st_mtim.tv_nsec);
        out.ctime = static_cast<u32>(s.st_ctim.tv_sec);
        out.ctime_nsec = static_cast<u32>(s.st_ctim.tv_nsec);
        out.blksize = static_cast<u32>(s.st_blksize);
        out.mode = static_cast<decltype(out.mode)>(s.st_mode);
        out.nlink = static_cast<decltype(out.nlink)>(s.st_nlink);
        out.rdev = static_cast<decltype(out.rdev)>(s.st_rdev);
        out.dev = static_cast<decltype(out.dev)>(s.st_dev);
    }
    static Result<void> narrow(const KernelStat& s, Small& out) {
        constexpr u16 kOverflowId = 65534;
        narrow_times(s, out);
        out.ino = static_cast<u32>(s.st_ino);
        out.uid = s.st_uid > 0xffff ? kOverflowId : static_cast<u16>(s.st_uid);
        out.gid = s.st_gid > 0xffff ? kOverflowId : static_cast<u16>(s.st_gid);
        out.size = static_cast<u32>(s.st_size);
        out.blocks = static_cast<u32>(s.st_blocks);
        if (out.ino != s.st_ino || out.nlink != s.st_nlink || s.st_size > 0x7fffffff) return Errno::EOVERFLOW;
        return {};
    }
    static Result<void> narrow(const KernelStat& s, Large& out) {
        narrow_times(s, out);
        out.low_ino = static_cast<u32>(s.st_ino);
        out.ino = s.st_ino;
        out.uid = s.st_uid;
        out.gid = s.st_gid;
        out.size = s.st_size;
        out.blocks = s.st_blocks;
        return {};
    }
};

struct StatxTimestamp {
    i64 tv_sec;
    u32 tv_nsec;
    i32 reserved;
};

struct KernelStatx {
    u32 stx_mask;
    u32 stx_blksize;
    u64 stx_attributes;
    u32 stx_nlink;
    u32 stx_uid;
    u32 stx_gid;
    u16 stx_mode;
    u16 spare0;
    u64 stx_ino;
    u64 stx_size;
    u64 stx_blocks;
    u64 stx_attributes_mask;
    StatxTimestamp stx_atime;
    StatxTimestamp stx_btime;
    StatxTimestamp stx_ctime;
    StatxTimestamp stx_mtime;
    u32 stx_rdev_major;
    u32 stx_rdev_minor;
    u32 stx_dev_major;
    u32 stx_dev_minor;
    u64 stx_mnt_id;
    u32 stx_dio_mem_align;
    u32 stx_dio_offset_align;
    u64 spare3[12];
};
static_assert(sizeof(KernelStatx) == 256);

constexpr u32 STATX_BASIC_STATS = 0x7ff;
constexpr u32 STATX_BTIME = 0x800;
constexpr u32 STATX_MNT_ID = 0x1000;
constexpr u32 STATX_RESERVED = 0x80000000;
constexpr u64 STATX_ATTR_MOUNT_ROOT = 0x2000;

struct KernelStatfs {
    i64 f_type;
    i64 f_bsize;
    u64 f_blocks;
    u64 f_bfree;
    u64 f_bavail;
    u64 f_files;
    u64 f_ffree;
    i32 f_fsid[2];
    i64 f_namelen;
    i64 f_frsize;
    i64 f_flags;
    i64 f_spare[4];
};
static_assert(sizeof(KernelStatfs) == 120);

template <>
struct Ia32Layout<KernelStatfs> {
    template <class Count>
    struct [[gnu::packed]] Raw {
        u32 type, bsize;
        Count blocks, bfree, bavail, files, ffree;
        i32 fsid[2];
        u32 namelen, frsize, flags, spare[4];
    };
    using Small = Raw<u32>;
    using Large = Raw<u64>;
    static_assert(sizeof(Small) == 64 && sizeof(Large) == 84);

    template <class Count>
    static Result<void> narrow(const KernelStatfs& s, Raw<Count>& out) {
        out.type = static_cast<u32>(s.f_type);
        out.bsize = static_cast<u32>(s.f_bsize);
        out.blocks = static_cast<Count>(s.f_blocks);
        out.bfree = static_cast<Count>(s.f_bfree);
        out.bavail = static_cast<Count>(s.f_bavail);
        out.files = static_cast<Count>(s.f_files);
        out.ffree = static_cast<Count>(s.f_ffree);
        out.fsid[0] = s.f_fsid[0];
        out.fsid[1] = s.f_fsid[1];
        out.namelen = static_cast<u32>(s.f_namelen);
        out.frsize = static_cast<u32>(s.f_frsize);
        out.flags = static_cast<u32>(s.f_flags);
        if (out.blocks != s.f_blocks || out.bfree != s.f_bfree || out.bavail != s.f_bavail)
            return Errno::EOVERFLOW;
        // Linux lets -1, "not known", pass.
        if (out.files != s.f_files && s.f_files != ~0ull) return Errno::EOVERFLOW;
        if (out.ffree != s.f_ffree && s.f_ffree != ~0ull) return Errno::EOVERFLOW;
        return {};
    }
};

// Directory entry types of getdents64: the file type bits shifted down.
constexpr u8 DT_UNKNOWN = 0;
constexpr u8 dt_type(u32 mode) {
    return static_cast<u8>((mode & S_IFMT) >> 12);
}

// Times given to utimensat(2).
constexpr i64 UTIME_NOW = 0x3fffffff;
constexpr i64 UTIME_OMIT = 0x3ffffffe;

// Mount flags (mount(2)) and statfs flags.
constexpr u64 MS_RDONLY = 1;
constexpr u64 MS_NOSUID = 2;
constexpr u64 MS_NODEV = 4;
constexpr u64 MS_NOEXEC = 8;
constexpr u64 MS_SYNCHRONOUS = 16;
constexpr u64 MS_REMOUNT = 32;
constexpr u64 MS_MANDLOCK = 64;
constexpr u64 MS_DIRSYNC = 128;
constexpr u64 MS_NOSYMFOLLOW = 256;
constexpr u64 MS_NOATIME = 1024;
constexpr u64 MS_NODIRATIME = 2048;
constexpr u64 MS_BIND = 4096;
constexpr u64 MS_MOVE = 8192;
constexpr u64 MS_REC = 16384;
constexpr u64 MS_SILENT = 32768;
constexpr u64 MS_UNBINDABLE = 1 << 17;
constexpr u64 MS_PRIVATE = 1 << 18;
constexpr u64 MS_SLAVE = 1 << 19;
constexpr u64 MS_SHARED = 1 << 20;
constexpr u64 MS_RELATIME = 1 << 21;
constexpr u64 MS_STRICTATIME = 1 << 24;
constexpr u64 MS_LAZYTIME = 1 << 25;
constexpr u64 MS_MGC_VAL = 0xC0ED0000;
constexpr u64 MS_MGC_MSK = 0xffff0000;
constexpr int MNT_FORCE = 1;
constexpr int MNT_DETACH = 2;
constexpr int MNT_EXPIRE = 4;
constexpr int UMOUNT_NOFOLLOW = 8;
