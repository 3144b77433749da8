// splice(2), tee(2), vmsplice(2): moving what is in pipes. Pages are copied, not handed over.
#include "core/kmalloc.h"
#include "fs/files_struct.h"
#include "fs/pipe.h"
#include "mm/page.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"

namespace {

constexpr u32 kNonblock = 2, kKnown = 0xf;

/// A page to carry bytes in.
class Carrier {
  public:
    Carrier() : bytes(static_cast<u8*>(kmalloc(kPageSize))) {}
    ~Carrier() { kfree(bytes); }
    Carrier(const Carrier&) = delete;
    Carrier& operator=(const Carrier&) = delete;
    u8* const bytes;
};

/// Writes all of it into the pipe, as a write without a page's worth of room waits.
Result<size_t> put(Pipe& pipe, const void* bytes, size_t size, bool nonblocking) {
    IovIter from = IovIter::kernel(const_cast<void*>(bytes), size);
    return pipe.write(from, nonblocking);
}

/// Waits until there is room in `pipe`, and says how much. EPIPE (with SIGPIPE), EAGAIN.
Result<size_t> wait_for_room(Pipe& pipe, bool nonblocking) {
    for (;;) {
        if (__atomic_load_n(&pipe.readers, __ATOMIC_RELAXED) == 0) {
            (void)send_signal_process(current(), kSigPipe);
            return Errno::EPIPE;
        }
        if (const size_t room = pipe.capacity() - pipe.used()) return room;
        if (nonblocking) return Errno::EAGAIN;
        TRY(wait_event(pipe.changed, [&] {
            return pipe.capacity() > pipe.used() || __atomic_load_n(&pipe.readers, __ATOMIC_RELAXED) == 0;
        }));
    }
}

Result<size_t> file_to_pipe(File& in, loff_t& position, Pipe& out, size_t size, bool nonblocking) {
    Carrier page;
    if (!page.bytes) return Errno::ENOMEM;
    size_t done = 0;
    while (done < size) {
        const Result<size_t> room = wait_for_room(out, nonblocking || done > 0);
        if (!room.ok()) return done ? Result<size_t>(done) : Result<size_t>(room.error());
        const size_t n = min(min(size - done, room.value()), size_t{kPageSize});
        const Result<size_t> got = kernel_read(in, page.bytes, n, position);
        if (!got.ok() || got.value() == 0)
            return done || got.ok() ? Result<size_t>(done) : Result<size_t>(got.error());
        done += TRY(put(out, page.bytes, got.value(), false));
        if (got.value() < n || in.is_stream()) break;
    }
    return done;
}

Result<size_t> pipe_to_file(Pipe& in, File& out, loff_t& position, size_t size, bool nonblocking) {
    Carrier page;
    if (!page.bytes) return Errno::ENOMEM;
    size_t done = 0;
    while (done < size) {
        IovIter to = IovIter::kernel(page.bytes, min(size - done, size_t{kPageSize}));
        const Result<size_t> got = in.read(to, nonblocking || done > 0);
        if (!got.ok() || got.value() == 0)
            return done || got.ok() ? Result<size_t>(done) : Result<size_t>(got.error());
        const Result<size_t> written = kernel_write(out, page.bytes, got.value(), position);
        if (!written.ok()) return done ? Result<size_t>(done) : Result<size_t>(written.error());
        done += written.value();
        if (written.value() < got.value()) break;
    }
    return done;
}

/// Moves (`keep`: copies) what is in one pipe to another, as far as there is room.
Result<size_t> pipe_to_pipe(Pipe& in, Pipe& out, size_t size, bool nonblocking, bool keep) {
    Carrier page;
    if (!page.bytes) return Errno::ENOMEM;
    size_t done = 0;
    while (done < size) {
        if (in.used() <= (keep ? done : 0)) {
            if (done || in.writers == 0) break;
            if (nonblocking) return Errno::EAGAIN;
            TRY(wait_event(in.changed, [&] { return in.used() > 0 || in.writers == 0; }));
            continue;
        }
        const Result<size_t> room = wait_for_room(out, nonblocking || done > 0);
        if (!room.ok()) return done ? Result<size_t>(done) : Result<size_t>(room.error());
        const size_t n = min(min(size - done, room.value()), size_t{kPageSize});
        size_t got;
        if (keep) {
            got = in.peek(done, page.bytes, n);
        } else {
            IovIter to = IovIter::kernel(page.bytes, n);
            got = TRY(in.read(to, true));
        }
        if (got == 0) break;
        done += TRY(put(out, page.bytes, got, false));
    }
    return done;
}

struct Ends {
    RefPtr<File> in, out;
    Pipe* from = nullptr;
    Pipe* to = nullptr;
};

Result<Ends> ends_of(int fd_in, int fd_out) {
    Ends ends;
    ends.in = TRY(get_file(fd_in));
    ends.out = TRY(get_file(fd_out));
    if (!ends.in->readable() || !ends.out->writable()) return Errno::EBADF;
    ends.from = pipe_of(*ends.in);
    ends.to = pipe_of(*ends.out);
    if (ends.from && ends.from == ends.to) return Errno::EINVAL;
    return ends;
}

/// Runs move(position) with the program's offset, or the file's own.
template <class Move>
SysResult at_offset(UserPtr<i64> offset, File& file, Move move) {
    if (offset.is_null()) {
        MutexGuard guard(file.position_lock);
        return static_cast<long>(TRY(move(file.position)));
    }
    loff_t position = TRY(offset.read());
    if (position < 0) return Errno::EINVAL;
    const size_t done = TRY(move(position));
    TRY(offset.write(position));
    return static_cast<long>(done);
}

}  // namespace

