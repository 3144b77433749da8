// Pipes and fifos (pipe(7), fifo(7)).
//
// Guarantees: a write of at most PIPE_BUF bytes is never mixed with another's; a write without readers
// answers EPIPE and sends SIGPIPE; a read without writers and data answers 0. The capacity is 64 KiB, changed
// by F_SETPIPE_SZ; pages are taken only while they hold data.
#pragma once

#include "core/vector.h"
#include "fs/file.h"
#include "mm/page.h"
#include "sync/wait_queue.h"

class Pipe final : public RefCounted {
  public:
    static constexpr u32 kDefaultPages = 16;
    static Result<RefPtr<Pipe>> make();
    ~Pipe() override;

    Result<size_t> read(IovIter& to, bool nonblocking);
    Result<size_t> write(IovIter& from, bool nonblocking);
    /// Copies up to `size` bytes from the `skip`th unread one on, and leaves them.
    size_t peek(size_t skip, void* bytes, size_t size);
    size_t used() const { return __atomic_load_n(&used_, __ATOMIC_RELAXED); }
    size_t capacity() const { return pages_.size() * kPageSize; }
    /// Room for an atomic write of any size: what poll(2) calls writable.
    bool has_page() const { return capacity() - used() >= PIPE_BUF; }
    /// F_SETPIPE_SZ: the new capacity. EBUSY, EPERM, ENOMEM.
    Result<size_t> resize(u64 bytes);

    void open_end(bool reads, bool writes);
    void close_end(bool reads, bool writes);

    Mutex lock{LockRank::kPipe};  // bare: dropped in the middle of reads and writes, to sleep
    WaitQueue changed;
    u32 readers = 0;
    u32 writers = 0;
    u32 reader_opens = 0;  ///< how often an end was opened: a fifo's open waits for a change
    u32 writer_opens = 0;

  private:
    Result<size_t> copy_out(IovIter& to);
    Result<size_t> copy_in(IovIter& from, size_t size);

    Vec<Page*> pages_;  ///< a ring; null where no data lies
    u64 tail_ = 0;      ///< next byte to read, counted over the ring
    size_t used_ = 0;
};

class PipeFile final : public File {
  public:
    PipeFile(Inode& file_inode, RefPtr<Pipe> its_pipe) : File(file_inode), pipe(std::move(its_pipe)) {}
    ~PipeFile() override;
    Result<size_t> read(IovIter& to, loff_t& pos) override;
    Result<size_t> write(IovIter& from, loff_t& pos) override;
    bool is_stream() const override { return true; }
    Result<long> ioctl(u32 request, u64 argument) override;
    u32 poll(PollTable* table) override;
    Result<void> allocate(int, loff_t, loff_t) override { return Errno::ESPIPE; }

    RefPtr<Pipe> pipe;
    bool reads = false;
    bool writes = false;
    u32 writers_seen = ~0u;  ///< of a fifo opened before any writer: no POLLHUP while writer_opens is this
};

/// The two ends of a new pipe. `flags`: O_NONBLOCK.
struct PipePair {
    RefPtr<File> read_end;
    RefPtr<File> write_end;
};
Result<PipePair> make_pipe(int flags);

/// open(2) of a fifo; sleeps for the other end unless O_NONBLOCK. Of a pipe, through /proc/PID/fd: one more
/// end of it, at once. ENXIO, ERESTARTSYS.
Result<RefPtr<File>> open_fifo(Inode& inode, int flags);

/// The Pipe of a pipe's or fifo's file, or null.
Pipe* pipe_of(File& file);
