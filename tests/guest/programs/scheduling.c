// Scheduling policies, priorities and CPUs: sched(7).
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int priority(int value) {
    struct sched_param p = {value};
    return syscall(SYS_sched_setparam, 0, &p);
}
static int policy(int which, int value) {
    struct sched_param p = {value};
    return syscall(SYS_sched_setscheduler, 0, which, &p);
}

static void policies(void) {
    struct sched_param p = {7};
    struct timespec slice;
    CHECK(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
    CHECK(syscall(SYS_sched_getparam, 0, &p) == 0 && p.sched_priority == 0);
    CHECK_ERROR(policy(SCHED_OTHER, 1), EINVAL);
    CHECK_ERROR(policy(SCHED_FIFO, 0), EINVAL);
    CHECK_ERROR(policy(SCHED_FIFO, 100), EINVAL);
    CHECK_ERROR(policy(99, 0), EINVAL);
    CHECK_ERROR(policy(-1, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_setscheduler, -1, 0, &p), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_setscheduler, 0, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_setscheduler, 0, 0, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_sched_setscheduler, 99999, 0, &p), ESRCH);
    CHECK(policy(SCHED_BATCH, 0) == 0 && syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH);
    CHECK(policy(SCHED_IDLE, 0) == 0 && syscall(SYS_sched_getscheduler, 0) == SCHED_IDLE);
    CHECK(policy(SCHED_OTHER, 0) == 0 && syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
    CHECK_ERROR(priority(1), EINVAL);
    CHECK(priority(0) == 0);
    CHECK_ERROR(syscall(SYS_sched_setparam, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_setparam, -1, &p), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_setparam, 99999, &p), ESRCH);
    CHECK_ERROR(syscall(SYS_sched_getparam, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_getparam, 0, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_sched_getparam, -1, &p), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_getparam, 99999, &p), ESRCH);
    CHECK_ERROR(syscall(SYS_sched_getscheduler, -1), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_getscheduler, 99999), ESRCH);
    CHECK(syscall(SYS_sched_get_priority_max, SCHED_FIFO) == 99 && syscall(SYS_sched_get_priority_min, SCHED_FIFO) == 1);
    CHECK(syscall(SYS_sched_get_priority_max, SCHED_RR) == 99 && syscall(SYS_sched_get_priority_min, SCHED_RR) == 1);
    CHECK(syscall(SYS_sched_get_priority_max, SCHED_OTHER) == 0 && syscall(SYS_sched_get_priority_min, SCHED_BATCH) == 0);
    CHECK_ERROR(syscall(SYS_sched_get_priority_max, 99), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_get_priority_min, -1), EINVAL);
    CHECK(syscall(SYS_sched_rr_get_interval, 0, &slice) == 0 && slice.tv_sec == 0);
    CHECK(policy(SCHED_RR, 1) == 0 && syscall(SYS_sched_rr_get_interval, 0, &slice) == 0 && slice.tv_nsec == 100000000);
    CHECK(policy(SCHED_FIFO, 1) == 0 && syscall(SYS_sched_rr_get_interval, 0, &slice) == 0 && slice.tv_nsec == 0);
    CHECK(policy(SCHED_OTHER, 0) == 0);
    CHECK_ERROR(syscall(SYS_sched_rr_get_interval, -1, &slice), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_rr_get_interval, 99999, &slice), ESRCH);
    CHECK_ERROR(syscall(SYS_sched_rr_get_interval, 0, 8), EFAULT);
}

static void without_rights(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_RTPRIO, &none), setrlimit(RLIMIT_NICE, &none);
    setuid(500);
    CHECK_ERROR(policy(SCHED_FIFO, 1), EPERM);
    CHECK_ERROR(policy(SCHED_RR, 1), EPERM);
    CHECK(policy(SCHED_BATCH, 0) == 0);
    CHECK_ERROR(setpriority(PRIO_PROCESS, 0, -1), EACCES);
    CHECK(setpriority(PRIO_PROCESS, 0, 3) == 0 && syscall(SYS_getpriority, PRIO_PROCESS, 0) == 17);
    CHECK_ERROR(setpriority(PRIO_PROCESS, 1, 4), EPERM);
    CHECK(policy(SCHED_IDLE, 0) == 0 && policy(SCHED_IDLE, 0) == 0);
    CHECK_ERROR(policy(SCHED_OTHER, 0), EPERM);
    CHECK_ERROR(policy(SCHED_BATCH, 0), EPERM);
}

