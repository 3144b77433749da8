// inotify: the events of everyday operations in Linux's order, coalescing, flags of a watch, limits, unmounting.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int fd;

static void show(const char* title) {
    static const char* const names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN",
                                        "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF", 0,
                                        "UNMOUNT", "Q_OVERFLOW", "IGNORED"};
    static unsigned last_cookie;
    char buffer[8192] __attribute__((aligned(8)));
    printf("%s:\n", title);
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, 0) == 0) break;
        ssize_t n = read(fd, buffer, sizeof(buffer));
        for (char* at = buffer; at < buffer + n;) {
            struct inotify_event* e = (void*)at;
            printf("  %d", e->wd);
            for (int i = 0; i < 16; i++)
                if (e->mask & (1u << i)) printf(" %s", names[i]);
            if (e->mask & IN_ISDIR) printf(" ISDIR");
            if (e->cookie) printf(" cookie %s", e->cookie == last_cookie ? "same" : "new");
            if (e->len) printf(" %s (%u)", e->name, e->len);
            printf("\n");
            if (e->cookie) last_cookie = e->cookie;
            at += sizeof(*e) + e->len;
        }
    }
    fflush(stdout);
}

static void touch(const char* path) { close(open(path, O_CREAT | O_WRONLY, 0644)); }

static void errors(void) {
    char b[8];
    CHECK(close(syscall(SYS_inotify_init)) == 0);
    CHECK_ERROR(inotify_init1(1), EINVAL);
    CHECK_ERROR(inotify_add_watch(fd, "d", 0), EINVAL);
    CHECK_ERROR(inotify_add_watch(0, "d", IN_OPEN), EINVAL);
    CHECK_ERROR(inotify_add_watch(-1, "d", IN_OPEN), EBADF);
    CHECK_ERROR(inotify_add_watch(fd, "none", IN_OPEN), ENOENT);
    CHECK_ERROR(inotify_add_watch(fd, (char*)8, IN_OPEN), EFAULT);
    CHECK_ERROR(inotify_add_watch(fd, "d/f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
    CHECK_ERROR(inotify_add_watch(fd, "d", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
    CHECK_ERROR(inotify_rm_watch(fd, 99), EINVAL);
    CHECK_ERROR(inotify_rm_watch(0, 1), EINVAL);
    CHECK_ERROR(inotify_rm_watch(-1, 1), EBADF);
    CHECK_ERROR(read(fd, b, 8), EAGAIN);
    CHECK_ERROR(write(fd, b, 8), EBADF);
}

int main(void) {
    char b[64];
    int n = 0;
    umask(022);
    mkdir("d", 0755);
    mkdir("e", 0755);
    touch("d/f");
    fd = inotify_init();
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == 0 && close(fd) == 0);
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    errors();
    CHECK(inotify_add_watch(fd, "d", IN_ALL_EVENTS) == 1);
    CHECK(inotify_add_watch(fd, "e", IN_ALL_EVENTS) == 2);
    CHECK(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS) == 3);

    int f = open("d/f", O_RDWR);
    write(f, "abc", 3);
    write(f, "abc", 3);
    pread(f, b, 3, 0);
    pread(f, b, 3, 3);
    fchmod(f, 0600);
    ftruncate(f, 1);
    close(f);
    show("file");
    int g = open("d/new", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    write(g, "x", 1);
    close(g);
    close(open("d/new", O_RDONLY));
    close(open("d/new", O_WRONLY));
    truncate("d/new", 5);
    show("created");
    mkdir("d/sub", 0755);
    symlink("f", "d/link");
    link("d/f", "d/hard");
    show("names");
    rename("d/new", "d/renamed");
    rename("d/renamed", "e/moved");
    rename("e/moved", "d/f");
    show("renamed");
    CHECK(inotify_add_watch(fd, "d/f", IN_ALL_EVENTS) == 4);
    struct timespec times[2] = {{1, 0}, {0, UTIME_OMIT}};
    utimensat(AT_FDCWD, "d/f", times, 0);
    times[0].tv_nsec = UTIME_OMIT, times[1].tv_nsec = 0;
    utimensat(AT_FDCWD, "d/f", times, 0);
    utimensat(AT_FDCWD, "d/f", 0, 0);
    chown("d/f", -1, -1);
    show("times");
    DIR* dir = opendir("d");
    while (readdir(dir)) n++;
    closedir(dir);
    show("listed");
    unlink("d/f");
    unlink("d/link");
    CHECK(inotify_add_watch(fd, "d/sub", IN_ALL_EVENTS) == 5);
    rmdir("d/sub");
    show("removed");
    touch("e/held");
    f = open("e/held", O_RDWR);
    CHECK(inotify_add_watch(fd, "e/held", IN_ALL_EVENTS) == 6);
    unlink("e/held");
    write(f, "x", 1);
    show("held");
    close(f);
    show("let go");

    CHECK(inotify_add_watch(fd, "e", IN_CREATE) == 2);
    CHECK(inotify_add_watch(fd, "e", IN_OPEN | IN_MASK_ADD) == 2);
    CHECK_ERROR(inotify_add_watch(fd, "e", IN_OPEN | IN_MASK_CREATE), EEXIST);
    touch("e/x");
    show("mask");
    CHECK(inotify_add_watch(fd, "e", IN_OPEN | IN_ONESHOT) == 2);
    close(open("e/x", O_RDONLY));
    close(open("e/x", O_RDONLY));
    show("oneshot");
    CHECK(inotify_add_watch(fd, "e", IN_CLOSE | IN_MODIFY | IN_EXCL_UNLINK) == 7);
    f = open("e/x", O_WRONLY);
    write(f, "1", 1);
    unlink("e/x");
    write(f, "2", 1);
    close(f);
    show("excluded");
    CHECK(inotify_rm_watch(fd, 7) == 0);
    CHECK_ERROR(inotify_rm_watch(fd, 7), EINVAL);
    touch("e/y");
    show("watch removed");

    CHECK(inotify_add_watch(fd, "e", IN_OPEN) == 8);
    close(open("e/y", O_RDONLY));
    CHECK(ioctl(fd, FIONREAD, &n) == 0 && n == 32);
    CHECK_ERROR(read(fd, b, 16), EINVAL);
    CHECK_ERROR(read(fd, (char*)8, 64), EFAULT);
    close(open("e/y", O_RDONLY));
    close(open("e", O_RDONLY));
    CHECK(read(fd, b, 40) == 32);
    show("small reads");

    mkdir("m", 0755);
    if (mount("none", "m", "tmpfs", 0, 0) == 0) {
        touch("m/f");
        CHECK(inotify_add_watch(fd, "m/f", IN_ALL_EVENTS) == 9);
        CHECK(umount("m") == 0);
        show("unmounted");
    }
    CHECK(symlink("e", "l") == 0);
    CHECK(inotify_add_watch(fd, "l", IN_ATTRIB | IN_DONT_FOLLOW) == 10);
    lchown("l", 0, 0);
    show("link itself");
    chmod("e", 0700);
    pid_t child = fork();
    if (child == 0) {
        setgid(1000), setuid(1000);
        _exit(inotify_add_watch(fd, "e", IN_OPEN) == -1 && errno == EACCES ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(fd);
    CHECK_END();
}
