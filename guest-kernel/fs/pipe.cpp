// The pipe's ring, and its two ends as files.
#include "fs/pipe.h"

#include "abi/termios.h"
#include "fs/anon_inode.h"
#include "fs/cred.h"
#include "fs/open_file.h"
#include "mm/user_ptr.h"

namespace {
constexpr u64 kMaxUnprivileged = 1 << 20;  // /proc/sys/fs/pipe-max-size
}

Result<RefPtr<Pipe>> Pipe::make() {
    RefPtr<Pipe> pipe = TRY(make_ref<Pipe>());
    TRY(pipe->pages_.resize(kDefaultPages));
    for (Page*& page : pipe->pages_) page = nullptr;
    return pipe;
}

Pipe::~Pipe() {
    for (Page* page : pages_) {
        if (page) page_put(page);
    }
}

// Moves what there is, page by page, and gives emptied pages back. EFAULT when not a byte could be stored.
Result<size_t> Pipe::copy_out(IovIter& to) {
    size_t done = 0;
    while (used_ > 0 && to.remaining() > 0) {
        Page*& page = pages_[(tail_ >> kPageShift) % pages_.size()];
        const u64 in_page = tail_ & ~kPageMask;
        const size_t n = min<u64>(min<u64>(kPageSize - in_page, used_), to.remaining());
        const size_t moved = to.copy_to(static_cast<u8*>(page_address(page)) + in_page, n);
        done += moved;
        tail_ += moved;
        used_ -= moved;
        // A full ring may have wrapped onto the front of the page whose end was just read.
        const bool passed = in_page + moved == kPageSize && used_ <= (pages_.size() - 1) * kPageSize;
        if (passed || used_ == 0) {
            page_put(page);
            page = nullptr;
            if (used_ == 0) tail_ = 0;
        }
        if (moved < n) return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
    }
    return size_t{done};
}

Result<size_t> Pipe::copy_in(IovIter& from, size_t size) {
    size_t done = 0;
    while (done < size) {
        const u64 head = tail_ + used_;
        Page*& page = pages_[(head >> kPageShift) % pages_.size()];
        if (!page) page = alloc_page(kAllocUser);
        if (!page) return done ? Result<size_t>(done) : Result<size_t>(Errno::ENOMEM);
        const u64 in_page = head & ~kPageMask;
        const size_t n = min<u64>(kPageSize - in_page, size - done);
        const size_t moved = from.copy_from(static_cast<u8*>(page_address(page)) + in_page, n);
        done += moved;
        used_ += moved;
        if (moved < n) {
            if (used_ == 0) {
                page_put(page);
                page = nullptr;
            }
            return done ? Result<size_t>(done) : Result<size_t>(Errno::EFAULT);
        }
    }
    return size_t{done};
}

Result<size_t> Pipe::read(IovIter& to, bool nonblocking) {
    if (to.remaining() == 0) return size_t{0};
    for (;;) {
        {
            MutexGuard guard(lock);
            if (used_ > 0) {
                const bool was_full = !has_page();
                Result<size_t> n = copy_out(to);
                // Writers of a few bytes may go on; that there is room begins with a page.
                changed.wake_one(was_full && has_page() ? POLLOUT | POLLWRNORM : kNoEvent);
                return n;
            }
            if (writers == 0) return size_t{0};
        }
        if (nonblocking) return Errno::EAGAIN;
        TRY(wait_event(changed, [this] { return used() > 0 || writers == 0; }));
    }
}

Result<size_t> Pipe::write(IovIter& from, bool nonblocking) {
    size_t done = 0;
    const bool atomic = from.remaining() <= PIPE_BUF;
    while (from.remaining() > 0) {
        const size_t need = atomic ? from.remaining() : 1;
        {
            MutexGuard guard(lock);
            if (readers == 0) {
                (void)send_signal_process(current(), kSigPipe);
                return done ? Result<size_t>(done) : Result<size_t>(Errno::EPIPE);
            }
            const size_t room = capacity() - used_;
            if (room >= need) {
                Result<size_t> n = copy_in(from, min(room, from.remaining()));
                if (!n.ok()) return done ? Result<size_t>(done) : Result<size_t>(n.error());
                done += n.value();
                changed.wake_one(POLLIN | POLLRDNORM);
                if (from.remaining() == 0) break;
                continue;
            }
        }
        if (nonblocking) return done ? Result<size_t>(done) : Result<size_t>(Errno::EAGAIN);
        Result<void> woken = wait_event(changed, [&] { return capacity() - used() >= need || readers == 0; });
        if (!woken.ok()) return done ? Result<size_t>(done) : Result<size_t>(woken.error());
    }
    return size_t{done};
}

size_t Pipe::peek(size_t skip, void* bytes, size_t size) {
    MutexGuard guard(lock);
    size_t done = 0;
    while (done < size && skip + done < used_) {
        const u64 at = tail_ + skip + done;
        const u64 in_page = at & ~kPageMask;
        const size_t n = min<u64>(min<u64>(kPageSize - in_page, size - done), used_ - skip - done);
        memcpy(static_cast<u8*>(bytes) + done,
               static_cast<u8*>(page_address(pages_[(at >> kPageShift) % pages_.size()])) + in_page, n);
        done += n;
    }
    return done;
}

