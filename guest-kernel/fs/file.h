// File: an open file description (open(2)): a position, flags, and the operations of what was opened.
//
// A kind of file derives from File and overrides what it can do; the defaults answer as Linux does for a file
// whose operation is missing. Rules:
//   - read and write get an iterator and a position of the caller's (the file's own, or pread's); they move
//   the
//     position by what they return. They may be called by several tasks at once.
//   - the VFS has checked the access mode, the arguments' ranges, and holds position_lock when the position
//   is
//     the file's own and the file is seekable.
#pragma once

#include "abi/poll.h"
#include "fs/inode.h"
#include "fs/iov_iter.h"
#include "fs/path.h"

class CachedFile;
class EpollFile;
class PollTable;
class InotifyFile;
class PidFile;
class ShmFile;
class SignalFile;
class TimerFile;
class FsContext;
struct FilesStruct;

/// Collects directory entries. `emit` answers false when the reader has no more room: stop, and leave
/// `position` at that entry.
class DirContext {
  public:
    virtual bool emit(const Name& name, u64 ino, u8 type) = 0;
    /// "." and ".." for a file system's root or any directory; positions 0 and 1. False when there is no
    /// room.
    bool emit_dots(const Dentry& directory);

    loff_t position = 0;
    const Dentry* dentry = nullptr;  ///< the directory being read

  protected:
    ~DirContext() = default;
};

class File : public RefCounted {
  public:
    explicit File(Inode& file_inode) : inode(RefPtr<Inode>(&file_inode)) {}
    ~File() override;

    bool readable() const { return (flags & (O_WRONLY | O_PATH)) == 0; }  // access mode 3 allows neither
    bool writable() const {
        const int access = flags & O_ACCMODE;
        return (access == O_WRONLY || access == O_RDWR) && (flags & O_PATH) == 0;
    }
    bool nonblocking() const { return (flags & O_NONBLOCK) != 0; }
    bool is_path_only() const { return (flags & O_PATH) != 0; }

    /// The epoll sets that watch a file refer to it; when only they are left, the file is taken out of them.
    void unref() const {
        const u32 watchers = __atomic_load_n(&epoll_watchers, __ATOMIC_RELAXED);
        if (watchers != 0 && ref_count() == watchers + 1) release_watched();
        RefCounted::unref();
    }

    virtual Result<size_t> read(IovIter& to, loff_t& position);
    virtual Result<size_t> write(IovIter& from, loff_t& position);
    /// A new position for lseek. The default knows SEEK_SET, CUR and END over the inode's size.
    virtual Result<loff_t> seek(loff_t offset, int whence);
    /// Pipes, terminals, sockets: no position; lseek and pread answer ESPIPE.
    virtual bool is_stream() const { return false; }
    /// May pread and pwrite name a position? ESPIPE if not. (Linux's FMODE_PREAD and FMODE_PWRITE: an eventfd
    /// takes lseek, which does nothing, but no pread.)
    virtual bool can_pread() const { return !is_stream(); }
    virtual bool can_pwrite() const { return can_pread(); }
    /// False: there is no operation to read or write (EINVAL before the buffer is looked at).
    virtual bool has_read() const { return true; }
    virtual bool has_write() const { return true; }
    /// `argument` is the third argument, often a program's address. ENOTTY for an unknown request.
    virtual Result<long> ioctl(u32 request, u64 argument);
    /// Which of POLL… hold now; adds the queues to `table` (null: just the answer).
    virtual u32 poll(PollTable* table);
    virtual Result<void> iterate(DirContext& context) { return inode->iterate(context); }
    /// fsync(2), fdatasync(2); EINVAL for what cannot be synced.
    virtual Result<void> sync(bool data_only) { return inode->sync(data_only); }
    /// The cached pages behind it (fs/page_cache.h), for sync_file_range, posix_fadvise, readahead; null: none.
    virtual CachedFile* as_cached_file() { return nullptr; }
    /// close(2) of one descriptor, while others may still refer to the file.
    virtual void flush() {}
    /// For mmap and execve: null when the file cannot be mapped (ENODEV).
    virtual MemoryObject* memory_object() { return inode->memory_object(); }
    /// An area maps this file from now on, or no longer does (System V shared memory counts them).
    virtual void mapped() {}
    virtual void unmapped() {}
    /// A mapping is anonymous memory (/dev/zero).
    virtual bool maps_zeroes() const { return false; }
    /// fallocate(2); EOPNOTSUPP or ENODEV, ESPIPE by kind.
    virtual Result<void> allocate(int mode, loff_t offset, loff_t length);
    /// What /proc/PID/fdinfo adds.
    virtual Result<void> show_fdinfo(KString& /*out*/) { return {}; }
    /// May fcntl(F_SETFL) set these flags? (O_DIRECT on tmpfs answers EINVAL.)
    virtual Result<void> check_flags(int /*new_flags*/) { return {}; }

    Path path;  ///< before `inode`, so that the inode goes first
    RefPtr<Inode> inode;
    int flags = 0;  ///< O_ACCMODE and status flags, O_PATH; never O_CLOEXEC, O_CREAT …
    loff_t position = 0;
    Mutex position_lock{LockRank::kFilePosition};  ///< bare: over a read() or write() as a whole
    bool holds_write_access = false;
    int owner_pid = 0;               ///< F_SETOWN: a process, or a group when negative
    int owner_signal = 0;            ///< F_SETSIG
    mutable u32 epoll_watchers = 0;  ///< how many epoll items refer to this file
    mutable ListNode epoll_items;    ///< they, under the epoll lock
    virtual EpollFile* as_epoll_file() { return nullptr; }
    virtual TimerFile* as_timer_file() { return nullptr; }
    virtual PidFile* as_pid_file() { return nullptr; }
    virtual const ShmFile* as_shm_file() const { return nullptr; }
    virtual bool is_mqueue() const { return false; }
    virtual InotifyFile* as_inotify_file() { return nullptr; }
    virtual FsContext* as_fs_context() { return nullptr; }
    virtual SignalFile* as_signal_file() { return nullptr; }

  private:
    void release_watched() const;
};

/// Opens `path` for the calling task as open(2) does, but gives the file. Errors as open(2).
Result<RefPtr<File>> vfs_open(const char* path, int flags, umode_t mode);
/// Opens what `path` stands for already; no path walk, no permission check.
Result<RefPtr<File>> open_path(const Path& path, int flags);

/// Reads into the kernel's memory at `position` and moves it. Errors as read(2).
Result<size_t> kernel_read(File& file, void* buffer, size_t size, loff_t& position);
Result<size_t> kernel_write(File& file, const void* buffer, size_t size, loff_t& position);

/// read(2) and write(2) below the descriptor: Linux's own seam. The count, or the error negated.
extern "C" ssize_t vfs_read(File* file, u64 user_buffer, size_t count, loff_t* position);
extern "C" ssize_t vfs_write(File* file, u64 user_buffer, size_t count, loff_t* position);
/// The same over any iterator.
Result<size_t> file_read(File& file, IovIter& to, loff_t& position);
Result<size_t> file_write(File& file, IovIter& from, loff_t& position);
