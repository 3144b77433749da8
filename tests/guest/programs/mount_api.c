// The mount API of file descriptors (fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2),
// mount_setattr(2)). In a mount namespace of its own.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

enum { SYS_open_tree_ = 428, SYS_move_mount_, SYS_fsopen_, SYS_fsconfig_, SYS_fsmount_, SYS_fspick_, SYS_mount_setattr_ = 442 };
#define open_tree(...) syscall(SYS_open_tree_, __VA_ARGS__)
#define move_mount(...) syscall(SYS_move_mount_, __VA_ARGS__)
#define fsopen(...) syscall(SYS_fsopen_, __VA_ARGS__)
#define fsconfig(...) syscall(SYS_fsconfig_, __VA_ARGS__)
#define fsmount(...) syscall(SYS_fsmount_, __VA_ARGS__)
#define fspick(...) syscall(SYS_fspick_, __VA_ARGS__)
#define mount_setattr(...) syscall(SYS_mount_setattr_, __VA_ARGS__)

static char text[256];

struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

static int is_there(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}
static int flags_of(const char *path) {
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (int)(fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)) : -1;
}

static void try_fsmount(void) {
    CHECK_ERROR(fsopen("nonesuch", 0), ENODEV);
    CHECK_ERROR(fsopen("tmpfs", 2), EINVAL);
    CHECK_ERROR(fsopen(8, 0), EFAULT);
    int fs = fsopen("tmpfs", 1);
    CHECK(fs >= 0 && fcntl(fs, F_GETFD) == FD_CLOEXEC);
    CHECK_ERROR(read(fs, text, sizeof(text)), ENODATA);
    CHECK_ERROR(fsmount(fs, 0, 0), EINVAL);  // not created yet
    CHECK_ERROR(fsconfig(fs, 0, 0, 0, 0), EINVAL);
    CHECK_ERROR(fsconfig(fs, 1, "size", 0, 0), EINVAL);
    CHECK_ERROR(fsconfig(fs, 99, "size", "1", 0), EOPNOTSUPP);
    CHECK_ERROR(fsconfig(fs, 6, "key", 0, 0), EINVAL);
    CHECK_ERROR(fsconfig(0, 0, "ro", 0, 0), EINVAL);
    CHECK_ERROR(fsconfig(99, 0, "ro", 0, 0), EBADF);
    CHECK(fsconfig(fs, 1, "source", "here", 0) == 0 && fsconfig(fs, 1, "size", "1m", 0) == 0 && fsconfig(fs, 1, "mode", "711", 0) == 0);
    CHECK_ERROR(fsconfig(fs, 1, "source", "again", 0), EINVAL);
    CHECK_ERROR(fsconfig(fs, 7, 0, 0, 0), EBUSY);
    CHECK(fsconfig(fs, 6, 0, 0, 0) == 0);
    CHECK_ERROR(fsconfig(fs, 6, 0, 0, 0), EBUSY);
    CHECK_ERROR(fsmount(fs, 2, 0), EINVAL);
    CHECK_ERROR(fsmount(fs, 0, 0x30), EINVAL);
    int mount_fd = fsmount(fs, 1, 2 | 8);
    CHECK(mount_fd >= 0 && mkdirat(mount_fd, "inside", 0755) == 0);
    mkdir("a", 0755);
    CHECK(move_mount(mount_fd, "", AT_FDCWD, "a", 4) == 0 && is_there("a/inside") && flags_of("a") == (ST_NOSUID | ST_NOEXEC));
    CHECK_ERROR(move_mount(mount_fd, "", AT_FDCWD, "a", 0x1000), EINVAL);
    struct stat st;
    CHECK(stat("a", &st) == 0 && (st.st_mode & 07777) == 0711);
    close(mount_fd);
    CHECK(is_there("a/inside"));
    close(fs);
}

static void try_pick(void) {
    CHECK_ERROR(fspick(AT_FDCWD, "a/inside", 0), EINVAL);
    CHECK_ERROR(fspick(AT_FDCWD, "a", 0x10), EINVAL);
    int fs = fspick(AT_FDCWD, "a", 0);
    CHECK(fs >= 0 && fsconfig(fs, 0, "ro", 0, 0) == 0);
    CHECK_ERROR(fsconfig(fs, 6, 0, 0, 0), EBUSY);
    CHECK(fsconfig(fs, 7, 0, 0, 0) == 0);
    CHECK_ERROR(mkdir("a/more", 0755), EROFS);
    close(fs);
    fs = fspick(AT_FDCWD, "a", 0);
    CHECK(fsconfig(fs, 0, "rw", 0, 0) == 0 && fsconfig(fs, 7, 0, 0, 0) == 0 && mkdir("a/more", 0755) == 0);
    close(fs);
}

