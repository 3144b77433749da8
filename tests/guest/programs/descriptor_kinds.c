// What each kind of descriptor answers to each call that moves, syncs, sizes, maps or locks it: a table, a line for
// each pair, to be equal on Linux and in the guest. The answers come from which operations a kind of file lacks and
// from the order in which the kernel looks (bad argument before missing operation, or after).
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "check.h"

static char byte[16];

static int epoll_set(void) {
    int set = epoll_create1(0), watched = eventfd(0, 0);
    struct epoll_event event = {EPOLLIN};
    epoll_ctl(set, EPOLL_CTL_ADD, watched, &event);
    return set;
}
static int closed(void) { return 900; }
static int pipe_end(int which) {
    int ends[2];
    pipe2(ends, O_NONBLOCK);
    return ends[which];
}
static int pipe_read(void) { return pipe_end(0); }
static int pipe_write(void) { return pipe_end(1); }
static int event(void) { return eventfd(0, EFD_NONBLOCK); }
static int timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK); }
static int fifo(void) {
    mkfifo("fifo", 0600);
    return open("fifo", O_RDWR | O_NONBLOCK);
}
static int memory_file(void) {
    int fd = memfd_create("m", 0);
    ftruncate(fd, 100);
    return fd;
}

static const struct {
    const char* name;
    int (*open)(void);  // or the path and flags to open
    const char* path;
    int flags;
} kinds[] = {
    {"closed", closed},
    {"file", 0, "file", O_RDWR},
    {"file-ro", 0, "file", O_RDONLY},
    {"file-wo", 0, "file", O_WRONLY},
    {"file-path", 0, "file", O_PATH},
    {"memfd", memory_file},
    {"directory", 0, ".", O_RDONLY | O_DIRECTORY},
    {"pipe-read", pipe_read},
    {"pipe-write", pipe_write},
    {"fifo", fifo},
    {"eventfd", event},
    {"timerfd", timer},
    {"epoll", epoll_set},
    {"null", 0, "/dev/null", O_RDWR},
    {"zero", 0, "/dev/zero", O_RDWR},
    {"full", 0, "/dev/full", O_RDWR},
    {"urandom", 0, "/dev/urandom", O_RDONLY},
    {"ptmx", 0, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK},
    {"proc", 0, "/proc/self/comm", O_RDONLY},
    {"proc-dir", 0, "/proc/self", O_RDONLY},
};

static int open_kind(unsigned i) {
    return kinds[i].open ? kinds[i].open() : open(kinds[i].path, kinds[i].flags);
}

