// PID namespaces: numbers inside and outside, init's part in its namespace, procfs mounts of their own, set_tid, setns.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#ifndef NS_GET_PARENT
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#endif

struct clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int status_of(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static pid_t clone_into(unsigned long flags) { return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }
static ino_t number(const char* kind) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}
// What a line of a status file says after its name.
static const char* field(const char* path, const char* name) {
    static char line[256];
    FILE* f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            fclose(f);
            line[strcspn(line, "\n")] = 0;
            return line + strlen(name) + 1;
        }
    }
    if (f) fclose(f);
    return "";
}
static int fields_of(const char* text) {
    int n = 0;
    for (; *text; text++) n += *text == '\t';
    return n;
}
static void nap(void) {
    struct timespec t = {0, 20000000};
    nanosleep(&t, 0);
}

static void numbers(void) {
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        if (getpid() != 1 || syscall(SYS_gettid) != 1 || getppid() != 0) _exit(1);
        if (getpgrp() != 0 || getsid(0) != 0) _exit(2);
        pid_t two = fork();
        if (two == 0) _exit(getpid() == 2 && getppid() == 1 ? 42 : 0);
        if (two != 2 || status_of(2) != 42) _exit(3);
        if (setsid() != 1 || getpgrp() != 1 || getsid(0) != 1) _exit(4);
        pid_t three = fork();
        if (three == 0) { setpgid(0, 0); _exit(getpgrp() == 3 && getpgid(1) == 1 && getsid(1) == 1 ? 0 : 1); }
        if (three != 3 || status_of(3) != 0) _exit(5);
        if (kill(77, 0) != -1 || errno != ESRCH) _exit(6);
        if (kill(1, 0) != 0 || kill(-1, 0) != -1 || errno != ESRCH) _exit(7);
        if (getpgid(77) != -1 || errno != ESRCH) _exit(8);
        _exit(0);
    }
    CHECK(child > 1);
    CHECK(status_of(child) == 0);
    // Two deep: each level has its own numbers.
    child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        pid_t inner = clone_into(CLONE_NEWPID);
        if (inner == 0) { pause(); _exit(0); }
        nap();
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/status", inner);  // procfs is the outer one's: not that number
        kill(inner, SIGKILL);
        _exit(inner == 2 && status_of(inner) == -SIGKILL ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static void status_lines(void) {
    int p[2];
    pipe(p);
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        pid_t inner = clone_into(CLONE_NEWPID);
        if (inner == 0) { write(p[1], "x", 1); pause(); _exit(0); }
        waitpid(inner, 0, 0);
        _exit(0);
    }
    char c;
    read(p[0], &c, 1);
    char path[64], expected[64];
    snprintf(path, sizeof(path), "/proc/%d/status", child);
    snprintf(expected, sizeof(expected), "\t%d\t1", child);
    CHECK(strcmp(field(path, "NSpid"), expected) == 0);
    CHECK(strcmp(field(path, "NStgid"), expected) == 0);
    CHECK(fields_of(field(path, "NSpgid")) == 2 && fields_of(field(path, "NSsid")) == 2);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", child, child);
    int inner = 0;
    FILE* f = fopen(path, "r");
    if (!f || fscanf(f, "%d", &inner) != 1) inner = 0;
    if (f) fclose(f);
    if (inner) {  // CONFIG_PROC_CHILDREN
        snprintf(path, sizeof(path), "/proc/%d/status", inner);
        snprintf(expected, sizeof(expected), "\t%d\t2\t1", inner);
        CHECK(strcmp(field(path, "NSpid"), expected) == 0);
    } else {
        CHECK(0);
    }
    kill(child, SIGKILL);
    CHECK(status_of(child) == -SIGKILL);
    CHECK(kill(inner, 0) == -1 && errno == ESRCH);
    close(p[0]), close(p[1]);
}

static volatile int got;
static void on_signal(int sig) { got = sig; }

