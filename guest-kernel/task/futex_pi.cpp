// Futexes with priority inheritance (futex(2), "Priority-inheritance futexes"): the word holds the owner's TID, the
// kernel hands it over, and while somebody waits the owner runs at least at the waiter's priority.
//
// Locking: one mutex over all who wait and over every change that the kernel makes to such a word; programs change
// words meanwhile, so each change is a compare-and-exchange. Plain waiters that wait to be moved here
// (FUTEX_WAIT_REQUEUE_PI) are in the table of plain futexes until then.
#include "core/vector.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/futex_internal.h"
#include "task/pid.h"
#include "task/pid_namespace.h"
#include "time/clock.h"

using namespace futex_detail;

namespace {

struct PiWaiter {
    ListNode node;
    Key key;
    u64 address = 0;  // of the word, in the space of whoever waits
    task_struct* task = nullptr;
    pid_t owner = 0;
    bool granted = false;
};
using PiWaiters = List<PiWaiter, &PiWaiter::node>;
Guarded<PiWaiters, LockRank::kFutexMm> g_pi;

constexpr int kLongestChain = 64;

/// A task's rank among waiters: 0 for all that are not real-time.
u32 priority_of(const task_struct* task) {
    return task->policy == SCHED_FIFO || task->policy == SCHED_RR ? task->rt_priority : 0;
}

/// The waiter that gets `key` next: the highest priority, then the longest wait.
PiWaiter* top_waiter(PiWaiters& all, const Key& key) {
    PiWaiter* best = nullptr;
    for (PiWaiter& w : all) {
        if (w.key == key && (!best || priority_of(w.task) > priority_of(best->task))) best = &w;
    }
    return best;
}

/// Gives `task` the highest priority of those who wait for it, or its own; then whoever it waits for.
void inherit(PiWaiters& all, task_struct* task) {
    for (int depth = 0; task && depth < kLongestChain; depth++) {
        u32 wanted = task->pi_saved ? task->pi_saved_priority : priority_of(task);
        u32 policy = task->pi_saved ? task->pi_saved_policy : task->policy;
        const u32 own = wanted;
        PiWaiter* waits = nullptr;
        for (PiWaiter& w : all) {
            if (w.owner == task->pid && priority_of(w.task) > wanted) {
                wanted = priority_of(w.task);
                policy = SCHED_FIFO;
            }
            if (w.task == task) waits = &w;
        }
        if (wanted == priority_of(task) && (wanted > own || !task->pi_saved)) return;
        if (!task->pi_saved) {
            task->pi_saved_policy = task->policy;
            task->pi_saved_priority = task->rt_priority;
        }
        task->pi_saved = wanted > own;
        sched_set_policy(task, policy, wanted, task->static_prio);
        if (!waits) return;
        const auto table = task_table.lock();
        task = table->find(waits->owner);
    }
}

void inherit_pid(PiWaiters& all, pid_t pid) {
    const TaskRef task = find_task_by_pid(pid);
    if (task) inherit(all, task.get());
}

/// Every waiter for `key` now waits for `owner`.
void set_owner(PiWaiters& all, const Key& key, pid_t owner) {
    for (PiWaiter& w : all) {
        if (w.key == key) w.owner = owner;
    }
}

/// Hands `key` to its first waiter; the word is at `address` here and held `word`. False when it has changed.
Result<bool> hand_over(PiWaiters& all, const Key& key, u64 address, u32 word, u32 keep) {
    PiWaiter* next = top_waiter(all, key);
    u32 fresh = keep;
    if (next) {
        fresh |= static_cast<u32>(next->task->vpid);
        for (const PiWaiter& w : all) fresh |= &w != next && w.key == key ? kWaitersBit : 0;
    }
    if (TRY(cmpxchg_user(address, word, fresh)) != word) return false;
    if (!next) return true;
    next->node.remove();
    set_owner(all, key, next->task->pid);
    next->granted = true;
    wake_up_process(next->task);
    inherit(all, next->task);
    return true;
}

enum class Taken { kYes, kNo };

/// Takes the lock for `task`, or marks that there are waiters and says who has it. EDEADLK, ESRCH, EFAULT.
Result<Taken> take_or_mark(PiWaiters& all, const Key& key, u64 address, task_struct* task, bool only_try,
                           pid_t* owner) {
    for (;;) {
        const u32 word = TRY(UserPtr<u32>(address).read());
        const pid_t named = static_cast<pid_t>(word & kTidMask);
        const pid_t holder = global_pid(named);
        if (holder == task->pid && named) return Errno::EDEADLK;
        u32 fresh;
        if (named == 0) {
            fresh =
                static_cast<u32>(task->vpid) | (word & kOwnerDied) | (top_waiter(all, key) ? kWaitersBit : 0);
        } else {
            if (only_try) return Taken::kNo;
            if (!find_task_by_pid(holder)) return Errno::ESRCH;
            fresh = word | kWaitersBit;
        }
        if (fresh != word && TRY(cmpxchg_user(address, word, fresh)) != word) continue;
        *owner = holder;
        return named == 0 ? Taken::kYes : Taken::kNo;
    }
}

/// Sleeps until the lock is handed over, a signal or the time comes.
Result<void> wait_granted(PiWaiter& waiter, u64 deadline) {
    const Result<void> result = sleep_until_woken(
        [&] { return __atomic_load_n(&waiter.granted, __ATOMIC_ACQUIRE); }, deadline, Errno::ERESTARTNOINTR);
    const auto all = g_pi.lock();
    if (waiter.granted) return {};
    waiter.node.remove();
    inherit_pid(*all, waiter.owner);
    return result;
}

}  // namespace

