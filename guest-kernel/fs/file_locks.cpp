// Record locks and flock.
#include "fs/file_locks.h"

#include "core/unique.h"
#include "sync/guarded.h"
#include "task/task.h"

namespace {

constexpr u64 kOffsetMax = ~0ull >> 1;

using LockList = List<FileLock, &FileLock::node>;

FileLock* find_conflict(LockList& list, const FileLock& wanted) {
    for (FileLock& held : list) {
        if (held.owner == wanted.owner || held.last < wanted.first || held.first > wanted.last) continue;
        if (held.exclusive || wanted.exclusive) return &held;
    }
    return nullptr;
}

// Clears the owner's locks from [wanted.first, wanted.last]; `spare` is used when one splits in two. Freed
// locks go onto `freed`. A lock stays ordered by where it starts.
void carve(LockList& list, const FileLock& range, Unique<FileLock>& spare, LockList& freed) {
    list.for_each_safe([&](FileLock& held) {
        if (held.owner != range.owner || held.last < range.first || held.first > range.last) return;
        if (held.first < range.first && held.last > range.last) {
            FileLock* right = spare.leak();
            right->owner = held.owner;
            right->pid = held.pid;
            right->exclusive = held.exclusive;
            right->first = range.last + 1;
            right->last = held.last;
            held.last = range.first - 1;
            list.insert_after(&held, right);
        } else if (held.first < range.first) {
            held.last = range.first - 1;
        } else if (held.last > range.last) {
            held.first = range.last + 1;
        } else {
            LockList::remove(&held);
            freed.push_back(&held);
        }
    });
}

// Joins the owner's neighbours of the same kind, so that a lock is one piece.
void insert_merged(LockList& list, FileLock* fresh, LockList& freed) {
    list.for_each_safe([&](FileLock& held) {
        if (held.owner != fresh->owner || held.exclusive != fresh->exclusive) return;
        const bool touches_left = fresh->first > 0 && held.last == fresh->first - 1;
        const bool touches_right = held.first > 0 && fresh->last == held.first - 1;
        if (!touches_left && !touches_right) return;
        fresh->first = min(fresh->first, held.first);
        fresh->last = max(fresh->last, held.last);
        LockList::remove(&held);
        freed.push_back(&held);
    });
    for (FileLock& held : list) {
        if (held.first > fresh->first) {
            list.insert_before(&held, fresh);
            return;
        }
    }
    list.push_back(fresh);
}

void free_all(LockList& freed) {
    while (FileLock* lock = freed.pop_front()) delete lock;
}

// Who waits for whom, for EDEADLK: one entry per blocked fcntl(F_SETLKW).
struct Waiter {
    ListNode node;
    const void* owner;
    const void* blocked_by;
};
using Waiters = List<Waiter, &Waiter::node>;
// Its lock also guards the lists of every FileLocks, and Inode::locks.
Guarded<Waiters, LockRank::kFileLocks> g_waiters;

bool closes_circle(const Waiters& waiters, const void* owner, const void* blocker) {
    for (int depth = 0; depth < 64; depth++) {
        const Waiter* found = nullptr;
        for (Waiter& w : waiters) {
            if (w.owner == blocker) found = &w;
        }
        if (!found) return false;
        if (found->blocked_by == owner) return true;
        blocker = found->blocked_by;
    }
    return false;
}

Result<void> ensure_locks(Inode& inode) {
    if (inode.locks) return {};
    Unique<FileLocks> fresh = TRY(make_unique<FileLocks>());
    const auto waiters = g_waiters.lock();
    if (!inode.locks) inode.locks = fresh.leak();
    return {};
}

// One attempt. True: done. False: `*blocker` holds a conflicting lock.
Result<bool> try_set(LockList& list, const FileLock& wanted, bool unlock, const void** blocker) {
    Unique<FileLock> spare = TRY(make_unique<FileLock>());
    Unique<FileLock> fresh = TRY(make_unique<FileLock>());
    LockList freed;
    bool done = true;
    {
        const auto waiters = g_waiters.lock();
        FileLock* conflict = unlock ? nullptr : find_conflict(list, wanted);
        if (conflict) {
            *blocker = conflict->owner;
            done = false;
        } else {
            carve(list, wanted, spare, freed);
            if (!unlock) {
                FileLock* lock = fresh.leak();
                lock->owner = wanted.owner;
                lock->pid = wanted.pid;
                lock->exclusive = wanted.exclusive;
                lock->first = wanted.first;
                lock->last = wanted.last;
                insert_merged(list, lock, freed);
            }
        }
    }
    free_all(freed);
    return bool{done};
}

Result<void> set_lock(FileLocks& locks, LockList& list, const FileLock& wanted, bool unlock, bool wait,
                      bool check_deadlock) {
    for (;;) {
        const void* blocker = nullptr;
        if (TRY(try_set(list, wanted, unlock, &blocker))) {
            // Unlocking, but also a lock turned from exclusive to shared, may let others in.
            locks.released.wake_all();
            return {};
        }
        if (!wait) return Errno::EAGAIN;
        Waiter waiter{{}, wanted.owner, blocker};
        {
            const auto waiters = g_waiters.lock();
            if (check_deadlock && closes_circle(*waiters, wanted.owner, blocker)) return Errno::EDEADLK;
            if (check_deadlock) waiters->push_back(&waiter);
        }
        Result<void> woken = wait_event(locks.released, [&] {
            const auto waiters = g_waiters.lock();
            return find_conflict(list, wanted) == nullptr;
        });
        {
            const auto waiters = g_waiters.lock();
            waiter.node.remove();
        }
        TRY(std::move(woken));
    }
}

// struct flock to an inclusive range. EINVAL, EOVERFLOW.
Result<void> to_range(const File& file, const KernelFlock& in, FileLock& out) {
    i64 base;
    switch (in.l_whence) {
        case SEEK_SET:
            base = 0;
            break;
        case SEEK_CUR:
            base = file.position;
            break;
        case SEEK_END:
            base = static_cast<i64>(file.inode->size);
            break;
        default:
            return Errno::EINVAL;
    }
    i64 start;
    if (__builtin_add_overflow(base, in.l_start, &start)) return Errno::EOVERFLOW;
    i64 end;
    if (in.l_len > 0) {
        if (__builtin_add_overflow(start, in.l_len - 1, &end)) return Errno::EOVERFLOW;
    } else if (in.l_len < 0) {
        end = start - 1;
        start += in.l_len;
    } else {
        end = static_cast<i64>(kOffsetMax);
    }
    if (start < 0) return Errno::EINVAL;
    out.first = static_cast<u64>(start);
    out.last = static_cast<u64>(end);
    return {};
}

void report(const FileLock& held, KernelFlock& out) {
    out.l_type = held.exclusive ? F_WRLCK : F_RDLCK;
    out.l_whence = SEEK_SET;
    out.l_start = static_cast<i64>(held.first);
    out.l_len = held.last == kOffsetMax ? 0 : static_cast<i64>(held.last - held.first + 1);
    out.l_pid = held.pid;
}

}  // namespace

