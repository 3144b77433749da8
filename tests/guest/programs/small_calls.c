// Calls that need no program of their own: scheduling attributes, I/O priorities, the clock's variables, another
// process's memory, comparing processes, epoll_pwait2.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max, more[4];
};
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static long setattr(pid_t pid, struct attr* a, unsigned flags) { return syscall(SYS_sched_setattr, pid, a, flags); }
static long getattr(pid_t pid, struct attr* a, unsigned size, unsigned flags) { return syscall(SYS_sched_getattr, pid, a, size, flags); }

static void scheduling(void) {
    struct attr a = {0}, g;
    CHECK(getattr(0, &g, 48, 0) == 0 && g.size == 48 && g.policy == SCHED_OTHER && g.nice == 0 && g.priority == 0);
    CHECK_ERROR(getattr(0, &g, 47, 0), EINVAL);
    CHECK_ERROR(getattr(0, &g, 48, 1), EINVAL);
    CHECK_ERROR(getattr(-1, &g, 48, 0), EINVAL);
    CHECK_ERROR(getattr(4000000, &g, 48, 0), ESRCH);
    CHECK_ERROR(getattr(0, (void*)8, 48, 0), EFAULT);
    a.size = 48, a.policy = SCHED_BATCH, a.nice = 5;
    CHECK(setattr(0, &a, 0) == 0 && getattr(0, &g, sizeof(g), 0) == 0 && g.policy == SCHED_BATCH && g.nice == 5);
    CHECK(getpriority(PRIO_PROCESS, 0) == 5);
    a.policy = SCHED_FIFO, a.priority = 3, a.nice = 0;
    CHECK(setattr(0, &a, 0) == 0 && getattr(0, &g, 48, 0) == 0 && g.policy == SCHED_FIFO && g.priority == 3);
    a.priority = 0;
    CHECK_ERROR(setattr(0, &a, 0), EINVAL);
    a.priority = 100;
    CHECK_ERROR(setattr(0, &a, 0), EINVAL);
    a.policy = 99;
    CHECK_ERROR(setattr(0, &a, 0), EINVAL);
    a.policy = 0, a.priority = 0, a.nice = 0;
    CHECK_ERROR(setattr(0, &a, 1), EINVAL);
    CHECK_ERROR(setattr(0, 0, 0), EINVAL);
    CHECK_ERROR(setattr(0, (void*)8, 0), EFAULT);
    a.size = 47;
    CHECK_ERROR(setattr(0, &a, 0), E2BIG);
    CHECK(a.size >= 56);
    a.size = sizeof(a), a.more[3] = 1;
    CHECK_ERROR(setattr(0, &a, 0), E2BIG);
    a.more[3] = 0, a.size = 0;
    CHECK(setattr(0, &a, 0) == 0 && getattr(0, &g, 48, 0) == 0 && g.policy == SCHED_OTHER && g.nice == 0);
    a.flags = 1ull << 40;
    CHECK_ERROR(setattr(0, &a, 0), EINVAL);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        struct attr b = {48, SCHED_FIFO};
        b.priority = 1;
        int good = setattr(0, &b, 0) == -1 && errno == EPERM;
        b.policy = 0, b.priority = 0, b.nice = -1;
        good = good && setattr(0, &b, 0) == -1 && errno == EPERM;
        b.nice = 3;
        good = good && setattr(0, &b, 0) == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static long ioprio_set(int which, int who, int p) { return syscall(SYS_ioprio_set, which, who, p); }
static long ioprio_get(int which, int who) { return syscall(SYS_ioprio_get, which, who); }
static void io_priorities(void) {
    CHECK(ioprio_get(1, 0) == 0);
    CHECK(ioprio_set(1, 0, 2 << 13 | 6) == 0 && ioprio_get(1, 0) == (2 << 13 | 6));
    CHECK(ioprio_set(1, getpid(), 3 << 13) == 0 && ioprio_get(1, 0) == 3 << 13);
    pid_t child = fork();
    if (child == 0) _exit(ioprio_get(1, 0) == 3 << 13 ? 0 : 1);
    CHECK(status_of(child) == 0);
    CHECK_ERROR(ioprio_set(1, 0, 1), EINVAL);
    CHECK_ERROR(ioprio_set(1, 0, 5 << 13), EINVAL);
    CHECK_ERROR(ioprio_set(9, 0, 2 << 13), EINVAL);
    CHECK_ERROR(ioprio_get(9, 0), EINVAL);
    CHECK_ERROR(ioprio_get(1, 4000000), ESRCH);
    child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = ioprio_set(1, 0, 1 << 13 | 4) == -1 && errno == EPERM;
        good = good && ioprio_set(1, getppid(), 2 << 13) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    ioprio_set(1, 0, 0);
}

static void clock_variables(void) {
    struct timex t = {0};
    long state = adjtimex(&t);
    CHECK(state >= 0 && state <= 5 && t.tick >= 9000 && t.tick <= 11000 && t.precision == 1 && t.tolerance == 32768000);
    CHECK(labs(t.time.tv_sec - time(0)) <= 1);
    CHECK_ERROR(adjtimex((void*)8), EFAULT);
    CHECK_ERROR(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &t), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_clock_adjtime, 99, &t), EINVAL);
    t.modes = 0;
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &t) >= 0);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        struct timex u = {0};
        int good = adjtimex(&u) >= 0;
        u.modes = ADJ_TICK;
        good = good && adjtimex(&u) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static void memory_of_others(void) {
    static char mine[16] = "of the parent!!", got[40];
    int p[2];
    pipe(p);
    pid_t child = fork();
    if (child == 0) {
        char c;
        strcpy(mine, "of the child");
        write(p[1], "x", 1);
        pause();
    }
    char c;
    read(p[0], &c, 1);
    struct iovec local[2] = {{got, 6}, {got + 20, 6}}, remote[2] = {{mine, 10}, {mine + 10, 5}};
    CHECK(process_vm_readv(child, local, 2, remote, 2, 0) == 12);
    CHECK(memcmp(got, "of the", 6) == 0 && memcmp(got + 20, " child", 6) == 0);
    struct iovec write_from = {"OF", 2}, write_to = {mine, 2};
    CHECK(process_vm_writev(child, &write_from, 1, &write_to, 1, 0) == 2);
    CHECK(process_vm_readv(child, local, 1, remote, 1, 0) == 6 && memcmp(got, "OF the", 6) == 0);
    CHECK(memcmp(mine, "of the parent", 13) == 0);
    remote[0].iov_base = (void*)8;
    CHECK_ERROR(process_vm_readv(child, local, 1, remote, 1, 0), EFAULT);
    CHECK_ERROR(process_vm_readv(child, local, 1, remote, 1, 1), EINVAL);
    CHECK_ERROR(process_vm_readv(4000000, local, 1, remote, 1, 0), ESRCH);
    CHECK_ERROR(process_vm_readv(child, (void*)8, 1, remote, 1, 0), EFAULT);
    pid_t other = fork();
    if (other == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        remote[0].iov_base = mine;
        _exit(process_vm_readv(child, local, 1, remote, 1, 0) == -1 && errno == EPERM ? 0 : 1);
    }
    CHECK(status_of(other) == 0);
    CHECK(syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0) == 0);
    CHECK(syscall(SYS_kcmp, getpid(), child, 1, 0, 0) > 0);
    CHECK(syscall(SYS_kcmp, getpid(), child, 0, p[0], p[0]) == 0);
    CHECK(syscall(SYS_kcmp, getpid(), getpid(), 0, p[0], p[1]) > 0);
    CHECK_ERROR(syscall(SYS_kcmp, getpid(), getpid(), 0, p[0], 99), EBADF);
    CHECK_ERROR(syscall(SYS_kcmp, getpid(), 4000000, 1, 0, 0), ESRCH);
    CHECK_ERROR(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0), EINVAL);
    kill(child, SIGKILL);
    CHECK(status_of(child) == -9);
}

static void waiting(void) {
    int ep = epoll_create1(0), p[2];
    pipe(p);
    struct epoll_event e = {EPOLLIN, {.u32 = 5}}, got;
    epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e);
    struct timespec t = {0, 2000000};
    CHECK(syscall(SYS_epoll_pwait2, ep, &got, 1, &t, 0, 0) == 0);
    write(p[1], "x", 1);
    CHECK(syscall(SYS_epoll_pwait2, ep, &got, 1, 0, 0, 0) == 1 && got.data.u32 == 5);
    t.tv_nsec = -1;
    CHECK_ERROR(syscall(SYS_epoll_pwait2, ep, &got, 1, &t, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_epoll_pwait2, ep, &got, 1, 8, 0, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_epoll_pwait2, ep, &got, 0, 0, 0, 0), EINVAL);
}

int main(void) {
    scheduling();
    io_priorities();
    clock_variables();
    memory_of_others();
    waiting();
    CHECK_END();
}
