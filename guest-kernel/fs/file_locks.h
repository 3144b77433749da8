// Advisory file locks: record locks of fcntl(2), owned by a process's table of files or by an open file
// description (F_OFD_…), and flock(2)'s whole-file locks, owned by an open file description.
//
// Guarantees: a lock conflicts with another owner's of its own family only (flock and fcntl do not see each
// other); adjacent and overlapping ranges of one owner are merged and split as POSIX says; waiting can be
// interrupted; a wait that would close a circle of waiting processes answers EDEADLK (fcntl only).
#pragma once

#include "abi/fcntl.h"
#include "fs/file.h"
#include "sync/wait_queue.h"

struct FileLock {
    ListNode node;
    const void* owner = nullptr;  ///< FilesStruct (POSIX) or File (OFD, flock)
    pid_t pid = 0;                ///< for F_GETLK and /proc/locks; -1 for OFD
    bool exclusive = false;
    u64 first = 0;
    u64 last = ~0ull >> 1;  ///< inclusive; OFFSET_MAX means to the end, however far
};

struct FileLocks {
    List<FileLock, &FileLock::node> records;
    List<FileLock, &FileLock::node> flocks;
    WaitQueue released;
    ~FileLocks();
};

/// fcntl F_GETLK, F_SETLK, F_SETLKW and their OFD forms. `lock` is changed by the GETLK forms only.
Result<void> fcntl_lock(File& file, int command, KernelFlock& lock);
/// flock(2); `operation` is a valid one (flock_valid). EWOULDBLOCK; EBADF for a file open for neither reading nor
/// writing.
Result<void> flock_file(File& file, int operation);
/// Is it LOCK_SH, LOCK_EX or LOCK_UN, perhaps with LOCK_NB?
bool flock_valid(int operation);

/// close(2) gives up all the process's record locks on the inode, whatever descriptor they came through.
void release_posix_locks(Inode& inode, const void* owner);
/// The last close of an open file description gives up its flock and OFD locks.
void release_file_locks(File& file);
