// A fork bomb of an ordinary user meets RLIMIT_NPROC; one of root meets the kernel's own limit. (Only in the guest.)
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int bomb(void) {
    int made = 0;
    for (;;) {
        pid_t pid = fork();
        if (pid < 0) return errno == EAGAIN || errno == ENOMEM ? made : -1;
        if (pid == 0) {
            pause();
            _exit(0);
        }
        made++;
    }
}

int main(void) {
    int status;
    pid_t user = fork();
    if (user == 0) {
        setpgid(0, 0);
        struct rlimit limit = {40, 40};
        setrlimit(RLIMIT_NPROC, &limit);
        setgid(1000);
        setuid(1000);
        int made = bomb();
        signal(SIGTERM, SIG_IGN);
        kill(0, SIGTERM);
        while (wait(0) > 0) {}
        _exit(made == 39 ? 0 : 1);
    }
    CHECK(waitpid(user, &status, 0) == user && status == 0);
    pid_t root = fork();
    if (root == 0) {
        setpgid(0, 0);
        int made = bomb();
        signal(SIGTERM, SIG_IGN);
        kill(0, SIGTERM);
        while (wait(0) > 0) {}
        _exit(made > 100 ? 0 : 1);
    }
    CHECK(waitpid(root, &status, 0) == root && status == 0);
    // Everybody forks at once, and all are killed.
    root = fork();
    if (root == 0) {
        setpgid(0, 0);
        for (;;) fork();
    }
    usleep(300000);
    for (int i = 0; i < 50; i++) kill(-root, SIGKILL);
    CHECK(waitpid(root, &status, 0) == root && WTERMSIG(status) == SIGKILL);
    usleep(100000);
    CHECK(kill(-root, 0) == -1 || kill(-root, SIGKILL) == 0);
    root = fork();
    if (root == 0) _exit(6);
    CHECK(waitpid(root, &status, 0) == root && WEXITSTATUS(status) == 6);
    CHECK_END();
}
