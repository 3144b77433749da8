// Brings about each state that a task can be in, and says it as /proc/PID/stat has it: R S D T t Z (proc(5)).
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char state_of(pid_t pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) return '?';
    text[size] = 0;
    return strrchr(text, ')')[2];
}

static void settle(void) {
    nanosleep(&(struct timespec){0, 200000000}, 0);
}

static void say(const char *what, pid_t pid) {
    settle();
    char command[64];
    printf("%c %s\n", state_of(pid), what);
    fflush(stdout);
    snprintf(command, sizeof command, "/usr/bin/ps -o stat= -p %d", pid);
    system(command);
    kill(pid, SIGKILL);
    kill(pid, SIGCONT);
    waitpid(pid, 0, 0);
}

int main(void) {
    pid_t pid;
    if (!(pid = fork()))
        for (;;) {}
    say("runs", pid);
    if (!(pid = fork())) pause(), _exit(0);
    say("sleeps", pid);
    if (!(pid = fork())) {  // waits, not to be interrupted, until its child of vfork is done
        if (!vfork()) {
            nanosleep(&(struct timespec){1, 0}, 0);
            _exit(0);
        }
        _exit(0);
    }
    say("waits for its child of vfork", pid);
    if (!(pid = fork())) raise(SIGSTOP), _exit(0);
    say("is stopped", pid);
    if (!(pid = fork())) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0)) _exit(1);
        raise(SIGUSR1);
        _exit(0);
    }
    say("is stopped by its tracer", pid);
    if (!(pid = fork())) _exit(0);
    say("has ended", pid);
    printf("%c this\n", state_of(getpid()));
    return 0;
}
