// Signals: masks, queues, restarts, stops, stacks, waiting for them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static volatile int count, last, order[16], order_n;
static void note(int sig) {
    count++;
    last = sig;
    if (order_n < 16) order[order_n++] = sig;
}
static volatile int info_code, info_pid_ok, info_value;
static void note_info(int sig, siginfo_t *info, void *context) {
    (void)context;
    note(sig);
    info_code = info->si_code;
    info_pid_ok = info->si_pid == getpid();
    info_value = info->si_value.sival_int;
}

static void install(int sig, void (*f)(int), int flags) {
    struct sigaction a = {0};
    a.sa_handler = f;
    a.sa_flags = flags;
    sigaction(sig, &a, 0);
}

static char alternate[32768];
static volatile int on_alternate;
static void on_stack_handler(int sig) {
    char here;
    on_alternate = &here >= alternate && &here < alternate + sizeof(alternate);
    note(sig);
}
static volatile unsigned long changed;
static void change_context(int sig, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    uc->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
    changed = uc->uc_mcontext.fpregs != 0;
    (void)sig, (void)info;
}
static void clobber_float(int sig) {
    (void)sig;
    asm volatile("pxor %%xmm3, %%xmm3" ::: "xmm3");
}

static void test_masks(void) {
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    install(SIGUSR1, note, 0);
    install(SIGUSR2, note, 0);
    CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
    raise(SIGUSR2);
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK(count == 0);
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGUSR2) && !sigismember(&pending, SIGHUP));
    sigprocmask(SIG_SETMASK, &old, 0);
    CHECK(count == 2);
    // Setting SIG_IGN discards what is pending.
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    CHECK(!sigismember(&pending, SIGUSR1));
    install(SIGUSR1, note, 0);
    sigprocmask(SIG_SETMASK, &old, 0);
    CHECK(count == 2);
    CHECK_ERROR(sigaction(SIGKILL, &(struct sigaction){0}, 0), EINVAL);
    CHECK_ERROR(kill(getpid(), 99), EINVAL);
    CHECK_ERROR(kill(0x7ffffff, 0), ESRCH);
}

static void test_queue(void) {
    struct sigaction a = {0};
    a.sa_sigaction = note_info;
    a.sa_flags = SA_SIGINFO;
    int rt = SIGRTMIN + 2;
    sigaction(rt, &a, 0);
    sigaction(SIGRTMIN + 1, &a, 0);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, rt);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = order_n = 0;
    for (int i = 0; i < 3; i++) sigqueue(getpid(), rt, (union sigval){.sival_int = 40 + i});
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 7});
    siginfo_t info;
    struct timespec none = {0, 0};
    CHECK(sigtimedwait(&set, &info, &none) == SIGRTMIN + 1 && info.si_value.sival_int == 7);
    CHECK(sigwaitinfo(&set, &info) == rt && info.si_value.sival_int == 40 && info.si_code == SI_QUEUE);
    sigprocmask(SIG_SETMASK, &old, 0);
    CHECK(count == 2 && info_value == 42 && info_code == SI_QUEUE && info_pid_ok);
    sigprocmask(SIG_BLOCK, &set, 0);
    CHECK_ERROR(sigtimedwait(&set, &info, &none), EAGAIN);
    struct timespec little = {0, 20000000};
    CHECK_ERROR(sigtimedwait(&set, &info, &little), EAGAIN);
    sigprocmask(SIG_SETMASK, &old, 0);
}

/// Also one that is ignored by default wakes who waits for it.
static void test_wait_for_child(void) {
    sigset_t set, old;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    pid_t child = fork();
    if (!child) {
        nanosleep(&(struct timespec){0, 20000000}, 0);
        _exit(3);
    }
    CHECK(sigtimedwait(&set, &info, &(struct timespec){5, 0}) == SIGCHLD && info.si_pid == child && info.si_status == 3);
    CHECK(waitpid(child, 0, 0) == child);
    sigprocmask(SIG_SETMASK, &old, 0);
}

static void test_restart(void) {
    int fds[2];
    char c;
    pipe(fds);
    for (int restart = 0; restart < 2; restart++) {
        install(SIGALRM, note, restart ? SA_RESTART : 0);
        count = 0;
        pid_t child = fork();
        if (child == 0) {
            usleep(30000);
            kill(getppid(), SIGALRM);
            usleep(30000);
            write(fds[1], "x", 1);
            _exit(0);
        }
        errno = 0;
        long n = read(fds[0], &c, 1);
        if (restart) CHECK(n == 1 && count == 1);
        else CHECK(n == -1 && errno == EINTR && count == 1);
        int status;
        while (waitpid(child, &status, 0) < 0) {}
        if (!restart) read(fds[0], &c, 1);
    }
    // poll and nanosleep are never restarted over a handler; pause always ends.
    install(SIGALRM, note, SA_RESTART);
    alarm(1);
    struct pollfd p = {fds[0], POLLIN, 0};
    CHECK_ERROR(poll(&p, 1, 5000), EINTR);
    struct timespec request = {5, 0}, left = {0, 0};
    alarm(1);
    CHECK_ERROR(nanosleep(&request, &left), EINTR);
    CHECK(left.tv_sec >= 3 && left.tv_sec < 5);
    alarm(1);
    CHECK_ERROR(pause(), EINTR);
    // An ignored signal does not end a sleep.
    signal(SIGALRM, SIG_IGN);
    alarm(1);
    request.tv_sec = 2;
    CHECK(nanosleep(&request, &left) == 0);
}