static void init_signals(void) {
    int p[2];
    pipe(p);
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        // From inside nothing that init does not handle reaches it.
        if (fork() == 0) { kill(1, SIGKILL), kill(1, SIGTERM), kill(1, SIGSTOP); _exit(0); }
        waitpid(2, 0, 0);
        kill(1, SIGKILL), kill(1, SIGTERM), raise(SIGSTOP);
        signal(SIGUSR1, on_signal);
        if (fork() == 0) { kill(1, SIGUSR1); _exit(0); }
        waitpid(3, 0, 0);
        write(p[1], got == SIGUSR1 ? "y" : "n", 1);
        for (;;) pause();
    }
    char c = 0;
    read(p[0], &c, 1);
    CHECK(c == 'y');
    // From outside neither, but for SIGKILL and SIGSTOP.
    CHECK(kill(child, SIGTERM) == 0);
    nap();
    CHECK(waitpid(child, 0, WNOHANG) == 0);
    int status = 0;
    CHECK(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    CHECK(kill(child, SIGCONT) == 0 && kill(child, SIGKILL) == 0 && status_of(child) == -SIGKILL);
    // A fault kills it as anybody.
    child = clone_into(CLONE_NEWPID);
    if (child == 0) { *(volatile int*)0 = 1; _exit(0); }
    CHECK(status_of(child) == -SIGSEGV);
    close(p[0]), close(p[1]);
}

static void sender_outside(void) {
    int p[2];
    pipe(p);
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR2);
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        sigprocmask(SIG_BLOCK, &set, 0);
        write(p[1], "x", 1);
        siginfo_t info;
        _exit(sigwaitinfo(&set, &info) == SIGUSR2 && info.si_pid == 0 && info.si_code == SI_USER ? 0 : 1);
    }
    char c;
    read(p[0], &c, 1);
    kill(child, SIGUSR2);
    CHECK(status_of(child) == 0);
    close(p[0]), close(p[1]);
}

static void reaper(void) {
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        pid_t middle = fork();
        if (middle == 0) {
            if (fork() == 0) { nap(); _exit(getppid() == 1 ? 7 : 8); }
            _exit(0);
        }
        waitpid(middle, 0, 0);
        int status = 0;
        pid_t orphan = wait(&status);
        _exit(orphan == 3 && WEXITSTATUS(status) == 7 ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    // A subreaper outside takes nobody out of the namespace.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int p[2];
    pipe(p);
    child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        close(p[0]);
        if (fork() == 0) { setsid(); for (;;) pause(); }
        if (fork() == 0) { signal(SIGTERM, SIG_IGN); for (;;) pause(); }
        nap();
        _exit(5);  // init goes: all others are killed, and gone before that is told
    }
    close(p[1]);
    CHECK(status_of(child) == 5);
    char c;
    CHECK(read(p[0], &c, 1) == 0);
    CHECK(waitpid(-1, 0, 0) == -1 && errno == ECHILD);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(p[0]);
}

static void unshared(void) {
    pid_t child = fork();
    if (child == 0) {
        pid_t self = getpid();
        ino_t mine = number("pid"), before = number("pid_for_children");
        if (mine != before || unshare(CLONE_NEWPID) != 0) _exit(1);
        if (getpid() != self || number("pid") != mine) _exit(2);
        struct stat st;
        if (stat("/proc/self/ns/pid_for_children", &st) != -1 || errno != ENOENT) _exit(3);  // no init yet
        if (unshare(CLONE_NEWPID) != -1 || errno != EINVAL) _exit(4);
        if (syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0) != -1 || errno != EINVAL) _exit(5);
        pid_t init = fork();
        if (init == 0) { if (getpid() != 1) _exit(1); nap(); nap(); _exit(0); }
        if (number("pid_for_children") == 0 || number("pid_for_children") == mine) _exit(6);
        pid_t second = fork();
        if (second == 0) _exit(getpid() == 2 && getppid() == 0 ? 0 : 1);
        if (status_of(second) != 0 || status_of(init) != 0) _exit(7);
        pid_t third = fork();  // its init is gone
        if (third == 0) _exit(0);
        _exit(third == -1 && errno == ENOMEM ? 0 : 8);
    }
    CHECK(status_of(child) == 0);
    CHECK_ERROR(syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWPID, 0, 0, 0, 0), EINVAL);
}

