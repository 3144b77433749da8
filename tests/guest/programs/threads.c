// Threads: clone, futexes, thread ids, exec and exit from a thread, robust mutexes.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_CMP_REQUEUE = 4, FUTEX_WAIT_BITSET = 9 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long total, turns;

static void *adder(void *argument) {
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        total += (long)argument;
        pthread_mutex_unlock(&mutex);
    }
    return (void *)((long)argument * 10);
}
static void *ping(void *argument) {
    long me = (long)argument;
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (turns % 2 != me) pthread_cond_wait(&condition, &mutex);
        turns++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return 0;
}
static volatile int tid_differs, pid_same, signalled_tid;
static int main_pid;
static void *ids(void *argument) {
    (void)argument;
    tid_differs = gettid() != main_pid;
    pid_same = getpid() == main_pid;
    return 0;
}
static void note_tid(int sig) { (void)sig, signalled_tid = gettid(); }
static volatile int sleeper_tid;
static void *sleeper(void *argument) {
    (void)argument;
    sleeper_tid = gettid();
    struct timespec t = {10, 0};
    while (!signalled_tid) nanosleep(&t, 0);
    return 0;
}
static void *execer(void *argument) {
    execl(argument, argument, "again", (char *)0);
    return 0;
}
static void *spinner(void *argument) {
    for (;;) if (argument) pause();
}
static void *exiter(void *argument) {
    (void)argument;
    _exit(23);
}
static void *locker(void *argument) {
    pthread_mutex_lock(argument);
    return 0;  // dies with the lock held
}
static __thread int tls = 5;
static void *tls_user(void *argument) {
    tls += (int)(long)argument;
    usleep(1000);
    return (void *)(long)tls;
}

int main(int argc, char **argv) {
    if (argc > 1) return getpid() == gettid() ? 17 : 18;
    static char self[4096];
    readlink("/proc/self/exe", self, sizeof(self) - 1);
    main_pid = getpid();
    pthread_t t[8];
    void *result;
    long sum = 0;
    for (long i = 0; i < 8; i++) CHECK(pthread_create(&t[i], 0, adder, (void *)(i + 1)) == 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], &result);
        sum += (long)result;
    }
    CHECK(total == 36 * 20000 && sum == 360);
    for (long i = 0; i < 2; i++) pthread_create(&t[i], 0, ping, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
    CHECK(turns == 1000);
    for (long i = 0; i < 8; i++) pthread_create(&t[i], 0, tls_user, (void *)i);
    sum = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], &result);
        sum += (long)result;
    }
    CHECK(sum == 8 * 5 + 28 && tls == 5);
    pthread_create(&t[0], 0, ids, 0);
    pthread_join(t[0], 0);
    CHECK(tid_differs && pid_same);
    struct sigaction a = {0};
    a.sa_handler = note_tid;
    sigaction(SIGUSR1, &a, 0);
    pthread_create(&t[0], 0, sleeper, 0);
    while (!sleeper_tid) usleep(1000);
    CHECK(syscall(SYS_tgkill, getpid(), sleeper_tid, SIGUSR1) == 0);
    pthread_join(t[0], 0);
    CHECK(signalled_tid == sleeper_tid);
    CHECK_ERROR(syscall(SYS_tgkill, getpid(), 0x7ffffff, SIGUSR1), ESRCH);

    // futex errors and time-outs
    static volatile int word = 1;
    struct timespec little = {0, 10000000};
    CHECK_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT, 2, 0, 0, 0), EAGAIN);
    CHECK_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT, 1, &little, 0, 0), ETIMEDOUT);
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE, 1, 0, 0, 0) == 0);
    CHECK_ERROR(syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT, 1, 0, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, 0, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1, &word, 7), EAGAIN);
    // Between processes
    volatile int *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status;
    pid_t child = fork();
    if (child == 0) {
        while (*shared == 0) syscall(SYS_futex, shared, FUTEX_WAIT, 0, 0, 0, 0);
        _exit(*shared);
    }
    usleep(20000);
    *shared = 31;
    CHECK(syscall(SYS_futex, shared, FUTEX_WAKE, 1, 0, 0, 0) == 1);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 31);

    // A robust mutex whose owner died
    pthread_mutex_t robust;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&t[0], 0, locker, &robust);
    pthread_join(t[0], 0);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);

    // exec from a thread, exit from a thread, death of a process with threads
    fflush(stdout);
    child = fork();
    if (child == 0) {
        pthread_create(&t[0], 0, spinner, (void *)1);
        pthread_create(&t[1], 0, spinner, 0);
        pthread_create(&t[2], 0, execer, self);
        pause();
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 17);
    child = fork();
    if (child == 0) {
        pthread_create(&t[0], 0, spinner, 0);
        pthread_create(&t[1], 0, exiter, 0);
        pause();
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 23);
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, spinner, (void *)(long)(i & 1));
        pthread_exit(0);  // the first thread goes, the process stays
    }
    usleep(20000);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    kill(child, SIGTERM);
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGTERM);
    child = fork();
    if (child == 0) {
        pthread_create(&t[0], 0, spinner, 0);
        usleep(1000);
        *(volatile int *)0 = 0;
    }
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGSEGV);
    // A stop reaches every thread.
    child = fork();
    if (child == 0) {
        for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, spinner, (void *)(long)(i & 1));
        pause();
    }
    usleep(10000);
    kill(child, SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    kill(child, SIGCONT);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
    CHECK_END();
}
