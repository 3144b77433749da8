// pidfds: made by pidfd_open, clone and clone3; polled, waited for, signalled, and used to take a descriptor.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
struct args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static int pidfd_open(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static int pidfd_send(int fd, int sig, siginfo_t* info, unsigned flags) { return syscall(SYS_pidfd_send_signal, fd, sig, info, flags); }
static int pidfd_getfd(int fd, int target, unsigned flags) { return syscall(SYS_pidfd_getfd, fd, target, flags); }
static long clone3(struct args* a, size_t size) { return syscall(SYS_clone3, a, size); }

static int readable(int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}
static int child_of(void (*run)(int), int argument) {
    int pid = fork();
    if (pid == 0) {
        run(argument);
        _exit(0);
    }
    return pid;
}
static void sleeps(int unused) {
    for (;;) pause();
}
static void reads_one(int fd) {
    char c;
    _exit(read(fd, &c, 1) == 1 ? c : 99);
}

static void opened(void) {
    int pid = child_of(sleeps, 0);
    int fd = pidfd_open(pid, 0);
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    CHECK(!readable(fd));
    char c;
    CHECK_ERROR(read(fd, &c, 1), EINVAL);
    CHECK_ERROR(pidfd_open(0, 0), EINVAL);
    CHECK_ERROR(pidfd_open(-1, 0), EINVAL);
    CHECK_ERROR(pidfd_open(4000000, 0), ESRCH);
    CHECK_ERROR(pidfd_open(pid, 1), EINVAL);
    CHECK(pidfd_send(fd, 0, 0, 0) == 0);
    CHECK_ERROR(pidfd_send(fd, 65, 0, 0), EINVAL);
    CHECK_ERROR(pidfd_send(0, 0, 0, 0), EBADF);
    CHECK_ERROR(pidfd_send(-1, 0, 0, 0), EBADF);
    siginfo_t info = {0};
    info.si_signo = SIGUSR1;
    info.si_code = SI_QUEUE;
    CHECK_ERROR(pidfd_send(fd, SIGUSR2, &info, 0), EINVAL);
    info.si_code = SI_USER;
    CHECK_ERROR(pidfd_send(fd, SIGUSR1, &info, 0), EPERM);
    CHECK_ERROR(pidfd_send(fd, SIGUSR1, (void*)8, 0), EFAULT);
    CHECK(pidfd_send(fd, SIGKILL, 0, 0) == 0);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
    siginfo_t got = {0};
    CHECK(waitid(P_PIDFD, fd, &got, WEXITED | WNOWAIT) == 0 && got.si_pid == pid && got.si_status == SIGKILL);
    CHECK(waitid(P_PIDFD, fd, &got, WEXITED) == 0 && got.si_code == CLD_KILLED);
    CHECK_ERROR(waitid(P_PIDFD, fd, &got, WEXITED), ECHILD);
    CHECK_ERROR(pidfd_send(fd, 0, 0, 0), ESRCH);
    CHECK(readable(fd));
    close(fd);
    CHECK_ERROR(waitid(P_PIDFD, 0, &got, WEXITED), EBADF);
    CHECK_ERROR(waitid(P_PIDFD, -1, &got, WEXITED), EINVAL);
}

static void nonblocking(void) {
    int pid = child_of(sleeps, 0);
    int fd = pidfd_open(pid, O_NONBLOCK);
    siginfo_t got = {0};
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_ERROR(waitid(P_PIDFD, fd, &got, WEXITED), EAGAIN);
    CHECK(waitid(P_PIDFD, fd, &got, WEXITED | WNOHANG) == 0 && got.si_pid == 0);
    pidfd_send(fd, SIGTERM, 0, 0);
    while (!readable(fd)) poll(0, 0, 1);
    CHECK(waitid(P_PIDFD, fd, &got, WEXITED) == 0 && got.si_status == SIGTERM);
    close(fd);
}

static void cloned(void) {
    int fd = -1;
    int pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
    if (pid == 0) _exit(7);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    siginfo_t got = {0};
    CHECK(waitid(P_PIDFD, fd, &got, WEXITED) == 0 && got.si_pid == pid && got.si_status == 7);
    close(fd);
    CHECK_ERROR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0), EINVAL);

    struct args a = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD};
    pid = clone3(&a, sizeof(a));
    if (pid == 0) _exit(8);
    CHECK(pid > 0 && waitid(P_PIDFD, fd, &got, WEXITED) == 0 && got.si_status == 8);
    close(fd);
    a.pidfd = 8;
    CHECK_ERROR(clone3(&a, sizeof(a)), EFAULT);
    a.flags = CLONE_PIDFD | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, a.exit_signal = 0;
    a.flags = 0, a.exit_signal = SIGCHLD, a.set_tid_size = 1;
    CHECK_ERROR(clone3(&a, sizeof(a)), EINVAL);
    pid_t wanted = 31234;
    a.set_tid = (uintptr_t)&wanted;
    pid = clone3(&a, sizeof(a));
    if (pid == 0) _exit(getpid() == wanted ? 9 : 1);
    int status;
    CHECK(pid == wanted && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9);
    wanted = getpid();
    CHECK_ERROR(clone3(&a, sizeof(a)), EEXIST);
    wanted = -1;
    CHECK_ERROR(clone3(&a, sizeof(a)), EINVAL);
    a.set_tid_size = 33;
    CHECK_ERROR(clone3(&a, sizeof(a)), EINVAL);
    CHECK_ERROR(clone3(&a, 63), EINVAL);
}

static void taken(void) {
    int p[2];
    pipe(p);
    dup2(p[0], 100);
    int pid = child_of(reads_one, 100);
    int fd = pidfd_open(pid, 0);
    close(100);
    int copy = pidfd_getfd(fd, 100, 0);
    CHECK(copy >= 0 && fcntl(copy, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(pidfd_getfd(fd, 101, 0), EBADF);
    CHECK_ERROR(pidfd_getfd(fd, 100, 1), EINVAL);
    CHECK_ERROR(pidfd_getfd(0, 100, 0), EBADF);
    CHECK(write(p[1], "*+", 2) == 2);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == '*');
    char c = 0;
    CHECK(read(copy, &c, 1) == 1 && c == '+');
    CHECK_ERROR(pidfd_getfd(fd, 100, 0), ESRCH);
    close(fd), close(copy), close(p[0]), close(p[1]);
}

int main(void) {
    opened();
    nonblocking();
    cloned();
    taken();
    CHECK_END();
}
