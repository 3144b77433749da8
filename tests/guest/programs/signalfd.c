// signalfd: which signals it gives, what its records say, how it waits, and epoll on it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int readable(int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, 0) == 1 && p.revents == POLLIN;
}

int main(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN + 2);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGKILL);
    sigprocmask(SIG_BLOCK, &set, 0);
    struct signalfd_siginfo r[4];

    CHECK_ERROR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_signalfd4, -1, 8, 8, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_signalfd4, -1, &set, 8, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_signalfd4, 0, &set, 8, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_signalfd4, 99, &set, 8, 0), EBADF);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(read(fd, r, sizeof(r)), EAGAIN);
    CHECK_ERROR(read(fd, r, 127), EINVAL);
    CHECK_ERROR(write(fd, r, 128), EINVAL);
    CHECK(!readable(fd));

    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    CHECK(readable(fd));
    union sigval v = {.sival_int = 1234};
    sigqueue(getpid(), SIGRTMIN + 2, v);
    v.sival_int = 1235;
    sigqueue(getpid(), SIGRTMIN + 2, v);
    CHECK(read(fd, r, sizeof(r)) == 3 * sizeof(r[0]));
    CHECK(r[0].ssi_signo == SIGUSR1 && r[0].ssi_code == SI_USER && r[0].ssi_pid == getpid() && r[0].ssi_uid == getuid());
    CHECK(r[1].ssi_signo == SIGRTMIN + 2 && r[1].ssi_code == SI_QUEUE && r[1].ssi_int == 1234);
    CHECK(r[2].ssi_int == 1235);
    CHECK(!readable(fd));

    int pid = fork();
    if (pid == 0) _exit(5);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, -1) == 1);
    CHECK(read(fd, r, sizeof(r)) == sizeof(r[0]));
    CHECK(r[0].ssi_signo == SIGCHLD && r[0].ssi_pid == pid && r[0].ssi_status == 5 && r[0].ssi_code == CLD_EXITED);
    waitpid(pid, 0, 0);

    timer_t timer;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value = {.sival_int = 77}};
    timer_create(CLOCK_MONOTONIC, &ev, &timer);
    struct itimerspec once = {{0, 0}, {0, 1000000}};
    timer_settime(timer, 0, &once, 0);
    CHECK(poll(&p, 1, -1) == 1);
    CHECK(read(fd, r, sizeof(r)) == sizeof(r[0]));
    CHECK(r[0].ssi_signo == SIGALRM && r[0].ssi_code == SI_TIMER && r[0].ssi_int == 77 && r[0].ssi_overrun == 0);

    sigset_t other;
    sigemptyset(&other);
    sigaddset(&other, SIGUSR2);
    sigprocmask(SIG_BLOCK, &other, 0);
    kill(getpid(), SIGUSR1);
    CHECK(signalfd(fd, &other, 0) == fd);
    CHECK(!readable(fd));
    CHECK(signalfd(fd, &set, 0) == fd);
    CHECK(readable(fd));
    CHECK(read(fd, r, sizeof(r)) == sizeof(r[0]));

    int slow = signalfd(-1, &set, 0);
    pid = fork();
    if (pid == 0) {
        usleep(10000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    CHECK(read(slow, r, sizeof(r[0])) == sizeof(r[0]) && r[0].ssi_signo == SIGUSR1 && r[0].ssi_pid == pid);
    waitpid(pid, 0, 0);
    read(fd, r, sizeof(r));
    CHECK_ERROR(read(fd, (void*)8, 128), EAGAIN);
    kill(getpid(), SIGUSR1);
    CHECK_ERROR(read(fd, (void*)8, 128), EFAULT);

    // A set that outlives the process that added the file.
    int ep = epoll_create1(0);
    pid = fork();
    if (pid == 0) {
        struct epoll_event e = {EPOLLIN, {.fd = fd}};
        _exit(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) != 0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    read(fd, r, sizeof(r));
    struct epoll_event e;
    CHECK(epoll_wait(ep, &e, 1, 0) == 0);
    close(fd), close(slow), close(ep);
    CHECK_END();
}
