// What an inode does when its file system says nothing else, and the bookkeeping that all of them share.
#include "fs/inode.h"

#include "block/block_device.h"
#include "fs/cred.h"
#include "fs/dentry.h"
#include "fs/file_locks.h"
#include "fs/notify.h"
#include "fs/open_file.h"
#include "fs/pipe.h"

namespace {

timespec64 now() {
    return ns_to_timespec(ktime_get_real_ns());
}

LockRank rank_of(u32 mode) {
    return S_ISDIR(mode) ? LockRank::kDirectory : LockRank::kInode;
}

}  // namespace

Inode::Inode(SuperBlock* super, u64 number, u32 file_mode)
    : Inode(super, number, file_mode, rank_of(file_mode)) {}

Inode::Inode(SuperBlock* super, u64 number, u32 file_mode, LockRank rank)
    : sb(super), ino(number), mode(file_mode), lock(rank) {
    atime = mtime = ctime = now();
}

Inode::~Inode() {
    delete locks;
}

Result<RefPtr<Inode>> Inode::lookup(const Name&) {
    return is_dir() ? Errno::ENOENT : Errno::ENOTDIR;
}
Result<RefPtr<Inode>> Inode::mknod(const Name&, u32 new_mode, dev_t) {
    return S_ISREG(new_mode) ? Errno::EACCES : Errno::EPERM;
}
Result<RefPtr<Inode>> Inode::mkdir(const Name&, u32) {
    return Errno::EPERM;
}
Result<RefPtr<Inode>> Inode::symlink(const Name&, const char*) {
    return Errno::EPERM;
}
Result<void> Inode::link(const Name&, Inode&) {
    return Errno::EPERM;
}
Result<void> Inode::unlink(const Name&, Inode&) {
    return Errno::EPERM;
}
Result<void> Inode::rmdir(const Name&, Inode&) {
    return Errno::EPERM;
}
Result<void> Inode::rename(const Name&, Inode&, Inode&, const Name&, Inode*, u32) {
    return Errno::EPERM;
}
Result<RefPtr<Inode>> Inode::tmpfile(u32) {
    return Errno::EOPNOTSUPP;
}
Result<void> Inode::iterate(DirContext&) {
    return Errno::ENOTDIR;
}
Result<KString> Inode::readlink() {
    return Errno::EINVAL;
}
Result<size_t> Inode::getxattr(const char*, void*, size_t) {
    return Errno::EOPNOTSUPP;
}
Result<void> Inode::setxattr(const char*, const void*, size_t, int) {
    return Errno::EOPNOTSUPP;
}
Result<void> Inode::removexattr(const char*) {
    return Errno::EOPNOTSUPP;
}
Result<void> Inode::listxattr(KString&) {
    return {};
}
Result<RefPtr<File>> Inode::open(int flags) {
    return open_default(*this, flags);
}
Result<void> Inode::set_size(u64) {
    return is_dir() ? Errno::EISDIR : Errno::EINVAL;
}

void Inode::getattr(KernelStat* out) {
    *out = {};
    out->st_dev = sb->dev;
    out->st_ino = ino;
    out->st_nlink = nlink;
    out->st_mode = mode;
    out->st_uid = current_cred().shown_uid(uid);
    out->st_gid = current_cred().shown_gid(gid);
    out->st_rdev = rdev;
    out->st_size = static_cast<i64>(size);
    out->st_blksize = 4096;
    out->st_blocks = block_count();
    out->st_atim = {atime.tv_sec, atime.tv_nsec};
    out->st_mtim = {mtime.tv_sec, mtime.tv_nsec};
    out->st_ctim = {ctime.tv_sec, ctime.tv_nsec};
}

void Inode::touch_mtime() {
    mtime = ctime = now();
}
void Inode::touch_ctime() {
    ctime = now();
}
void Inode::touch_atime() {
    atime = now();
}

void Inode::init_owner(Inode& directory) {
    const Credentials& cred = current_cred();
    uid = cred.fsuid;
    gid = cred.fsgid;
    if (directory.mode & S_ISGID) {
        gid = directory.gid;
        if (is_dir()) {
            mode |= S_ISGID;
        } else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !cred.in_group(gid) &&
                   !capable_over(*this, kCapFsetid)) {
            mode &= ~S_ISGID;
        }
    }
}

Result<void> Inode::get_write_access() {
    for (int seen = __atomic_load_n(&write_count, __ATOMIC_RELAXED);;) {
        if (seen < 0) return Errno::ETXTBSY;
        if (__atomic_compare_exchange_n(&write_count, &seen, seen + 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            return {};
        }
    }
}

Result<void> Inode::deny_write_access() {
    for (int seen = __atomic_load_n(&write_count, __ATOMIC_RELAXED);;) {
        if (seen > 0) return Errno::ETXTBSY;
        if (__atomic_compare_exchange_n(&write_count, &seen, seen - 1, true, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            return {};
        }
    }
}

namespace {
u32 g_next_anonymous_minor = 1;
}

dev_t anonymous_device() {
    return make_dev(0, __atomic_fetch_add(&g_next_anonymous_minor, 1, __ATOMIC_RELAXED));
}

SuperBlock::SuperBlock(const char* fs_type, i64 fs_magic)
    : type(fs_type), magic(fs_magic), dev(anonymous_device()) {}

SuperBlock::~SuperBlock() {
    if (mounted_device) mounted_device->unclaim();
}

Result<void> SuperBlock::statfs(KernelStatfs* out) {
    *out = {};
    out->f_type = magic;
    out->f_bsize = 4096;
    out->f_namelen = 255;
    out->f_frsize = 4096;
    out->f_fsid[0] = static_cast<i32>(dev);
    return {};
}

void SuperBlock::shutdown() {
    notify_unmount(*this);
    Dentry::prune(this);
    root.reset();
    Dentry::prune(this);
}
