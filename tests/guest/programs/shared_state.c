// What several processes or threads share without being one process: handlers of signals (CLONE_SIGHAND), a timerfd,
// queues of futexes, areas of a file that is being cut. sigaction(2), timerfd_create(2), futex(2), mremap(2).
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t caught;
static void on_signal(int sig) { caught = sig; }

static char stack[64 << 10] __attribute__((aligned(16)));

static int sets_a_handler(void* unused) {
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
    sigaction(SIGUSR1, &a, 0);
    return 0;
}
/// CLONE_SIGHAND without CLONE_THREAD: another process sets what this one does, and its end takes nothing along.
static void handlers(void) {
    pid_t child = clone(sets_a_handler, stack + sizeof(stack), CLONE_VM | CLONE_SIGHAND | SIGCHLD, 0);
    CHECK(child > 0 && waitpid(child, 0, 0) == child);
    struct sigaction now;
    CHECK(sigaction(SIGUSR1, 0, &now) == 0 && now.sa_handler == on_signal && now.sa_flags & SA_RESETHAND);
    raise(SIGUSR1);
    CHECK(caught == SIGUSR1);
    CHECK(sigaction(SIGUSR1, 0, &now) == 0 && now.sa_handler == SIG_DFL);
}

/// Of two who read one timer, each expiration goes to one.
static void timer_reads(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, 0), results[2];
    pipe(results);
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            uint64_t count = 0, sum = 0;
            while (sum < 20 && read(fd, &count, 8) == 8) sum += count, write(results[1], &count, 8);
            _exit(0);
        }
    }
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(timerfd_settime(fd, 0, &every, 0) == 0);
    wait(0), wait(0);
    close(results[1]);
    clock_gettime(CLOCK_MONOTONIC, &after);
    uint64_t all = 0, one;
    while (read(results[0], &one, 8) == 8) all += one;
    long passed = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    CHECK(all >= 20 && all <= passed + 1);
}

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PRIVATE = 4 | 128 };
static int* words;
static long futex(int* at, int op, int value, long other, int* to, int expected) {
    return syscall(SYS_futex, at, op, value, other, to, expected);
}
/// Requeueing a queue to itself ends, and the value is looked at.
static void requeue(void) {
    words = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) _exit(futex(words, FUTEX_WAIT, 0, 0, 0, 0) == 0 ? 0 : 1);
    }
    long moved = 0;
    while ((moved = futex(words, FUTEX_REQUEUE, 0, 0x7fffffff, words, 0)) != 3 && moved >= 0) usleep(1000);
    CHECK(moved == 3);
    CHECK_ERROR(futex(words, FUTEX_CMP_REQUEUE, 0, 0x7fffffff, words + 1, 7), EAGAIN);
    CHECK(futex(words, FUTEX_CMP_REQUEUE, 1, 0x7fffffff, words + 1, 0) == 3);
    CHECK(futex(words, FUTEX_WAKE, 9, 0, 0, 0) == 0);
    CHECK(futex(words + 1, FUTEX_WAKE, 9, 0, 0, 0) == 2);
    for (int i = 0, status; i < 3; i++) CHECK(wait(&status) > 0 && status == 0);
    // A page that is not there yet comes in; one that cannot is EFAULT.
    int* fresh = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(futex(fresh, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, fresh + 1, 0) == 0);
    munmap(fresh, 4096);
    CHECK_ERROR(futex(fresh, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, fresh + 1, 0), EFAULT);
}

static char touched(volatile char* at) {
    int fds[2];
    char c = 'x';
    pipe(fds);
    if (write(fds[1], (const void*)at, 1) != 1) c = 'f';
    close(fds[0]), close(fds[1]);
    return c;
}
/// What a truncate cuts away is nowhere mapped afterwards, wherever mremap is moving it.
static void moving_and_cutting(void) {
    int fd = memfd_create("cut", 0);
    const size_t size = 16 << 12;
    char* room = mmap(0, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ftruncate(fd, size);
    char* area = mmap(room, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    volatile int* stop = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t cutter = fork();
    if (cutter == 0) {
        while (!*stop) ftruncate(fd, 0), ftruncate(fd, size);
        _exit(0);
    }
    int moved = 0, left = 0;
    for (int i = 0; i < 100; i++) {
        for (size_t at = 0; at < size; at += 4096) touched(area + at);
        char* to = area == room ? room + size : room;
        moved += mremap(area, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
        area = to;
    }
    CHECK(moved == 100);
    *stop = 1;
    waitpid(cutter, 0, 0);
    ftruncate(fd, 0);
    for (size_t at = 0; at < size; at += 4096) left += touched(area + at) != 'f';
    CHECK(left == 0);
}

int main(void) {
    void (*parts[])(void) = {handlers, timer_reads, requeue, moving_and_cutting};
    for (int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (fork() == 0) {
            check_failures = 0;
            parts[i]();
            exit(check_failures);
        }
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK_END();
}
