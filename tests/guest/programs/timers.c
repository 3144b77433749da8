// Clocks and timers: order and sizes, not exact times.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile int count, value;
static void note(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    count++;
    value = info->si_value.sival_int;
}
static long long now(int clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void) {
    struct sigaction a = {0};
    a.sa_sigaction = note;
    a.sa_flags = SA_SIGINFO;
    for (int s = SIGALRM; s <= SIGALRM; s++) sigaction(s, &a, 0);
    sigaction(SIGVTALRM, &a, 0);
    sigaction(SIGPROF, &a, 0);
    sigaction(SIGUSR1, &a, 0);

    long long before = now(CLOCK_MONOTONIC), last = before;
    int backwards = 0;
    for (int i = 0; i < 10000; i++) {
        long long t = now(CLOCK_MONOTONIC);
        backwards += t < last;
        last = t;
    }
    CHECK(!backwards && last > before);
    struct timespec t = {0, 30000000};
    before = now(CLOCK_MONOTONIC);
    CHECK(nanosleep(&t, 0) == 0);
    long long slept = now(CLOCK_MONOTONIC) - before;
    CHECK(slept >= 30000000 && slept < 300000000);
    long long deadline = now(CLOCK_REALTIME) + 30000000;
    t.tv_sec = deadline / 1000000000;
    t.tv_nsec = deadline % 1000000000;
    CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, 0) == 0 && now(CLOCK_REALTIME) >= deadline);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){0, 1}, 0) == 0);
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, 0) == EINVAL);
    CHECK_ERROR(nanosleep(&(struct timespec){0, 1000000000}, 0), EINVAL);
    CHECK_ERROR(nanosleep(&(struct timespec){-1, 0}, 0), EINVAL);
    CHECK_ERROR(clock_gettime(77, &t), EINVAL);
    CHECK(now(CLOCK_REALTIME) > 1600000000ll * 1000000000);
    CHECK(time(0) - now(CLOCK_REALTIME) / 1000000000 <= 1);

    // alarm and setitimer
    CHECK(alarm(100) == 0);
    CHECK(alarm(0) == 100);
    struct itimerval it = {{0, 10000}, {0, 10000}}, old;
    CHECK(setitimer(ITIMER_REAL, &it, 0) == 0);
    while (count < 5) pause();
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 10000);
    it = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &it, &old);
    int seen = count;
    usleep(30000);
    CHECK(count == seen);
    it.it_value.tv_usec = 2000000;
    CHECK_ERROR(setitimer(ITIMER_REAL, &it, 0), EINVAL);
    CHECK_ERROR(setitimer(9, &it, 0), EINVAL);
    count = 0;
    it.it_value.tv_usec = 30000;
    setitimer(ITIMER_VIRTUAL, &it, 0);
    while (!count) {}
    setitimer(ITIMER_PROF, &it, 0);
    while (count < 2) {}
    CHECK(count == 2);
    // A timer survives exec and not fork: fork's child has none.
    alarm(100);
    pid_t child = fork();
    int status;
    if (child == 0) _exit(alarm(0) == 0 ? 1 : 2);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 1);
    alarm(0);

    // POSIX timers
    timer_t timer;
    struct sigevent event = {0};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    event.sigev_value.sival_int = 77;
    count = 0;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec spec = {{0, 5000000}, {0, 5000000}};
    CHECK(timer_settime(timer, 0, &spec, 0) == 0);
    while (count < 3) pause();
    CHECK(value == 77);
    CHECK(timer_gettime(timer, &spec) == 0 && spec.it_interval.tv_nsec == 5000000);
    CHECK(timer_getoverrun(timer) >= 0);
    CHECK(timer_delete(timer) == 0);
    CHECK_ERROR(timer_getoverrun(timer), EINVAL);

    // CPU time
    long long cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    usleep(50000);
    CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - cpu < 40000000);
    before = now(CLOCK_MONOTONIC);
    while (now(CLOCK_MONOTONIC) - before < 50000000) {}
    CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - cpu > 5000000);
    struct tms tms;
    CHECK(times(&tms) != -1 && tms.tms_utime + tms.tms_stime > 0);
    struct rlimit limit = {1, 2};
    child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CPU, &limit);
        for (;;) {}
    }
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGXCPU);
    CHECK_END();
}
