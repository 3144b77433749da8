// Sleeping for a flag that its waker sets, where no queue is waited on (else: sync/wait_queue.h).
#pragma once

#include "sched/sched.h"
#include "task/signal.h"

/// Sleeps until woken(), which a waker makes true before it wakes. `on_signal` when a signal is pending first, ETIMEDOUT.
template <class Woken>
Result<void> sleep_until_woken(Woken woken, u64 deadline, Errno on_signal) {
    Result<void> result;
    for (bool in_time = true;;) {
        // Before the look: a waker on another CPU finds the state, or is seen.
        set_current_state(TASK_INTERRUPTIBLE);
        if (woken()) break;
        if (signal_pending(current())) {
            result = on_signal;
            break;
        }
        if (!in_time) {
            result = Errno::ETIMEDOUT;
            break;
        }
        in_time = schedule_until(deadline);
    }
    current()->state = TASK_RUNNING;
    return result;
}