static void parents(void) {
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) _exit(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EINVAL ? 0 : 1);
    CHECK(status_of(child) == 0);
}

static int entries(const char* path) {
    int n = 0;
    DIR* dir = opendir(path);
    for (struct dirent* e; dir && (e = readdir(dir));) n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
    if (dir) closedir(dir);
    return n;
}

static void procfs(void) {
    mkdir("proc", 0755);
    pid_t child = clone_into(CLONE_NEWPID | CLONE_NEWNS);
    if (child == 0) {
        char text[64] = "";
        mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
        // The outer procfs has no name for us by our number ...
        if (readlink("/proc/self", text, sizeof(text) - 1) <= 0 || atoi(text) == 1) _exit(1);
        if (mount("proc", "proc", "proc", 0, 0) != 0) _exit(2);
        memset(text, 0, sizeof(text));
        if (readlink("proc/self", text, sizeof(text) - 1) != 1 || text[0] != '1') _exit(3);
        if (fork() == 0) { for (;;) pause(); }
        if (entries("proc") != 2 || entries("/proc") <= 2) _exit(4);
        if (strcmp(field("proc/2/status", "PPid"), "\t1") || strcmp(field("proc/1/status", "PPid"), "\t0")) _exit(5);
        if (strcmp(field("proc/2/status", "NSpid"), "\t2")) _exit(6);
        memset(text, 0, sizeof(text));
        if (readlink("proc/thread-self", text, sizeof(text) - 1) <= 0 || strcmp(text, "1/task/1")) _exit(7);
        if (entries("proc/2/task") != 1 || access("proc/2/task/2/stat", F_OK) != 0) _exit(8);
        int a = 0, b = -1;
        FILE* f = fopen("proc/2/stat", "r");
        if (!f || fscanf(f, "%d (%*[^)]) %*c %d", &a, &b) != 2 || a != 2 || b != 1) _exit(9);
        fclose(f);
        kill(2, SIGKILL);
        waitpid(2, 0, 0);
        if (access("proc/2", F_OK) != -1 || access("proc/3", F_OK) != -1) _exit(10);
        struct stat st, st2;
        if (stat("proc/self/ns/pid", &st) || stat("/proc/self/ns/pid", &st2) || st.st_ino != st2.st_ino) _exit(11);
        _exit(umount("proc"));
    }
    CHECK(status_of(child) == 0);
}

static void wanted_numbers(void) {
    pid_t tids[3] = {0, 0, 0};
    struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)tids};
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) {
        tids[0] = 77, args.set_tid_size = 1;
        pid_t got_pid = syscall(SYS_clone3, &args, sizeof(args));
        if (got_pid == 0) { pause(); _exit(0); }
        if (got_pid != 77) _exit(1);
        if (syscall(SYS_clone3, &args, sizeof(args)) != -1 || errno != EEXIST) _exit(2);
        tids[0] = 78, tids[1] = 31999, args.set_tid_size = 2;
        got_pid = syscall(SYS_clone3, &args, sizeof(args));
        if (got_pid == 0) { _exit(strstr(field("/proc/self/status", "NSpid"), "31999\t78") ? 0 : 1); }
        if (got_pid != 78 || status_of(78) != 0) _exit(3);
        args.set_tid_size = 3, tids[2] = 5;
        if (syscall(SYS_clone3, &args, sizeof(args)) != -1 || errno != EINVAL) _exit(4);
        tids[0] = 0, args.set_tid_size = 1;
        if (syscall(SYS_clone3, &args, sizeof(args)) != -1 || errno != EINVAL) _exit(5);
        args.flags = CLONE_NEWPID, tids[0] = 2;  // the first must be 1
        if (syscall(SYS_clone3, &args, sizeof(args)) != -1 || errno != EINVAL) _exit(6);
        tids[0] = 1, tids[1] = 90, args.set_tid_size = 2;
        got_pid = syscall(SYS_clone3, &args, sizeof(args));
        if (got_pid == 0) _exit(getpid() == 1 ? 0 : 1);
        if (got_pid != 90 || status_of(90) != 0) _exit(7);
        pid_t next = fork();
        if (next == 0) _exit(0);
        _exit(next == 2 ? 0 : 8);  // what was asked for does not move the count on
    }
    CHECK(status_of(child) == 0);
}

