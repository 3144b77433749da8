// Mutexes (sync/mutex.h).
//
// Guarantees: the rank check uses the task's highest held rank. Before the first task exists (boot) locking
// is uncontended and works too.
#include "sync/mutex.h"

#include "arch/x86_64/percpu.h"
#include "core/panic.h"
#include "task/task.h"

bool Mutex::try_acquire() {
    task_struct* nobody = nullptr;
    return __atomic_compare_exchange_n(&owner_, &nobody, current(), false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

void Mutex::check_rank(bool nested) {
    const task_struct* task = current();
    const u8 rank = static_cast<u8>(rank_);
    BUG_ON(owner_ == task);
    BUG_ON(this_cpu().preempt_count != 0);
    if (nested ? task->mutex_rank > rank : task->mutex_rank >= rank) [[unlikely]]
        panic("mutex rank %u taken while holding %u", rank, task->mutex_rank);
}

void Mutex::lock() {
    check_rank(false);
    if (!try_acquire()) wait_event_uninterruptible(waiters_, [&] { return try_acquire(); });
    outer_rank_ = current()->mutex_rank;
    current()->mutex_rank = static_cast<u8>(rank_);
}

void Mutex::lock_nested() {
    check_rank(true);
    if (!try_acquire()) wait_event_uninterruptible(waiters_, [&] { return try_acquire(); });
    outer_rank_ = current()->mutex_rank;
    current()->mutex_rank = static_cast<u8>(rank_);
}

Result<void> Mutex::lock_killable() {
    check_rank(false);
    if (!try_acquire()) TRY(wait_event_killable(waiters_, [&] { return try_acquire(); }));
    outer_rank_ = current()->mutex_rank;
    current()->mutex_rank = static_cast<u8>(rank_);
    return {};
}

bool Mutex::try_lock() {
    if (!try_acquire()) return false;
    outer_rank_ = current()->mutex_rank;
    current()->mutex_rank = max(current()->mutex_rank, static_cast<u8>(rank_));
    return true;
}

void Mutex::unlock() {
    BUG_ON(owner_ != current());
    current()->mutex_rank = outer_rank_;
    __atomic_store_n(&owner_, nullptr, __ATOMIC_SEQ_CST);
    // A sleeper queues itself before it tries again: either it sees the lock free or we see it here.
    if (waiters_.has_sleepers()) waiters_.wake_all();
}