static long map(int fd, int prot, int flags, long offset) {
    void* at = mmap(0, 4096, prot, flags, fd, offset);
    if (at == MAP_FAILED) return -1;
    munmap(at, 4096);
    return 0;
}
static long call(int which, int fd, int file, const char** name) {
    struct iovec iov = {byte, 1};
    struct statfs fs;
    int number = 0;
    off_t zero = 0;
#define CASE(expression) *name = #expression; return expression
    switch (which) {
        case 0: CASE(lseek(fd, 0, SEEK_SET));
        case 1: CASE(lseek(fd, 3, SEEK_CUR));
        case 2: CASE(lseek(fd, -1, SEEK_SET));
        case 3: CASE(lseek(fd, 0, 99));
        case 4: CASE(syscall(SYS_pread64, fd, byte, 0, 0));
        case 5: CASE(syscall(SYS_pread64, fd, byte, 1, -1L));
        case 6: CASE(syscall(SYS_pwrite64, fd, byte, 0, 0));
        case 7: CASE(syscall(SYS_pread64, fd, byte, 1, 1000));
        case 8: CASE(syscall(SYS_read, fd, byte, 0));
        case 9: CASE(syscall(SYS_write, fd, byte, 0));
        case 10: CASE(syscall(SYS_preadv, fd, &iov, 1, 1000, 0));
        case 11: CASE(syscall(SYS_pwritev, fd, &iov, 0, 0, 0));
        case 12: CASE(syscall(SYS_fsync, fd));
        case 13: CASE(syscall(SYS_fdatasync, fd));
        case 14: CASE(syscall(SYS_syncfs, fd));
        case 15: CASE(syscall(SYS_sync_file_range, fd, 0L, 0L, 0));
        case 16: CASE(syscall(SYS_sync_file_range, fd, 0L, 0L, 8));
        case 17: CASE(syscall(SYS_ftruncate, fd, 100));
        case 18: CASE(syscall(SYS_ftruncate, fd, -1L));
        case 19: CASE(syscall(SYS_fallocate, fd, 0, 0L, 1L));
        case 20: CASE(syscall(SYS_fallocate, fd, 0, 0L, 0L));
        case 21: CASE(syscall(SYS_fadvise64, fd, 0L, 0L, 0));
        case 22: CASE(syscall(SYS_fadvise64, fd, 0L, 0L, 99));
        case 23: CASE(syscall(SYS_flock, fd, LOCK_SH | LOCK_NB));
        case 24: CASE(syscall(SYS_flock, fd, 0));
        case 25: CASE(syscall(SYS_flock, fd, LOCK_UN));
        case 26: CASE(map(fd, PROT_READ, MAP_PRIVATE, 0));
        case 27: CASE(map(fd, PROT_READ, MAP_SHARED, 0));
        case 28: CASE(map(fd, PROT_WRITE, MAP_SHARED, 0));
        case 29: CASE(map(fd, PROT_READ, 0, 0));
        case 30: CASE(map(fd, PROT_READ, MAP_SHARED, 1));
        case 31: CASE(ioctl(fd, FIONBIO, byte));
        case 32: CASE(ioctl(fd, 0x12345678, byte));
        case 33: CASE(ioctl(fd, FIOCLEX));
        case 34: CASE(syscall(SYS_sendfile, file, fd, &zero, 0L));
        case 35: CASE(syscall(SYS_copy_file_range, fd, 0, file, 0, 1L, 0));
        case 36: CASE(syscall(SYS_copy_file_range, file, 0, fd, 0, 1L, 0));
        case 37: CASE(syscall(SYS_pwritev, fd, &iov, 1, -1L, 0));
        case 38: CASE(syscall(SYS_fchdir, fd));
        case 39: CASE(syscall(SYS_getdents64, fd, byte, 0));
        case 40: CASE(syscall(SYS_getdents, fd, byte, 0));
        case 41: CASE(fcntl(fd, F_GETFD));
        case 42: CASE(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_PATH));
        case 43: CASE(fcntl(fd, F_GETPIPE_SZ));
        case 44: CASE(syscall(SYS_sendfile, file, fd, 0, 0L));
        case 45: CASE(fcntl(fd, F_GETOWN));
        case 46: CASE(fcntl(fd, 999));
        case 47: CASE(syscall(SYS_fstatfs, fd, &fs));
        case 48: CASE(syscall(SYS_readv, fd, &iov, 0));
        case 49: CASE(syscall(SYS_writev, fd, &iov, 0));
        case 50: CASE(syscall(SYS_readv, fd, &iov, -1L) == -1);  // which error comes first differs between versions of Linux
        case 51: CASE(syscall(SYS_dup3, fd, 901, 0x123));
        case 52: CASE(syscall(SYS_dup, fd) > 0 ? 0 : -1);
        case 53: CASE(syscall(SYS_epoll_ctl, fd, EPOLL_CTL_DEL, file, 0));
        case 54: CASE(syscall(SYS_epoll_wait, fd, byte, 1, 0));
        case 55: CASE(map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, 0));
        case 56: CASE(syscall(SYS_timerfd_gettime, fd, byte - 1));
        case 57: CASE(ioctl(fd, FIONREAD, &number));
        case 58: CASE(syscall(SYS_read, fd, (char*)8, 0));
        case 59: CASE(syscall(SYS_read, fd, (char*)-4096, 8));
        case 60: CASE(syscall(SYS_preadv2, fd, &iov, 1, 1000, 0, 0));
        case 61: CASE(syscall(SYS_preadv2, fd, &iov, 0, -1L, -1L, 0));
        case 62: CASE(syscall(SYS_preadv2, fd, &iov, 1, 0, 0, 0x40000000));
        case 63: CASE(syscall(SYS_pwritev2, fd, &iov, 0, 0, 0, 0x40000000));
    }
    return -2;
}

// What one Linux answers and another does not: epoll got an ioctl in 6.9.
static int varies(const char* kind, const char* name) { return !strcmp(kind, "epoll") && !strncmp(name, "ioctl", 5); }

static const char* error_name(int error) {
    static char text[16];
    switch (error) {
        case EBADF: return "EBADF";
        case EINVAL: return "EINVAL";
        case ESPIPE: return "ESPIPE";
        case EFAULT: return "EFAULT";
        case ENOTTY: return "ENOTTY";
        case ENODEV: return "ENODEV";
        case EACCES: return "EACCES";
        case EISDIR: return "EISDIR";
        case ENOTDIR: return "ENOTDIR";
        case EAGAIN: return "EAGAIN";
        case EPERM: return "EPERM";
        case EOPNOTSUPP: return "EOPNOTSUPP";
    }
    snprintf(text, sizeof(text), "%d", error);
    return text;
}

int main(void) {
    int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ftruncate(file, 100);
    int home = open(".", O_RDONLY);
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int which = 0;; which++) {
            int fd = open_kind(i);
            const char* name = "";
            errno = 0;
            long result = call(which, fd, file, &name);
            int error = errno;
            if (result == -2) break;
            if (varies(kinds[i].name, name)) printf("%s: %s\n", kinds[i].name, name);
            else if (result == -1) printf("%s: %s = %s\n", kinds[i].name, name, error_name(error));
            else printf("%s: %s = %ld\n", kinds[i].name, name, result);
            fchdir(home);
            close(901);
            if (fd != 900) close(fd);
        }
    }
    return 0;
}
