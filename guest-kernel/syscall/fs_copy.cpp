// Moving data between files in the kernel, and a file's size and its storage.
#include "core/kmalloc.h"
#include "fs/cached_file.h"
#include "fs/cred.h"
#include "fs/files_struct.h"
#include "fs/namei.h"
#include "fs/notify.h"
#include "fs/sync.h"
#include "fs/vfs_ops.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"

namespace {

// Copies up to `count` bytes at the given positions, a page at a time. The count, short at the end of the
// input or when the output takes no more; an error only when nothing was copied.
Result<size_t> copy_between(File& in, loff_t& in_position, File& out, loff_t& out_position, size_t count) {
    u8* buffer = static_cast<u8*>(kmalloc(kPageSize));
    if (!buffer) return Errno::ENOMEM;
    size_t done = 0;
    Errno trouble = Errno::OK;
    while (done < count && trouble == Errno::OK) {
        loff_t from = in_position;
        Result<size_t> got = kernel_read(in, buffer, min<size_t>(count - done, kPageSize), from);
        if (!got.ok() || got.value() == 0) {
            if (!got.ok()) trouble = got.error();
            break;
        }
        Result<size_t> put = kernel_write(out, buffer, got.value(), out_position);
        if (!put.ok()) {
            trouble = put.error();
            break;
        }
        // What the output did not take is left unread, except on a stream, where it cannot be put back.
        in_position += static_cast<loff_t>(put.value());
        done += put.value();
        if (put.value() < got.value() || signal_pending(current())) break;
    }
    kfree(buffer);
    if (done == 0 && trouble != Errno::OK) return trouble;
    return size_t{done};
}

// `given`: the program's, already read; `user` says whether there is one.
Result<loff_t> position_from(UserPtr<UserOffset> user, loff_t given, File& file) {
    if (user.is_null()) return loff_t{file.position};
    if (!file.can_pread()) return Errno::ESPIPE;
    if (given < 0) return Errno::EINVAL;
    return loff_t{given};
}

// As Linux reads it: before the descriptors are looked at.
Result<loff_t> read_position(UserPtr<UserOffset> user) {
    if (user.is_null()) return loff_t{0};
    return loff_t{TRY(user.read()).value};
}

Result<void> position_back(UserPtr<UserOffset> user, File& file, loff_t position) {
    if (!user.is_null()) return user.write({position});
    if (file.can_pread()) file.position = position;
    return {};
}

/// Begins to read bytes [from, to) of a file, at most as much as one call may ask for.
void read_ahead_range(CachedFile& file, u64 from, u64 to) {
    constexpr u64 kMost = 2 << 20;
    to = min(to, from + kMost);
    if (to > from)
        file.cache().start_read(from >> kPageShift, ((to - 1) >> kPageShift) - (from >> kPageShift) + 1);
}

}  // namespace

SysResult sys_sendfile(int out_fd, int in_fd, UserPtr<UserOffset> offset, size_t count) {
    const loff_t given = TRY(read_position(offset));
    RefPtr<File> in = TRY(get_file(in_fd));
    if (!in->readable()) return Errno::EBADF;
    loff_t in_position = TRY(position_from(offset, given, *in));
    if (static_cast<ssize_t>(count) < 0) return Errno::EINVAL;
    RefPtr<File> out = TRY(get_file(out_fd));
    if (!out->writable()) return Errno::EBADF;
    if (out->flags & O_APPEND) return Errno::EINVAL;
    if (in->is_stream()) return Errno::EINVAL;
    if (count == 0) return 0L;
    if (!in->can_pread() || in->inode->is_dir()) return Errno::EINVAL;  // no operation to splice from
    loff_t out_position = out->position;
    const size_t n = TRY(copy_between(*in, in_position, *out, out_position, min<size_t>(count, 0x7ffff000)));
    TRY(position_back(offset, *in, in_position));
    if (out->can_pwrite()) out->position = out_position;
    return static_cast<long>(n);
}

SysResult sys_copy_file_range(int in_fd, UserPtr<UserOffset> in_off, int out_fd, UserPtr<UserOffset> out_off,
                              size_t len, u32 flags) {
    RefPtr<File> in = TRY(get_file(in_fd));
    RefPtr<File> out = TRY(get_file(out_fd));
    const loff_t given_in = TRY(read_position(in_off)), given_out = TRY(read_position(out_off));
    if (flags != 0) return Errno::EINVAL;
    if (in->inode->is_dir() || out->inode->is_dir()) return Errno::EISDIR;
    if (!in->inode->is_regular() || !out->inode->is_regular()) return Errno::EINVAL;
    if (!in->readable() || !out->writable() || (out->flags & O_APPEND)) return Errno::EBADF;
    if (in->inode->sb != out->inode->sb) return Errno::EXDEV;
    for (loff_t from : {given_in, given_out}) {
        if (static_cast<u64>(from) + len < static_cast<u64>(from)) return Errno::EOVERFLOW;
    }
    loff_t in_position = TRY(position_from(in_off, given_in, *in));
    loff_t out_position = TRY(position_from(out_off, given_out, *out));
    if (in->inode == out->inode) {
        const u64 a = static_cast<u64>(in_position);
        const u64 b = static_cast<u64>(out_position);
        if (a < b + len && b < a + len) return Errno::EINVAL;  // overlapping
    }
    const size_t n = TRY(copy_between(*in, in_position, *out, out_position, min<size_t>(len, 0x7ffff000)));
    TRY(position_back(in_off, *in, in_position));
    TRY(position_back(out_off, *out, out_position));
    return static_cast<long>(n);
}

