// Waiting for many things, and what one waits on: select, pselect6, poll, ppoll, epoll's calls, eventfd, pipe2, dup3.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int caught;
static void handler(int sig) { caught++; }

static int ends[2];
static struct timeval *no_time = &(struct timeval){0, 0};
static struct timespec instant;

// A child that sends SIGUSR1 to us once, a little later.
static void signal_later(void) {
    if (fork() == 0) {
        struct timespec t = {0, 20000000};
        nanosleep(&t, 0);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
}

static void selects(void) {
    fd_set in, out;
    FD_ZERO(&in); FD_ZERO(&out);
    FD_SET(ends[0], &in), FD_SET(ends[1], &out);
    CHECK(syscall(SYS_select, 64, &in, &out, 0, no_time) == 1 && !FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    write(ends[1], "x", 1);
    FD_SET(ends[0], &in);
    CHECK(syscall(SYS_select, 64, &in, &out, 0, 0) == 2 && FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
    CHECK(syscall(SYS_select, ends[0], &in, 0, 0, no_time) == 0 && !FD_ISSET(ends[0], &in));  // not below nfds
    FD_SET(ends[0], &in);
    struct timeval left = {5, 0};
    CHECK(syscall(SYS_select, 64, &in, 0, 0, &left) == 1 && left.tv_sec == 4 && left.tv_usec > 0);
    CHECK_ERROR(syscall(SYS_select, -1, 0, 0, 0, no_time), EINVAL);
    CHECK_ERROR(syscall(SYS_select, 64, 8, 0, 0, no_time), EFAULT);
    CHECK_ERROR(syscall(SYS_select, 64, &in, 0, 0, 8), EFAULT);
    struct timeval bad = {-1, 0};
    CHECK_ERROR(syscall(SYS_select, 64, &in, 0, 0, &bad), EINVAL);
    FD_ZERO(&in); FD_SET(60, &in);
    CHECK_ERROR(syscall(SYS_select, 64, &in, 0, 0, no_time), EBADF);
    char c;
    read(ends[0], &c, 1);
    // pselect6 with a mask: the signal is taken only while it waits.
    sigset_t mask, open_mask;
    sigemptyset(&mask), sigemptyset(&open_mask), sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, 0);
    struct {
        void* set;
        unsigned long size;
    } with = {&open_mask, 8};
    FD_ZERO(&in); FD_SET(ends[0], &in);
    caught = 0;
    raise(SIGUSR1);
    CHECK(caught == 0);
    CHECK_ERROR(syscall(SYS_pselect6, 64, &in, 0, 0, 0, &with), EINTR);
    CHECK(caught == 1);
    CHECK(syscall(SYS_pselect6, 64, &in, 0, 0, &instant, 0) == 0);
    with.size = 4;
    CHECK_ERROR(syscall(SYS_pselect6, 64, &in, 0, 0, &instant, &with), EINVAL);
    CHECK_ERROR(syscall(SYS_pselect6, 64, &in, 0, 0, &instant, 8), EFAULT);
    struct timespec wrong = {0, 1000000000};
    CHECK_ERROR(syscall(SYS_pselect6, 64, &in, 0, 0, &wrong, 0), EINVAL);
    sigprocmask(SIG_UNBLOCK, &mask, 0);
}

static void polls(void) {
    struct pollfd p[3] = {{ends[0], POLLIN}, {ends[1], POLLOUT | POLLIN}, {-1, POLLIN, 77}};
    CHECK(syscall(SYS_poll, p, 3, 0) == 1 && p[0].revents == 0 && p[1].revents == POLLOUT && p[2].revents == 0);
    p[2].fd = 60;
    CHECK(syscall(SYS_poll, p, 3, -1) == 2 && p[2].revents == POLLNVAL);
    CHECK(syscall(SYS_poll, 0, 0, 1) == 0);
    CHECK_ERROR(syscall(SYS_poll, 8, 1, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_poll, p, -1, 0), EINVAL);
    caught = 0;
    signal_later();
    CHECK_ERROR(syscall(SYS_poll, p, 1, -1), EINTR);
    CHECK(caught == 1 && wait(0) > 0);
    sigset_t all;
    sigfillset(&all);
    struct timespec soon = {0, 1000000};
    CHECK(syscall(SYS_ppoll, p, 1, &soon, &all, 8) == 0 && soon.tv_nsec == 0);
    CHECK_ERROR(syscall(SYS_ppoll, p, 1, &instant, &all, 4), EINVAL);
    CHECK_ERROR(syscall(SYS_ppoll, p, 1, 8, 0, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_ppoll, p, 1, &(struct timespec){-1, 0}, 0, 8), EINVAL);
    int pair[2];
    pipe(pair), close(pair[1]);
    p[0].fd = pair[0];
    CHECK(syscall(SYS_ppoll, p, 1, 0, 0, 0) == 1 && p[0].revents == POLLHUP);
    close(pair[0]), pipe(pair), close(pair[0]);
    p[0].fd = pair[1], p[0].events = POLLOUT;
    CHECK(syscall(SYS_ppoll, p, 1, 0, 0, 0) == 1 && p[0].revents == (POLLOUT | POLLERR));
    close(pair[1]);
}

static void epolls(void) {
    int set = syscall(SYS_epoll_create, 1), other = syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN, {.u64 = 0x123456789abcdef}}, got[4];
    CHECK(set >= 0 && other >= 0 && fcntl(set, F_GETFD) == 0 && fcntl(other, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(syscall(SYS_epoll_create, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_create1, 1), EINVAL);
    CHECK(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, ends[0], &event) == 0);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_MOD, ends[1], &event), ENOENT);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_DEL, ends[1], 0), ENOENT);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, set, &event), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, 9, ends[0], &event), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, ends[1], 8), EFAULT);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, 60, &event), EBADF);
    CHECK(syscall(SYS_epoll_wait, set, got, 4, 0) == 0 && syscall(SYS_epoll_wait, set, got, 4, 1) == 0);
    write(ends[1], "x", 1);
    CHECK(syscall(SYS_epoll_wait, set, got, 4, -1) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == 0x123456789abcdef);
    CHECK(syscall(SYS_epoll_pwait, set, got, 4, -1, 0, 8) == 1);
    CHECK_ERROR(syscall(SYS_epoll_wait, set, got, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_wait, set, 8, 4, 0), EFAULT);
    CHECK(syscall(SYS_epoll_ctl, other, EPOLL_CTL_ADD, set, &event) == 0 && syscall(SYS_epoll_wait, other, got, 4, 0) == 1);
    CHECK_ERROR(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, other, &event), ELOOP);
    event.events = EPOLLIN | EPOLLONESHOT;
    CHECK(syscall(SYS_epoll_ctl, set, EPOLL_CTL_MOD, ends[0], &event) == 0 && syscall(SYS_epoll_wait, set, got, 4, 0) == 1);
    CHECK(syscall(SYS_epoll_wait, set, got, 4, 0) == 0);
    CHECK(syscall(SYS_epoll_ctl, set, EPOLL_CTL_DEL, ends[0], 0) == 0);
    char c;
    read(ends[0], &c, 1);
    sigset_t mask, none;
    sigemptyset(&mask), sigemptyset(&none), sigaddset(&mask, SIGUSR1), sigprocmask(SIG_BLOCK, &mask, 0);
    caught = 0;
    raise(SIGUSR1);
    CHECK_ERROR(syscall(SYS_epoll_pwait, set, got, 4, -1, &none, 8), EINTR);
    CHECK(caught == 1);
    CHECK_ERROR(syscall(SYS_epoll_pwait, set, got, 4, -1, &none, 4), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_pwait, set, got, 4, -1, 8, 8), EFAULT);
    sigprocmask(SIG_UNBLOCK, &mask, 0);
    close(set), close(other);
}

