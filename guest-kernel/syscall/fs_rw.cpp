// read, write and their relatives with vectors and positions.
#include "core/vector.h"
#include "fs/files_struct.h"
#include "syscall/fs_syscalls.h"

namespace {

// Runs move(position) with the file's own position, locked where there is one.
template <class Move>
SysResult at_own_position(File& file, Move move) {
    if (!file.can_pread()) {
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
        if (count > 0) TRY(iov.read_array(vector.data(), count));
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

Result<RefPtr<File>> file_to_pread(int fd, loff_t offset) {
    if (offset < 0) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->can_pread()) return Errno::ESPIPE;
    return file;
}

Result<RefPtr<File>> file_to_pwrite(int fd, loff_t offset) {
    if (offset < 0) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->can_pwrite()) return Errno::ESPIPE;
    return file;
}

constexpr u64 kOwnPosition = ~0ull;  // preadv2's offset: the file's own
// Of RWF_… those that ask for what holds anyway in memory: HIPRI (poll for completion), DSYNC and SYNC.
constexpr int kRwfTaken = 1 | 2 | 4;

// The transfers of the calls with a vector, in Linux's order: nothing to move is no call of the file's operation, and
// the flags come last.
SysResult read_pieces(File& file, UserIovec iov, u64 iovcnt, loff_t& position, int flags) {
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    if (!file.readable()) return Errno::EBADF;
    if (!file.has_read()) return Errno::EINVAL;
    if (pieces.total == 0) return 0L;
    if (flags & ~kRwfTaken) return Errno::EOPNOTSUPP;
    IovIter it = pieces.iter();
    return counted(file_read(file, it, position));
}

SysResult write_pieces(File& file, UserIovec iov, u64 iovcnt, loff_t& position, int flags) {
    Pieces pieces;
    TRY(pieces.load(iov, iovcnt));
    if (!file.writable()) return Errno::EBADF;
    if (!file.has_write()) return Errno::EINVAL;
    if (pieces.total == 0) return 0L;
    if (flags & ~kRwfTaken) return Errno::EOPNOTSUPP;
    IovIter it = pieces.iter();
    return counted(file_write(file, it, position));
}

}  // namespace

SysResult sys_read(int fd, UserBytes buf, size_t count) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->readable()) return Errno::EBADF;
    return at_own_position(*file, [&](loff_t& position) -> SysResult {
        const ssize_t n = vfs_read(file.get(), buf.address(), count, &position);
        if (n < 0) return static_cast<Errno>(-n);
        return long{n};
    });
}

SysResult sys_write(int fd, UserBytes buf, size_t count) {
    RefPtr<File> file = TRY(get_file(fd));
    if (!file->writable()) return Errno::EBADF;
    return at_own_position(*file, [&](loff_t& position) -> SysResult {
        const ssize_t n = vfs_write(file.get(), buf.address(), count, &position);
        if (n < 0) return static_cast<Errno>(-n);
        return long{n};
    });
}

SysResult sys_pread64(int fd, UserBytes buf, size_t count, loff_t offset) {
    RefPtr<File> file = TRY(file_to_pread(fd, offset));
    if (!file->readable()) return Errno::EBADF;
    const ssize_t n = vfs_read(file.get(), buf.address(), count, &offset);
    if (n < 0) return static_cast<Errno>(-n);
    return long{n};
}

SysResult sys_pwrite64(int fd, UserBytes buf, size_t count, loff_t offset) {
    RefPtr<File> file = TRY(file_to_pwrite(fd, offset));
    if (!file->writable()) return Errno::EBADF;
    const ssize_t n = vfs_write(file.get(), buf.address(), count, &offset);
    if (n < 0) return static_cast<Errno>(-n);
    return long{n};
}

SysResult sys_readv(int fd, UserIovec iov, u64 iovcnt) {
    return sys_preadv2(fd, iov, iovcnt, kOwnPosition, 0, 0);
}

SysResult sys_writev(int fd, UserIovec iov, u64 iovcnt) {
    return sys_pwritev2(fd, iov, iovcnt, kOwnPosition, 0, 0);
}

SysResult sys_preadv(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 high) {
    if (offset == kOwnPosition) return Errno::EINVAL;
    return sys_preadv2(fd, iov, iovcnt, offset, high, 0);
}

SysResult sys_pwritev(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64 high) {
    if (offset == kOwnPosition) return Errno::EINVAL;
    return sys_pwritev2(fd, iov, iovcnt, offset, high, 0);
}

SysResult sys_preadv2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64, int flags) {
    loff_t position = static_cast<loff_t>(offset);
    if (offset == kOwnPosition) {
        RefPtr<File> file = TRY(get_file(fd));
        return at_own_position(*file,
                               [&](loff_t& own) { return read_pieces(*file, iov, iovcnt, own, flags); });
    }
    RefPtr<File> file = TRY(file_to_pread(fd, position));
    return read_pieces(*file, iov, iovcnt, position, flags);
}

SysResult sys_pwritev2(int fd, UserIovec iov, u64 iovcnt, u64 offset, u64, int flags) {
    loff_t position = static_cast<loff_t>(offset);
    if (offset == kOwnPosition) {
        RefPtr<File> file = TRY(get_file(fd));
        return at_own_position(*file,
                               [&](loff_t& own) { return write_pieces(*file, iov, iovcnt, own, flags); });
    }
    RefPtr<File> file = TRY(file_to_pwrite(fd, position));
    return write_pieces(*file, iov, iovcnt, position, flags);
}

SysResult sys_lseek(int fd, loff_t offset, u32 whence) {
    RefPtr<File> file = TRY(get_file(fd));
    if (whence > SEEK_HOLE) return Errno::EINVAL;
    if (file->is_stream()) return Errno::ESPIPE;
    MutexGuard guard(file->position_lock);
    return long{TRY(file->seek(offset, static_cast<int>(whence)))};
}
