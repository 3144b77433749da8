// Processor time as a clock: its limit (RLIMIT_CPU), sleeping on it, timers on it, and what each clock refuses.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int spin_under(long soft, long hard) {
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {soft, hard};
        setrlimit(RLIMIT_CPU, &limit);
        for (;;) getppid();
    }
    int status;
    waitpid(pid, &status, 0);
    return WTERMSIG(status);
}

int main(void) {
    CHECK(spin_under(0, 0) == SIGKILL);
    CHECK(spin_under(0, RLIM_INFINITY) == SIGXCPU);
    CHECK(spin_under(1, 1) == SIGKILL);
    struct timespec short_time = {0, 1000000}, none = {0, 0}, bad = {0, -1}, before, after;
    CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bad, 0), EINVAL);
    CHECK(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &none, 0) == 0);
    CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &short_time, 0), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_clock_nanosleep, -2, 0, &short_time, 0), EINVAL);  // one's own thread cannot work and wait
    CHECK_ERROR(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &short_time, 0), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_clock_nanosleep, 10, 0, &short_time, 0), EINVAL);
    // Wait for a child's processor time.
    pid_t child = fork();
    if (child == 0)
        for (;;) getppid();
    clockid_t clock;
    CHECK(clock_getcpuclockid(child, &clock) == 0);
    CHECK(clock_gettime(clock, &before) == 0);
    short_time.tv_nsec = 50000000;
    CHECK(syscall(SYS_clock_nanosleep, clock, 0, &short_time, 0) == 0);
    CHECK(clock_gettime(clock, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 50000000);
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    CHECK_ERROR(clock_gettime(clock, &after), EINVAL);
    // A timer on this process's time, and on this thread's.
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, 0);
    for (int which = CLOCK_PROCESS_CPUTIME_ID; which <= CLOCK_THREAD_CPUTIME_ID; which++) {
        struct sigevent event = {.sigev_signo = SIGUSR1, .sigev_value.sival_int = 40 + which};
        timer_t timer;
        CHECK(timer_create(which, &event, &timer) == 0);
        struct itimerspec setting = {{0, 0}, {0, 30000000}}, left;
        CHECK(timer_settime(timer, 0, &setting, 0) == 0);
        CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 30000000);
        sigset_t pending;
        clock_gettime(which, &before);
        do sigpending(&pending);
        while (!sigismember(&pending, SIGUSR1));
        clock_gettime(which, &after);
        CHECK((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 29000000);
        siginfo_t info;
        CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_TIMER && info.si_value.sival_int == 40 + which);
        CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec == 0 && left.it_value.tv_sec == 0);
        setting.it_value.tv_nsec = 0, setting.it_value.tv_sec = 0;
        CHECK(timer_settime(timer, 0, &setting, 0) == 0);
        CHECK(timer_delete(timer) == 0);
    }
    timer_t timer;
    CHECK_ERROR(syscall(SYS_timer_create, 4, 0, &timer), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_timer_create, 5, 0, &timer), EOPNOTSUPP);
    CHECK_ERROR(syscall(SYS_timer_create, 10, 0, &timer), EINVAL);
    CHECK_ERROR(syscall(SYS_timer_create, 99, 0, &timer), EINVAL);
    CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &none), EINVAL);
    CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
    CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_clock_settime, -6, &none), EPERM);
    CHECK_ERROR(syscall(SYS_clock_settime, -5, &none), EINVAL);
    CHECK(syscall(SYS_clock_getres, CLOCK_PROCESS_CPUTIME_ID, &after) == 0 && after.tv_nsec == 1 && after.tv_sec == 0);
    CHECK(syscall(SYS_clock_getres, CLOCK_MONOTONIC, 0) == 0);
    CHECK_ERROR(syscall(SYS_clock_getres, 10, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_clock_getres, 12, &after), EINVAL);
    CHECK_ERROR(syscall(SYS_clock_getres, CLOCK_REALTIME, 8), EFAULT);
    CHECK_END();
}
