// Timers with the shortest intervals: none may keep the kernel from anything else. What fires faster than it is
// handled counts as overruns.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static const struct itimerspec kStorm = {{0, 1}, {0, 1}}, kOff;
static const struct itimerval kRealStorm = {{0, 1}, {0, 1}}, kRealOff;
static timer_t timer;
static volatile int count, wanted, code, overruns;

static timer_t make(int notify, int signal) {
    timer_t made;
    struct sigevent event = {0};
    event.sigev_notify = notify;
    event.sigev_signo = signal;
    event.sigev_value.sival_int = 5;
    if (timer_create(CLOCK_MONOTONIC, &event, &made)) return (timer_t)-1;
    return made;
}
static void posix_handler(int sig, siginfo_t *info, void *context) {
    (void)sig, (void)context;
    code = info->si_code;
    overruns += info->si_overrun;
    if (++count >= wanted) timer_settime(timer, 0, &kOff, 0);
}
static void real_handler(int sig) {
    (void)sig;
    if (++count >= wanted) setitimer(ITIMER_REAL, &kRealOff, 0);
}
static void work(void) {
    struct timespec t = {0, 20000000};
    nanosleep(&t, 0);
    for (volatile int i = 0; i < 1000000; i++) {}
}
static void block(int how, int sig) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, 0);
}

static void posix_timers(void) {
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    // Blocked: sent once; what comes until it is taken are overruns.
    block(SIG_BLOCK, SIGUSR1);
    timer = make(SIGEV_SIGNAL, SIGUSR1);
    CHECK(timer_settime(timer, 0, &kStorm, 0) == 0);
    work();
    CHECK(timer_getoverrun(timer) == 0);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_TIMER && info.si_value.sival_int == 5);
    CHECK(info.si_overrun > 1000000 && timer_getoverrun(timer) == info.si_overrun);
    struct itimerspec now;
    CHECK(timer_gettime(timer, &now) == 0 && now.it_interval.tv_nsec == 1);
    CHECK(now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 1);
    timer_settime(timer, 0, &kOff, 0);
    // Several timers of one signal, each with an entry of its own in the queue, behind a signal of another sender.
    timer_t other = make(SIGEV_SIGNAL, SIGUSR1);
    while (sigtimedwait(&set, &info, &(struct timespec){0}) > 0) {}
    kill(getpid(), SIGUSR1);
    timer_settime(timer, 0, &kStorm, 0);
    timer_settime(other, 0, &kStorm, 0);
    work();
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_TIMER);
    CHECK(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_TIMER);
    timer_delete(other);
    timer_settime(timer, 0, &kOff, 0);
    while (sigtimedwait(&set, &info, &(struct timespec){0}) > 0) {}
    // Handled.
    struct sigaction action = {0};
    action.sa_sigaction = posix_handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, 0);
    block(SIG_UNBLOCK, SIGUSR1);
    count = 0, wanted = 100;
    timer_settime(timer, 0, &kStorm, 0);
    while (count < wanted) {}
    CHECK(count >= wanted && code == SI_TIMER && overruns > 100);
    timer_delete(timer);
    // Ignored, by the program and by default, for the process and for a thread.
    signal(SIGUSR1, SIG_IGN);
    int signals[] = {SIGUSR1, SIGWINCH, SIGCONT, SIGRTMIN};
    signal(SIGRTMIN, SIG_IGN);
    timer_t ignored[4];
    for (int i = 0; i < 4; i++) timer_settime(ignored[i] = make(SIGEV_SIGNAL, signals[i]), 0, &kStorm, 0);
    work();
    CHECK(timer_gettime(ignored[0], &now) == 0 && now.it_interval.tv_nsec == 1);
    for (int i = 0; i < 4; i++) CHECK(timer_delete(ignored[i]) == 0);
    struct sigevent event = {0};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    ((int *)&event)[4] = syscall(SYS_gettid);
    int id;
    CHECK(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id) == 0);
    timer_settime((timer_t)(intptr_t)id, 0, &kStorm, 0);
    work();
    CHECK(syscall(SYS_timer_delete, id) == 0);
    // Silent: its time goes on.
    timer = make(SIGEV_NONE, 0);
    CHECK(timer_settime(timer, 0, &(struct itimerspec){{100, 0}, {0, 1}}, 0) == 0);
    work();
    CHECK(timer_gettime(timer, &now) == 0 && now.it_value.tv_sec == 99);
    CHECK(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 1}}, 0) == 0);
    work();
    CHECK(timer_gettime(timer, &now) == 0 && now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    CHECK(timer_delete(timer) == 0);
}

static void real_timer(void) {
    block(SIG_BLOCK, SIGALRM);
    CHECK(setitimer(ITIMER_REAL, &kRealStorm, 0) == 0);
    work();
    struct itimerval now;
    CHECK(getitimer(ITIMER_REAL, &now) == 0 && now.it_interval.tv_usec == 1);
    struct sigaction action = {0};
    action.sa_handler = real_handler;
    sigaction(SIGALRM, &action, 0);
    count = 0, wanted = 100;
    block(SIG_UNBLOCK, SIGALRM);
    while (count < wanted) {}
    CHECK(count >= wanted);
    signal(SIGALRM, SIG_IGN);
    CHECK(setitimer(ITIMER_REAL, &kRealStorm, 0) == 0);
    work();
    CHECK(setitimer(ITIMER_REAL, &kRealOff, 0) == 0);
    CHECK(setitimer(ITIMER_PROF, &kRealStorm, 0) == 0);
    signal(SIGPROF, SIG_IGN);
    work();
    CHECK(setitimer(ITIMER_PROF, &kRealOff, 0) == 0);
}

static void timer_file(void) {
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    uint64_t expirations = 0;
    CHECK(timerfd_settime(fd, 0, &kStorm, 0) == 0);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, -1) == 1);
    for (int i = 0; i < 100; i++) poll(&p, 1, -1), read(fd, &expirations, 8);
    work();
    CHECK(read(fd, &expirations, 8) == 8 && expirations > 1000000);
    close(fd);
}

int main(void) {
    // Of default actions that send the task around in the kernel: it can be killed, and others run meanwhile.
    signal(SIGPROF, SIG_IGN);
    for (int sig = SIGCONT; sig <= SIGTTOU; sig++) {
        pid_t child = fork();
        if (!child) {
            if (sig == SIGCONT) block(SIG_BLOCK, sig);
            timer_settime(make(SIGEV_SIGNAL, sig == SIGSTOP ? SIGURG : sig), 0, &kStorm, 0);
            block(SIG_UNBLOCK, sig);
            for (;;) {}
        }
        work();
        int status;
        CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGKILL);
    }
    posix_timers();
    real_timer();
    timer_file();
    CHECK_END();
}
