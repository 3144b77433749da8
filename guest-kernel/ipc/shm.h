// A System V shared memory segment (shmget(2)): pages of a nameless tmpfs file.
//
// Guarantees: lives until it was removed and the last area that maps it is gone.
#pragma once

#include "fs/tmpfs/tmpfs.h"
#include "ipc/ipc.h"

constexpr u32 kShmDest = 01000, kShmLocked = 02000;  // in IpcObject::mode

struct ShmSegment : IpcObject {
    u64 size = 0;
    RefPtr<TmpfsInode> pages;
    i64 atime = 0, dtime = 0;
    pid_t creator = 0, last = 0;
    u64 attached = 0;  ///< areas that map it

    u64 page_count() const { return (size + kPageSize - 1) >> kPageShift; }
};
