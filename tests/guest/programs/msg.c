// System V message queues: which message comes, waiting for room and for messages, limits, removal.
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
struct message {
    long type;
    char text[8192];
};
static struct message m;
static struct msqid_ds ds;

static int put(int id, long type, const char* text, int flags) {
    m.type = type;
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text), flags);
}
// The text that came, or "".
static const char* get(int id, long type, int flags) {
    memset(&m, 0, sizeof(m));
    return msgrcv(id, &m, 100, type, flags | IPC_NOWAIT) >= 0 ? m.text : "";
}
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static void no_handler(int sig) {}
// Until the child sleeps in the call that it was made for.
static void until_asleep(pid_t pid) {
    char path[32], text[256], state = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    while (state != 'S') {
        FILE* f = fopen(path, "r");
        if (f && fgets(text, sizeof(text), f)) state = strrchr(text, ')')[2];
        if (f) fclose(f);
        usleep(1000);
    }
}

int main(void) {
    int id = msgget(IPC_PRIVATE, 0600);
    CHECK(id >= 0);
    CHECK(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 0 && ds.msg_qbytes == 16384 && ds.msg_stime == 0);
    CHECK(put(id, 1, "one", 0) == 0 && put(id, 2, "two", 0) == 0 && put(id, 3, "three", 0) == 0 && put(id, 2, "2", 0) == 0);
    CHECK(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 4 && ds.__msg_cbytes == 12 && ds.msg_lspid == getpid());
    CHECK(strcmp(get(id, 1, MSG_COPY), "two") == 0);
    CHECK(strcmp(get(id, 2, 0), "two") == 0 && m.type == 2);
    CHECK(strcmp(get(id, 1, MSG_EXCEPT), "three") == 0);
    CHECK(put(id, 9, "nine", 0) == 0);
    CHECK(strcmp(get(id, -2, 0), "one") == 0);
    CHECK(strcmp(get(id, LONG_MIN, 0), "2") == 0);
    CHECK(strcmp(get(id, 0, 0), "nine") == 0);
    CHECK_ERROR(msgrcv(id, &m, 100, 0, IPC_NOWAIT), ENOMSG);
    CHECK(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 0 && ds.msg_lrpid == getpid() && ds.msg_rtime != 0);
    put(id, 1, "longer", 0);
    CHECK_ERROR(msgrcv(id, &m, 3, 0, IPC_NOWAIT), E2BIG);
    CHECK(msgrcv(id, &m, 3, 0, MSG_NOERROR) == 3 && memcmp(m.text, "lon", 3) == 0);
    CHECK_ERROR(msgrcv(id, &m, 3, 0, IPC_NOWAIT), ENOMSG);
    CHECK_ERROR(put(id, 0, "x", 0), EINVAL);
    CHECK_ERROR(put(id, -1, "x", 0), EINVAL);
    CHECK_ERROR(msgsnd(id, (void*)8, 1, 0), EFAULT);
    CHECK_ERROR(msgsnd(id, &m, 8193, 0), EINVAL);
    CHECK_ERROR(msgsnd(-1, &m, 1, 0), EINVAL);
    CHECK_ERROR(msgrcv(id, &m, -1, 0, 0), EINVAL);
    CHECK_ERROR(msgrcv(id, &m, 1, 0, MSG_COPY), EINVAL);
    CHECK(put(id, 1, "", 0) == 0);
    CHECK(msgrcv(id, &m, 0, 0, 0) == 0);

    // Full.
    m.type = 1;
    CHECK(msgsnd(id, &m, 8192, IPC_NOWAIT) == 0 && msgsnd(id, &m, 8192, IPC_NOWAIT) == 0);
    CHECK_ERROR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
    pid_t child = fork();
    if (child == 0) _exit(put(id, 7, "waited", 0) == 0 ? 0 : 1);
    until_asleep(child);
    CHECK(msgrcv(id, &m, 8192, 0, 0) == 8192);
    CHECK(status_of(child) == 0);
    CHECK(strcmp(get(id, 7, 0), "waited") == 0);
    CHECK(msgrcv(id, &m, 8192, 0, 0) == 8192);

    // Empty.
    child = fork();
    if (child == 0) _exit(msgrcv(id, &m, 100, 5, 0) == 4 && m.type == 5 ? 0 : 1);
    until_asleep(child);
    put(id, 4, "no", 0);
    put(id, 5, "five", 0);
    CHECK(status_of(child) == 0);
    CHECK(strcmp(get(id, 0, 0), "no") == 0);
    struct sigaction sa = {.sa_handler = no_handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, 0);
    ualarm(10000, 0);
    CHECK_ERROR(msgrcv(id, &m, 100, 0, 0), EINTR);

    child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = put(id, 1, "x", 0) == -1 && errno == EACCES;
        good = good && msgrcv(id, &m, 1, 0, IPC_NOWAIT) == -1 && errno == EACCES;
        good = good && msgctl(id, IPC_RMID, 0) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    msgctl(id, IPC_STAT, &ds);
    ds.msg_qbytes = 100;
    ds.msg_perm.mode = 0644;
    CHECK(msgctl(id, IPC_SET, &ds) == 0 && msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qbytes == 100);
    m.type = 1;
    CHECK_ERROR(msgsnd(id, &m, 101, IPC_NOWAIT), EAGAIN);
    struct msginfo info;
    CHECK(msgctl(0, IPC_INFO, (void*)&info) >= 0 && info.msgmax == 8192 && info.msgmnb == 16384 && info.msgmni == 32000);
    put(id, 1, "left", 0);
    CHECK(msgctl(0, MSG_INFO, (void*)&info) >= 0 && info.msgpool >= 1 && info.msgmap >= 1);
    CHECK_ERROR(msgctl(id, IPC_STAT, (void*)8), EFAULT);
    CHECK_ERROR(msgctl(id, 99, &ds), EINVAL);
    child = fork();
    if (child == 0) _exit(msgrcv(id, &m, 100, 6, 0) == -1 && errno == EIDRM ? 0 : 1);
    until_asleep(child);
    CHECK(msgctl(id, IPC_RMID, 0) == 0);
    CHECK(status_of(child) == 0);
    CHECK_ERROR(put(id, 1, "x", 0), EINVAL);
    CHECK_ERROR(msgget(0x4f727277, 0), ENOENT);
    CHECK_END();
}
