// Sleeping until something happens: WaitQueue, wait_event and PollTable.
//
// Guarantees: no lost wake-up (the sleeper is queued before it looks at its condition); wake_* may be called
// from interrupt handlers. A sleep that a signal ends answers ERESTARTSYS (the signal code makes EINTR or a
// restart of it, as in Linux); one that times out answers ETIMEDOUT.
#pragma once

#include "core/list.h"
#include "core/result.h"
#include "sync/spinlock.h"
#include "task/current.h"

struct WaitEntry {
    ListNode node;
    task_struct* task = nullptr;
    /// Called under the queue's lock with what wake_* was given; must not sleep. True if it woke somebody, which
    /// is what a wake-up of one exclusive sleeper looks for. The default wakes `task`.
    bool (*func)(WaitEntry*, u32 events) = nullptr;
    void* data = nullptr;
    bool exclusive = false;
};

/// For wake_*: sleepers are to look again, but nothing has begun that poll(2) would tell.
constexpr u32 kNoEvent = 1u << 31;

class WaitQueue {
  public:
    // `events`: the POLL… that begin to hold; 0: any may.
    void wake_all(u32 events = 0);
    /// Wake every non-exclusive sleeper and at most one exclusive one.
    void wake_one(u32 events = 0);
    bool has_sleepers() const { return !entries_.empty(); }

    void add(WaitEntry* entry);
    void remove(WaitEntry* entry);
    /// Queue `entry` if it is not queued, and put the current task in `state`.
    void prepare(WaitEntry* entry, u32 state);
    void finish(WaitEntry* entry);

  private:
    SpinLock lock_{LockRank::kWaitQueue};
    List<WaitEntry, &WaitEntry::node> entries_;
};

constexpr u64 kNoTimeout = ~0ull;

namespace wait_detail {
/// Sleep until woken or until `deadline_ns` (ktime; kNoTimeout: never); false once the time is over.
bool sleep_until(u64 deadline_ns);
u64 deadline_after(u64 ns);
constexpr u32 kInterruptible = 1, kUninterruptible = 2, kKillable = 0x102;
bool interrupted(u32 state);

template <class Condition>
Result<void> wait(WaitQueue& queue, Condition condition, u32 state, u64 deadline_ns) {
    WaitEntry entry;
    entry.task = current();
    Result<void> result;
    for (bool in_time = true;;) {
        queue.prepare(&entry, state);
        if (condition()) break;
        if (interrupted(state)) {
            result = Errno::ERESTARTSYS;
            break;
        }
        if (!in_time) {
            result = Errno::ETIMEDOUT;
            break;
        }
        in_time = sleep_until(deadline_ns);
    }
    queue.finish(&entry);
    return result;
}
}  // namespace wait_detail

/// Sleep until `condition()` holds. ERESTARTSYS when a signal is pending first.
template <class Condition>
Result<void> wait_event(WaitQueue& queue, Condition condition) {
    return wait_detail::wait(queue, condition, wait_detail::kInterruptible, kNoTimeout);
}
/// As wait_event, at most `timeout_ns` nanoseconds (kNoTimeout: for ever). ERESTARTSYS, ETIMEDOUT.
template <class Condition>
Result<void> wait_event_timeout(WaitQueue& queue, Condition condition, u64 timeout_ns) {
    return wait_detail::wait(queue, condition, wait_detail::kInterruptible,
                             wait_detail::deadline_after(timeout_ns));
}
/// Only a fatal signal ends it. ERESTARTSYS.
template <class Condition>
Result<void> wait_event_killable(WaitQueue& queue, Condition condition) {
    return wait_detail::wait(queue, condition, wait_detail::kKillable, kNoTimeout);
}
/// No signal ends it: for waits that are sure to be short.
template <class Condition>
void wait_event_uninterruptible(WaitQueue& queue, Condition condition) {
    (void)wait_detail::wait(queue, condition, wait_detail::kUninterruptible, kNoTimeout);
}

/// What File::poll is given: every queue whose wake-up may change the answer is to be add()ed. A null
/// PollTable* means "only the answer, please". poll/select use PollWaiter; epoll brings its own subclass.
class PollTable {
  public:
    virtual void add(WaitQueue& queue) = 0;
    bool exclusive = false;  ///< what is added now is an exclusive sleeper (EPOLLEXCLUSIVE)

  protected:
    ~PollTable() = default;
};

/// Waits on many queues at once.
///   PollWaiter w;  for (;;) { n = ask every file (&w the first time, nullptr later); if (n) break;
///                             TRY-like: w.wait(deadline) }        ERESTARTSYS, ETIMEDOUT, ENOMEM
class PollWaiter final : public PollTable {
  public:
    PollWaiter() = default;
    ~PollWaiter();
    PollWaiter(const PollWaiter&) = delete;
    PollWaiter& operator=(const PollWaiter&) = delete;
    void add(WaitQueue& queue) override;
    /// Sleep until one of the queues is woken since the last wait() (or add()), or until ktime `deadline_ns`.
    Result<void> wait(u64 deadline_ns);

  private:
    struct Entry {
        WaitEntry wait;
        WaitQueue* queue = nullptr;
        Entry* next = nullptr;
    };
    static bool on_wake(WaitEntry* entry, u32 events);
    Entry* entries_ = nullptr;
    Entry inline_entries_[8];
    unsigned used_ = 0;
    bool out_of_memory_ = false;
    bool triggered_ = false;
    task_struct* task_ = current();
};