static void nice_values(void) {
    CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20);
    CHECK(syscall(SYS_setpriority, PRIO_PROCESS, 0, 5) == 0 && syscall(SYS_getpriority, PRIO_PROCESS, 0) == 15);
    CHECK(syscall(SYS_setpriority, PRIO_PROCESS, 0, 100) == 0 && syscall(SYS_getpriority, PRIO_PROCESS, 0) == 1);
    CHECK_ERROR(syscall(SYS_getpriority, 3, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_setpriority, -1, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_getpriority, PRIO_PROCESS, 99999), ESRCH);
    CHECK_ERROR(syscall(SYS_setpriority, PRIO_PGRP, 99999, 0), ESRCH);
    CHECK_ERROR(syscall(SYS_setpriority, PRIO_USER, 99999, 0), ESRCH);
}

static void cpus(void) {
    unsigned long mask[16] = {0}, all[16];
    unsigned cpu = 99, node = 99;
    long size = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    CHECK(size >= 8 && size % 8 == 0 && (mask[0] & 1));
    memcpy(all, mask, sizeof(all));
    CHECK_ERROR(syscall(SYS_sched_getaffinity, 0, 7, mask), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL);
    CHECK_ERROR(syscall(SYS_sched_getaffinity, 0, sizeof(mask), 8), EFAULT);
    CHECK_ERROR(syscall(SYS_sched_getaffinity, 99999, sizeof(mask), mask), ESRCH);
    memset(mask, 0, sizeof(mask));
    CHECK_ERROR(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask), EINVAL);
    mask[0] = 1;
    CHECK(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) == 0);
    CHECK(syscall(SYS_getcpu, &cpu, &node, 0) == 0 && cpu == 0 && node == 0);
    CHECK(syscall(SYS_getcpu, 0, 0, 0) == 0);
    CHECK_ERROR(syscall(SYS_getcpu, 8, 0, 0), EFAULT);
    CHECK(syscall(SYS_sched_setaffinity, 0, 4, mask) == 0);
    mask[15] = 1ul << 63;
    CHECK(syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) == 0);  // CPUs that are not there do not count
    CHECK_ERROR(syscall(SYS_sched_setaffinity, 0, sizeof(mask), 8), EFAULT);
    CHECK_ERROR(syscall(SYS_sched_setaffinity, 99999, sizeof(mask), all), ESRCH);
    CHECK(syscall(SYS_sched_setaffinity, 0, sizeof(all), all) == 0);
    // A process that only yields lets another one run.
    int fds[2];
    char c = 0;
    pipe(fds);
    if (fork() == 0) write(fds[1], "x", 1), _exit(0);
    for (int i = 0; i < 100; i++) if (syscall(SYS_sched_yield) == 0) continue; else CHECK(!"sched_yield");
    CHECK(read(fds[0], &c, 1) == 1 && c == 'x');
    wait(0);
}

/// Of three that compete for one CPU, nice 0, 5 and 19, each gets by its weight: 1024, 335, 15.
static void shares(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    const int nice_of[3] = {0, 5, 19};
    int go[2];
    pid_t child[3];
    double had[3];
    char c;
    pipe(go);
    for (int i = 0; i < 3; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            setpriority(PRIO_PROCESS, 0, nice_of[i]);
            close(go[1]);
            read(go[0], &c, 1);
            for (;;) {}
        }
    }
    setpriority(PRIO_PROCESS, 0, -20);
    close(go[1]);
    sleep(2);
    for (int i = 0; i < 3; i++) kill(child[i], SIGSTOP);
    for (int i = 0; i < 3; i++) {
        clockid_t clock;
        struct timespec t = {0};
        clock_getcpuclockid(child[i], &clock);
        clock_gettime(clock, &t);
        had[i] = t.tv_sec + t.tv_nsec / 1e9;
        kill(child[i], SIGKILL);
        waitpid(child[i], 0, 0);
    }
    CHECK(had[0] / had[1] > 2.7 && had[0] / had[1] < 3.4);
    CHECK(had[1] / had[2] > 15 && had[1] / had[2] < 30);
}

