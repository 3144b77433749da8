// poll(2), select(2) and their variants with a signal mask.
//
// One engine: collect the files, ask each for its state while joining its queues, sleep until one of them
// wakes us, ask again. Files are held for the whole call, since their queues are.
#include "core/vector.h"
#include "fs/files_struct.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"
#include "time/clock.h"

namespace {

constexpr u32 kSelectRead = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
constexpr u32 kSelectWrite = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
constexpr u32 kSelectExcept = POLLPRI;

constexpr u64 kNoWait = 0;  ///< a deadline that is over before any clock was asked

u64 deadline_in(u64 ns) {
    if (ns == 0) return kNoWait;
    const u64 now = ktime_get_ns();
    return ns > kNoTimeout - now ? kNoTimeout : now + ns;
}

Result<u64> deadline_of(const KernelTimespec& t) {
    if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
    if (static_cast<u64>(t.tv_sec) >= kNoTimeout / kNsPerSec - 1) return u64{kNoTimeout};
    return deadline_in(static_cast<u64>(t.tv_sec) * kNsPerSec + static_cast<u64>(t.tv_nsec));
}

// Waits until ask(table) counts something or the time is over. The count, or the error of an interrupted
// wait. Once something is ready nobody will sleep: the rest is only asked, with no table.
template <class Ask>
Result<u32> wait_for(u64 deadline, Ask ask) {
    if (deadline == kNoWait) {
        const u32 ready = ask(nullptr);
        if (ready == 0 && signal_pending(current())) return Errno::ERESTARTNOHAND;
        return u32{ready};
    }
    PollWaiter waiter;
    u32 ready = ask(&waiter);
    while (ready == 0) {
        Result<void> woken = waiter.wait(deadline);
        ready = ask(nullptr);
        if (ready != 0 || woken.ok()) continue;
        if (woken.error() == Errno::ETIMEDOUT) return 0u;
        if (woken.error() == Errno::ERESTARTSYS) return Errno::ERESTARTNOHAND;
        return woken.error();
    }
    return u32{ready};
}

SysResult do_poll(UserPtr<KernelPollfd> fds, u32 nfds, u64 deadline) {
    if (nfds > task_rlimit(kRlimitNofile)) return Errno::EINVAL;
    Vec<KernelPollfd> all;
    Vec<RefPtr<File>> files;
    TRY(all.resize(nfds));
    TRY(files.resize(nfds));
    if (nfds > 0) TRY(fds.copy_in(all.data(), nfds * sizeof(KernelPollfd)));
    current()->files->get_each(
        nfds, [&](size_t i) { return all[i].fd; },
        [&](size_t i, const RefPtr<File>& file) { files[i] = file; });
    const u32 ready = TRY(wait_for(deadline, [&](PollTable* table) {
        u32 count = 0;
        for (u32 i = 0; i < nfds; i++) {
            KernelPollfd& one = all[i];
            u32 mask = 0;
            if (File* file = files[i].get()) {
                mask = file->poll(count > 0 ? nullptr : table) &
                       (static_cast<u16>(one.events) | POLLERR | POLLHUP);
            } else if (one.fd >= 0) {
                mask = POLLNVAL;
            }
            one.revents = static_cast<i16>(mask);
            count += mask != 0;
        }
        return count;
    }));
    if (!access_ok(fds.address(), nfds * sizeof(KernelPollfd)))
        return Errno::EFAULT;  // also if there are none
    if (nfds > 0) TRY(fds.copy_out(all.data(), nfds * sizeof(KernelPollfd)));
    return long{ready};
}

// Installs the mask for the call, if there is one, and puts the old one back after it.
template <class Call>
SysResult with_sigmask(UserPtr<u64> sigmask, size_t size, Call call) {
    if (sigmask.is_null()) return call();
    if (size != sizeof(SigSet)) return Errno::EINVAL;
    set_temporary_sigmask(TRY(sigmask.read()));
    SysResult result = call();
    finish_temporary_sigmask(!result.ok() && result.error() == Errno::ERESTARTNOHAND);
    return result;
}

// The three sets of select, as bit masks of longs.
struct SelectSets {
    Vec<u64> in[3];
    Vec<u64> out[3];
    size_t words = 0;
    size_t bytes = 0;  // whole longs of the program's