static void counters(void) {
    unsigned long value = 5;
    int fd = syscall(SYS_eventfd, 3);
    CHECK(fd >= 0 && fcntl(fd, F_GETFL) == (O_RDWR | (fcntl(fd, F_GETFL) & 0100000)) && fcntl(fd, F_GETFD) == 0);
    CHECK(write(fd, &value, 8) == 8 && read(fd, &value, 8) == 8 && value == 8);
    CHECK_ERROR(write(fd, &value, 4), EINVAL);
    CHECK_ERROR(read(fd, &value, 4), EINVAL);
    close(fd);
    fd = syscall(SYS_eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && read(fd, &value, 8) == 8 && value == 1);
    CHECK(read(fd, &value, 8) == 8 && value == 1);
    CHECK_ERROR(read(fd, &value, 8), EAGAIN);
    value = -1;
    CHECK_ERROR(write(fd, &value, 8), EINVAL);
    value = -2;
    CHECK(write(fd, &value, 8) == 8);
    value = 1;
    CHECK_ERROR(write(fd, &value, 8), EAGAIN);
    CHECK_ERROR(syscall(SYS_eventfd2, 0, 2), EINVAL);
    close(fd);
}

static void pipes(void) {
    int pair[2];
    char c;
    CHECK(syscall(SYS_pipe2, pair, O_NONBLOCK | O_CLOEXEC) == 0 && fcntl(pair[0], F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(read(pair[0], &c, 1), EAGAIN);
    CHECK_ERROR(syscall(SYS_pipe2, pair, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_pipe2, 8, 0), EFAULT);
    CHECK(syscall(SYS_dup3, pair[0], 70, O_CLOEXEC) == 70 && fcntl(70, F_GETFD) == FD_CLOEXEC);
    CHECK(syscall(SYS_dup3, pair[0], 70, 0) == 70 && fcntl(70, F_GETFD) == 0);
    CHECK_ERROR(syscall(SYS_dup3, pair[0], pair[0], 0), EINVAL);
    CHECK_ERROR(syscall(SYS_dup3, 99, 70, 0), EBADF);
    CHECK_ERROR(syscall(SYS_dup3, pair[0], -1, 0), EBADF);
    CHECK(syscall(SYS_dup2, pair[1], 71) == 71 && syscall(SYS_dup, 71) > 2);
    CHECK(syscall(SYS_close_range, 70, 71, 4) == 0 && fcntl(70, F_GETFD) == FD_CLOEXEC && fcntl(71, F_GETFD) == FD_CLOEXEC);
    CHECK(syscall(SYS_close_range, 70, 71, 0) == 0);
    CHECK_ERROR(close(70), EBADF);
    CHECK_ERROR(syscall(SYS_close_range, 71, 70, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_close_range, 70, 71, 1), EINVAL);
}

int main(void) {
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, 0);
    pipe(ends);
    selects();
    polls();
    epolls();
    counters();
    pipes();
    CHECK_END();
}