SysResult futex_lock_pi(u64 address, bool shared, u64 timeout, bool realtime, bool only_try) {
    const u64 deadline = only_try ? kNoTimeout : TRY(absolute_deadline(timeout, realtime));
    PiWaiter waiter;
    waiter.key = TRY(get_key(address, shared));
    waiter.address = address;
    waiter.task = current();
    {
        const auto all = g_pi.lock();
        if (TRY(take_or_mark(*all, waiter.key, address, current(), only_try, &waiter.owner)) == Taken::kYes) {
            set_owner(*all, waiter.key, current()->pid);
            inherit(*all, current());
            return 0L;
        }
        if (only_try) return Errno::EAGAIN;
        all->push_back(&waiter);
        inherit_pid(*all, waiter.owner);
    }
    TRY(wait_granted(waiter, deadline));
    return 0L;
}

SysResult futex_unlock_pi(u64 address, bool shared) {
    const u32 word = TRY(UserPtr<u32>(address).read());
    if ((word & kTidMask) != static_cast<u32>(current()->vpid)) return Errno::EPERM;
    const Key key = TRY(get_key(address, shared));
    const auto all = g_pi.lock();
    for (;;) {
        const u32 now = TRY(UserPtr<u32>(address).read());
        if ((now & kTidMask) != static_cast<u32>(current()->vpid)) return Errno::EPERM;
        if (TRY(hand_over(*all, key, address, now, 0))) break;
    }
    inherit(*all, current());
    return 0L;
}

SysResult futex_wait_requeue_pi(u64 address, bool shared, u32 value, u64 timeout, bool realtime,
                                u64 address2) {
    if (address == address2) return Errno::EINVAL;
    const u64 deadline = TRY(absolute_deadline(timeout, realtime));
    Waiter first;
    PiWaiter second;
    first.key = TRY(get_key(address, shared));
    second.key = TRY(get_key(address2, shared));
    second.address = address2;
    first.task = second.task = current();
    first.pi = &second;
    waiters.lock()->bucket_of(first.key).push_back(&first);
    const Result<u32> now = UserPtr<u32>(address).read();
    Result<void> result;
    if (!now.ok())
        result = Errno::EFAULT;
    else if (now.value() != value)
        result = Errno::EAGAIN;
    if (result.ok())
        result = sleep_until_woken([&] { return __atomic_load_n(&second.granted, __ATOMIC_ACQUIRE); },
                                   deadline, Errno::EINTR);
    const auto all = g_pi.lock();
    {
        const auto plain = waiters.lock();
        if (first.node.linked()) first.node.remove();
    }
    if (second.granted) return 0L;
    if (second.node.linked()) {
        second.node.remove();
        inherit_pid(*all, second.owner);
        // Moved already: the caller finds that by looking again.
        if (result.error() == Errno::EINTR) return Errno::EAGAIN;
    }
    return result.error() == Errno::EINTR ? Errno::ERESTARTNOINTR : result.error();
}

SysResult futex_cmp_requeue_pi(u64 address, bool shared, i32 wake, i32 move, u64 address2, u32 expected) {
    if (wake != 1 || move < 0 || address == address2) return Errno::EINVAL;
    const Key from = TRY(get_key(address, shared));
    const Key to = TRY(get_key(address2, shared));
    const auto all = g_pi.lock();
    if (TRY(UserPtr<u32>(address).read()) != expected) return Errno::EAGAIN;
    long done = 0;
    for (i32 left = move + 1; left > 0; left--) {
        Waiter* found = nullptr;
        PiWaiter* moved = nullptr;
        bool wrong = false, changed = false;
        waiters.with([&](Waiters& plain) {
            // Who queues from now on has seen another value. A page that has left meanwhile was compared above.
            const Result<u32> now = UserPtr<u32>(address).read();
            changed = now.ok() && now.value() != expected;
            if (changed) return;
            for (Waiter& w : plain.bucket_of(from)) {
                if (found || !(w.key == from)) continue;
                found = &w;
                moved = static_cast<PiWaiter*>(w.pi);
                wrong = !moved || !(moved->key == to);
            }
        });
        if (changed) return done ? SysResult(done) : SysResult(Errno::EAGAIN);
        if (!found) break;
        if (wrong) return done ? SysResult(done) : SysResult(Errno::EINVAL);
        pid_t owner = 0;
        const Taken taken = TRY(take_or_mark(*all, to, address2, moved->task, false, &owner));
        // The waiter cannot leave meanwhile: it takes this lock to do so.
        waiters.with([&](Waiters&) { found->node.remove(); });
        if (taken == Taken::kYes) {
            moved->granted = true;
            set_owner(*all, to, moved->task->pid);
            wake_up_process(moved->task);
        } else {
            moved->owner = owner;
            all->push_back(moved);
            inherit_pid(*all, owner);
        }
        done++;
    }
    return done;
}

// Words of a task that ends without having unlocked them.
void exit_pi_futexes() {
    const auto all = g_pi.lock();
    const pid_t pid = current()->pid;
    for (bool again = true; again;) {
        again = false;
        for (PiWaiter& w : *all) {
            if (w.owner != pid) continue;
            const Key key = w.key;
            const u64 address = w.address;
            const Result<u32> word = UserPtr<u32>(address).read();
            const bool ours = word.ok() && ((word.value() & kTidMask) == static_cast<u32>(current()->vpid) ||
                                            (word.value() & (kTidMask | kOwnerDied)) == kOwnerDied);
            if (!ours || !hand_over(*all, key, address, word.value(), kOwnerDied).ok())
                set_owner(*all, key, 0);
            again = true;
            break;
        }
    }
}
