// Futexes beyond wait and wake: priority inheritance, robust ones with it, requeueing to one, waiting on several.
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_WAKE_OP = 5, FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7, FUTEX_TRYLOCK_PI = 8,
       FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_CMP_REQUEUE_PI = 12, FUTEX_LOCK_PI2 = 13, FUTEX_OP_ADD = 1, FUTEX_OP_CMP_GT = 4 };
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define FUTEX_OP(op, arg, cmp, cmparg) ((op & 0xf) << 28 | (cmp & 0xf) << 24 | (arg & 0xfff) << 12 | (cmparg & 0xfff))
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
struct waitv {
    uint64_t val, uaddr;
    uint32_t flags, reserved;
};
static uint32_t* word;  // shared by processes

static long futex(uint32_t* a, int op, uint32_t v, const void* t, uint32_t* b, uint32_t v3) {
    return syscall(SYS_futex, a, op, v, t, b, v3);
}
static int gettid_(void) { return syscall(SYS_gettid); }
static struct timespec in_ms(int clock, int ms) {
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
    return t;
}
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Until the child sleeps in the call that it was made for.
static void until_asleep(pid_t pid) {
    char path[32], text[256], state = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    while (state != 'S') {
        FILE* f = fopen(path, "r");
        if (f && fgets(text, sizeof(text), f)) state = strrchr(text, ')')[2];
        if (f) fclose(f);
        usleep(1000);
    }
}

static void pi(void) {
    *word = 0;
    CHECK(futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0 && *word == (uint32_t)gettid_());
    CHECK_ERROR(futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0), EDEADLK);
    CHECK_ERROR(futex(word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0), EDEADLK);
    pid_t child = fork();
    if (child == 0) {
        int good = futex(word, FUTEX_TRYLOCK_PI, 0, 0, 0, 0) == -1 && errno == EAGAIN;
        struct timespec t = in_ms(CLOCK_REALTIME, 5);
        good = good && futex(word, FUTEX_LOCK_PI, 0, &t, 0, 0) == -1 && errno == ETIMEDOUT;
        t = in_ms(CLOCK_MONOTONIC, 5);
        good = good && futex(word, FUTEX_LOCK_PI2, 0, &t, 0, 0) == -1 && errno == ETIMEDOUT;
        good = good && futex(word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == -1 && errno == EPERM;
        good = good && futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0;
        good = good && (*word & FUTEX_TID_MASK) == (uint32_t)gettid_();
        good = good && futex(word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0 && (*word & FUTEX_TID_MASK) == 0;
        _exit(good ? 0 : 1);
    }
    usleep(60000);
    until_asleep(child);
    CHECK((*word & FUTEX_WAITERS) != 0);
    CHECK(futex(word, FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0);
    CHECK(status_of(child) == 0);
    CHECK(*word == 0);
    CHECK_ERROR(futex(word, FUTEX_UNLOCK_PI, 0, 0, 0, 0), EPERM);
    *word = 4000000;
    CHECK_ERROR(futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0), ESRCH);
    CHECK_ERROR(futex((uint32_t*)((char*)word + 1), FUTEX_LOCK_PI, 0, 0, 0, 0), EINVAL);
    CHECK_ERROR(futex((uint32_t*)8, FUTEX_LOCK_PI, 0, 0, 0, 0), EFAULT);
}

static void owner_dies(void) {
    *word = 0;
    int ready[2];
    pipe(ready);
    pid_t owner = fork();
    if (owner == 0) {
        futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0);
        write(ready[1], "x", 1);
        usleep(30000);
        _exit(0);
    }
    char c;
    read(ready[0], &c, 1);
    CHECK(futex(word, FUTEX_LOCK_PI, 0, 0, 0, 0) == 0);
    CHECK((*word & FUTEX_TID_MASK) == (uint32_t)gettid_() && (*word & FUTEX_OWNER_DIED));
    CHECK(status_of(owner) == 0);
    close(ready[0]), close(ready[1]);

    // The C library's mutexes, which use all of this.
    pthread_mutexattr_t attr;
    pthread_mutex_t* m = (void*)(word + 16);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    int inherit = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    CHECK(inherit == 0);
    pthread_mutex_init(m, &attr);
    owner = fork();
    if (owner == 0) _exit(pthread_mutex_lock(m));
    CHECK(status_of(owner) == 0);
    CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(m) == 0 && pthread_mutex_unlock(m) == 0);
    CHECK(pthread_mutex_lock(m) == 0 && pthread_mutex_unlock(m) == 0);
}

