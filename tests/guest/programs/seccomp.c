// SECCOMP_MODE_STRICT: four calls work, any other kills.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static volatile int handled;
static void handler(int sig) {
    (void)sig, handled++;
}

/// The wait status of a child that enters strict mode, then does `act`.
static int child(void (*act)(void)) {
    fflush(stdout);
    int pid = fork(), status;
    if (pid == 0) {
        signal(SIGALRM, handler);
        if (prctl(PR_SET_SECCOMP, 1, 0, 0, 0) == 0) act();
        syscall(SYS_exit, 99);
    }
    waitpid(pid, &status, 0);
    return status;
}
static void leave(void) {
    syscall(SYS_exit, 7);
}
static void write_and_leave(void) {
    syscall(SYS_exit, syscall(SYS_write, 1, "written\n", 8) == 8 ? 8 : 1);
}
static void getpid_(void) {
    syscall(SYS_getpid);
}
static void exit_group_(void) {
    syscall(SYS_exit_group, 5);
}
static void unknown(void) {
    syscall(1000);
}
static void ask(void) {
    prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

int main(void) {
    CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
    CHECK_ERROR(prctl(PR_SET_SECCOMP, 7, 0, 0, 0), EINVAL);
    CHECK(child(leave) == 7 << 8);
    CHECK(child(write_and_leave) == 8 << 8);
    CHECK(child(getpid_) == SIGKILL);
    CHECK(child(exit_group_) == SIGKILL);
    CHECK(child(unknown) == SIGKILL);
    CHECK(child(ask) == SIGKILL);
    CHECK(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0);
    CHECK_END();
}
