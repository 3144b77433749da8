// A thread is a task: its Pid is its own, its Tgid the process's; /proc/PID/task lists them.
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int ids(pid_t tid, int *tgid, int *pid) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "Tgid: %d", tgid);
        sscanf(line, "Pid: %d", pid);
    }
    fclose(file);
    return 1;
}

static int count(const char *path) {
    int n = 0;
    DIR *dir = opendir(path);
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static pthread_barrier_t barrier;

static void *body(void *name) {
    int tgid = 0, pid = 0;
    pid_t tid = syscall(SYS_gettid);
    prctl(PR_SET_NAME, name);
    pthread_barrier_wait(&barrier);
    ids(tid, &tgid, &pid);
    if (!strcmp(name, "first")) {
        char path[64], comm[32] = "";
        printf("Tgid is the process: %d, Pid is the thread: %d, they differ: %d\n", tgid == getpid(), pid == tid, tgid != pid);
        printf("tasks: %d\n", count("/proc/self/task"));
        snprintf(path, sizeof path, "/proc/%d/comm", tid);
        FILE *file = fopen(path, "r");
        if (file) fgets(comm, sizeof comm, file), fclose(file);
        printf("a thread's directory is there by its number: %s", comm);
        snprintf(path, sizeof path, "/proc/%d/task", getpid());
        printf("%d\n", count(path));
        printf("tgkill to no such group: %ld\n", syscall(SYS_tgkill, getpid() + 1000, tid, 0));
        fflush(stdout);
        char command[96];
        snprintf(command, sizeof command, "/usr/bin/ps -L -o comm,nlwp -p %d", getpid());
        system(command);
    }
    pthread_barrier_wait(&barrier);
    return 0;
}

int main(void) {
    pthread_t threads[2];
    static char first[] = "first", second[] = "second";
    pthread_barrier_init(&barrier, 0, 2);
    pthread_create(&threads[0], 0, body, first);
    pthread_create(&threads[1], 0, body, second);
    pthread_join(threads[0], 0);
    pthread_join(threads[1], 0);
    printf("tasks at the end: %d\n", count("/proc/self/task"));
    return 0;
}