SysResult sys_splice(int fd_in, UserPtr<i64> off_in, int fd_out, UserPtr<i64> off_out, size_t len,
                     u32 flags) {
    if (len == 0) return 0L;
    if (flags & ~kKnown) return Errno::EINVAL;
    const Ends ends = TRY(ends_of(fd_in, fd_out));
    len = min<size_t>(len, 0x7ffff000);
    const bool nonblocking = flags & kNonblock;
    if ((ends.from && !off_in.is_null()) || (ends.to && !off_out.is_null())) return Errno::ESPIPE;
    if (ends.from && ends.to) {
        const bool either = nonblocking || ends.in->nonblocking() || ends.out->nonblocking();
        return static_cast<long>(TRY(pipe_to_pipe(*ends.from, *ends.to, len, either, false)));
    }
    if (ends.from) {
        if (!off_out.is_null() && !ends.out->can_pwrite()) return Errno::EINVAL;
        if (ends.out->flags & O_APPEND) return Errno::EINVAL;
        return at_offset(off_out, *ends.out, [&](loff_t& position) {
            return pipe_to_file(*ends.from, *ends.out, position, len, nonblocking);
        });
    }
    if (!ends.to) return Errno::EINVAL;
    if ((!off_in.is_null() && !ends.in->can_pread()) || ends.in->inode->is_dir()) return Errno::EINVAL;
    return at_offset(off_in, *ends.in, [&](loff_t& position) {
        return file_to_pipe(*ends.in, position, *ends.to, len, nonblocking || ends.out->nonblocking());
    });
}

SysResult sys_tee(int fd_in, int fd_out, size_t len, u32 flags) {
    if (flags & ~kKnown) return Errno::EINVAL;
    if (len == 0) return 0L;
    const Ends ends = TRY(ends_of(fd_in, fd_out));
    if (!ends.from || !ends.to) return Errno::EINVAL;
    const bool nonblocking = flags & kNonblock || ends.in->nonblocking() || ends.out->nonblocking();
    return static_cast<long>(
        TRY(pipe_to_pipe(*ends.from, *ends.to, min<size_t>(len, 0x7ffff000), nonblocking, true)));
}

SysResult sys_vmsplice(int fd, UserIovec iov, u64 count, u32 flags) {
    if (flags & ~kKnown) return Errno::EINVAL;
    RefPtr<File> file = TRY(get_file(fd));
    Pipe* pipe = pipe_of(*file);
    if (!pipe) return Errno::EBADF;
    Vec<KernelIovec> pieces;
    if (count > IOV_MAX) return Errno::EINVAL;
    TRY(pieces.resize(count));
    if (count) TRY(iov.read_array(pieces.data(), count));
    size_t total = 0;
    for (const KernelIovec& piece : pieces) {
        if (static_cast<i64>(piece.iov_len) < 0) return Errno::EINVAL;
        if (!access_ok(piece.iov_base, piece.iov_len)) return Errno::EFAULT;
        total += piece.iov_len;
    }
    if (total == 0) return 0L;
    IovIter it = IovIter::user_vector(pieces.data(), pieces.size(), total);
    const bool nonblocking = flags & kNonblock || file->nonblocking();
    return static_cast<long>(
        TRY(file->writable() ? pipe->write(it, nonblocking) : pipe->read(it, nonblocking)));
}