static void try_trees(void) {
    CHECK(mount("t", "a/more", "tmpfs", 0, 0) == 0 && mkdir("a/more/deep", 0755) == 0 && mkdir("b", 0755) == 0);
    CHECK_ERROR(open_tree(AT_FDCWD, "a", 0x8000), EINVAL);
    CHECK_ERROR(open_tree(AT_FDCWD, "a", 2), EINVAL);
    CHECK_ERROR(open_tree(AT_FDCWD, "none", 1), ENOENT);
    int path = open_tree(AT_FDCWD, "a", 0);
    CHECK(path >= 0 && (fcntl(path, F_GETFL) & O_PATH));
    close(path);
    int one = open_tree(AT_FDCWD, "a", 1);
    CHECK(one >= 0 && faccessat(one, "more/deep", F_OK, 0) != 0 && faccessat(one, "inside", F_OK, 0) == 0);
    int all = open_tree(AT_FDCWD, "a", 1 | 0x8000 | O_CLOEXEC);
    CHECK(all >= 0 && faccessat(all, "more/deep", F_OK, 0) == 0);
    CHECK(close(one) == 0 && move_mount(all, "", AT_FDCWD, "b", 4) == 0 && is_there("b/more/deep"));
    close(all);
    CHECK_ERROR(move_mount(AT_FDCWD, "b/inside", AT_FDCWD, "a", 0), EINVAL);
    CHECK(mkdir("c", 0755) == 0 && move_mount(AT_FDCWD, "b", AT_FDCWD, "c", 0) == 0 && is_there("c/more/deep") && !is_there("b/more"));
}

static void try_setattr(void) {
    struct attributes a = {.set = 1};
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c", 0, &a, 16), EINVAL);
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c", 0, &a, 5000), E2BIG);
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c", 1, &a, sizeof(a)), EINVAL);
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c/inside", 0, &a, sizeof(a)), EINVAL);
    CHECK(mount_setattr(AT_FDCWD, "c", 0, &a, sizeof(a)) == 0 && (flags_of("c") & ST_RDONLY) && !(flags_of("c/more") & ST_RDONLY));
    CHECK_ERROR(mkdir("c/new", 0755), EROFS);
    CHECK(mkdir("a/new", 0755) == 0 && mkdir("c/more/new", 0755) == 0);
    CHECK(mount_setattr(AT_FDCWD, "c", 0x8000, &a, sizeof(a)) == 0 && (flags_of("c/more") & ST_RDONLY));
    struct attributes back = {.clear = 1 | 2, .set = 4};
    CHECK(mount_setattr(AT_FDCWD, "c", 0x8000, &back, sizeof(back)) == 0 && flags_of("c") == (ST_NODEV | ST_NOEXEC));
    struct attributes time = {.set = 0x10};
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c", 0, &time, sizeof(time)), EINVAL);
    time.clear = 0x70;
    CHECK(mount_setattr(AT_FDCWD, "c", 0, &time, sizeof(time)) == 0);
    struct attributes shared = {.propagation = MS_SHARED};
    CHECK(mount_setattr(AT_FDCWD, "c", 0, &shared, sizeof(shared)) == 0 && mount("c", "b", 0, MS_BIND, 0) == 0);
    CHECK(mount("t", "c/inside", "tmpfs", 0, 0) == 0 && mkdir("c/inside/x", 0755) == 0 && is_there("b/inside/x"));
    shared.propagation = MS_SHARED | MS_PRIVATE;
    CHECK_ERROR(mount_setattr(AT_FDCWD, "c", 0, &shared, sizeof(shared)), EINVAL);
}

int main(void) {
    if (unshare(CLONE_NEWNS) != 0) return 77;
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    umask(022);
    mkdir("t", 0755);
    CHECK(mount("t", "t", "tmpfs", 0, 0) == 0 && chdir("t") == 0);
    try_fsmount();
    try_pick();
    try_trees();
    try_setattr();
    chdir("..");
    CHECK(umount2("t", MNT_DETACH) == 0 && rmdir("t") == 0);
    CHECK_END();
}
