// Data that is reached only through its lock:
//
//   Guarded<MountTable, LockRank::kMounts> mounts;
//   mounts.lock()->insert(mount);                       // for one expression
//   auto table = mounts.lock();  table->insert(mount);  // for a scope
//   mounts.with([&](MountTable& table) { ... });        // for a block; answers what the block answers
//
// Guarantees: the rank says which lock it is: below kTasks a Mutex (may sleep), from there on a SpinLock
// taken with interrupts off. What holds a lock over a place where it must be handed over, or dropped in the
// middle of a sleep, keeps a bare lock and says so.
#pragma once

#include <type_traits>
#include <utility>

#include "sync/mutex.h"
#include "sync/spinlock.h"

template <class T, LockRank rank>
class Guarded {
    static constexpr bool kSleeps = rank < LockRank::kTasks;
    using Lock = std::conditional_t<kSleeps, Mutex, SpinLock>;
    using Guard = std::conditional_t<kSleeps, MutexGuard, IrqGuard>;

  public:
    /// The data while the lock is held.
    class [[nodiscard]] Access {
      public:
        explicit Access(Guarded& guarded) : guard_(guarded.lock_), value_(guarded.value_) {}
        T* operator->() const { return &value_; }
        T& operator*() const { return value_; }

      private:
        Guard guard_;
        T& value_;
    };

    template <class... Args>
    constexpr explicit Guarded(Args&&... args) : value_{std::forward<Args>(args)...} {}
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;

    Access lock() { return Access(*this); }
    template <class F>
    decltype(auto) with(F f) {
        const Access access(*this);
        return f(*access);
    }

  private:
    Lock lock_{rank};
    T value_;
};
