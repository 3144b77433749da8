// What the files of futexes share: keys, and the table of those who sleep on plain futexes.
#pragma once

#include "core/list.h"
#include "core/result.h"
#include "sched/sleep.h"
#include "sync/guarded.h"
#include "task/task.h"

namespace futex_detail {

constexpr u32 kWaitersBit = 0x80000000, kOwnerDied = 0x40000000, kTidMask = 0x3fffffff;
constexpr u32 kMatchAny = 0xffffffff;

/// Which word is meant: a private one by (address space, address), a shared one by (memory object or page, offset).
struct Key {
    const void* space = nullptr;
    u64 position = 0;
    bool operator==(const Key&) const = default;
};
/// EINVAL for an address that is not aligned, EFAULT.
Result<Key> get_key(u64 address, bool shared);

struct Waiter {
    ListNode node;
    Key key;
    u32 bitset = kMatchAny;
    task_struct* task = nullptr;
    bool woken = false;
    void* pi =
        nullptr;  ///< of FUTEX_WAIT_REQUEUE_PI: only FUTEX_CMP_REQUEUE_PI may take it (task/futex_pi.cpp)
};

struct Waiters {
    static constexpr size_t kBuckets = 64;
    using Bucket = List<Waiter, &Waiter::node>;
    Bucket buckets[kBuckets];

    Bucket& bucket_of(const Key& key) {
        return buckets[(reinterpret_cast<u64>(key.space) >> 6 ^ key.position >> 2) % kBuckets];
    }
};
extern Guarded<Waiters, LockRank::kFutex> waiters;

/// Takes the waiter off its queue and wakes it. Under the lock.
void wake_waiter(Waiter& waiter);

/// The deadline of a FUTEX_… timeout (0: none): absolute, on the real-time clock if `realtime`. EFAULT, EINVAL.
Result<u64> absolute_deadline(u64 timeout, bool realtime);

}  // namespace futex_detail

// Priority inheritance (task/futex_pi.cpp). `timeout`: as futex(2) has it for the command.
SysResult futex_lock_pi(u64 address, bool shared, u64 timeout, bool realtime, bool only_try);
SysResult futex_unlock_pi(u64 address, bool shared);
SysResult futex_wait_requeue_pi(u64 address, bool shared, u32 value, u64 timeout, bool realtime,
                                u64 address2);
SysResult futex_cmp_requeue_pi(u64 address, bool shared, i32 wake, i32 move, u64 address2, u32 expected);
/// At a task's end: its locks go to who waits for them, marked as abandoned.
void exit_pi_futexes();
