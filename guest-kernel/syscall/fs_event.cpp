// epoll(7) and eventfd(2).
#include "core/vector.h"
#include "fs/eventpoll.h"
#include "fs/files_struct.h"
#include "syscall/fs_syscalls.h"
#include "task/task.h"
#include "time/clock.h"

namespace {

constexpr int kMaxEvents = 0x7fffffff / static_cast<int>(sizeof(KernelEpollEvent));
// What may stand beside EPOLLEXCLUSIVE (epoll_ctl(2)).
constexpr u32 kExclusiveBits = POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
constexpr u32 kBatch = 256;  // events collected per call at most; the rest comes with the next

SysResult wait_events(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, u64 timeout_ns) {
    if (maxevents <= 0 || maxevents > kMaxEvents) return Errno::EINVAL;
    if (!access_ok(events.address(), static_cast<u64>(maxevents) * sizeof(KernelEpollEvent)))
        return Errno::EFAULT;
    RefPtr<File> file = TRY(get_file(epfd));
    EpollFile* epoll = file->as_epoll_file();
    if (!epoll) return Errno::EINVAL;
    Vec<KernelEpollEvent> found;
    TRY(found.resize(min(static_cast<u32>(maxevents), kBatch)));
    const u32 size = static_cast<u32>(found.size());
    const u64 deadline = wait_detail::deadline_after(timeout_ns);
    u32 count;
    {
        PollWaiter waiter;
        count = epoll->collect(found.data(), size, timeout_ns == 0 ? nullptr : &waiter);
        while (count == 0 && timeout_ns != 0) {
            Result<void> woken = waiter.wait(deadline);
            count = epoll->collect(found.data(), size, nullptr);
            if (count != 0 || woken.ok()) continue;
            if (woken.error() == Errno::ETIMEDOUT) break;
            return woken.error() == Errno::ERESTARTSYS ? Errno::EINTR : woken.error();
        }
    }
    if (count > 0) TRY(events.copy_out(found.data(), count * sizeof(KernelEpollEvent)));
    return long{count};
}

u64 from_ms(int timeout) {
    return timeout < 0 ? kNoTimeout : static_cast<u64>(timeout) * 1'000'000;
}

SysResult masked_wait(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, u64 timeout_ns,
                      UserPtr<u64> sigmask, size_t sigsetsize) {
    if (sigmask.is_null()) return wait_events(epfd, events, maxevents, timeout_ns);
    if (sigsetsize != sizeof(SigSet)) return Errno::EINVAL;
    set_temporary_sigmask(TRY(sigmask.read()));
    SysResult result = wait_events(epfd, events, maxevents, timeout_ns);
    finish_temporary_sigmask(!result.ok() && result.error() == Errno::EINTR);
    return result;
}

}  // namespace

SysResult sys_epoll_create1(int flags) {
    if (flags & ~static_cast<int>(EPOLL_CLOEXEC)) return Errno::EINVAL;
    return long{TRY(current()->files->install(TRY(make_epoll()), flags != 0))};
}

SysResult sys_epoll_create(int size) {
    if (size <= 0) return Errno::EINVAL;
    return sys_epoll_create1(0);
}

SysResult sys_epoll_ctl(int epfd, int op, int fd, UserPtr<KernelEpollEvent> event) {
    KernelEpollEvent wanted{};
    if (op != EPOLL_CTL_DEL) wanted = TRY(event.read());
    RefPtr<File> set = TRY(get_file(epfd));
    RefPtr<File> file = TRY(get_file(fd));
    if (file->inode->is_regular() || file->inode->is_dir()) return Errno::EPERM;
    EpollFile* epoll = set->as_epoll_file();
    if (!epoll || set == file) return Errno::EINVAL;
    if (wanted.events & EPOLLEXCLUSIVE &&
        (op == EPOLL_CTL_MOD || file->as_epoll_file() || wanted.events & ~kExclusiveBits)) {
        return Errno::EINVAL;
    }
    wanted.events &= ~EPOLLWAKEUP;
    switch (op) {
        case EPOLL_CTL_ADD:
            TRY(epoll->add(file, fd, wanted));
            return 0L;
        case EPOLL_CTL_MOD:
            TRY(epoll->modify(*file, fd, wanted));
            return 0L;
        case EPOLL_CTL_DEL:
            TRY(epoll->remove(*file, fd));
            return 0L;
        default:
            return Errno::EINVAL;
    }
}

SysResult sys_epoll_wait(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, int timeout) {
    return wait_events(epfd, events, maxevents, from_ms(timeout));
}

SysResult sys_epoll_pwait(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, int timeout,
                          UserPtr<u64> sigmask, size_t sigsetsize) {
    return masked_wait(epfd, events, maxevents, from_ms(timeout), sigmask, sigsetsize);
}

SysResult sys_epoll_pwait2(int epfd, UserPtr<KernelEpollEvent> events, int maxevents, UserTimespec timeout,
                           UserPtr<u64> sigmask, size_t sigsetsize) {
    u64 ns = kNoTimeout;
    if (!timeout.is_null()) {
        const KernelTimespec t = TRY(timeout.read());
        if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(kNsPerSec)) return Errno::EINVAL;
        ns = timespec_to_ns({t.tv_sec, t.tv_nsec});
    }
    return masked_wait(epfd, events, maxevents, ns, sigmask, sigsetsize);
}

SysResult sys_eventfd2(u32 initial, int flags) {
    if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) return Errno::EINVAL;
    RefPtr<File> file = TRY(make_eventfd(initial, flags));
    return long{TRY(current()->files->install(std::move(file), (flags & EFD_CLOEXEC) != 0))};
}

SysResult sys_eventfd(u32 initial) {
    return sys_eventfd2(initial, 0);
}