static void test_suspend(void) {
    sigset_t set, old, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    install(SIGUSR1, note, 0);
    raise(SIGUSR1);
    count = 0;
    CHECK_ERROR(sigsuspend(&old), EINTR);
    CHECK(count == 1);
    sigprocmask(SIG_SETMASK, 0, &now);
    CHECK(sigismember(&now, SIGUSR1));
    raise(SIGUSR1);
    struct timespec t = {5, 0};
    CHECK_ERROR(ppoll(0, 0, &t, &old), EINTR);
    CHECK(count == 2);
    sigprocmask(SIG_SETMASK, &old, 0);
}

static void test_frames(void) {
    stack_t s = {alternate, 0, sizeof(alternate)}, got;
    CHECK(sigaltstack(&s, 0) == 0);
    CHECK(sigaltstack(0, &got) == 0 && got.ss_sp == alternate && got.ss_flags == 0);
    install(SIGUSR1, on_stack_handler, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(on_alternate == 1);
    install(SIGUSR1, on_stack_handler, 0);
    raise(SIGUSR1);
    CHECK(on_alternate == 0);
    s.ss_size = 100;
    CHECK_ERROR(sigaltstack(&s, 0), ENOMEM);
    struct sigaction a = {0};
    a.sa_sigaction = change_context;
    a.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &a, 0);
    unsigned long rbx;
    asm volatile("movq $0, %%rbx; movl $39, %%eax; syscall; movl %%eax, %%edi; movl $10, %%esi; movl $62, %%eax; syscall;"
                 "movq %%rbx, %0" : "=r"(rbx)::"rax", "rbx", "rcx", "r11", "rdi", "rsi", "memory");
    CHECK(rbx == 0x1122334455667788 && changed);
    install(SIGUSR1, clobber_float, 0);
    double before = 3.25, after;
    asm volatile("movsd %1, %%xmm3; movl $39, %%eax; syscall; movl %%eax, %%edi; movl $10, %%esi; movl $62, %%eax; syscall;"
                 "movsd %%xmm3, %0" : "=m"(after) : "m"(before) : "rax", "rcx", "r11", "rdi", "rsi", "xmm3", "memory");
    CHECK(after == 3.25);
    // SA_RESETHAND and SA_NODEFER
    install(SIGUSR2, note, SA_RESETHAND);
    raise(SIGUSR2);
    struct sigaction now;
    sigaction(SIGUSR2, 0, &now);
    CHECK(now.sa_handler == SIG_DFL);
}

static void test_stops(void) {
    pid_t child = fork();
    if (child == 0) {
        for (;;) pause();
    }
    int status;
    kill(child, SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    CHECK(waitpid(child, &status, WUNTRACED | WNOHANG) == 0);
    kill(child, SIGCONT);
    CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    CHECK(waitpid(child, &status, WCONTINUED | WNOHANG) == 0);
    kill(child, SIGSTOP);
    siginfo_t info = {0};
    CHECK(waitid(P_PID, child, &info, WSTOPPED | WNOWAIT) == 0 && info.si_code == CLD_STOPPED && info.si_status == SIGSTOP);
    CHECK(waitid(P_PID, child, &info, WSTOPPED) == 0);
    // A stopped process does not act on TERM until it continues, but KILL ends it at once.
    kill(child, SIGTERM);
    usleep(20000);
    CHECK(waitpid(child, &status, WNOHANG) == 0);
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    // SIGTSTP of an orphaned group is ignored.
    child = fork();
    if (child == 0) {
        setsid();
        raise(SIGTSTP);
        _exit(9);
    }
    CHECK(waitpid(child, &status, WUNTRACED) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);
    // SIGCHLD ignored: children vanish by themselves.
    signal(SIGCHLD, SIG_IGN);
    child = fork();
    if (child == 0) _exit(1);
    CHECK_ERROR(waitpid(child, &status, 0), ECHILD);
    signal(SIGCHLD, SIG_DFL);
    // Every deadly signal kills with its number.
    int killed = 0;
    for (int sig = 1; sig < 32; sig++) {
        if (sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH || sig == SIGSTOP || sig == SIGTSTP ||
            sig == SIGTTIN || sig == SIGTTOU) continue;
        child = fork();
        if (child == 0) {
            signal(sig, SIG_DFL);
            kill(getpid(), sig);
            _exit(0);
        }
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status) && WTERMSIG(status) == sig) killed++;
    }
    CHECK(killed == 23);
}

int main(void) {
    test_masks();
    test_queue();
    test_wait_for_child();
    test_suspend();
    test_frames();
    test_stops();
    test_restart();
    CHECK_END();
}
