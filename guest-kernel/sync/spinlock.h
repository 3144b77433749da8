// Spin locks: short critical sections, also against interrupt handlers.
//
// Guarantees: ranked (sync/lock_rank.h); fair: whoever came first gets it first (a ticket lock); a second lock() by the
// holding CPU is a panic, not a hang. Holding one disables preemption: never sleep, never touch user memory. Data that an
// interrupt handler also touches needs the irqsave form everywhere.
#pragma once

#include "sync/lock_rank.h"

class SpinLock {
  public:
    explicit constexpr SpinLock(LockRank rank) : rank_(rank) {}
    SpinLock(const SpinLock&) = delete;
    SpinLock& operator=(const SpinLock&) = delete;

    void lock();
    void unlock();
    /// Disable interrupts, then lock; returns the flags for unlock_irqrestore.
    u64 lock_irqsave();
    void unlock_irqrestore(u64 flags);
    /// In a panic: whoever holds it is stopped for good.
    void break_open() {
        holder_ = 0;
        __atomic_store_n(&serving_, __atomic_load_n(&next_, __ATOMIC_RELAXED), __ATOMIC_RELEASE);
    }

  private:
    u32 next_ = 0;     // the ticket of who comes next
    u32 serving_ = 0;  // whose turn it is; next_: nobody's
    u32 holder_ = 0;   // number of the CPU that holds it + 1; 0: free
    LockRank rank_;
    u8 outer_rank_ = 0;
};

/// Holds a SpinLock for a scope.
class SpinGuard {
  public:
    explicit SpinGuard(SpinLock& lock) : lock_(lock) { lock_.lock(); }
    ~SpinGuard() { lock_.unlock(); }
    SpinGuard(const SpinGuard&) = delete;
    SpinGuard& operator=(const SpinGuard&) = delete;

  private:
    SpinLock& lock_;
};

/// Holds a SpinLock for a scope, with interrupts off.
class IrqGuard {
  public:
    explicit IrqGuard(SpinLock& lock) : lock_(lock), flags_(lock.lock_irqsave()) {}
    ~IrqGuard() { lock_.unlock_irqrestore(flags_); }
    IrqGuard(const IrqGuard&) = delete;
    IrqGuard& operator=(const IrqGuard&) = delete;

  private:
    SpinLock& lock_;
    u64 flags_;
};
