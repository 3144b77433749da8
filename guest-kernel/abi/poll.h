// poll(2), select(2) and epoll(7) numbers of the Linux x86-64 ABI.
#pragma once

#include "abi/host_names.h"
#include "core/types.h"

constexpr u32 POLLIN = 0x001;
constexpr u32 POLLPRI = 0x002;
constexpr u32 POLLOUT = 0x004;
constexpr u32 POLLERR = 0x008;
constexpr u32 POLLHUP = 0x010;
constexpr u32 POLLNVAL = 0x020;
constexpr u32 POLLRDNORM = 0x040;
constexpr u32 POLLRDBAND = 0x080;
constexpr u32 POLLWRNORM = 0x100;
constexpr u32 POLLWRBAND = 0x200;
constexpr u32 POLLMSG = 0x400;
constexpr u32 POLLRDHUP = 0x2000;

struct KernelPollfd {
    i32 fd;
    i16 events;
    i16 revents;
};

constexpr u32 EPOLL_CLOEXEC = 02000000;
constexpr int EPOLL_CTL_ADD = 1;
constexpr int EPOLL_CTL_DEL = 2;
constexpr int EPOLL_CTL_MOD = 3;
constexpr u32 EPOLLEXCLUSIVE = 1u << 28;
constexpr u32 EPOLLWAKEUP = 1u << 29;
constexpr u32 EPOLLONESHOT = 1u << 30;
constexpr u32 EPOLLET = 1u << 31;

struct [[gnu::packed]] KernelEpollEvent {
    u32 events;
    u64 data;
};
static_assert(sizeof(KernelEpollEvent) == 12);

constexpr int EFD_SEMAPHORE = 1;
constexpr int EFD_CLOEXEC = 02000000;
constexpr int EFD_NONBLOCK = 04000;
constexpr int TFD_TIMER_ABSTIME = 1;
constexpr int TFD_TIMER_CANCEL_ON_SET = 2;
constexpr int TFD_CLOEXEC = 02000000;
constexpr int TFD_NONBLOCK = 04000;
