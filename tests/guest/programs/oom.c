// Out of memory: the greedy process is killed, its parent and the system go on. (Only in the guest.)
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static void eat(void) {
    for (;;) {
        char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) _exit(3);
        memset(p, 1, 1 << 20);
    }
}

int main(void) {
    int status;
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        if (child == 0) eat();
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    // Two at once, and one that forks while memory is short.
    pid_t a = fork();
    if (a == 0) eat();
    pid_t b = fork();
    if (b == 0) {
        for (;;) {
            char *p = mmap(0, 1 << 18, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (p != MAP_FAILED) memset(p, 1, 1 << 18);
            pid_t c = fork();
            if (c == 0) _exit(0);
            if (c > 0) waitpid(c, 0, 0);
        }
    }
    CHECK(wait(&status) > 0 && WIFSIGNALED(status));
    kill(a, SIGKILL);
    kill(b, SIGKILL);
    while (wait(&status) > 0) {}
    // The memory is back.
    char *p = mmap(0, 100 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 2, 100 << 20);
    // A full tmpfs gives an error, not a panic.
    CHECK(p[99 << 20] == 2);
    CHECK_END();
}
