// Futexes: wait, wake, requeue, bit sets, wake-op; robust lists (futex(2), Drepper's "Futexes Are Tricky").
//
// Guarantees: the word is compared and the task queued without a wake-up being able to slip between. A
// private futex is known by (address space, address), a shared one by (memory object or page, offset), so
// that processes meet. Priority inheritance: task/futex_pi.cpp.
#include "task/futex.h"

#include "core/unique.h"
#include "core/vector.h"
#include "mm/mm_struct.h"
#include "mm/user_ptr.h"
#include "sched/sched.h"
#include "syscall/syscalls.h"
#include "task/futex_internal.h"
#include "task/signal.h"
#include "time/clock.h"

using namespace futex_detail;

namespace {

constexpr int kWait = 0, kWake = 1, kRequeue = 3, kCmpRequeue = 4, kWakeOp = 5, kLockPi = 6, kUnlockPi = 7,
              kTrylockPi = 8, kWaitBitset = 9, kWakeBitset = 10, kWaitRequeuePi = 11, kCmpRequeuePi = 12,
              kLockPi2 = 13;
constexpr int kPrivateFlag = 128, kClockRealtime = 256;

}  // namespace

namespace futex_detail {

Guarded<Waiters, LockRank::kFutex> waiters;

Result<Key> get_key(u64 address, bool shared) {
    if (address & 3) return Errno::EINVAL;
    if (!access_ok(address, 4)) return Errno::EFAULT;
    mm_struct* mm = current()->mm;
    if (!shared) return Key{mm, address};
    MutexGuard guard(mm->mmap_lock);
    const vm_area_struct* vma = find_vma(mm, address);
    if (!vma || vma->vm_start > address || !(vma->vm_flags & kVmAccess)) return Errno::EFAULT;
    // Nothing else can change the word of a page of its own that is read-only (futex.c, get_futex_key).
    if (!vma->shared() && !vma->vm_file && !(vma->vm_flags & VM_WRITE)) return Errno::EFAULT;
    if (!vma->shared() || !vma->vm_object) return Key{mm, address};
    return Key{vma->vm_object.get(), vma->index_of(address) << kPageShift | (address & (kPageSize - 1))};
}

/// Under the lock.
void wake_waiter(Waiter& waiter) {
    waiter.node.remove();
    waiter.woken = true;
    wake_up_process(waiter.task);
}

Result<u64> absolute_deadline(u64 timeout, bool realtime) {
    if (!timeout) return u64{kNoTimeout};
    const timespec64 t = TRY(UserPtr<timespec64>(timeout).read());
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t);
    if (realtime) return ns < ktime_get_real_ns() ? u64{1} : ktime_get_ns() + (ns - ktime_get_real_ns());
    return max<u64>(ns, 1);
}

}  // namespace futex_detail

