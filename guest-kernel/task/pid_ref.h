// PidRef: a process that is meant for as long as somebody refers to it, whoever gets its number afterwards.
//
// Guarantees: small, so that a process that is gone costs a holder little; `task` is null from its release on.
#pragma once

#include "core/refcount.h"
#include "sync/wait_queue.h"

struct PidRef : RefCounted {
    task_struct* task = nullptr;  ///< the group leader; under the task table's lock
    WaitQueue exited;             ///< woken when the process has ended
};
