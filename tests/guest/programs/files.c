// File calls: open's flags, positions, vectors, descriptors, names, attributes, locks, and what each refuses.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char buf[8192];

static void opening(void) {
    CHECK_ERROR(open("none", O_RDONLY), ENOENT);
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0);
    CHECK_ERROR(open("f", O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK_ERROR(open("f/", O_RDONLY), ENOTDIR);
    CHECK_ERROR(open("f", O_DIRECTORY), ENOTDIR);
    CHECK_ERROR(open(".", O_WRONLY), EISDIR);
    CHECK_ERROR(open((char*)8, O_RDONLY), EFAULT);
    CHECK(write(fd, "0123456789", 10) == 10);
    CHECK(lseek(fd, 0, SEEK_CUR) == 10);
    CHECK(lseek(fd, -3, SEEK_END) == 7);
    CHECK_ERROR(lseek(fd, -1, SEEK_SET), EINVAL);
    CHECK_ERROR(lseek(fd, 0, 77), EINVAL);
    CHECK(read(fd, buf, 100) == 3 && !memcmp(buf, "789", 3));
    CHECK(read(fd, buf, 100) == 0);
    CHECK(pread(fd, buf, 4, 2) == 4 && !memcmp(buf, "2345", 4));
    CHECK(pwrite(fd, "ab", 2, 20) == 2);
    CHECK(pread(fd, buf, 100, 8) == 14 && buf[2] == 0 && buf[12] == 'a');
    CHECK_ERROR(pread(fd, buf, 1, -1), EINVAL);
    lseek(fd, 0, SEEK_SET);
    CHECK_ERROR(read(fd, (char*)8, 4), EFAULT);
    CHECK_ERROR(write(fd, (char*)8, 4), EFAULT);
    struct iovec iov[3] = {{buf, 2}, {buf + 10, 0}, {buf + 20, 3}};
    CHECK(readv(fd, iov, 3) == 5 && buf[1] == '1' && buf[22] == '4');
    CHECK(writev(fd, iov, 3) == 5);
    CHECK(preadv(fd, iov, 3, 1) == 5 && buf[0] == '1');
    CHECK_ERROR(readv(fd, iov, -1), EINVAL);
    CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    CHECK_ERROR(ftruncate(fd, -1), EINVAL);
    close(fd);
    CHECK_ERROR(read(fd, buf, 1), EBADF);
    CHECK_ERROR(close(fd), EBADF);
    fd = open("f", O_RDONLY);
    CHECK_ERROR(write(fd, "x", 1), EBADF);
    CHECK_ERROR(ftruncate(fd, 1), EINVAL);
    close(fd);
    fd = open("f", O_WRONLY | O_APPEND);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "Z", 1) == 1 && lseek(fd, 0, SEEK_CUR) == 6);
    CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND));
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && (fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK)) == O_NONBLOCK);
    close(fd);
    fd = open("f", O_PATH);
    CHECK_ERROR(read(fd, buf, 1), EBADF);
    CHECK_ERROR(syscall(SYS_fchmod, fd, 0600), EBADF);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_size == 6);
    close(fd);
}

static void descriptors(void) {
    int fd = open("f", O_RDWR), other = dup(fd);
    CHECK(other == fd + 1);
    lseek(fd, 3, SEEK_SET);
    CHECK(lseek(other, 0, SEEK_CUR) == 3);
    CHECK(dup2(fd, 20) == 20 && dup2(fd, fd) == fd);
    CHECK_ERROR(dup2(99, 3), EBADF);
    CHECK_ERROR(dup3(fd, fd, 0), EINVAL);
    CHECK_ERROR(dup2(fd, 1 << 24), EBADF);
    CHECK(fcntl(fd, F_DUPFD, 20) == 21 && fcntl(21, F_GETFD) == 0);
    CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 0) == fd + 2 && fcntl(fd + 2, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(fcntl(fd, F_DUPFD, -1), EINVAL);
    CHECK_ERROR(fcntl(99, F_GETFD), EBADF);
    CHECK_ERROR(fcntl(fd, 9999), EINVAL);
    CHECK(syscall(SYS_close_range, 20, 30, 0) == 0);
    CHECK_ERROR(close(20), EBADF);
    CHECK_ERROR(ioctl(fd, TIOCGWINSZ, buf), ENOTTY);
    int n;
    CHECK(ioctl(fd, FIONREAD, &n) == 0 && n == 3);
    close(fd + 2), close(other), close(fd);
}