static void requeued(void) {
    word[0] = 5, word[1] = 0;
    pid_t child = fork();
    if (child == 0) {
        long r = futex(&word[0], FUTEX_WAIT_REQUEUE_PI, 5, 0, &word[1], 0);
        int good = r == 0 && (word[1] & FUTEX_TID_MASK) == (uint32_t)gettid_();
        good = good && futex(&word[1], FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0;
        _exit(good ? 0 : 1);
    }
    until_asleep(child);
    CHECK_ERROR(futex(&word[0], FUTEX_WAKE, 1, 0, 0, 0), EINVAL);
    CHECK_ERROR(futex(&word[0], FUTEX_CMP_REQUEUE_PI, 1, (void*)0, &word[1], 6), EAGAIN);
    CHECK_ERROR(futex(&word[0], FUTEX_CMP_REQUEUE_PI, 2, (void*)0, &word[1], 5), EINVAL);
    futex(&word[1], FUTEX_LOCK_PI, 0, 0, 0, 0);
    CHECK(futex(&word[0], FUTEX_CMP_REQUEUE_PI, 1, (void*)0, &word[1], 5) == 1);
    CHECK((word[1] & FUTEX_WAITERS) != 0);
    CHECK(futex(&word[1], FUTEX_UNLOCK_PI, 0, 0, 0, 0) == 0);
    CHECK(status_of(child) == 0);
    CHECK_ERROR(futex(&word[0], FUTEX_WAIT_REQUEUE_PI, 4, 0, &word[1], 0), EAGAIN);
    CHECK_ERROR(futex(&word[0], FUTEX_WAIT_REQUEUE_PI, 5, 0, &word[0], 0), EINVAL);
    struct timespec t = in_ms(CLOCK_MONOTONIC, 5);
    CHECK_ERROR(futex(&word[0], FUTEX_WAIT_REQUEUE_PI, 5, &t, &word[1], 0), ETIMEDOUT);
}

static long waitv(struct waitv* w, unsigned n, unsigned flags, struct timespec* t, int clock) {
    return syscall(SYS_futex_waitv, w, n, flags, t, clock);
}
static void several(void) {
    word[0] = word[1] = word[2] = 7;
    struct waitv w[3];
    for (int i = 0; i < 3; i++) w[i] = (struct waitv){7, (uintptr_t)&word[i], 2, 0};
    pid_t child = fork();
    if (child == 0) _exit((int)waitv(w, 3, 0, 0, 0));
    until_asleep(child);
    CHECK(futex(&word[1], FUTEX_WAKE, 1, 0, 0, 0) == 1);
    CHECK(status_of(child) == 1);
    w[2].val = 8;
    CHECK_ERROR(waitv(w, 3, 0, 0, 0), EAGAIN);
    w[2].val = 7;
    struct timespec t = in_ms(CLOCK_MONOTONIC, 5);
    CHECK_ERROR(waitv(w, 3, 0, &t, CLOCK_MONOTONIC), ETIMEDOUT);
    t = in_ms(CLOCK_REALTIME, 5);
    CHECK_ERROR(waitv(w, 3, 0, &t, CLOCK_REALTIME), ETIMEDOUT);
    CHECK_ERROR(waitv(w, 3, 0, &t, CLOCK_BOOTTIME), EINVAL);
    CHECK_ERROR(waitv(w, 3, 1, 0, 0), EINVAL);
    CHECK_ERROR(waitv(w, 0, 0, 0, 0), EINVAL);
    CHECK_ERROR(waitv(w, 129, 0, 0, 0), EINVAL);
    CHECK_ERROR(waitv((void*)8, 1, 0, 0, 0), EFAULT);
    w[0].flags = 0;
    CHECK_ERROR(waitv(w, 1, 0, 0, 0), EINVAL);
    w[0].flags = 2, w[0].reserved = 1;
    CHECK_ERROR(waitv(w, 1, 0, 0, 0), EINVAL);
    w[0].reserved = 0, w[0].uaddr++;
    CHECK_ERROR(waitv(w, 1, 0, 0, 0), EINVAL);
}

static void waked_by_operation(void) {
    word[0] = 1, word[1] = 10;
    pid_t child = fork();
    if (child == 0) _exit(futex(&word[0], FUTEX_WAIT, 1, 0, 0, 0) == 0 ? 0 : 1);
    until_asleep(child);
    CHECK(futex(&word[0], FUTEX_WAKE_OP, 1, (void*)1, &word[1], FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_GT, 100)) == 1);
    CHECK(word[1] == 15 && status_of(child) == 0);
    CHECK_ERROR(futex(&word[0], FUTEX_WAKE_OP, 1, (void*)1, &word[1], FUTEX_OP(7, 5, 0, 0)), ENOSYS);
    CHECK_ERROR(futex(&word[0], 99, 0, 0, 0, 0), ENOSYS);
}

int main(void) {
    word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pi();
    owner_dies();
    requeued();
    several();
    waked_by_operation();
    CHECK_END();
}