namespace {

/// EINVAL at one who waits for a lock with priority inheritance.
Result<u32> wake_key(const Key& key, u32 count, u32 bitset) {
    u32 woken = 0;
    bool wrong = false;
    const auto all = waiters.lock();
    all->bucket_of(key).for_each_safe([&](Waiter& waiter) {
        if (woken >= count || wrong || !(waiter.key == key)) return;
        wrong = waiter.pi != nullptr;
        if (wrong || !(waiter.bitset & bitset)) return;
        wake_waiter(waiter);
        woken++;
    });
    if (wrong) return Errno::EINVAL;
    return woken;
}

Result<void> wait_key(u64 address, const Key& key, u32 value, u64 deadline, u32 bitset) {
    Waiter waiter;
    waiter.key = key;
    waiter.bitset = bitset;
    waiter.task = current();
    waiters.lock()->bucket_of(key).push_back(&waiter);
    // Queued first, then compared: a wake after a change of the word finds us.
    Result<u32> now = UserPtr<u32>(address).read();
    Result<void> result;
    if (!now.ok())
        result = Errno::EFAULT;
    else if (now.value() != value)
        result = Errno::EAGAIN;
    if (result.ok())
        result = sleep_until_woken([&] { return __atomic_load_n(&waiter.woken, __ATOMIC_ACQUIRE); }, deadline,
                                   Errno::ERESTARTSYS);
    const auto all = waiters.lock();
    if (waiter.node.linked())
        waiter.node.remove();
    else if (waiter.woken)
        return {};  // a wake-up must not be lost
    return result;
}

/// Under the lock. Who stays in a bucket keeps its place, so that the walk ends.
u32 requeue(Waiters& all, const Key& from, const Key& to, u32 wake, u32 move) {
    u32 woken = 0, moved = 0;
    Waiters::Bucket& source = all.bucket_of(from);
    Waiters::Bucket& target = all.bucket_of(to);
    source.for_each_safe([&](Waiter& waiter) {
        if (!(waiter.key == from) || waiter.pi) return;
        if (woken < wake) {
            wake_waiter(waiter);
            woken++;
        } else if (moved < move) {
            waiter.key = to;
            if (&source != &target) {
                waiter.node.remove();
                target.push_back(&waiter);
            }
            moved++;
        }
    });
    return woken + moved;
}

/// The same if the word at `address` still is `expected`: compared under the lock, so that nobody who has seen a later
/// value is moved. EAGAIN if it is not, EFAULT.
Result<u32> compare_and_requeue(u64 address, u32 expected, const Key& from, const Key& to, u32 wake,
                                u32 move) {
    for (;;) {
        {
            const auto all = waiters.lock();
            const Result<u32> now = UserPtr<u32>(address).read();  // no page comes in under a spin lock
            if (now.ok()) {
                if (now.value() != expected) return Errno::EAGAIN;
                return requeue(*all, from, to, wake, move);
            }
        }
        TRY(UserPtr<u32>(address).read());
        cond_resched();
    }
}

/// FUTEX_WAKE_OP's read-modify-write; the old value.
Result<u32> atomic_op(u64 address, u32 encoded) {
    const u32 op = encoded >> 28 & 7;
    u32 operand = static_cast<u32>(static_cast<i32>(encoded << 8) >> 20);
    if (encoded >> 31) operand = 1u << (operand & 31);
    for (;;) {
        const u32 old = TRY(UserPtr<u32>(address).read());
        u32 fresh;
        switch (op) {
            case 0:
                fresh = operand;
                break;
            case 1:
                fresh = old + operand;
                break;
            case 2:
                fresh = old | operand;
                break;
            case 3:
                fresh = old & ~operand;
                break;
            case 4:
                fresh = old ^ operand;
                break;
            default:
                return Errno::ENOSYS;
        }
        if (TRY(cmpxchg_user(address, old, fresh)) == old) return old;
    }
}

Result<bool> compare(u32 encoded, u32 old) {
    const i32 argument = static_cast<i32>(encoded << 20) >> 20, value = static_cast<i32>(old);
    switch (encoded >> 24 & 15) {
        case 0:
            return value == argument;
        case 1:
            return value != argument;
        case 2:
            return value < argument;
        case 3:
            return value <= argument;
        case 4:
            return value > argument;
        case 5:
            return value >= argument;
        default:
            return Errno::ENOSYS;
    }
}

Result<u64> futex_deadline(u64 timeout, int op, int command) {
    if (!timeout || command != kWait) return absolute_deadline(timeout, op & kClockRealtime);
    const timespec64 t = TRY(UserPtr<timespec64>(timeout).read());
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
    const u64 ns = timespec_to_ns(t);
    return ns >= kNoTimeout - ktime_get_ns() ? kNoTimeout : ktime_get_ns() + ns;
}

long restart_futex_wait(task_struct* task) {
    const u64* a = task->restart_block.args;
    const Result<Key> key = get_key(a[0], a[4]);
    if (!key.ok()) return -static_cast<long>(key.error());
    const Result<void> r = wait_key(a[0], key.value(), static_cast<u32>(a[1]), a[2], static_cast<u32>(a[3]));
    if (r.ok()) return 0;
    return -static_cast<long>(r.error() == Errno::ERESTARTSYS ? Errno::ERESTART_RESTARTBLOCK : r.error());
}

}  // namespace

void futex_wake_address(u64 address, u32 count) {
    for (bool shared : {false, true}) {
        const Result<Key> key = get_key(address, shared);
        if (key.ok()) (void)wake_key(key.value(), count, kMatchAny).ok();
    }
}