static void names(void) {
    CHECK(mkdir("d", 0755) == 0);
    CHECK_ERROR(mkdir("d", 0755), EEXIST);
    CHECK_ERROR(mkdir("x/y", 0755), ENOENT);
    CHECK_ERROR(mkdir("f/y", 0755), ENOTDIR);
    CHECK_ERROR(rmdir("f"), ENOTDIR);
    CHECK_ERROR(unlink("d"), EISDIR);
    CHECK_ERROR(rmdir("."), EINVAL);
    CHECK_ERROR(rmdir("d/.."), ENOTEMPTY);
    CHECK_ERROR(symlink("", "e"), ENOENT);
    CHECK(symlink("d/../f", "s") == 0);
    memset(buf, '#', 10);
    CHECK(readlink("s", buf, 3) == 3 && buf[3] == '#');
    CHECK_ERROR(readlink("f", buf, 10), EINVAL);
    CHECK_ERROR(syscall(SYS_readlink, "s", buf, 0), EINVAL);
    CHECK(symlink("l1", "l2") == 0 && symlink("l2", "l1") == 0);
    CHECK_ERROR(open("l1", O_RDONLY), ELOOP);
    CHECK_ERROR(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
    struct stat st, st2;
    CHECK(stat("s", &st) == 0 && S_ISREG(st.st_mode) && lstat("s", &st2) == 0 && st2.st_size == 6);
    CHECK(link("f", "h") == 0 && stat("h", &st2) == 0 && st2.st_nlink == 2 && st2.st_ino == st.st_ino);
    CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "ls", 0) == 0 && lstat("ls", &st2) == 0 && S_ISLNK(st2.st_mode));
    CHECK_ERROR(link("d", "dd"), EPERM);
    CHECK_ERROR(link("f", "h"), EEXIST);
    CHECK(rename("h", "f") == 0 && access("h", F_OK) == 0);  // two names of one file: nothing happens
    CHECK_ERROR(rename("d", "f"), ENOTDIR);
    CHECK_ERROR(rename("f", "d"), EISDIR);
    CHECK_ERROR(rename("d", "d/x"), EINVAL);
    CHECK_ERROR(rename("none", "x"), ENOENT);
    CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "h", 1), EEXIST);
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "h", 2) == 0 && stat("h", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "h", 2) == 0);
    CHECK_ERROR(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "h", 3), EINVAL);
    int dir = open("d", O_RDONLY | O_DIRECTORY);
    CHECK(mkdirat(dir, "in", 0700) == 0 && faccessat(dir, "in", X_OK, 0) == 0);
    CHECK_ERROR(openat(99, "in", O_RDONLY), EBADF);
    int file = open("f", O_RDONLY);
    CHECK_ERROR(openat(file, "in", O_RDONLY), ENOTDIR);
    CHECK(fstatat(file, "", &st, AT_EMPTY_PATH) == 0 && S_ISREG(st.st_mode));
    CHECK_ERROR(fstatat(file, "", &st, 0), ENOENT);
    CHECK_ERROR(fstatat(file, "f", &st, 0x40000000), EINVAL);
    CHECK_ERROR(unlinkat(dir, "in", 0), EISDIR);
    CHECK(unlinkat(dir, "in", AT_REMOVEDIR) == 0);
    close(dir), close(file);
    char longname[300];
    memset(longname, 'n', 256), longname[256] = 0;
    CHECK_ERROR(open(longname, O_RDONLY), ENAMETOOLONG);
    CHECK(chdir("d") == 0 && rmdir("../d") == 0);
    CHECK_ERROR(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
    CHECK_ERROR(open("new", O_CREAT | O_WRONLY, 0600), ENOENT);
    CHECK(chdir("..") == 0);
    CHECK_ERROR(syscall(SYS_getcwd, buf, 1), ERANGE);
    unlink("s"), unlink("l1"), unlink("l2"), unlink("ls"), unlink("h");
}

