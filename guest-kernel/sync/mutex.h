// Sleeping mutual exclusion.
//
// Guarantees: ranked (sync/lock_rank.h), owned by a task, first come first served. lock() cannot be
// interrupted: hold one only for bounded work, or use lock_killable(). Never in an interrupt handler or under
// a SpinLock.
#pragma once

#include "sync/wait_queue.h"

class Mutex {
  public:
    explicit Mutex(LockRank rank) : rank_(rank) {}
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    void lock();
    /// A second lock of the same rank, in an order that the caller guarantees (parent directory before
    /// child).
    void lock_nested();
    /// ERESTARTSYS when a fatal signal comes first.
    Result<void> lock_killable();
    bool try_lock();
    void unlock();
    bool is_locked() const { return owner_ != nullptr; }
    task_struct* owner() const { return owner_; }

  private:
    bool try_acquire();
    void check_rank(bool nested);

    task_struct* owner_ = nullptr;
    WaitQueue waiters_;
    LockRank rank_;
    u8 outer_rank_ = 0;
};

/// Holds a Mutex for a scope.
class MutexGuard {
  public:
    explicit MutexGuard(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    ~MutexGuard() { mutex_.unlock(); }
    MutexGuard(const MutexGuard&) = delete;
    MutexGuard& operator=(const MutexGuard&) = delete;

  private:
    Mutex& mutex_;
};
