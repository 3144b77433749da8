// Data that is reached only through its lock:
//
//   Guarded<MountTable, LockRank::kMounts> mounts;
//   mounts.lock()->insert(mount);                       // for one expression
//   auto table = mounts.lock();  table->insert(mount);  // for a scope
//   mounts.with([&](MountTable& table) { ... });        // for a block; answers what the block answers
//
// Guarantees: the rank says which lock it is (sync/lock_rank.h): a Mutex, under which one may sleep, or a
// SpinLock, with interrupts off unless the rank leaves them on. A lock that is handed over, dropped in the
// middle of a sleep, or that orders whole operations rather than guarding data stays bare and says so.
#pragma once

#include <type_traits>
#include <utility>

#include "sync/mutex.h"
#include "sync/spinlock.h"

template <class T, LockRank rank>
class Guarded {
    static constexpr bool kSpins = is_spin_rank(rank);
    using Lock = std::conditional_t<kSpins, SpinLock, Mutex>;
    using Spin = std::conditional_t<leaves_interrupts_on(rank), SpinGuard, IrqGuard>;
    using Guard = std::conditional_t<kSpins, Spin, MutexGuard>;

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

    /// In a panic: whoever holds the spin lock is stopped for good.
    void break_open() { lock_.break_open(); }

  private:
    Lock lock_{rank};
    T value_;
};