static void attributes(void) {
    struct stat st;
    CHECK(chmod("f", 06751) == 0 && stat("f", &st) == 0 && (st.st_mode & 07777) == 06751);
    CHECK(chown("f", 1, 2) == 0 && stat("f", &st) == 0 && st.st_uid == 1 && st.st_gid == 2);
    CHECK((st.st_mode & 07777) == 0751);
    CHECK(chown("f", -1, 0) == 0 && stat("f", &st) == 0 && st.st_uid == 1 && st.st_gid == 0);
    struct timespec t[2] = {{100, 5}, {200, UTIME_OMIT}};
    CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0 && st.st_atim.tv_sec == 100 && st.st_atim.tv_nsec == 5);
    CHECK(st.st_mtim.tv_sec > 1000);
    t[0].tv_nsec = 2000000000;
    CHECK_ERROR(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
    mode_t old = umask(077);
    CHECK(umask(old) == 077);
    CHECK(truncate("f", 100) == 0 && stat("f", &st) == 0 && st.st_size == 100);
    CHECK_ERROR(truncate("f", -1), EINVAL);
    CHECK_ERROR(truncate(".", 1), EISDIR);
    CHECK_ERROR(access("f", 8), EINVAL);
    CHECK(access("f", R_OK) == 0);
    struct statfs sf;
    CHECK(statfs(".", &sf) == 0 && sf.f_namelen == 255);
    CHECK(mkfifo("p", 0600) == 0 && stat("p", &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK_ERROR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
    CHECK_ERROR(mknod("p", S_IFIFO, 0), EEXIST);
    unlink("p");
    if (fork() == 0) {
        setgid(1000), setuid(1000);
        chmod("/", 0);
        int e1 = open("f", O_WRONLY) < 0 ? errno : 0, e2 = chown("f", 1000, 1000) < 0 ? errno : 0;
        _exit(e1 == EACCES && (e2 == EPERM || e2 == EACCES) ? 0 : 1);
    }
    int status;
    wait(&status);
    CHECK(status == 0);
}

static void record_locks(void) {
    int fd = open("f", O_RDWR);
    struct flock l = {F_WRLCK, SEEK_SET, 10, 10, 0};
    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    if (fork() == 0) {
        int mine = open("f", O_RDWR);
        struct flock q = {F_RDLCK, SEEK_SET, 0, 0, 0};
        int good = fcntl(mine, F_GETLK, &q) == 0 && q.l_type == F_WRLCK && q.l_start == 10 && q.l_len == 10 &&
                   q.l_pid == getppid();
        struct flock r = {F_RDLCK, SEEK_SET, 15, 1, 0};
        good = good && fcntl(mine, F_SETLK, &r) == -1 && errno == EAGAIN;
        struct flock free = {F_WRLCK, SEEK_SET, 0, 10, 0};
        good = good && fcntl(mine, F_SETLK, &free) == 0;
        _exit(good ? 0 : 1);
    }
    int status;
    wait(&status);
    CHECK(status == 0);
    struct flock u = {F_UNLCK, SEEK_SET, 12, 2, 0};
    CHECK(fcntl(fd, F_SETLK, &u) == 0);
    if (fork() == 0) {
        int mine = open("f", O_RDWR);
        struct flock q = {F_WRLCK, SEEK_SET, 12, 100, 0};
        _exit(fcntl(mine, F_GETLK, &q) == 0 && q.l_start == 14 && q.l_len == 6 ? 0 : 1);
    }
    wait(&status);
    CHECK(status == 0);
    l.l_type = 9;
    CHECK_ERROR(fcntl(fd, F_SETLK, &l), EINVAL);
    int second = open("f", O_RDONLY);
    CHECK(flock(fd, LOCK_EX) == 0);
    CHECK_ERROR(flock(second, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    CHECK(flock(fd, LOCK_UN) == 0 && flock(second, LOCK_EX | LOCK_NB) == 0);
    CHECK_ERROR(flock(fd, 77), EINVAL);
    if (fork() == 0) {  // waits until the parent lets go
        int mine = open("f", O_RDWR);
        struct flock q = {F_WRLCK, SEEK_SET, 0, 0, 0};
        _exit(fcntl(mine, F_SETLKW, &q) == 0 ? 7 : 1);
    }
    usleep(50000);
    close(second);  // drops the flock, and all record locks of this process
    wait(&status);
    CHECK(WEXITSTATUS(status) == 7);
    close(fd);
}

static void pipes_and_waiting(void) {
    int p[2];
    CHECK(pipe(p) == 0);
    CHECK_ERROR(lseek(p[0], 0, SEEK_SET), ESPIPE);
    CHECK_ERROR(pread(p[0], buf, 1, 0), ESPIPE);
    CHECK_ERROR(write(p[0], "x", 1), EBADF);
    CHECK(fcntl(p[0], F_GETPIPE_SZ) == 65536 && fcntl(p[0], F_SETPIPE_SZ, 5000) == 8192);
    struct pollfd pf[3] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-1, POLLIN, 5}};
    CHECK(poll(pf, 3, 0) == 1 && pf[0].revents == 0 && pf[1].revents == POLLOUT && pf[2].revents == 0);
    CHECK(write(p[1], "abc", 3) == 3 && poll(pf, 2, -1) == 2 && pf[0].revents == POLLIN);
    int n;
    CHECK(ioctl(p[0], FIONREAD, &n) == 0 && n == 3);
    fd_set r, w;
    FD_ZERO(&r); FD_ZERO(&w); FD_SET(p[0], &r); FD_SET(p[1], &w);
    struct timeval tv = {5, 0};
    CHECK(select(p[1] + 1, &r, &w, NULL, &tv) == 2 && FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
    CHECK(read(p[0], buf, 2) == 2 && read(p[0], buf, 9) == 1);
    FD_ZERO(&r); FD_SET(p[0], &r);
    tv = (struct timeval){0, 20000};
    CHECK(select(p[0] + 1, &r, NULL, NULL, &tv) == 0 && !FD_ISSET(p[0], &r));
    FD_ZERO(&r); FD_SET(50, &r);
    CHECK_ERROR(select(51, &r, NULL, NULL, &tv), EBADF);
    pf[0].fd = 77;
    CHECK(poll(pf, 1, -1) == 1 && pf[0].revents == POLLNVAL);
    int ep = epoll_create1(0), ev = eventfd(3, EFD_NONBLOCK);
    struct epoll_event e = {EPOLLIN, {.u64 = 42}}, out[4];
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
    CHECK_ERROR(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST);
    CHECK_ERROR(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e), ENOENT);
    CHECK_ERROR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
    int file = open("f", O_RDONLY);
    CHECK_ERROR(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e), EPERM);
    CHECK(epoll_wait(ep, out, 4, 10) == 0);
    e.events = EPOLLIN | EPOLLET, e.data.u64 = 43;
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e) == 0);
    CHECK(epoll_wait(ep, out, 4, -1) == 1 && out[0].data.u64 == 43);
    CHECK(epoll_wait(ep, out, 4, 0) == 0);  // the edge was reported
    unsigned long long v = 4;
    CHECK(write(ev, &v, 8) == 8 && epoll_wait(ep, out, 4, -1) == 1 && out[0].data.u64 == 43);
    CHECK(read(ev, &v, 8) == 8 && v == 7);
    CHECK_ERROR(read(ev, &v, 8), EAGAIN);
    CHECK_ERROR(read(ev, &v, 4), EINVAL);
    if (fork() == 0) {
        usleep(30000);
        write(p[1], "x", 1);
        _exit(0);
    }
    CHECK(epoll_wait(ep, out, 4, 5000) == 1 && out[0].data.u64 == 42 && out[0].events == EPOLLIN);
    CHECK(epoll_wait(ep, out, 4, 0) == 1);  // level-triggered: still there
    wait(NULL);
    close(p[1]);
    CHECK(epoll_wait(ep, out, 4, 0) == 1 && out[0].events == (EPOLLIN | EPOLLHUP));
    close(p[0]);
    CHECK(epoll_wait(ep, out, 4, 0) == 0);  // closing takes it out of the set
    close(ep), close(ev), close(file);
}