    Result<void> load(int nfds, UserPtr<u64> const (&sets)[3]) {
        words = (static_cast<size_t>(nfds) + 63) / 64;
        bytes = align_up(static_cast<size_t>(nfds + 7) / 8, user_size<UserWord>());
        for (int s = 0; s < 3; s++) {
            TRY(in[s].resize(words));
            TRY(out[s].resize(words));
            for (u64& w : in[s]) w = 0;
            if (!sets[s].is_null() && words > 0) TRY(sets[s].copy_in(in[s].data(), bytes));
        }
        return {};
    }
    Result<void> store(UserPtr<u64> const (&sets)[3]) const {
        for (int s = 0; s < 3; s++) {
            if (!sets[s].is_null() && words > 0) TRY(sets[s].copy_out(out[s].data(), bytes));
        }
        return {};
    }
};

SysResult do_select(int nfds, UserPtr<u64> readfds, UserPtr<u64> writefds, UserPtr<u64> exceptfds,
                    u64 deadline) {
    if (nfds < 0) return Errno::EINVAL;
    // Bits beyond what can be open are not looked at.
    const int top = min(nfds, static_cast<int>(current()->files->capacity()));
    const UserPtr<u64> user[3] = {readfds, writefds, exceptfds};
    SelectSets sets;
    TRY(sets.load(top, user));
    struct Watched {
        int fd;
        RefPtr<File> file;
    };
    Vec<Watched> watched;
    for (int fd = 0; fd < top; fd++) {
        const u64 bit = 1ull << (fd % 64);
        const size_t w = static_cast<size_t>(fd) / 64;
        if (((sets.in[0][w] | sets.in[1][w] | sets.in[2][w]) & bit) == 0) continue;
        TRY(watched.push({fd, TRY(get_file(fd))}));
    }
    const u32 ready = TRY(wait_for(deadline, [&](PollTable* table) {
        u32 count = 0;
        for (auto& set : sets.out) {
            for (u64& w : set) w = 0;
        }
        for (Watched& one : watched) {
            const u32 mask = one.file->poll(count > 0 ? nullptr : table);
            const u64 bit = 1ull << (one.fd % 64);
            const size_t w = static_cast<size_t>(one.fd) / 64;
            constexpr u32 kMeaning[3] = {kSelectRead, kSelectWrite, kSelectExcept};
            for (int s = 0; s < 3; s++) {
                if ((sets.in[s][w] & bit) && (mask & kMeaning[s])) {
                    sets.out[s][w] |= bit;
                    count++;
                }
            }
        }
        return count;
    }));
    TRY(sets.store(user));
    return long{ready};
}

u64 remaining_ns(u64 deadline) {
    const u64 now = ktime_get_ns();
    return deadline > now ? deadline - now : 0;
}

}  // namespace

SysResult sys_poll(UserPtr<KernelPollfd> fds, u32 nfds, int timeout) {
    return do_poll(fds, nfds, timeout < 0 ? kNoTimeout : deadline_in(static_cast<u64>(timeout) * 1'000'000));
}

SysResult sys_ppoll(UserPtr<KernelPollfd> fds, u32 nfds, UserTimespec timeout, UserPtr<u64> sigmask,
                    size_t sigsetsize) {
    u64 deadline = kNoTimeout;
    if (!timeout.is_null()) deadline = TRY(deadline_of(TRY(timeout.read())));
    SysResult result = with_sigmask(sigmask, sigsetsize, [&] { return do_poll(fds, nfds, deadline); });
    if (deadline != kNoTimeout) {
        const u64 left = remaining_ns(deadline);
        (void)timeout.write({static_cast<i64>(left / kNsPerSec), static_cast<i64>(left % kNsPerSec)});
    }
    return result;
}

SysResult sys_select(int nfds, UserPtr<u64> readfds, UserPtr<u64> writefds, UserPtr<u64> exceptfds,
                     UserPtr<KernelTimeval> timeout) {
    u64 deadline = kNoTimeout;
    if (!timeout.is_null()) {
        const KernelTimeval t = TRY(timeout.read());
        if (t.tv_sec < 0 || t.tv_usec < 0) return Errno::EINVAL;
        deadline = TRY(deadline_of({t.tv_sec + t.tv_usec / 1'000'000, t.tv_usec % 1'000'000 * 1000}));
    }
    SysResult result = do_select(nfds, readfds, writefds, exceptfds, deadline);
    if (deadline != kNoTimeout) {
        const u64 left = remaining_ns(deadline);
        (void)timeout.write({static_cast<i64>(left / kNsPerSec), static_cast<i64>(left % kNsPerSec / 1000)});
    }
    return result;
}

SysResult sys_pselect6(int nfds, UserPtr<u64> readfds, UserPtr<u64> writefds, UserPtr<u64> exceptfds,
                       UserTimespec timeout, UserPtr<UserWord> sigmask_and_size) {
    UserPtr<u64> mask;
    u64 size = 0;
    if (!sigmask_and_size.is_null()) {
        mask = UserPtr<u64>(TRY(sigmask_and_size.read()).value);
        size = TRY(sigmask_and_size.offset(1).read()).value;
    }
    u64 deadline = kNoTimeout;
    if (!timeout.is_null()) deadline = TRY(deadline_of(TRY(timeout.read())));
    SysResult result =
        with_sigmask(mask, size, [&] { return do_select(nfds, readfds, writefds, exceptfds, deadline); });
    if (deadline != kNoTimeout) {
        const u64 left = remaining_ns(deadline);
        (void)timeout.write({static_cast<i64>(left / kNsPerSec), static_cast<i64>(left % kNsPerSec)});
    }
    return result;
}
