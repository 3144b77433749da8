// fork, vfork, exec, wait, exit, groups and sessions.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int global = 1;

static void test_fork(void) {
    int status;
    int local = 2;
    char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *private_page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    private_page[0] = 'a';
    pid_t child = fork();
    if (child == 0) {
        global = 10;
        local = 20;
        shared[0] = 's';
        private_page[0] = 'b';
        _exit(global + local + (getppid() != 1));
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 31);
    CHECK(global == 1 && local == 2 && shared[0] == 's' && private_page[0] == 'a');
    child = vfork();
    if (child == 0) {
        global = 5;
        _exit(3);
    }
    CHECK(global == 5);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3);
    CHECK_ERROR(waitpid(-1, &status, 0), ECHILD);
    CHECK_ERROR(waitpid(getpid(), &status, 0), ECHILD);
    CHECK_ERROR(wait4(-1, &status, 0x80, 0), EINVAL);
    // Many children, collected in any order.
    int sum = 0;
    for (int i = 0; i < 50; i++) {
        if (fork() == 0) _exit(i);
    }
    for (int i = 0; i < 50; i++) {
        pid_t pid = wait(&status);
        if (pid > 0) sum += WEXITSTATUS(status);
    }
    CHECK(sum == 49 * 50 / 2);
    struct rusage usage;
    child = fork();
    if (child == 0) {
        for (volatile long i = 0; i < 3000000; i++) {}
        _exit(0);
    }
    CHECK(wait4(child, &status, 0, &usage) == child);
    CHECK(usage.ru_utime.tv_sec + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 0);
    // Grandchildren come to the subreaper.
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    pid_t self = getpid();
    child = fork();
    if (child == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent) usleep(1000);
            _exit(getppid() == self ? 44 : 45);
        }
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 44);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void test_exec(const char *self) {
    int status;
    char *arguments[] = {(char *)self, "child", "a b", "", 0};
    char *environment[] = {"X=1", "Y=", 0};
    pid_t child = fork();
    if (child == 0) {
        execve(self, arguments, environment);
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42);
    child = vfork();
    if (child == 0) {
        execve("/nonexistent", arguments, environment);
        _exit(errno == ENOENT ? 7 : 8);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    CHECK_ERROR(execve("/", arguments, environment), EACCES);
    CHECK_ERROR(execve("", arguments, environment), ENOENT);
    int fd = open("script", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    dprintf(fd, "#! %s  child \n", self);
    close(fd);
    char *script_arguments[] = {"ignored", "second", 0};
    child = fork();
    if (child == 0) {
        execve("./script", script_arguments, environment);
        _exit(99);
    }
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 43);
    chmod("script", 0644);
    CHECK_ERROR(execve("./script", script_arguments, environment), EACCES);
    const char *bad[] = {"", "#!\n", "#! \t \n", "\177ELF", "\177ELF\2\1\1garbage that goes on for a while", "plain text"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fd = open("bad", O_CREAT | O_WRONLY | O_TRUNC, 0755);
        write(fd, bad[i], strlen(bad[i]));
        close(fd);
        CHECK_ERROR(execve("./bad", script_arguments, environment), ENOEXEC);
    }
    fd = open("bad", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    dprintf(fd, "#!./bad\n");
    close(fd);
    CHECK_ERROR(execve("./bad", script_arguments, environment), ELOOP);
    fd = open("bad", O_CREAT | O_WRONLY | O_TRUNC, 0755);
    dprintf(fd, "#!/nonexistent\n");
    close(fd);
    CHECK_ERROR(execve("./bad", script_arguments, environment), ENOENT);
    // Too many arguments.
    static char big[131072 + 10];
    memset(big, 'x', sizeof(big) - 1);
    char *too_big[] = {"x", big, 0};
    CHECK_ERROR(execve(self, too_big, environment), E2BIG);
    big[131071] = 0;
    static char *many[100];
    for (int i = 0; i < 70; i++) many[i] = big;
    CHECK_ERROR(execve(self, many, environment), E2BIG);
    // A running program cannot be written, a written one cannot be run.
    CHECK_ERROR(open(self, O_WRONLY), ETXTBSY);
    unlink("bad");
    unlink("script");
}

/// Programs with one byte of their headers changed: they may run or not, the kernel must stay.
static void test_mutated_elf(const char *self) {
    static char image[1 << 20];
    int in = open(self, O_RDONLY);
    long size = read(in, image, sizeof(image));
    close(in);
    unsigned seed = 12345;
    int survived = 0;
    for (int i = 0; i < 60; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned at = (seed >> 8) % 400;
        seed = seed * 1103515245 + 12345;
        char saved = image[at];
        image[at] = (char)(seed >> 16);
        int fd = open("mutant", O_CREAT | O_WRONLY | O_TRUNC, 0755);
        write(fd, image, (size_t)size);
        close(fd);
        image[at] = saved;
        pid_t child = fork();
        if (child == 0) {
            int null = open("/dev/null", O_RDWR);
            dup2(null, 1);
            alarm(2);
            execl("./mutant", "mutant", "child", "a b", "", (char *)0);
            _exit(1);
        }
        int status;
        if (waitpid(child, &status, 0) == child) survived++;
    }
    unlink("mutant");
    CHECK(survived == 60);
}

static void test_groups(void) {
    int status;
    CHECK(getpgid(0) == getpgrp());
    CHECK(getsid(0) == getpid());
    CHECK_ERROR(setsid(), EPERM);
    CHECK_ERROR(setpgid(0, 0), EPERM);
    CHECK_ERROR(setpgid(0x7fffffff, 0), ESRCH);
    CHECK_ERROR(setpgid(0, -1), EINVAL);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK(setpgid(child, child) == 0 && getpgid(child) == child);
    CHECK(getsid(child) == getsid(0));
    CHECK(kill(-child, 0) == 0);
    CHECK(waitpid(-child, &status, WNOHANG) == 0);
    kill(-child, SIGTERM);
    CHECK(waitpid(-child, &status, 0) == child && WTERMSIG(status) == SIGTERM);
    CHECK_ERROR(kill(-child, 0), ESRCH);
    child = fork();
    if (child == 0) _exit(setsid() == getpid() && getpgrp() == getpid() ? 1 : 2);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 1);
}

static void test_credentials(void) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        CHECK(setgid(1000) == 0 && setuid(1000) == 0);
        CHECK(getuid() == 1000 && geteuid() == 1000);
        CHECK_ERROR(setuid(0), EPERM);
        CHECK_ERROR(setgid(0), EPERM);
        CHECK_ERROR(kill(1, SIGTERM), EPERM);
        CHECK_ERROR(setpriority(PRIO_PROCESS, 0, -5), EACCES);
        CHECK(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5);
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_max++;
        CHECK_ERROR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
        CHECK_ERROR(chroot("/"), EPERM);
        CHECK_ERROR(sethostname("x", 1), EPERM);
        CHECK_ERROR(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0), EPERM);
        _exit(check_failures);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_ERROR(syscall(SYS_reboot, 1, 2, 3, 4), EINVAL);
}

int main(int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[1], "child") == 0) {
        if (argc == 4 && strcmp(argv[2], "a b") == 0 && argv[3][0] == 0 && getenv("X") && !getenv("HOME")) return 42;
        if (argc == 4 && strcmp(argv[2], "./script") == 0 && strcmp(argv[3], "second") == 0) return 43;
        return 1;
    }
    static char self[4096];
    readlink("/proc/self/exe", self, sizeof(self) - 1);
    test_fork();
    test_exec(self);
    test_mutated_elf(self);
    test_groups();
    test_credentials();
    CHECK_END();
}
