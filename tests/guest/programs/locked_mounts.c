// Mounts in a user namespace of one's own (mount_namespaces(7), "Restrictions on mount namespaces"): what came from outside stays
// as it is: its restrictions, what it covers, and the file system behind it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { SYS_open_tree_ = 428, SYS_fsconfig_ = 431, SYS_fspick_ = 433, SYS_mount_setattr_ = 442 };
struct attributes {
    uint64_t set, clear, propagation, user_namespace;
};

static int put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    int done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done ? 0 : -1;
}
static int setattr(const char *path, unsigned flags, uint64_t set, uint64_t clear) {
    struct attributes a = {set, clear, 0, 0};
    return syscall(SYS_mount_setattr_, AT_FDCWD, path, flags, &a, sizeof(a));
}
static int remount(const char *path, unsigned long flags) { return mount(0, path, 0, MS_REMOUNT | flags, 0); }

static void flags(void) {
    CHECK_ERROR(remount("d", MS_BIND), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NODEV), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_NOEXEC | MS_NOSUID | MS_NODEV), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV | MS_NOATIME), EPERM);
    CHECK_ERROR(remount("d", MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV | MS_STRICTATIME), EPERM);
    CHECK(remount("d", MS_BIND | MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV) == 0);
    for (uint64_t bit = 1; bit <= 8; bit *= 2) CHECK_ERROR(setattr("d", 0, 0, bit), EPERM);
    CHECK_ERROR(setattr("d", 0, 0x10, 0x70), EPERM);
    CHECK(setattr("plain", 0, 1, 0) == 0 && setattr("plain", 0, 0, 1) == 0);  // what was not there is ours
    CHECK_ERROR(open("d/file", O_CREAT | O_WRONLY, 0600), EROFS);
}

static void instances(void) {
    CHECK_ERROR(remount("plain", 0), EPERM);
    CHECK_ERROR(remount("plain", MS_RDONLY), EPERM);
    CHECK_ERROR(remount("d", MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV), EPERM);
    int fs = syscall(SYS_fspick_, AT_FDCWD, "plain", 0);
    CHECK(fs >= 0 && syscall(SYS_fsconfig_, fs, 0, "ro", 0, 0) == 0);
    CHECK_ERROR(syscall(SYS_fsconfig_, fs, 7, 0, 0, 0), EPERM);
    close(fs);
    CHECK(open("plain/file", O_CREAT | O_WRONLY, 0600) >= 0);
}

static void copies(void) {
    CHECK(mount("d", "there", 0, MS_BIND, 0) == 0);
    CHECK_ERROR(remount("there", MS_BIND), EPERM);
    CHECK(umount("there") == 0);
    // What is covered is not to be seen.
    CHECK_ERROR(mount("over", "there", 0, MS_BIND, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_open_tree_, AT_FDCWD, "over", 1), EINVAL);
    CHECK(mount("over/beside", "there", 0, MS_BIND, 0) == 0 && umount("there") == 0);
    CHECK(mount("over", "there", 0, MS_BIND | MS_REC, 0) == 0);
    CHECK(access("there/cover/secret", F_OK) == -1);
    CHECK_ERROR(umount2("there/cover", MNT_DETACH), EINVAL);
    CHECK_ERROR(mount("there/cover", "plain", 0, MS_MOVE, 0), EINVAL);
    CHECK_ERROR(mount("there", "plain", 0, MS_BIND, 0), EINVAL);
    CHECK(umount2("there", MNT_DETACH) == 0);
    CHECK_ERROR(umount("over/cover"), EINVAL);
    CHECK_ERROR(syscall(SYS_pivot_root, "over", "over/beside"), EINVAL);
}

// A mount of one's own is one's own.
static void own(void) {
    CHECK(mount("none", "there", "tmpfs", MS_NOSUID | MS_NOATIME, "size=64k") == 0);
    CHECK(remount("there", MS_BIND) == 0 && remount("there", MS_RDONLY) == 0);
    CHECK_ERROR(mkdir("there/x", 0700), EROFS);
    CHECK(mount(0, "there", 0, MS_REMOUNT, "size=128k") == 0 && mkdir("there/x", 0700) == 0);
    CHECK(umount("there") == 0);
}

// A second mount namespace of the same owner locks nothing more, and nothing less; what propagates to another owner is locked.
static void again(void) {
    CHECK(mount("none", "there", "tmpfs", MS_NOSUID, 0) == 0);
    CHECK(unshare(CLONE_NEWNS) == 0);
    CHECK(remount("there", MS_BIND) == 0 && umount("there") == 0);
    CHECK_ERROR(umount("over/cover"), EINVAL);
    CHECK_ERROR(remount("d", MS_BIND), EPERM);
}
static void received(int made, int ready) {
    char c;
    write(ready, "x", 1);
    read(made, &c, 1);
    CHECK_ERROR(remount("shared/m", MS_BIND), EPERM);
    CHECK(remount("shared/m", MS_BIND | MS_NODEV) == 0 && umount("shared/m") == 0);
}

int main(void) {
    int made[2], ready[2];
    pipe(made), pipe(ready);
    CHECK(unshare(CLONE_NEWNS) == 0 && mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) == 0);
    mkdir("base", 0755);
    CHECK(mount("none", "base", "tmpfs", 0, "mode=755") == 0 && chdir("base") == 0);
    mkdir("d", 0755), mkdir("plain", 0755), mkdir("over", 0755), mkdir("there", 0755), mkdir("shared", 0755);
    CHECK(mount("none", "d", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 0) == 0);
    CHECK(mount("none", "plain", "tmpfs", 0, "mode=777") == 0);
    CHECK(mount("none", "over", "tmpfs", 0, 0) == 0 && mkdir("over/cover", 0755) == 0 && mkdir("over/beside", 0755) == 0);
    CHECK(mkdir("over/cover/secret", 0755) == 0 && mount("none", "over/cover", "tmpfs", 0, 0) == 0);
    CHECK(mount("none", "shared", "tmpfs", 0, 0) == 0 && mount(0, "shared", 0, MS_SHARED, 0) == 0 && mkdir("shared/m", 0755) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
        CHECK(put("/proc/self/setgroups", "deny") == 0 && put("/proc/self/uid_map", "0 0 1") == 0 && put("/proc/self/gid_map", "0 0 1") == 0);
        flags();
        instances();
        copies();
        own();
        received(made[0], ready[1]);
        again();
        CHECK_END();
    }
    char c;
    read(ready[0], &c, 1);
    mount("none", "shared/m", "tmpfs", MS_NODEV, 0);
    write(made[1], "x", 1);
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_END();
}
