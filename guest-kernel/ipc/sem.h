// A System V semaphore set, the operations that wait on it, and what a process undoes when it ends (semop(2)).
//
// Guarantees: operations of one call happen all or not at all. Whatever changes a set tries the waiting calls,
// oldest first, and completes those that can go on: a waiter only ever finds its own result.
#pragma once

#include "core/list.h"
#include "core/unique.h"
#include "ipc/ipc.h"
#include "sync/wait_queue.h"

struct SemOp {  // struct sembuf
    u16 number;
    i16 change;
    i16 flags;
};
static_assert(sizeof(SemOp) == 6);

struct SemUndo {
    ListNode of_set;        // first
    SemSet* set = nullptr;  // null: the set is gone
    Vec<i16> adjust;
};
/// What the processes that share it (CLONE_SYSVSEM) undo at their end.
struct SemUndoList : RefCounted {
    Vec<Unique<SemUndo>> undos;  ///< under the lock of the semaphores
    RefPtr<IpcNamespace> ns;
};

struct SemWaiter {
    ListNode node;
    const SemOp* ops = nullptr;
    u32 count = 0;
    const SemOp* blocked_at = nullptr;  ///< the first that could not be done
    bool alters = false;
    SemUndo* undo = nullptr;
    task_struct* task = nullptr;
    pid_t pid = 0;
    bool done = false;
    Errno result = Errno::OK;
};

struct SemSet : IpcObject {
    struct Semaphore {
        i32 value = 0;
        pid_t pid = 0;
    };
    Vec<Semaphore> semaphores;
    i64 otime = 0;
    List<SemWaiter, &SemWaiter::node> waiters;
    ListNode undos;  ///< of this set, of all processes
};

/// At a task's end: undoes, if it is the last of those who share the list.
void exit_sem(task_struct* task);
/// At fork: shares or (without `share`) leaves the list. ENOMEM.
Result<void> copy_semundo(task_struct* child, bool share);