SysResult sys_futex(u64 address, int op, u32 value, u64 timeout, u64 address2, u32 value3) {
    const int command = op & ~(kPrivateFlag | kClockRealtime);
    const bool shared = !(op & kPrivateFlag);
    const bool waits = command == kWait || command == kWaitBitset;
    const u64 deadline = waits ? TRY(futex_deadline(timeout, op, command)) : kNoTimeout;
    const bool realtime = op & kClockRealtime;
    if (realtime && command != kWaitBitset && command != kWaitRequeuePi && command != kLockPi2)
        return Errno::ENOSYS;
    switch (command) {
        case kWait:
            value3 = kMatchAny;
            [[fallthrough]];
        case kWaitBitset: {
            if (value3 == 0) return Errno::EINVAL;
            const Key key = TRY(get_key(address, shared));
            const Result<void> result = wait_key(address, key, value, deadline, value3);
            if (!result.ok()) {
                if (result.error() == Errno::ERESTARTSYS && timeout) {
                    current()->restart_block.fn = restart_futex_wait;
                    current()->restart_block.layout = call_layout();
                    const u64 arguments[] = {address, value, deadline, value3, shared};
                    for (int i = 0; i < 5; i++) current()->restart_block.args[i] = arguments[i];
                    return Errno::ERESTART_RESTARTBLOCK;
                }
                return result.error();
            }
            return 0;
        }
        case kWake:
            value3 = kMatchAny;
            [[fallthrough]];
        case kWakeBitset: {
            if (value3 == 0) return Errno::EINVAL;
            const Key key = TRY(get_key(address, shared));
            return static_cast<long>(TRY(wake_key(key, static_cast<i32>(value) <= 0 ? 1 : value, value3)));
        }
        case kCmpRequeue:
        case kRequeue: {
            if (static_cast<i32>(value) < 0 || static_cast<i32>(timeout) < 0) return Errno::EINVAL;
            const Key from = TRY(get_key(address, shared));
            const Key to = TRY(get_key(address2, shared));
            const u32 move = static_cast<u32>(timeout);
            if (command == kCmpRequeue)
                return static_cast<long>(TRY(compare_and_requeue(address, value3, from, to, value, move)));
            return static_cast<long>(requeue(*waiters.lock(), from, to, value, move));
        }
        case kWakeOp: {
            const Key first = TRY(get_key(address, shared));
            const Key second = TRY(get_key(address2, shared));
            const bool second_too = TRY(compare(value3, TRY(atomic_op(address2, value3))));
            u32 woken = TRY(wake_key(first, value, kMatchAny));
            if (second_too) woken += TRY(wake_key(second, static_cast<u32>(timeout), kMatchAny));
            return static_cast<long>(woken);
        }
        case kLockPi:
        case kTrylockPi:
            return futex_lock_pi(address, shared, timeout, true, command == kTrylockPi);
        case kLockPi2:
            return futex_lock_pi(address, shared, timeout, realtime, false);
        case kUnlockPi:
            return futex_unlock_pi(address, shared);
        case kWaitRequeuePi:
            return futex_wait_requeue_pi(address, shared, value, timeout, realtime, address2);
        case kCmpRequeuePi:
            return futex_cmp_requeue_pi(address, shared, static_cast<i32>(value), static_cast<i32>(timeout),
                                        address2, value3);
        default:
            return Errno::ENOSYS;
    }
}

namespace {

/// One of futex_waitv's words.
struct WaitvEntry {  // struct futex_waitv
    u64 value;
    u64 address;
    u32 flags;
    u32 reserved;
};
constexpr u32 kMaxWaitv = 128, kWaitv32 = 2;

/// Sleeps until one of `all` is woken; its index.
SysResult wait_any(Vec<Unique<Waiter>>& all, u64 deadline, Result<void> result) {
    const auto woken = [&]() -> long {
        for (size_t i = 0; i < all.size(); i++) {
            if (__atomic_load_n(&all[i]->woken, __ATOMIC_ACQUIRE)) return static_cast<long>(i);
        }
        return -1;
    };
    if (result.ok()) result = sleep_until_woken([&] { return woken() >= 0; }, deadline, Errno::ERESTARTSYS);
    const auto table = waiters.lock();
    for (const Unique<Waiter>& waiter : all) {
        if (waiter->node.linked()) waiter->node.remove();
    }
    const long index = woken();
    return index >= 0 ? SysResult(index) : SysResult(result.error());
}

}  // namespace

