// epoll: what is an edge and what is not, and sets that want to be woken one at a time.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "check.h"

#ifndef EPOLLEXCLUSIVE
#define EPOLLEXCLUSIVE (1u << 28)
#endif

static int set;
static int control(int op, int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(set, op, fd, &event);
}
/// The events of the one file that is reported now, or 0.
static unsigned now(void) {
    struct epoll_event event;
    return epoll_wait(set, &event, 1, 0) == 1 ? event.events : 0;
}
static void fresh_set(void) {
    close(set);
    set = epoll_create1(0);
}

static void pipe_reader(void) {
    int p[2];
    char c[4096];
    pipe2(p, O_NONBLOCK);
    fresh_set();
    CHECK(control(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET) == 0);
    CHECK(now() == 0);
    write(p[1], "ab", 2);
    CHECK(now() == EPOLLIN);
    CHECK(now() == 0);
    read(p[0], c, 1);
    CHECK(now() == 0);  // a partial read is no news
    write(p[1], "c", 1);
    CHECK(now() == EPOLLIN);  // more data is
    CHECK(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET) == 0 && now() == EPOLLIN && now() == 0);
    read(p[0], c, 10);
    CHECK(now() == 0);
    write(p[1], "d", 1);
    read(p[0], c, 1);
    CHECK(now() == 0);  // came and went
    CHECK(control(EPOLL_CTL_MOD, p[0], EPOLLIN) == 0);
    write(p[1], "e", 1);
    CHECK(now() == EPOLLIN && now() == EPOLLIN);
    CHECK(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT) == 0 && now() == EPOLLIN && now() == 0);
    write(p[1], "f", 1);
    CHECK(now() == 0);
    CHECK(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET) == 0 && now() == EPOLLIN);
    int other = dup(p[1]);
    close(other);
    CHECK(now() == 0);  // one of two writers
    close(p[1]);
    CHECK(now() == (EPOLLIN | EPOLLHUP) && now() == 0);
    close(p[0]);
}

static void pipe_writer(void) {
    int p[2];
    static char c[65536];
    pipe2(p, O_NONBLOCK);
    fresh_set();
    CHECK(control(EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET) == 0 && now() == EPOLLOUT && now() == 0);
    write(p[1], c, 100);
    CHECK(now() == 0);
    read(p[0], c, 50);
    CHECK(now() == 0);  // it was not full
    while (write(p[1], c, 4096) > 0) {}
    CHECK(now() == 0);
    while (read(p[0], c, 65536) > 0) {}
    CHECK(now() == EPOLLOUT && now() == 0);
    close(p[0]);
    CHECK(now() == (EPOLLOUT | EPOLLERR));
    close(p[1]);
}

static void other_files(void) {
    uint64_t n = 1;
    int fd = eventfd(0, EFD_NONBLOCK);
    fresh_set();
    CHECK(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET) == 0 && now() == 0);
    write(fd, &n, 8);
    CHECK(now() == EPOLLIN && now() == 0);
    write(fd, &n, 8);
    CHECK(now() == EPOLLIN);
    read(fd, &n, 8);
    CHECK(now() == 0);
    CHECK(control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT | EPOLLET) == 0 && now() == EPOLLOUT && now() == 0);
    n = 1;
    write(fd, &n, 8);
    CHECK(now() == (EPOLLIN | EPOLLOUT));
    close(fd);

    fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    fresh_set();
    CHECK(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET) == 0 && now() == 0);
    timerfd_settime(fd, 0, &(struct itimerspec){{0, 0}, {0, 1}}, 0);
    struct epoll_event event;
    CHECK(epoll_wait(set, &event, 1, -1) == 1 && now() == 0);
    close(fd);

    if (access("/dev/pts/ptmx", F_OK)) mkdir("/dev/pts", 0755), mount("devpts", "/dev/pts", "devpts", 0, "");
    int master, slave;
    openpty(&master, &slave, 0, 0, 0);
    fresh_set();
    CHECK(control(EPOLL_CTL_ADD, slave, EPOLLIN | EPOLLET) == 0 && now() == 0);
    write(master, "ab\n", 3);
    CHECK(epoll_wait(set, &event, 1, -1) == 1 && event.events == EPOLLIN);
    char c;
    read(slave, &c, 1);
    CHECK(now() == 0);
    struct termios t;
    CHECK(tcgetattr(master, &t) == 0 && t.c_cflag == (B38400 | CS8 | CREAD));
    CHECK(tcgetattr(slave, &t) == 0 && t.c_cflag == (B38400 | CS8 | CREAD));
    close(master), close(slave);

    // A set in a set.
    int p[2], inner = epoll_create1(0);
    pipe(p);
    fresh_set();
    CHECK(epoll_ctl(inner, EPOLL_CTL_ADD, p[0], &(struct epoll_event){.events = EPOLLIN}) == 0);
    CHECK(control(EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLET) == 0 && now() == 0);
    write(p[1], "x", 1);
    CHECK(now() == EPOLLIN && now() == 0);
    write(p[1], "x", 1);
    CHECK(now() == EPOLLIN);
    read(p[0], &c, 1);
    CHECK(now() == 0);
    close(inner), close(p[0]), close(p[1]);
}