SysResult sys_truncate(UserString path, loff_t length) {
    if (length < 0) return Errno::EINVAL;
    KString text = TRY(copy_path(path.address()));
    const Path place = TRY(lookup_at(AT_FDCWD, text.c_str(), kWalkFollow));
    TRY(vfs_truncate(place, static_cast<u64>(length)));
    return 0L;
}

SysResult sys_ftruncate(int fd, loff_t length) {
    if (length < 0) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->inode->is_regular() || !file->writable()) return Errno::EINVAL;
    MutexGuard guard(file->inode->lock);
    TRY(file->inode->set_size(static_cast<u64>(length)));
    notify_path(file->path, kInModify);
    return 0L;
}

SysResult sys_fallocate(int fd, int mode, loff_t offset, loff_t len) {
    RefPtr<File> file = TRY(get_file(fd));
    if (offset < 0 || len <= 0) return Errno::EINVAL;
    if (!file->writable()) return Errno::EBADF;
    loff_t end;
    if (__builtin_add_overflow(offset, len, &end)) return Errno::EFBIG;
    TRY(file->allocate(mode, offset, len));
    notify_path(file->path, kInModify);
    return 0L;
}

SysResult sys_fadvise64(int fd, loff_t offset, loff_t len, int advice) {
    enum Advice { kNormal, kRandom, kSequential, kWillNeed, kDontNeed, kNoReuse };
    RefPtr<File> file = TRY(get_file(fd));
    if (S_ISFIFO(file->inode->mode)) return Errno::ESPIPE;
    if (len < 0 || advice < kNormal || advice > kNoReuse) return Errno::EINVAL;
    CachedFile* cached = file->as_cached_file();
    if (!cached) return 0L;  // what is in memory alone need not be read ahead, and cannot be dropped
    const u64 first = static_cast<u64>(offset) >> kPageShift;
    const u64 end = len == 0 ? ~0ull : static_cast<u64>(offset) + static_cast<u64>(len);
    switch (advice) {
        case kNormal:
        case kSequential:
            cached->read_ahead.max = ReadAhead::kDefaultPages * (advice == kSequential ? 2 : 1);
            break;
        case kRandom:
            cached->read_ahead.max = 0;
            break;
        case kWillNeed:
            read_ahead_range(*cached, static_cast<u64>(offset), end);
            break;
        case kDontNeed:
            // Whole pages only; dirty ones begin to be written, and stay.
            cached->cache().write_back(first, (end - 1) >> kPageShift, false);
            if (end >> kPageShift > align_up(static_cast<u64>(offset), kPageSize) >> kPageShift) {
                cached->cache().invalidate(align_up(static_cast<u64>(offset), kPageSize) >> kPageShift,
                                           end == ~0ull ? ~0ull - 1 : (end >> kPageShift) - 1);
            }
            break;
        default:
            break;
    }
    return 0L;
}

SysResult sys_readahead(int fd, loff_t offset, size_t count) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->readable()) return Errno::EBADF;
    const u32 mode = file->inode->mode;
    if (!file->memory_object() || (!S_ISREG(mode) && !S_ISBLK(mode))) return Errno::EINVAL;
    CachedFile* cached = file->as_cached_file();
    if (cached && offset >= 0)
        read_ahead_range(*cached, static_cast<u64>(offset), static_cast<u64>(offset) + count);
    return 0L;
}

SysResult sys_sync() {
    sync_everything();
    return 0L;
}

SysResult sys_fsync(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    TRY(file->sync(false));
    return 0L;
}

SysResult sys_fdatasync(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    TRY(file->sync(true));
    return 0L;
}

SysResult sys_syncfs(int fd) {
    RefPtr<File> file = TRY(get_file(fd));
    TRY(sync_filesystem(*file->inode->sb));
    return 0L;
}

SysResult sys_sync_file_range(int fd, loff_t offset, loff_t nbytes, u32 flags) {
    RefPtr<File> file = TRY(get_file(fd));
    loff_t end;
    if (flags & ~7u || offset < 0 || nbytes < 0 || __builtin_add_overflow(offset, nbytes, &end))
        return Errno::EINVAL;
    const u32 mode = file->inode->mode;
    if (!S_ISREG(mode) && !S_ISBLK(mode) && !S_ISDIR(mode) && !S_ISLNK(mode)) return Errno::ESPIPE;
    CachedFile* cached = file->as_cached_file();
    if (!cached) return 0L;
    enum Flags : u32 { kWaitBefore = 1, kWrite = 2, kWaitAfter = 4 };
    const u64 first = static_cast<u64>(offset) >> kPageShift;
    const u64 last = nbytes == 0 ? ~0ull : static_cast<u64>(offset + nbytes - 1) >> kPageShift;
    PageCache& cache = cached->cache();
    if (flags & kWaitBefore) cache.wait_range(first, last);
    if (flags & kWrite) cache.write_back(first, last, (flags & kWaitBefore) != 0);
    if (flags & kWaitAfter) {
        cache.wait_range(first, last);
        TRY(cached->check_error());
    }
    return 0L;
}
