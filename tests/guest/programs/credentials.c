// Users, groups and capabilities of a process: what each call sets, what it leaves, and what it refuses. Each part runs
// in a child, which starts as root.
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static int users(int real, int effective, int saved) {
    unsigned r, e, s;
    return syscall(SYS_getresuid, &r, &e, &s) == 0 && r == real && e == effective && s == saved && getuid() == real &&
           geteuid() == effective;
}
static int groups_are(int real, int effective, int saved) {
    unsigned r, e, s;
    return syscall(SYS_getresgid, &r, &e, &s) == 0 && r == real && e == effective && s == saved && getgid() == real &&
           getegid() == effective;
}

struct caps_header {
    unsigned version;
    int pid;
};
struct caps_data {
    unsigned effective, permitted, inheritable;
};

static void resuid(void) {
    CHECK(users(0, 0, 0) && groups_are(0, 0, 0));
    CHECK(syscall(SYS_setresuid, 100, 200, 300) == 0 && users(100, 200, 300));
    CHECK(syscall(SYS_setfsuid, -1) == 200);  // it followed
    CHECK(syscall(SYS_setresuid, -1, -1, -1) == 0 && users(100, 200, 300));
    CHECK_ERROR(syscall(SYS_setresuid, 101, -1, -1), EPERM);
    CHECK_ERROR(syscall(SYS_setresuid, -1, 0, -1), EPERM);
    CHECK(syscall(SYS_setresuid, 300, 100, 200) == 0 && users(300, 100, 200));
    CHECK_ERROR(syscall(SYS_getresuid, 8, 8, 8), EFAULT);
}
static void resgid(void) {
    CHECK(syscall(SYS_setresgid, 10, 20, 30) == 0 && groups_are(10, 20, 30));
    CHECK(syscall(SYS_setfsgid, -1) == 20);
    setuid(500);
    CHECK(syscall(SYS_setresgid, 30, 10, -1) == 0 && groups_are(30, 10, 30));
    CHECK_ERROR(syscall(SYS_setresgid, 20, -1, -1), EPERM);
    CHECK_ERROR(syscall(SYS_getresgid, 8, 8, 8), EFAULT);
}
static void reuid(void) {
    CHECK(syscall(SYS_setreuid, 100, 200) == 0 && users(100, 200, 200));
    CHECK(syscall(SYS_setreuid, 200, 100) == 0 && users(200, 100, 100));
    CHECK(syscall(SYS_setreuid, -1, -1) == 0 && users(200, 100, 100));
    CHECK_ERROR(syscall(SYS_setreuid, 5, -1), EPERM);
    CHECK_ERROR(syscall(SYS_setreuid, -1, 5), EPERM);
    CHECK(syscall(SYS_setreuid, -1, 200) == 0 && users(200, 200, 100));  // saved only follows what differs from real
}
static void reuid_keeps_saved(void) {
    CHECK(syscall(SYS_setreuid, -1, 100) == 0 && users(0, 100, 100));
    CHECK(syscall(SYS_setreuid, -1, 0) == 0 && users(0, 0, 100));
}
static void regid(void) {
    CHECK(syscall(SYS_setregid, 10, 20) == 0 && groups_are(10, 20, 20));
    setuid(500);
    CHECK(syscall(SYS_setregid, 20, 10) == 0 && groups_are(20, 10, 10));
    CHECK_ERROR(syscall(SYS_setregid, 5, -1), EPERM);
    CHECK_ERROR(syscall(SYS_setregid, -1, 5), EPERM);
}
static void one_id(void) {
    CHECK(syscall(SYS_setgid, 7) == 0 && groups_are(7, 7, 7));
    CHECK(syscall(SYS_setuid, 7) == 0 && users(7, 7, 7));
    CHECK_ERROR(syscall(SYS_setuid, 0), EPERM);
    CHECK_ERROR(syscall(SYS_setgid, 0), EPERM);
    CHECK(syscall(SYS_setuid, 7) == 0);
    CHECK_ERROR(syscall(SYS_setuid, -1), EINVAL);
    CHECK_ERROR(syscall(SYS_setgid, -1), EINVAL);
}
static void user_without_root(void) {  // setuid of an unprivileged process only moves the effective id
    syscall(SYS_setresuid, 100, 200, 300);
    CHECK(syscall(SYS_setuid, 100) == 0 && users(100, 100, 300));
    CHECK(syscall(SYS_setuid, 300) == 0 && users(100, 300, 300));
    CHECK_ERROR(syscall(SYS_setuid, 200), EPERM);
}
static void file_system_ids(void) {
    chmod(".", 0755);
    mkdir("open", 0777), chmod("open", 0777);
    CHECK(syscall(SYS_setfsuid, 77) == 0 && syscall(SYS_setfsuid, -1) == 77);
    CHECK(syscall(SYS_setfsgid, 88) == 0 && syscall(SYS_setfsgid, -1) == 88);
    CHECK_ERROR(mkdir("closed", 0777), EACCES);  // root's power over files is gone for the time
    int fd = open("open/of77", O_CREAT | O_RDWR, 0600);
    struct stat st;
    CHECK(fstat(fd, &st) == 0 && st.st_uid == 77 && st.st_gid == 88);
    close(fd);
    syscall(SYS_setfsuid, 0);
    CHECK(unlink("open/of77") == 0 && rmdir("open") == 0);
    setuid(500);
    CHECK(syscall(SYS_setfsuid, 77) == 500 && syscall(SYS_setfsuid, 77) == 500);  // refused without a word
}
static void supplementary(void) {
    gid_t list[4] = {40, 30, 20, 10};
    CHECK(syscall(SYS_setgroups, 0, 0) == 0 && syscall(SYS_getgroups, 0, 0) == 0);
    CHECK(syscall(SYS_setgroups, 4, list) == 0 && syscall(SYS_getgroups, 0, 0) == 4);
    memset(list, 0, sizeof(list));
    CHECK(syscall(SYS_getgroups, 4, list) == 4 && list[0] == 10 && list[3] == 40);
    CHECK_ERROR(syscall(SYS_getgroups, 3, list), EINVAL);
    CHECK_ERROR(syscall(SYS_getgroups, -1, list), EINVAL);
    CHECK_ERROR(syscall(SYS_getgroups, 4, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_setgroups, 4, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_setgroups, 65537, list), EINVAL);
    CHECK_ERROR(syscall(SYS_setgroups, -1, list), EINVAL);
    int fd = open("of30", O_CREAT | O_RDWR, 0040);
    fchown(fd, 1, 30), close(fd);
    chmod(".", 0755);
    setgid(600), setuid(600);
    CHECK(open("of30", O_RDONLY) >= 0);  // by its group
    CHECK_ERROR(open("of30", O_WRONLY), EACCES);
    CHECK_ERROR(syscall(SYS_setgroups, 0, 0), EPERM);
}
static void capabilities(void) {
    struct caps_header header = {0x20080522, 0};
    struct caps_data data[2];
    CHECK(syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1) && data[0].effective == data[0].permitted);
    CHECK(data[0].inheritable == 0 && data[1].inheritable == 0);
    unsigned all = data[0].permitted;
    data[0].effective &= ~1u;  // CAP_CHOWN
    CHECK(syscall(SYS_capset, &header, data) == 0);
    int fd = open("c", O_CREAT | O_RDWR, 0600);
    CHECK_ERROR(fchown(fd, 5, 5), EPERM);
    data[0].effective = all;
    CHECK(syscall(SYS_capset, &header, data) == 0 && fchown(fd, 5, 5) == 0);
    close(fd), unlink("c");
    data[0].permitted &= ~1u, data[0].effective &= ~1u;
    CHECK(syscall(SYS_capset, &header, data) == 0);
    data[0].permitted |= 1;
    CHECK_ERROR(syscall(SYS_capset, &header, data), EPERM);
    data[0].permitted &= ~1u, data[0].effective |= 1;
    CHECK_ERROR(syscall(SYS_capset, &header, data), EPERM);  // effective beyond permitted
    header.version = 1;
    CHECK_ERROR(syscall(SYS_capget, &header, data), EINVAL);
    CHECK(header.version == 0x20080522);
    header.version = 1;
    CHECK(syscall(SYS_capget, &header, 0) == 0 && header.version == 0x20080522);
    CHECK_ERROR(syscall(SYS_capset, &header, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_capget, 8, data), EFAULT);
    header.pid = -1;
    CHECK_ERROR(syscall(SYS_capget, &header, data), EINVAL);
    header.pid = 99999;
    CHECK_ERROR(syscall(SYS_capget, &header, data), ESRCH);
    header.pid = 1;
    CHECK_ERROR(syscall(SYS_capset, &header, data), EPERM);
    header.pid = 0;
    setuid(500);
    CHECK(syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 && data[0].permitted == 0);
}
static void kept_capabilities(void) {
    struct caps_header header = {0x20080522, 0};
    struct caps_data data[2];
    CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0 && prctl(PR_GET_KEEPCAPS) == 1);
    setuid(500);
    CHECK(syscall(SYS_capget, &header, data) == 0 && data[0].effective == 0 && (data[0].permitted & 1));
    data[0].effective = 1;
    CHECK(syscall(SYS_capset, &header, data) == 0 && syscall(SYS_capget, &header, data) == 0 && data[0].effective == 1);
}
static void kinds_of_program(void) {
    CHECK(syscall(SYS_personality, 0xffffffff) == 0);
    CHECK(syscall(SYS_personality, ADDR_NO_RANDOMIZE) == 0 && syscall(SYS_personality, 0xffffffff) == ADDR_NO_RANDOMIZE);
    CHECK(syscall(SYS_personality, 0) == ADDR_NO_RANDOMIZE);
}

int main(void) {
    void (*parts[])(void) = {resuid, resgid, reuid, reuid_keeps_saved, regid, one_id, user_without_root, file_system_ids,
                             supplementary, capabilities, kept_capabilities, kinds_of_program};
    for (int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (fork() == 0) {
            check_failures = 0;
            parts[i]();
            exit(check_failures);
        }
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK_END();
}
