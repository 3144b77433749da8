// File modes, struct stat, struct statx, struct statfs and directory entries of the Linux x86-64 ABI
// (inode(7), stat(2), statx(2), statfs(2), getdents(2)).
#pragma once

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
