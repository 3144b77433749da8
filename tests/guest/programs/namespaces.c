// Namespaces of host names, System V objects and mounts: unshare, clone, setns, what /proc/PID/ns says, pivot_root.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static ino_t number(const char* kind, pid_t pid) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}
static const char* host(void) {
    static struct utsname u;
    uname(&u);
    return u.nodename;
}

static void links(void) {
    static const char* const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "user", "uts"};
    for (int i = 0; i < 8; i++) {
        char path[64], text[64] = "", expected[64];
        snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
        readlink(path, text, sizeof(text) - 1);
        snprintf(expected, sizeof(expected), "%.3s", kinds[i]);
        printf("%s: ", kinds[i]);
        CHECK(strncmp(text, expected, 3) == 0 && strchr(text, '[') && number(kinds[i], getpid()) == strtoul(strchr(text, '[') + 1, 0, 10));
    }
    int fd = open("/proc/self/ns/uts", O_RDONLY);
    CHECK(fd >= 0 && setns(fd, CLONE_NEWUTS) == 0);
    CHECK_ERROR(setns(fd, CLONE_NEWIPC), EINVAL);
    CHECK_ERROR(setns(-1, 0), EBADF);
    CHECK_ERROR(setns(0, 0), EINVAL);
    close(fd);
}

static void names(void) {
    char before[65];
    strcpy(before, host());
    int back = open("/proc/self/ns/uts", O_RDONLY);
    pid_t child = fork();
    if (child == 0) {
        ino_t old = number("uts", getpid());
        int good = unshare(CLONE_NEWUTS) == 0 && number("uts", getpid()) != old;
        good = good && sethostname("elsewhere", 9) == 0 && strcmp(host(), "elsewhere") == 0;
        good = good && setns(back, 0) == 0 && strcmp(host(), before) == 0 && number("uts", getpid()) == old;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK(strcmp(host(), before) == 0);
    child = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) _exit(sethostname("there", 5) == 0 && number("uts", getpid()) != number("uts", getppid()) ? 0 : 1);
    CHECK(status_of(child) == 0 && strcmp(host(), before) == 0);
    close(back);
}

static void objects(void) {
    int id = shmget(0x4f727260, 4096, IPC_CREAT | 0600);
    char* mine = shmat(id, 0, 0);
    strcpy(mine, "outside");
    pid_t child = fork();
    if (child == 0) {
        int good = unshare(CLONE_NEWIPC) == 0 && shmget(0x4f727260, 0, 0) == -1 && errno == ENOENT;
        int own = shmget(0x4f727260, 4096, IPC_CREAT | IPC_EXCL | 0600);
        char* at = shmat(own, 0, 0);
        good = good && own >= 0 && at[0] == 0 && strcmp(mine, "outside") == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK(shmget(0x4f727260, 0, 0) == id);
    shmdt(mine);
    CHECK(shmctl(id, IPC_RMID, 0) == 0);
}

static void mounts(void) {
    mkdir("m", 0755);
    int back = open("/proc/self/ns/mnt", O_RDONLY);
    pid_t child = fork();
    if (child == 0) {
        int good = unshare(CLONE_NEWNS) == 0 && mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) == 0;
        good = good && mount("none", "m", "tmpfs", 0, 0) == 0 && mkdir("m/inside", 0755) == 0;
        good = good && access("m/inside", F_OK) == 0;
        pid_t grandchild = fork();
        if (grandchild == 0) _exit(setns(back, CLONE_NEWNS) == 0 && access("/proc/self/ns", F_OK) == 0 ? 0 : 1);
        _exit(good && status_of(grandchild) == 0 ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    CHECK(access("m/inside", F_OK) == -1);
    close(back);

    child = syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
        int good = mount("none", "m", "tmpfs", 0, 0) == 0 && chdir("m") == 0 && chroot(".") == 0;
        mkdir("new", 0755), mkdir("new2", 0755);
        good = good && mount("none", "new", "tmpfs", 0, 0) == 0 && mkdir("new/old", 0755) == 0 && mkdir("new/mark", 0755) == 0;
        good = good && syscall(SYS_pivot_root, "new", "new2") == -1 && (errno == EINVAL || errno == EBUSY);
        good = good && syscall(SYS_pivot_root, "new2", "new2") == -1 && (errno == EINVAL || errno == EBUSY);
        good = good && syscall(SYS_pivot_root, "new", "new/old") == 0;
        good = good && access("/mark", F_OK) == 0 && access("/old/new2", F_OK) == 0;
        good = good && umount2("/old", MNT_DETACH) == 0 && access("/old/new2", F_OK) == -1;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static void refused(void) {
    CHECK_ERROR(unshare(0x10), EINVAL);
    CHECK_ERROR(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
    CHECK(unshare(0) == 0 && unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM) == 0);
    CHECK_ERROR(syscall(SYS_pivot_root, "m", "m"), EBUSY);
    CHECK_ERROR(syscall(SYS_pivot_root, "none", "m"), ENOENT);
    pid_t child = fork();
    if (child == 0) {
        if (setgid(1000) || setuid(1000)) _exit(9);
        int good = unshare(CLONE_NEWUTS) == -1 && errno == EPERM;
        good = good && unshare(CLONE_NEWNS) == -1 && errno == EPERM;
        good = good && syscall(SYS_clone, CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0) == -1 && errno == EPERM;
        good = good && syscall(SYS_pivot_root, "/", "/") == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

int main(void) {
    links();
    names();
    objects();
    mounts();
    refused();
    CHECK_END();
}
