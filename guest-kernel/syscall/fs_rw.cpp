// read, write and their relatives with vectors and positions.
#include "core/vector.h"
#include "fs/files_struct.h"
#include "syscall/fs_syscalls.h"

namespace {

// Runs move(position) with the file's own position, locked where there is one.
template <class Move>
SysResult at_own_position(File& file, Move move) {
    if (file.is_stream()) {
        loff_t unused = 0;
        return move(unused);
    }
    MutexGuard guard(file.position_lock);
    return move(file.position);
}

SysResult counted(Result<size_t> n) {
    return n.ok() ? SysResult(static_cast<long>(n.value())) : SysResult(n.error());
}

// A program's iovec array, checked as Linux does: at most IOV_MAX pieces, their sum within ssize_t.
struct Pieces {
    Vec<KernelIovec> vector;
    size_t total = 0;

    Result<void> load(UserIovec iov, u64 count) {
        if (count > IOV_MAX) return Errno::EINVAL;
        TRY(vector.resize(count));
        if (count > 0) TRY(iov.copy_in(vector.data(), count * sizeof(KernelIovec)));
        for (const KernelIovec& piece : vector) {
            if (static_cast<i64>(piece.iov_len) < 0) return Errno::EINVAL;
            if (!access_ok(piece.iov_base, piece.iov_len)) return Errno::EFAULT;
            total += piece.iov_len;
            if (static_cast<i64>(total) < 0) return Errno::EINVAL;
        }
        return {};
    }
    IovIter iter() const { return IovIter::user_vector(vector.data(), vector.size(), total); }
};

Result<RefPtr<File>> file_with_position(int fd, loff_t offset) {
    if (offset < 0) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    if (file->is_stream()) return Errno::ESPIPE;
    return file;
}

}  // namespace

SysResult sys_read(int fd, UserBytes buf, size_t count) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->readable()) return Errno::EBADF;
    if (!access_ok(buf.address(), count)) return Errno::EFAULT;
    return at_own_position(*file, [&](loff_t& position) -> SysResult {
        const ssize_t n = vfs_read(file.get(), buf.address(), count, &position);
        if (n < 0) return static_cast<Errno>(-n);
        return long{n};
    });
}

SysResult sys_write(int fd, UserBytes buf, size_t count) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->writable()) return Errno::EBADF;
    if (!access_ok(buf.address(), count)) return Errno::EFAULT;
    return at_own_position(*file, [&](loff_t& position) -> SysResult {
        const ssize_t n = vfs_write(file.get(), buf.address(), count, &position);
        if (n < 0) return static_cast<Errno>(-n);
        return long{n};
    });
}

SysResult sys_pread64(int fd, UserBytes buf, size_t count, loff_t offset) {
    RefPtr<File> file = TRY(file_with_position(fd, offset));
    IovIter it = IovIter::user(buf.address(), count);
    return counted(file_read(*file, it, offset));
}

SysResult sys_pwrite64(int fd, UserBytes buf, size_t count, loff_t offset) {
    RefPtr<File> file = TRY(file_with_position(fd, offset));
    IovIter it = IovIter::user(buf.address(), count);
    return counted(file_write(*file, it, offset));
}

SysResult sys_readv(int fd, UserIovec iov, u64 iovcnt) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->readable()) return Errno::EBADF;
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    IovIter it = pieces.iter();
    return at_own_position(*file, [&](loff_t& position) { return counted(file_read(*file, it, position)); });
}

SysResult sys_writev(int fd, UserIovec iov, u64 iovcnt) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->writable()) return Errno::EBADF;
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    IovIter it = pieces.iter();
    return at_own_position(*file, [&](loff_t& position) { return counted(file_write(*file, it, position)); });
}

SysResult sys_preadv(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64) {
    loff_t position = static_cast<loff_t>(offset);
    RefPtr<File> file = TRY(file_with_position(fd, position));
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    IovIter it = pieces.iter();
    return counted(file_read(*file, it, position));
}

SysResult sys_pwritev(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64) {
    loff_t position = static_cast<loff_t>(offset);
    RefPtr<File> file = TRY(file_with_position(fd, position));
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    IovIter it = pieces.iter();
    return counted(file_write(*file, it, position));
}

// RWF_… flags: none is supported; an offset of -1 means the file's own position.
SysResult sys_preadv2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 high, int flags) {
    if (flags != 0) return Errno::EOPNOTSUPP;
    return offset == ~0ull ? sys_readv(fd, iov, iovcnt) : sys_preadv(fd, iov, iovcnt, offset, high);
}

SysResult sys_pwritev2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 high, int flags) {
    if (flags != 0) return Errno::EOPNOTSUPP;
    return offset == ~0ull ? sys_writev(fd, iov, iovcnt) : sys_pwritev(fd, iov, iovcnt, offset, high);
}

SysResult sys_lseek(int fd, loff_t offset, u32 whence) {
    RefPtr<File> file = TRY(get_file(fd));
    if (whence > SEEK_HOLE) return Errno::EINVAL;
    if (file->is_stream()) return Errno::ESPIPE;
    MutexGuard guard(file->position_lock);
    return long{TRY(file->seek(offset, static_cast<int>(whence)))};
}