SysResult sys_futex_waitv(u64 user_entries, u32 count, u32 flags, u64 timeout, clockid_t clock) {
    if (flags != 0 || count == 0 || count > kMaxWaitv || user_entries == 0) return Errno::EINVAL;
    if (timeout && clock != 0 && clock != 1) return Errno::EINVAL;
    const u64 deadline = TRY(absolute_deadline(timeout, clock == 0));
    Vec<WaitvEntry> entries;
    Vec<Unique<Waiter>> all;
    TRY(entries.resize(count));
    TRY(all.reserve(count));
    TRY(UserBytes(user_entries).copy_in(entries.data(), count * sizeof(WaitvEntry)));
    for (const WaitvEntry& e : entries) {
        if (e.flags & ~(kPrivateFlag | kWaitv32) || e.reserved || !(e.flags & kWaitv32)) return Errno::EINVAL;
    }
    for (u32 i = 0; i < count; i++) {
        TRY(all.push(TRY(make_unique<Waiter>())));
        all[i]->key = TRY(get_key(entries[i].address, !(entries[i].flags & kPrivateFlag)));
        all[i]->task = current();
    }
    Result<void> result;
    for (u32 i = 0; i < count && result.ok(); i++) {
        waiters.lock()->bucket_of(all[i]->key).push_back(all[i].get());
        const Result<u32> now = UserPtr<u32>(entries[i].address).read();
        if (!now.ok())
            result = Errno::EFAULT;
        else if (now.value() != static_cast<u32>(entries[i].value))
            result = Errno::EAGAIN;
    }
    return wait_any(all, deadline, std::move(result));
}

namespace {

/// One lock of a dead owner: set OWNER_DIED and wake one waiter.
Result<void> handle_futex_death(u64 address, bool pi) {
    if (address & 3) return Errno::EINVAL;
    for (;;) {
        const u32 word = TRY(UserPtr<u32>(address).read());
        if ((word & kTidMask) != static_cast<u32>(current()->vpid)) return {};
        const u32 fresh = (word & kWaitersBit) | kOwnerDied;
        if (TRY(cmpxchg_user(address, word, fresh)) != word) continue;
        if (word & kWaitersBit && !pi) futex_wake_address(address, 1);  // exit_pi_futexes() does the others
        return {};
    }
}

/// The list at `head` of a program whose pointers are a Word.
template <class Word>
Result<void> walk_robust_list(u64 head) {
    constexpr int kLimit = 2048;
    const auto word = [](u64 address) -> Result<u64> { return u64{TRY(UserPtr<Word>(address).read())}; };
    u64 entry = TRY(word(head));
    // A long, which may be negative; and what is behind 4 GiB is at the beginning again.
    const u64 offset = TRY(word(head + sizeof(Word)));
    const u64 pending = TRY(word(head + 2 * sizeof(Word)));
    const auto lock_of = [&](u64 e) { return u64{static_cast<Word>((e & ~1ull) + offset)}; };
    for (int i = 0; i < kLimit && (entry & ~1ull) != head; i++) {
        const u64 next = TRY(word(entry & ~1ull));  // before its owner may free it
        if ((entry & ~1ull) != (pending & ~1ull)) TRY(handle_futex_death(lock_of(entry), entry & 1));
        entry = next;
        cond_resched();
    }
    if (pending) TRY(handle_futex_death(lock_of(pending), pending & 1));
    return {};
}

}  // namespace

void exit_robust_list() {
    task_struct* task = current();
    if (task->robust_list) (void)walk_robust_list<u64>(task->robust_list).ok();
    if (task->ia32_robust_list) (void)walk_robust_list<u32>(task->ia32_robust_list).ok();
    task->robust_list = task->ia32_robust_list = 0;
    exit_pi_futexes();
}

SysResult sys_set_robust_list(u64 head, u64 size) {
    if (size != 24) return Errno::EINVAL;
    current()->robust_list = head;
    return 0;
}

SysResult sys_get_robust_list(pid_t pid, UserPtr<u64> head, UserPtr<u64> size) {
    TaskRef task;
    if (pid) {
        task = find_task_by_vpid(pid);
        if (!task) return Errno::ESRCH;
        if (task->cred.uid != current()->cred.euid && !current()->cred.has_over(task.get(), kCapSysPtrace))
            return Errno::EPERM;
    }
    TRY(head.write(pid ? task->robust_list : current()->robust_list));
    TRY(size.write(24));
    return 0;
}
