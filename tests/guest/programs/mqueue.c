// POSIX message queues: names, order by priority, waiting, notification, attributes, limits, and the file system.
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static volatile int told;
static siginfo_t info;
static void on_signal(int sig, siginfo_t* i, void* context) { told++, info = *i; }
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(void) {
    struct mq_attr attr = {0, 4, 32}, got;
    char b[64];
    unsigned prio;
    umask(022);
    mq_unlink("/orrery-test");
    CHECK_ERROR(mq_open("/orrery-test", O_RDWR), ENOENT);
    mqd_t q = mq_open("/orrery-test", O_RDWR | O_CREAT | O_EXCL, 0666, &attr);
    CHECK(q >= 0 && fcntl(q, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(mq_open("/orrery-test", O_RDWR | O_CREAT | O_EXCL, 0666, &attr), EEXIST);
    CHECK_ERROR(syscall(SYS_mq_open, "a/b", O_RDWR, 0, 0), EACCES);
    CHECK_ERROR(syscall(SYS_mq_open, "", O_RDWR, 0, 0), ENOENT);
    attr.mq_maxmsg = 0;
    CHECK_ERROR(mq_open("/orrery-other", O_RDWR | O_CREAT, 0666, &attr), EINVAL);
    attr.mq_maxmsg = 100000;
    CHECK_ERROR(mq_open("/orrery-other", O_RDWR | O_CREAT, 0666, &attr), EINVAL);
    CHECK(mq_getattr(q, &got) == 0 && got.mq_maxmsg == 4 && got.mq_msgsize == 32 && got.mq_curmsgs == 0 && got.mq_flags == 0);
    CHECK(mq_send(q, "low", 3, 1) == 0 && mq_send(q, "high", 4, 9) == 0 && mq_send(q, "low2", 4, 1) == 0);
    CHECK(mq_send(q, "", 0, 5) == 0);
    CHECK(mq_getattr(q, &got) == 0 && got.mq_curmsgs == 4);
    struct pollfd p = {q, POLLIN | POLLOUT};
    CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    CHECK_ERROR(mq_timedsend(q, "x", 1, 0, &t), ETIMEDOUT);
    t.tv_nsec = -1;
    CHECK_ERROR(mq_timedsend(q, "x", 1, 0, &t), EINVAL);
    CHECK_ERROR(mq_send(q, b, 33, 0), EMSGSIZE);
    CHECK_ERROR(mq_send(q, "x", 1, 32768), EINVAL);
    CHECK_ERROR(mq_receive(q, b, 31, &prio), EMSGSIZE);
    CHECK(mq_receive(q, b, 32, &prio) == 4 && prio == 9 && memcmp(b, "high", 4) == 0);
    CHECK(mq_receive(q, b, 32, &prio) == 0 && prio == 5);
    CHECK(mq_receive(q, b, 32, &prio) == 3 && prio == 1 && memcmp(b, "low", 3) == 0);
    CHECK(mq_receive(q, b, 64, 0) == 4 && memcmp(b, "low2", 4) == 0);
    attr.mq_flags = O_NONBLOCK;
    CHECK(mq_setattr(q, &attr, &got) == 0 && got.mq_flags == 0 && mq_getattr(q, &got) == 0 && got.mq_flags == O_NONBLOCK);
    CHECK_ERROR(mq_receive(q, b, 32, 0), EAGAIN);
    attr.mq_flags = 1;
    CHECK_ERROR(syscall(SYS_mq_getsetattr, q, &attr, 0), EINVAL);
    attr.mq_flags = 0;
    mq_setattr(q, &attr, 0);
    CHECK_ERROR(syscall(SYS_mq_getsetattr, 0, 0, &got), EBADF);
    CHECK_ERROR(syscall(SYS_mq_timedsend, 0, "x", 1, 0, 0), EBADF);
    mqd_t reader = mq_open("/orrery-test", O_RDONLY);
    CHECK_ERROR(mq_send(reader, "x", 1, 0), EBADF);
    mqd_t writer = mq_open("/orrery-test", O_WRONLY);
    CHECK_ERROR(mq_receive(writer, b, 32, 0), EBADF);
    clock_gettime(CLOCK_REALTIME, &t);
    CHECK_ERROR(mq_timedreceive(q, b, 32, 0, &t), ETIMEDOUT);

    pid_t child = fork();
    if (child == 0) _exit(mq_receive(q, b, 32, &prio) == 6 && prio == 3 ? 0 : 1);
    usleep(10000);
    CHECK(mq_send(q, "waited", 6, 3) == 0);
    CHECK(status_of(child) == 0);

    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &sa, 0);
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value = {.sival_int = 42}};
    CHECK(mq_notify(q, &ev) == 0);
    CHECK_ERROR(mq_notify(q, &ev), EBUSY);
    mq_send(q, "one", 3, 0);
    CHECK(told == 1 && info.si_code == SI_MESGQ && info.si_value.sival_int == 42 && info.si_pid == getpid());
    mq_send(q, "two", 3, 0);
    CHECK(told == 1);
    CHECK(mq_notify(q, &ev) == 0 && mq_notify(q, 0) == 0 && mq_notify(q, &ev) == 0);
    ev.sigev_signo = 99;
    CHECK_ERROR(mq_notify(q, &ev), EINVAL);
    close(writer);
    mq_receive(q, b, 32, 0), mq_receive(q, b, 32, 0);

    mkdir("m", 0755);
    if (mount("none", "m", "mqueue", 0, 0) == 0) {
        struct stat st;
        CHECK(stat("m/orrery-test", &st) == 0 && (st.st_mode & 07777) == 0644 && st.st_size == 80);
        int f = open("m/orrery-test", O_RDONLY);
        CHECK(read(f, b, 16) == 16 && memcmp(b, "QSIZE:0", 7) == 0);
        close(f);
        CHECK(umount("m") == 0);
    }
    child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = mq_open("/orrery-test", O_RDWR) == -1 && errno == EACCES;
        good = good && mq_unlink("/orrery-test") == -1 && (errno == EACCES || errno == EPERM);
        struct rlimit r = {100, 100};
        setrlimit(RLIMIT_MSGQUEUE, &r);
        good = good && mq_open("/orrery-more", O_RDWR | O_CREAT, 0600, 0) == -1 && errno == EMFILE;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK(mq_unlink("/orrery-test") == 0);
    CHECK_ERROR(mq_unlink("/orrery-test"), ENOENT);
    CHECK(mq_send(q, "still", 5, 0) == 0 && mq_receive(q, b, 32, 0) == 5);
    CHECK_END();
}