static void timers(void) {
    CHECK_ERROR(timerfd_create(99, 0), EINVAL);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    unsigned long long n;
    CHECK_ERROR(read(fd, &n, 8), EAGAIN);
    struct itimerspec t = {{0, 20000000}, {0, 30000000}}, left;
    CHECK(timerfd_settime(fd, 0, &t, NULL) == 0 && timerfd_gettime(fd, &left) == 0);
    CHECK(left.it_interval.tv_nsec == 20000000 && left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0);
    struct pollfd p = {fd, POLLIN, 0};
    CHECK(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
    usleep(50000);
    CHECK(read(fd, &n, 8) == 8 && n >= 3);
    t.it_value.tv_nsec = 1000000000;
    CHECK_ERROR(timerfd_settime(fd, 0, &t, NULL), EINVAL);
    memset(&t, 0, sizeof(t));
    CHECK(timerfd_settime(fd, 0, &t, &left) == 0 && left.it_interval.tv_nsec == 20000000);
    CHECK(poll(&p, 1, 60) == 0);
    fcntl(fd, F_SETFL, 0);
    t.it_value.tv_nsec = 1;
    CHECK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) == 0 && read(fd, &n, 8) == 8 && n == 1);
    CHECK_ERROR(timerfd_gettime(1, &left), EINVAL);
    close(fd);
}