/// SCHED_RESET_ON_FORK: children are ordinary, and do not have the flag.
static void reset_on_fork(void) {
    const int reset = 0x40000000;
    CHECK(policy(SCHED_FIFO | reset, 5) == 0 && syscall(SYS_sched_getscheduler, 0) == (SCHED_FIFO | reset));
    CHECK(priority(6) == 0 && syscall(SYS_sched_getscheduler, 0) == (SCHED_FIFO | reset));
    if (fork() == 0) {
        struct sched_param p;
        syscall(SYS_sched_getparam, 0, &p);
        _exit(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER && p.sched_priority == 0 ? 0 : 1);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(policy(SCHED_OTHER | reset, 0) == 0 && setpriority(PRIO_PROCESS, 0, -5) == 0);
    if (fork() == 0) _exit(getpriority(PRIO_PROCESS, 0) == 0 ? 0 : 1);
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(setuid(1000) == 0);
    CHECK_ERROR(policy(SCHED_OTHER, 0), EPERM);
    CHECK(policy(SCHED_OTHER | reset, 0) == 0);
}

/// A real-time task that never sleeps leaves a rest to others.
static void throttling(void) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
    pid_t hog = fork();
    if (hog == 0) {
        policy(SCHED_FIFO, 50);
        for (;;) {}
    }
    usleep(100000);
    for (volatile long i = 0; i < 1000000; i++) {}
    kill(hog, SIGKILL);
    CHECK(waitpid(hog, 0, 0) == hog);
}

/// A number of /proc/thread-self/sched; -1 if it has no such line.
static double figure(const char* name) {
    char line[256];
    double value = -1;
    FILE* f = fopen("/proc/thread-self/sched", "r");
    while (f && fgets(line, sizeof(line), f)) {
        size_t n = strlen(name);
        if (strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == ':')) value = atof(strchr(line, ':') + 1);
    }
    if (f) fclose(f);
    return value;
}

/// /proc/PID/sched tells what the task is and did.
static void figures(void) {
    if (figure("policy") < 0) return;  // this Linux was built without it
    CHECK(figure("policy") == SCHED_OTHER && figure("prio") == 120 && figure("se.load.weight") == 1048576);
    CHECK(figure("nr_switches") >= 0 && figure("se.nr_migrations") >= 0 && figure("clock-delta") >= 0);
    const double slept = figure("nr_voluntary_switches"), forced = figure("nr_involuntary_switches");
    for (int i = 0; i < 5; i++) usleep(1000);
    CHECK(figure("nr_voluntary_switches") >= slept + 5);
    CHECK(figure("nr_switches") >= slept + forced + 5);
    setpriority(PRIO_PROCESS, 0, 5);
    CHECK(figure("prio") == 125 && figure("se.load.weight") == 335 * 1024);
    CHECK(policy(SCHED_IDLE, 0) == 0);
    CHECK(figure("policy") == SCHED_IDLE && figure("se.load.weight") == 3 * 1024);
    CHECK(policy(SCHED_FIFO, 7) == 0);
    CHECK(figure("policy") == SCHED_FIFO && figure("prio") == 92);
}

int main(void) {
    void (*parts[])(void) = {figures, policies, without_rights, nice_values, cpus, shares, reset_on_fork, throttling};
    for (int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (fork() == 0) {
            check_failures = 0;
            parts[i]();
            exit(check_failures);
        }
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK_END();
}
