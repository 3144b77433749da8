// Opening again, through /proc/self/fd, what a descriptor stands for: the same object with a description of its own.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int reopen(int fd, int flags) {
    char path[40];
    sprintf(path, "/proc/self/fd/%d", fd);
    return open(path, flags);
}
static int same_inode(int a, int b) {
    struct stat x, y;
    return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}
static int events(int fd, int wanted) {
    struct pollfd p = {fd, wanted, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void pipes(void) {
    int p[2];
    char c[8] = {0};
    CHECK(pipe(p) == 0);
    int reader = reopen(p[0], O_RDONLY), writer = reopen(p[1], O_WRONLY);
    CHECK(reader >= 0 && writer >= 0 && same_inode(p[0], reader) && same_inode(p[0], writer));
    CHECK(write(writer, "ab", 2) == 2 && read(p[0], c, 1) == 1 && c[0] == 'a');
    CHECK(read(reader, c, 8) == 1 && c[0] == 'b');
    // Either end gives either access, and both.
    int other = reopen(p[0], O_WRONLY), both = reopen(p[1], O_RDWR | O_NONBLOCK);
    CHECK(other >= 0 && write(other, "x", 1) == 1 && read(both, c, 8) == 1 && c[0] == 'x');
    CHECK_ERROR(read(both, c, 1), EAGAIN);
    CHECK(lseek(both, 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(fcntl(p[0], F_SETPIPE_SZ, 8192) == 8192 && fcntl(both, F_GETPIPE_SZ) == 8192);
    close(both);
    close(other);
    close(writer);
    // All counts of ends are right: the last writer's close is the end of the file.
    CHECK(events(reader, POLLIN) == 0);
    close(p[1]);
    CHECK(events(reader, POLLIN) == POLLHUP && read(reader, c, 1) == 0);
    // A pipe without writers is opened at once for reading, and for writing even without a reader.
    int again = reopen(reader, O_RDONLY);
    CHECK(again >= 0 && read(again, c, 1) == 0);
    writer = reopen(reader, O_WRONLY | O_NONBLOCK);
    CHECK(writer >= 0);
    close(again);
    close(reader);
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    CHECK_ERROR(write(writer, "x", 1), EPIPE);
    CHECK(events(writer, POLLOUT) == (POLLOUT | POLLERR));
    reader = reopen(writer, O_RDONLY);
    CHECK(reader >= 0 && write(writer, "y", 1) == 1 && read(reader, c, 1) == 1 && c[0] == 'y');
    close(reader);
    close(writer);
    // In another process, by its number, while the opener holds no end.
    CHECK(pipe(p) == 0);
    pid_t child = fork();
    if (!child) {
        char path[60];
        close(p[0]);
        close(p[1]);
        sprintf(path, "/proc/%d/fd/%d", getppid(), p[1]);
        int fd = open(path, O_WRONLY);
        _exit(fd >= 0 && write(fd, "child", 5) == 5 ? 0 : 1);
    }
    close(reopen(p[1], O_WRONLY));
    CHECK(read(p[0], c, 5) == 5 && !memcmp(c, "child", 5));
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(p[0]);
    close(p[1]);
}

static void files(void) {
    char c[4];
    int fd = memfd_create("m", 0);
    CHECK(write(fd, "memory", 6) == 6);
    int again = reopen(fd, O_RDONLY);
    CHECK(again >= 0 && same_inode(fd, again) && read(again, c, 1) == 1 && c[0] == 'm');
    CHECK_ERROR(write(again, "x", 1), EBADF);
    int cut = reopen(again, O_RDWR | O_TRUNC);
    CHECK(cut >= 0 && read(again, c, 1) == 0);
    close(cut), close(again), close(fd);

    fd = open("deleted", O_CREAT | O_RDWR, 0600);
    CHECK(write(fd, "file", 4) == 4 && unlink("deleted") == 0);
    again = reopen(fd, O_RDWR);
    CHECK(again >= 0 && same_inode(fd, again) && read(again, c, 4) == 4 && !memcmp(c, "file", 4));
    close(again), close(fd);

    // A fifo keeps its own rules.
    CHECK(mkfifo("fifo", 0600) == 0);
    fd = open("fifo", O_RDONLY | O_NONBLOCK);
    again = reopen(fd, O_WRONLY | O_NONBLOCK);
    CHECK(fd >= 0 && again >= 0 && write(again, "f", 1) == 1 && read(fd, c, 1) == 1);
    close(fd);
    CHECK_ERROR(reopen(again, O_WRONLY | O_NONBLOCK), ENXIO);
    close(again), unlink("fifo");

    fd = open("/", O_RDONLY | O_DIRECTORY);
    again = reopen(fd, O_RDONLY | O_DIRECTORY);
    CHECK(again >= 0 && same_inode(fd, again));
    close(again), close(fd);
    CHECK_ERROR(open("/proc/self/fd/999", O_RDONLY), ENOENT);
    CHECK_ERROR(open("/proc/self/fd/0", O_RDONLY | O_NOFOLLOW), ELOOP);
}

int main(void) {
    pipes();
    files();
    // What has no way to be opened.
    CHECK_ERROR(reopen(eventfd(0, 0), O_RDONLY), ENXIO);
    CHECK_ERROR(reopen(epoll_create1(0), O_RDWR), ENXIO);
    CHECK_ERROR(reopen(timerfd_create(CLOCK_MONOTONIC, 0), O_RDONLY), ENXIO);
    CHECK_END();
}