static void contents(void) {
    int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < 8192; i++) buf[i] = (char)(i * 7);
    CHECK(write(in, buf, 8192) == 8192);
    off_t at = 100;
    CHECK(sendfile(out, in, &at, 5000) == 5000 && at == 5100 && lseek(in, 0, SEEK_CUR) == 8192);
    CHECK(sendfile(out, in, NULL, 10) == 0);
    loff_t from = 0, to = 0;
    CHECK(syscall(SYS_copy_file_range, in, &from, out, &to, 8192, 0) == 8192 && from == 8192 && to == 8192);
    char back[8192];
    CHECK(pread(out, back, 8192, 0) == 8192 && !memcmp(back, buf, 8192));
    CHECK_ERROR(syscall(SYS_copy_file_range, in, NULL, out, NULL, 1, 9), EINVAL);
    char* map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, out, 0);
    CHECK(map != MAP_FAILED && !memcmp(map, buf, 8192));
    map[5000] = 'M';
    CHECK(pread(out, back, 1, 5000) == 1 && back[0] == 'M');
    CHECK(pwrite(out, "W", 1, 5001) == 1 && map[5001] == 'W');
    CHECK(pwrite(out, map + 4096, 4096, 0) == 4096);  // from its own mapping
    munmap(map, 8192);
    CHECK(fallocate(out, 0, 10000, 10) == 0 && lseek(out, 0, SEEK_END) == 10010);
    CHECK_ERROR(fallocate(out, 0, 0, 0), EINVAL);
    CHECK_ERROR(fallocate(out, 0, -1, 5), EINVAL);
    int mem = syscall(SYS_memfd_create, "name", 2);
    CHECK(mem >= 0 && ftruncate(mem, 4096) == 0 && fcntl(mem, F_GET_SEALS) == 0);
    CHECK(fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_ERROR(ftruncate(mem, 10), EPERM);
    CHECK(ftruncate(mem, 8192) == 0 && fcntl(mem, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0);
    CHECK_ERROR(write(mem, "x", 1), EPERM);
    CHECK_ERROR(fcntl(mem, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    CHECK_ERROR(syscall(SYS_memfd_create, "name", 0x100), EINVAL);
    unlink("in"), unlink("out"), unlink("f");
    CHECK(pread(in, back, 10, 0) == 10);  // unlinked but open
    struct stat st;
    CHECK(fstat(in, &st) == 0 && st.st_nlink == 0);
    close(in), close(out), close(mem);
    DIR* d = opendir(".");
    int entries = 0;
    while (readdir(d)) entries++;
    CHECK(entries == 2);
    rewinddir(d);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    rewinddir(d);
    entries = 0;
    struct dirent* one;
    while ((one = readdir(d))) {  // removing what is being listed loses nothing
        entries++;
        if (one->d_name[0] == 'm') unlink(one->d_name);
    }
    CHECK(entries == 302);
    rewinddir(d);
    entries = 0;
    while (readdir(d)) entries++;
    CHECK(entries == 2);
    lseek(dirfd(d), 0, SEEK_SET);
    CHECK_ERROR(syscall(SYS_getdents64, dirfd(d), (char*)8, 4096), EFAULT);
    CHECK_ERROR(syscall(SYS_getdents64, dirfd(d), buf, 10), EINVAL);
    closedir(d);
}

int main(void) {
    opening();
    descriptors();
    names();
    attributes();
    record_locks();
    pipes_and_waiting();
    timers();
    contents();
    CHECK_END();
}