static void entering(void) {
    int p[2], q[2];
    pipe(p), pipe(q);
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) { write(p[1], "x", 1); char c; read(q[0], &c, 1); for (;;) { if (wait(0) == -1) pause(); } }
    char c, path[64];
    read(p[0], &c, 1);
    snprintf(path, sizeof(path), "/proc/%d/ns/pid", child);
    int inside = open(path, O_RDONLY), outside = open("/proc/self/ns/pid", O_RDONLY);
    CHECK(ioctl(inside, NS_GET_NSTYPE) == CLONE_NEWPID);
    struct stat mine, parents_one;
    int parent = ioctl(inside, NS_GET_PARENT);
    CHECK(parent >= 0 && fstat(parent, &parents_one) == 0 && fstat(outside, &mine) == 0 && mine.st_ino == parents_one.st_ino);
    CHECK_ERROR(ioctl(outside, NS_GET_PARENT), EPERM);
    pid_t entered = fork();
    if (entered == 0) {
        pid_t self = getpid();
        if (setns(inside, CLONE_NEWPID) != 0 || getpid() != self) _exit(1);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            if (getpid() != 2 || getppid() != 0) _exit(1);
            if (setns(outside, 0) != -1 || errno != EINVAL) _exit(2);  // there is no way out
            _exit(kill(1, 0) == 0 ? 0 : 3);
        }
        if (grandchild <= 1 || status_of(grandchild) != 0) _exit(2);
        if (setns(outside, CLONE_NEWPID) != 0) _exit(3);
        grandchild = fork();
        if (grandchild == 0) _exit(getpid() > 2 ? 0 : 1);
        _exit(status_of(grandchild) == 0 ? 0 : 4);
    }
    CHECK(status_of(entered) == 0);
    // By a pidfd, several kinds at once.
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    entered = fork();
    if (entered == 0) {
        if (setns(pidfd, 0) != -1 || errno != EINVAL) _exit(1);
        if (setns(pidfd, CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC) != 0) _exit(2);
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(getpid() == 3 ? 0 : 1);
        _exit(status_of(grandchild) == 0 ? 0 : 3);
    }
    CHECK(status_of(entered) == 0);
    kill(child, SIGKILL);
    CHECK(status_of(child) == -SIGKILL);
    CHECK_ERROR(setns(pidfd, CLONE_NEWPID), ESRCH);
    entered = fork();
    if (entered == 0) {
        if (setns(inside, 0) != 0) _exit(1);
        pid_t late = fork();
        if (late == 0) _exit(0);
        _exit(late == -1 && errno == ENOMEM ? 0 : 2);
    }
    CHECK(status_of(entered) == 0);
    close(inside), close(outside), close(parent), close(pidfd), close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

static void rights(void) {
    pid_t child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = unshare(CLONE_NEWPID) == -1 && errno == EPERM;
        good = good && clone_into(CLONE_NEWPID) == -1 && errno == EPERM;
        pid_t tid = 500;
        struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1};
        good = good && syscall(SYS_clone3, &args, sizeof(args)) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

// Deeper and deeper, to the last level that there may be.
static int dive(int level) {
    pid_t child = clone_into(CLONE_NEWPID);
    if (child == 0) _exit(dive(level + 1));
    if (child < 0) return errno == ENOSPC ? level : 200;
    return status_of(child);
}

static void depth(void) { CHECK(dive(0) == 32); }

int main(void) {
    numbers();
    status_lines();
    init_signals();
    sender_outside();
    reaper();
    unshared();
    parents();
    procfs();
    wanted_numbers();
    entering();
    rights();
    depth();
    CHECK_END();
}