FileLocks::~FileLocks() {
    free_all(records);
    free_all(flocks);
}

Result<void> fcntl_lock(File& file, int command, KernelFlock& lock) {
    const bool ofd = command >= F_OFD_GETLK;
    const bool get = command == F_GETLK || command == F_OFD_GETLK;
    const bool wait = command == F_SETLKW || command == F_OFD_SETLKW;
    if (lock.l_type != F_RDLCK && lock.l_type != F_WRLCK && lock.l_type != F_UNLCK) return Errno::EINVAL;
    if (get && lock.l_type == F_UNLCK && !ofd) return Errno::EINVAL;
    if (ofd && lock.l_pid != 0) return Errno::EINVAL;
    FileLock wanted;
    TRY(to_range(file, lock, wanted));
    wanted.owner = ofd ? static_cast<const void*>(&file) : static_cast<const void*>(current()->files);
    wanted.pid = ofd ? -1 : current()->tgid;
    wanted.exclusive = lock.l_type == F_WRLCK;
    TRY(ensure_locks(*file.inode));
    FileLocks& locks = *file.inode->locks;
    if (get) {
        g_waiters.with([&](const auto&) {
            if (const FileLock* held = find_conflict(locks.records, wanted))
                report(*held, lock);
            else
                lock.l_type = F_UNLCK;
        });
        if (lock.l_type != F_UNLCK) lock.l_pid = own_view(lock.l_pid);
        return {};
    }
    if (lock.l_type == F_RDLCK && !file.readable()) return Errno::EBADF;
    if (lock.l_type == F_WRLCK && !file.writable()) return Errno::EBADF;
    return set_lock(locks, locks.records, wanted, lock.l_type == F_UNLCK, wait, !ofd);
}

bool flock_valid(int operation) {
    const int kind = operation & ~LOCK_NB;
    return kind == LOCK_SH || kind == LOCK_EX || kind == LOCK_UN;
}

Result<void> flock_file(File& file, int operation) {
    const int kind = operation & ~LOCK_NB;
    if (kind != LOCK_UN && !file.readable() && !file.writable()) return Errno::EBADF;
    TRY(ensure_locks(*file.inode));
    FileLocks& locks = *file.inode->locks;
    FileLock wanted;
    wanted.owner = &file;
    wanted.pid = current()->tgid;
    wanted.exclusive = kind == LOCK_EX;
    return set_lock(locks, locks.flocks, wanted, kind == LOCK_UN, (operation & LOCK_NB) == 0, false);
}

namespace {

void release_owned(FileLocks& locks, LockList& list, const void* owner) {
    LockList freed;
    {
        const auto waiters = g_waiters.lock();
        list.for_each_safe([&](FileLock& held) {
            if (held.owner != owner) return;
            LockList::remove(&held);
            freed.push_back(&held);
        });
    }
    if (freed.empty()) return;
    free_all(freed);
    locks.released.wake_all();
}

}  // namespace

void release_posix_locks(Inode& inode, const void* owner) {
    if (inode.locks) release_owned(*inode.locks, inode.locks->records, owner);
}

void release_file_locks(File& file) {
    if (!file.inode->locks) return;
    release_owned(*file.inode->locks, file.inode->locks->records, &file);
    release_owned(*file.inode->locks, file.inode->locks->flocks, &file);
}
