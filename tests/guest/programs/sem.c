// System V semaphores: operations all at once or not at all, waiting in order, undoing, counts, removal.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

union semun {
    int val;
    struct semid_ds* buf;
    unsigned short* array;
    struct seminfo* info;
};
static int op(int id, int n, int change, int flags) {
    struct sembuf b = {n, change, flags};
    return semop(id, &b, 1);
}
static int value(int id, int n) { return semctl(id, n, GETVAL); }
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static void until_waiting(int id, int n, int command, int count) {
    while (semctl(id, n, command) != count) usleep(1000);
}
static void no_handler(int sig) {}

int main(void) {
    union semun arg;
    struct semid_ds ds;
    int id = semget(IPC_PRIVATE, 3, 0600);
    CHECK(id >= 0);
    arg.buf = &ds;
    CHECK(semctl(id, 0, IPC_STAT, arg) == 0 && ds.sem_nsems == 3 && ds.sem_otime == 0);
    CHECK(value(id, 0) == 0 && semctl(id, 0, GETPID) == 0);
    CHECK(op(id, 0, 5, 0) == 0 && value(id, 0) == 5 && semctl(id, 0, GETPID) == getpid());
    CHECK(semctl(id, 0, IPC_STAT, arg) == 0 && ds.sem_otime != 0);
    CHECK(op(id, 0, -3, 0) == 0 && value(id, 0) == 2);
    CHECK_ERROR(op(id, 0, -3, IPC_NOWAIT), EAGAIN);
    CHECK_ERROR(op(id, 0, 0, IPC_NOWAIT), EAGAIN);
    CHECK_ERROR(op(id, 0, 32767, 0), ERANGE);
    CHECK_ERROR(op(id, 3, 1, 0), EFBIG);
    CHECK_ERROR(op(-1, 0, 1, 0), EINVAL);
    CHECK_ERROR(semop(id, (void*)8, 1), EFAULT);
    CHECK_ERROR(semop(id, (void*)8, 0), EINVAL);
    CHECK_ERROR(semop(id, (void*)8, 501), E2BIG);
    struct sembuf all[3] = {{0, -1, 0}, {1, 4, 0}, {2, -1, IPC_NOWAIT}};
    CHECK_ERROR(semop(id, all, 3), EAGAIN);
    CHECK(value(id, 0) == 2 && value(id, 1) == 0 && value(id, 2) == 0);
    struct sembuf twice[3] = {{1, 1, 0}, {1, -1, 0}, {1, 0, 0}};
    CHECK(semop(id, twice, 3) == 0);
    unsigned short values[3] = {1, 2, 3}, got[3];
    arg.array = values;
    CHECK(semctl(id, 0, SETALL, arg) == 0);
    arg.array = got;
    CHECK(semctl(id, 0, GETALL, arg) == 0 && memcmp(values, got, sizeof(got)) == 0);
    values[1] = 32768;
    arg.array = values;
    CHECK_ERROR(semctl(id, 0, SETALL, arg), ERANGE);
    arg.val = 9;
    CHECK(semctl(id, 1, SETVAL, arg) == 0 && value(id, 1) == 9);
    arg.val = -1;
    CHECK_ERROR(semctl(id, 1, SETVAL, arg), ERANGE);
    CHECK_ERROR(semctl(id, 3, GETVAL), EINVAL);
    CHECK_ERROR(semctl(id, 0, 77), EINVAL);

    // Waiting: for growth, for zero, in order.
    arg.val = 0;
    semctl(id, 0, SETVAL, arg);
    pid_t first = fork();
    if (first == 0) _exit(op(id, 0, -2, 0) == 0 ? 0 : 1);
    until_waiting(id, 0, GETNCNT, 1);
    pid_t second = fork();
    if (second == 0) _exit(op(id, 0, -1, 0) == 0 ? 0 : 1);
    until_waiting(id, 0, GETNCNT, 2);
    CHECK(op(id, 0, 1, 0) == 0);
    CHECK(status_of(second) == 0);
    CHECK(semctl(id, 0, GETNCNT) == 1);
    CHECK(op(id, 0, 2, 0) == 0);
    CHECK(status_of(first) == 0 && value(id, 0) == 0 && semctl(id, 0, GETPID) == first);
    op(id, 0, 1, 0);
    first = fork();
    if (first == 0) _exit(op(id, 0, 0, 0) == 0 ? 0 : 1);
    until_waiting(id, 0, GETZCNT, 1);
    CHECK(semctl(id, 0, GETNCNT) == 0);
    CHECK(op(id, 0, -1, 0) == 0);
    CHECK(status_of(first) == 0);

    // Time and signals.
    struct sembuf wait = {0, -1, 0};
    struct timespec t = {0, 1000000};
    CHECK_ERROR(semtimedop(id, &wait, 1, &t), EAGAIN);
    t.tv_nsec = 2000000000;
    CHECK_ERROR(semtimedop(id, &wait, 1, &t), EINVAL);
    struct sigaction sa = {.sa_handler = no_handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, 0);
    ualarm(10000, 0);
    CHECK_ERROR(semop(id, &wait, 1), EINTR);

    // Undoing.
    arg.val = 5;
    semctl(id, 0, SETVAL, arg);
    first = fork();
    if (first == 0) {
        int good = op(id, 0, -3, SEM_UNDO) == 0 && op(id, 1, 4, SEM_UNDO) == 0 && op(id, 0, 1, SEM_UNDO) == 0;
        _exit(good && value(id, 0) == 3 ? 0 : 1);
    }
    CHECK(status_of(first) == 0);
    CHECK(value(id, 0) == 5 && value(id, 1) == 9);
    first = fork();
    if (first == 0) {
        op(id, 0, -5, SEM_UNDO);
        arg.val = 1;
        semctl(id, 0, SETVAL, arg);
        _exit(0);
    }
    CHECK(status_of(first) == 0);
    CHECK(value(id, 0) == 1);
    first = fork();
    if (first == 0) {
        op(id, 0, -1, SEM_UNDO);
        pause();
    }
    while (value(id, 0) != 0) usleep(1000);
    second = fork();
    if (second == 0) _exit(op(id, 0, -1, 0) == 0 ? 0 : 1);
    until_waiting(id, 0, GETNCNT, 1);
    kill(first, SIGKILL);
    CHECK(status_of(second) == 0);
    CHECK(status_of(first) == -9);

    // Permissions, information, removal.
    first = fork();
    if (first == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = op(id, 0, 1, 0) == -1 && errno == EACCES;
        good = good && value(id, 0) == -1 && errno == EACCES;
        good = good && semctl(id, 0, IPC_RMID) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(first) == 0);
    struct seminfo info;
    arg.info = &info;
    CHECK(semctl(0, 0, IPC_INFO, arg) >= 0 && info.semvmx == 32767 && info.semmsl == 32000 && info.semopm == 500);
    CHECK(semctl(0, 0, SEM_INFO, arg) >= 0 && info.semusz >= 1 && info.semaem >= 3);
    CHECK_ERROR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    CHECK_ERROR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    CHECK_ERROR(semget(0x4f727278, 1, 0), ENOENT);
    arg.val = 0;
    semctl(id, 2, SETVAL, arg);
    first = fork();
    if (first == 0) _exit(op(id, 2, -1, 0) == -1 && errno == EIDRM ? 0 : 1);
    until_waiting(id, 2, GETNCNT, 1);
    CHECK(semctl(id, 0, IPC_RMID) == 0);
    CHECK(status_of(first) == 0);
    CHECK_ERROR(op(id, 0, 1, 0), EINVAL);
    CHECK_END();
}