// Sets that sleep for the same file.
static int shared_file, results[2];
struct sleeper {
    int set, woken;
    pthread_t thread;
};
static void *sleep_in_set(void *argument) {
    struct sleeper *s = argument;
    struct epoll_event event;
    if (epoll_wait(s->set, &event, 1, -1) == 1 && event.data.fd == shared_file)
        __atomic_store_n(&s->woken, 1, __ATOMIC_SEQ_CST);
    return 0;
}
static int woken_of(unsigned flags) {
    struct sleeper s[4] = {0};
    uint64_t one = 1;
    int woken = 0, stop = eventfd(0, 0);
    shared_file = eventfd(0, EFD_NONBLOCK);
    for (int i = 0; i < 4; i++) {
        s[i].set = epoll_create1(0);
        struct epoll_event event = {.events = EPOLLIN | flags, .data.fd = shared_file};
        if (epoll_ctl(s[i].set, EPOLL_CTL_ADD, shared_file, &event)) return -1;
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = stop};
        epoll_ctl(s[i].set, EPOLL_CTL_ADD, stop, &event);
        pthread_create(&s[i].thread, 0, sleep_in_set, &s[i]);
    }
    usleep(100000);
    write(shared_file, &one, 8);
    usleep(100000);
    for (int i = 0; i < 4; i++) woken += __atomic_load_n(&s[i].woken, __ATOMIC_SEQ_CST);
    read(shared_file, &one, 8);
    one = 1;
    write(stop, &one, 8);
    for (int i = 0; i < 4; i++) {
        pthread_join(s[i].thread, 0);
        close(s[i].set);
    }
    close(stop), close(shared_file);
    return woken;
}

int main(void) {
    pipe_reader();
    pipe_writer();
    other_files();
    CHECK(woken_of(0) == 4);
    CHECK(woken_of(EPOLLET) == 4);
    CHECK(woken_of(EPOLLEXCLUSIVE) == 1);
    CHECK(woken_of(EPOLLEXCLUSIVE | EPOLLET) == 1);
    // The rules of EPOLLEXCLUSIVE.
    int fd = eventfd(0, 0), inner = epoll_create1(0);
    fresh_set();
    CHECK_ERROR(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
    CHECK_ERROR(control(EPOLL_CTL_ADD, fd, EPOLLPRI | EPOLLEXCLUSIVE), EINVAL);
    CHECK_ERROR(control(EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    CHECK(control(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE) == 0);
    CHECK_ERROR(control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    CHECK_ERROR(control(EPOLL_CTL_MOD, fd, EPOLLIN), EINVAL);
    CHECK(control(EPOLL_CTL_DEL, fd, 0) == 0);
    CHECK_ERROR(control(EPOLL_CTL_MOD, fd, EPOLLIN), ENOENT);
    CHECK_END();
}
