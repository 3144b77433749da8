// RLIMIT_SIGPENDING: how many signals a user may have queued.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

int main(void) {
    if (fork() == 0) {
        setgid(4322), setuid(4322);
        struct rlimit limit = {3, 3};
        CHECK(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
        sigset_t set;
        sigfillset(&set);
        sigprocmask(SIG_BLOCK, &set, 0);
        union sigval value = {7};
        for (int i = 0; i < 3; i++) CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
        CHECK_ERROR(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
        CHECK_ERROR(sigqueue(getpid(), SIGRTMIN + 1, value), EAGAIN);
        CHECK(sigqueue(getpid(), SIGUSR1, value) == 0);  // a standard signal comes, without its information
        CHECK(kill(getpid(), SIGRTMIN + 2) == 0);        // and so does kill's
        timer_t timer;
        struct sigevent event = {.sigev_signo = SIGUSR2};
        CHECK_ERROR(timer_create(CLOCK_MONOTONIC, &event, &timer), EAGAIN);
        siginfo_t info;
        CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER && info.si_value.sival_int == 0);
        CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_QUEUE && info.si_value.sival_int == 7);
        CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);  // a timer's signal is set aside beforehand
        CHECK_ERROR(sigqueue(getpid(), SIGRTMIN, value), EAGAIN);
        CHECK(timer_delete(timer) == 0);
        CHECK(sigqueue(getpid(), SIGRTMIN, value) == 0);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
    CHECK_END();
}