Result<size_t> Pipe::resize(u64 bytes) {
    u64 pages = 1;
    while (pages * kPageSize < bytes && pages < (1u << 19)) pages *= 2;
    if (pages * kPageSize < bytes) return Errno::EINVAL;
    if (pages * kPageSize > kMaxUnprivileged && pages > pages_.size() &&
        !current_cred().has(kCapSysResource)) {
        return Errno::EPERM;
    }
    MutexGuard guard(lock);
    if (used_ > pages * kPageSize) return Errno::EBUSY;
    Vec<Page*> fresh;
    TRY(fresh.resize(pages));
    for (Page*& page : fresh) page = nullptr;
    // Move the bytes over, page by page, to the new ring's start.
    const u64 total = used_;
    for (u64 done = 0; done < total;) {
        const u64 from = tail_ + done;
        const u64 n =
            min(min(kPageSize - (from & ~kPageMask), kPageSize - (done & ~kPageMask)), total - done);
        Page*& page = fresh[done >> kPageShift];
        if (!page) page = alloc_page(kAllocUser);
        if (!page) {
            for (Page* p : fresh) {
                if (p) page_put(p);
            }
            return Errno::ENOMEM;
        }
        memcpy(static_cast<u8*>(page_address(page)) + (done & ~kPageMask),
               static_cast<u8*>(page_address(pages_[(from >> kPageShift) % pages_.size()])) +
                   (from & ~kPageMask),
               n);
        done += n;
    }
    for (Page* p : pages_) {
        if (p) page_put(p);
    }
    pages_ = std::move(fresh);
    tail_ = 0;
    changed.wake_all();
    return capacity();
}

void Pipe::open_end(bool reads, bool writes) {
    MutexGuard guard(lock);
    readers += reads;
    reader_opens += reads;
    writers += writes;
    writer_opens += writes;
    changed.wake_all();
}

void Pipe::close_end(bool reads, bool writes) {
    MutexGuard guard(lock);
    readers -= reads;
    writers -= writes;
    if ((readers == 0) != (writers == 0)) changed.wake_all(POLLIN | POLLRDNORM | POLLERR | POLLHUP);
}

PipeFile::~PipeFile() {
    if (!reads && !writes) return;
    pipe->close_end(reads, writes);
    if (S_ISFIFO(inode->mode) && inode->pipe) {
        MutexGuard guard(inode->lock);
        if (pipe->readers == 0 && pipe->writers == 0 && inode->pipe == pipe) inode->pipe.reset();
    }
}

Result<size_t> PipeFile::read(IovIter& to, loff_t&) {
    return pipe->read(to, nonblocking());
}
Result<size_t> PipeFile::write(IovIter& from, loff_t&) {
    return pipe->write(from, nonblocking());
}

Result<long> PipeFile::ioctl(u32 request, u64 argument) {
    if (request != FIONREAD) return Errno::ENOTTY;
    TRY(UserPtr<i32>(argument).write(static_cast<i32>(pipe->used())));
    return 0L;
}

u32 PipeFile::poll(PollTable* table) {
    if (table) table->add(pipe->changed);
    u32 mask = 0;
    if (reads) {
        if (pipe->used() > 0) mask |= POLLIN | POLLRDNORM;
        if (pipe->writers == 0 && pipe->writer_opens != writers_seen) mask |= POLLHUP;
    }
    if (writes) {
        if (pipe->has_page()) mask |= POLLOUT | POLLWRNORM;
        if (pipe->readers == 0) mask |= POLLERR;
    }
    return mask;
}

Result<PipePair> make_pipe(int flags) {
    RefPtr<Pipe> pipe = TRY(Pipe::make());
    RefPtr<Inode> inode = TRY(make_anon_inode("pipefs", S_IFIFO | 0600));
    inode->pipe = pipe;
    PipePair pair;
    char label[32];
    snprintf(label, sizeof(label), "pipe:[%llu]", static_cast<unsigned long long>(inode->ino));
    for (int end = 0; end < 2; end++) {
        RefPtr<PipeFile> file = TRY(make_ref<PipeFile>(*inode, pipe));
        TRY(set_detached(*file, label, (flags & (O_NONBLOCK | O_DIRECT)) | (end == 0 ? O_RDONLY : O_WRONLY)));
        (end == 0 ? file->reads : file->writes) = true;
        pipe->open_end(end == 0, end == 1);
        (end == 0 ? pair.read_end : pair.write_end) = file;
    }
    return pair;
}

Result<RefPtr<File>> open_fifo(Inode& inode, int flags) {
    const bool reads = (flags & O_ACCMODE) != O_WRONLY;
    const bool writes = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
    // A pipe's further ends (through /proc/PID/fd) are there at once, whoever has the other.
    const bool meets = inode.sb->magic != kPipefsMagic;
    RefPtr<PipeFile> file;
    {
        MutexGuard guard(inode.lock);
        if (!inode.pipe) inode.pipe = TRY(Pipe::make());
        Pipe& pipe = *inode.pipe;
        if (meets && writes && !reads && (flags & O_NONBLOCK) && pipe.readers == 0) {
            if (pipe.writers == 0) inode.pipe.reset();
            return Errno::ENXIO;
        }
        file = TRY(make_ref<PipeFile>(inode, inode.pipe));
        file->reads = reads;
        file->writes = writes;
        if (meets && (flags & O_NONBLOCK) && reads && pipe.writers == 0)
            file->writers_seen = pipe.writer_opens;
        pipe.open_end(reads, writes);
    }
    Pipe& pipe = *file->pipe;
    if (meets && (flags & O_NONBLOCK) == 0 && reads != writes) {
        const u32 seen = reads ? pipe.writer_opens : pipe.reader_opens;
        // An end that came and went again while we slept counts too.
        TRY(wait_event(pipe.changed, [&] {
            return reads ? pipe.writers > 0 || pipe.writer_opens != seen
                         : pipe.readers > 0 || pipe.reader_opens != seen;
        }));
    }
    return RefPtr<File>(file);
}

Pipe* pipe_of(File& file) {
    if (!S_ISFIFO(file.inode->mode) || file.is_path_only()) return nullptr;
    return static_cast<PipeFile&>(file).pipe.get();
}
