// FilesStruct: a process's table of open files (its descriptors), shared by threads and CLONE_FILES.
//
// Guarantees: descriptors are given lowest first. A file taken out with get() stays open while it is held,
// even if the descriptor is closed meanwhile.
#pragma once

#include "core/vector.h"
#include "fs/file.h"
#include "sync/guarded.h"

struct FilesStruct final : RefCounted {
    /// A table with nothing open.
    static Result<RefPtr<FilesStruct>> make();
    /// For fork: the same files under the same numbers.
    Result<RefPtr<FilesStruct>> clone();
    /// For execve: closes what is marked close-on-exec.
    void close_on_exec();

    /// The file open as `fd`, O_PATH ones excluded unless `path_too`. EBADF.
    Result<RefPtr<File>> get(int fd, bool path_too = false);
    /// For poll(2): put(i, file) for each fd_of(i), i < count, that get() would give; the lock is taken once.
    template <class FdOf, class Put>
    void get_each(size_t count, FdOf fd_of, Put put) {
        const auto slots = slots_.lock();
        for (size_t i = 0; i < count; i++) {
            const Slot* slot = open_slot(*slots, fd_of(i));
            if (slot && !slot->file->is_path_only()) put(i, slot->file);
        }
    }
    /// Puts `file` under the lowest free number from `lowest` on. EMFILE beyond RLIMIT_NOFILE, EINVAL for a
    /// `lowest` beyond it.
    Result<int> install(RefPtr<File> file, bool cloexec, int lowest = 0);
    /// dup2: `file` under exactly `fd`; what was there is closed. EBADF when `fd` is out of range.
    Result<void> install_at(int fd, RefPtr<File> file, bool cloexec);
    /// EBADF when not open.
    Result<void> close(int fd);
    void close_range(unsigned first, unsigned last);
    void set_cloexec_range(unsigned first, unsigned last);
    Result<bool> cloexec(int fd);
    Result<void> set_cloexec(int fd, bool on);
    /// The lowest open descriptor that is at least `fd`, or -1 (for /proc/PID/fd).
    int next_open(int fd);
    size_t capacity();  ///< FDSize of /proc/PID/status

    ~FilesStruct() override;

  private:
    struct Slot {
        RefPtr<File> file;
        bool close_on_exec = false;
    };
    using Slots = Vec<Slot>;
    static Result<void> grow(Slots& slots, size_t count);
    /// The slot of `fd` if it is open, else null.
    static Slot* open_slot(Slots& slots, int fd);
    void finish_close(RefPtr<File> file);

    Guarded<Slots, LockRank::kFiles> slots_;
};

/// The file the calling task has open as `fd`. EBADF.
Result<RefPtr<File>> get_file(int fd);
/// The same, O_PATH files included.
Result<RefPtr<File>> get_file_or_path(int fd);
