// Extended attributes and ACLs on a tmpfs of one's own: the namespaces, sizes, flags, who may, and what a list of
// accesses decides, inherits and does to the mode.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct entry {
    uint16_t tag, perm;
    uint32_t id;
};
struct acl {
    uint32_t version;
    struct entry e[8];
};
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
#define SIZE(n) (4 + 8 * (n))

static mode_t mode_of(const char* path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

// Runs `test` as another user, without capabilities; its result.
static int as_user(uid_t uid, gid_t gid, int (*test)(void)) {
    pid_t child = fork();
    if (child == 0) {
        if (setgid(gid) || setuid(uid)) _exit(99);
        _exit(test());
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
static int try_read(void) { return open("f", O_RDONLY) >= 0 ? 0 : errno; }
static int try_write(void) { return open("f", O_WRONLY) >= 0 ? 0 : errno; }
static int try_trusted_get(void) { return getxattr("f", "trusted.a", 0, 0) >= 0 ? 0 : errno; }
static int try_trusted_set(void) { return setxattr("f", "trusted.a", "1", 1, 0) == 0 ? 0 : errno; }
static int try_security_set(void) { return setxattr("f", "security.x", "1", 1, 0) == 0 ? 0 : errno; }
static int try_caps_set(void) {
    unsigned caps[5] = {0x02000000};
    return setxattr("f", "security.capability", caps, 20, 0) == 0 ? 0 : errno;
}
static int try_acl_set(void) {
    struct acl a = {2, {{USER_OBJ, 6, -1}, {GROUP_OBJ, 4, -1}, {OTHER, 4, -1}}};
    return setxattr("f", ACCESS, &a, SIZE(3), 0) == 0 ? 0 : errno;
}
static int count_names(void) {
    char names[256];
    return (int)listxattr("f", names, sizeof(names));
}

static void namespaces(void) {
    char b[16];
    CHECK(setxattr("f", "trusted.a", "one", 3, 0) == 0);
    CHECK(getxattr("f", "trusted.a", b, sizeof(b)) == 3 && memcmp(b, "one", 3) == 0);
    CHECK(getxattr("f", "trusted.a", 0, 0) == 3);
    CHECK_ERROR(getxattr("f", "trusted.a", b, 2), ERANGE);
    CHECK_ERROR(getxattr("f", "trusted.none", b, 2), ENODATA);
    CHECK_ERROR(setxattr("f", "trusted.a", "x", 1, XATTR_CREATE), EEXIST);
    CHECK_ERROR(setxattr("f", "trusted.b", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK(setxattr("f", "trusted.a", "", 0, XATTR_REPLACE) == 0);
    CHECK(getxattr("f", "trusted.a", b, sizeof(b)) == 0);
    CHECK_ERROR(setxattr("f", "trusted.a", "x", 1, 4), EINVAL);
    CHECK_ERROR(setxattr("f", "trusted.", "x", 1, 0), EINVAL);
    CHECK_ERROR(setxattr("f", "", "x", 1, 0), ERANGE);
    CHECK_ERROR(setxattr("f", "nonsense", "x", 1, 0), EOPNOTSUPP);
    CHECK_ERROR(getxattr("f", "other.x", b, 1), EOPNOTSUPP);
    CHECK_ERROR(setxattr("f", "trusted.a", b, 65537, 0), E2BIG);
    CHECK_ERROR(setxattr("f", "trusted.a", (void*)8, 5, 0), EFAULT);
    CHECK_ERROR(setxattr("f", (char*)8, "x", 1, 0), EFAULT);
    CHECK_ERROR(setxattr("none", "trusted.a", "x", 1, 0), ENOENT);
    CHECK_ERROR(fsetxattr(-1, "trusted.a", "x", 1, 0), EBADF);
    CHECK_ERROR(fgetxattr(-1, "trusted.a", b, 1), EBADF);
    CHECK_ERROR(flistxattr(-1, b, 1), EBADF);
    CHECK_ERROR(fremovexattr(-1, "trusted.a"), EBADF);
    char name[300];
    memset(name, 'n', sizeof(name));
    memcpy(name, "trusted.", 8);
    name[255] = 0;
    CHECK(setxattr("f", name, "x", 1, 0) == 0);
    CHECK(removexattr("f", name) == 0);
    name[255] = 'n', name[256] = 0;
    CHECK_ERROR(setxattr("f", name, "x", 1, 0), ERANGE);
    CHECK_ERROR(removexattr("f", "trusted.none"), ENODATA);
    CHECK(setxattr("f", "security.x", "sec", 3, 0) == 0);
    CHECK(listxattr("f", 0, 0) == 21);
    CHECK_ERROR(listxattr("f", b, 3), ERANGE);
    CHECK(as_user(1000, 1000, count_names) == 11);
    CHECK(as_user(1000, 1000, try_trusted_get) == ENODATA);
    CHECK(as_user(1000, 1000, try_trusted_set) == EPERM);
    CHECK(as_user(1000, 1000, try_security_set) == EPERM);
    CHECK(as_user(1000, 1000, try_caps_set) == EPERM);
    CHECK(removexattr("f", "security.x") == 0);
}

static void links_and_descriptors(void) {
    char b[8];
    symlink("f", "l");
    CHECK(lsetxattr("l", "trusted.l", "link", 4, 0) == 0);
    CHECK(lgetxattr("l", "trusted.l", b, 8) == 4);
    CHECK_ERROR(getxattr("l", "trusted.l", b, 8), ENODATA);
    CHECK(llistxattr("l", 0, 0) == 10);
    CHECK(lremovexattr("l", "trusted.l") == 0);
    CHECK_ERROR(lsetxattr("l", "user.l", "x", 1, 0), EPERM);
    CHECK_ERROR(lgetxattr("l", "user.l", b, 1), ENODATA);
    CHECK_ERROR(lgetxattr("l", ACCESS, b, 8), EOPNOTSUPP);
    int fd = open("f", O_RDONLY);
    CHECK(fsetxattr(fd, "trusted.fd", "fd", 2, 0) == 0);
    CHECK(fgetxattr(fd, "trusted.fd", b, 8) == 2);
    CHECK(flistxattr(fd, 0, 0) == 21);
    CHECK(fremovexattr(fd, "trusted.fd") == 0);
    close(fd);
    fd = open("f", O_PATH);
    CHECK_ERROR(fgetxattr(fd, "trusted.a", b, 8), EBADF);
    close(fd);
    CHECK_ERROR(setxattr("/proc/self/status", "trusted.a", "x", 1, 0), EOPNOTSUPP);
    CHECK(listxattr("/proc/self/status", b, 8) == 0);
}

static void file_capabilities(void) {
    unsigned caps[6] = {0x02000000, 1, 0, 0, 0, 0};
    CHECK_ERROR(setxattr("f", "security.capability", caps, 19, 0), EINVAL);
    CHECK_ERROR(setxattr("f", "security.capability", caps, 24, 0), EINVAL);
    CHECK(setxattr("f", "security.capability", caps, 20, 0) == 0);
    int fd = open("f", O_WRONLY);
    CHECK(write(fd, "x", 1) == 1);
    close(fd);
    CHECK_ERROR(getxattr("f", "security.capability", 0, 0), ENODATA);
    CHECK(setxattr("f", "security.capability", caps, 20, 0) == 0);
    CHECK(chown("f", 0, 0) == 0);
    CHECK_ERROR(getxattr("f", "security.capability", 0, 0), ENODATA);
}

static void lists(void) {
    struct acl a = {2, {{USER_OBJ, 6, -1}, {USER, 6, 1000}, {GROUP_OBJ, 0, -1}, {GROUP, 4, 2000}, {MASK, 4, -1}, {OTHER, 0, -1}}};
    char b[128];
    CHECK_ERROR(getxattr("f", ACCESS, b, sizeof(b)), ENODATA);
    CHECK(setxattr("f", ACCESS, &a, SIZE(6), 0) == 0);
    CHECK(mode_of("f") == 0640);
    CHECK(getxattr("f", ACCESS, b, sizeof(b)) == SIZE(6) && memcmp(b, &a, SIZE(6)) == 0);
    CHECK(as_user(1000, 1000, try_read) == 0);
    CHECK(as_user(1000, 1000, try_write) == EACCES);
    CHECK(as_user(1001, 2000, try_read) == 0);
    CHECK(as_user(1001, 1001, try_read) == EACCES);
    CHECK(as_user(1001, 0, try_read) == EACCES);
    CHECK(chmod("f", 0666) == 0);
    CHECK(as_user(1000, 1000, try_write) == 0);
    CHECK(as_user(1001, 2000, try_write) == EACCES);
    CHECK(as_user(1001, 0, try_read) == EACCES);
    CHECK(as_user(1001, 1001, try_read) == 0);
    CHECK(as_user(1000, 1000, try_acl_set) == EPERM);
    CHECK(getxattr("f", ACCESS, b, sizeof(b)) == SIZE(6) && ((struct acl*)b)->e[4].perm == 6);

    struct acl bad = {2, {{USER_OBJ, 6, -1}, {USER, 6, 1000}, {GROUP_OBJ, 0, -1}, {OTHER, 0, -1}}};
    CHECK_ERROR(setxattr("f", ACCESS, &bad, SIZE(4), 0), EINVAL);
    bad.version = 1;
    CHECK_ERROR(setxattr("f", ACCESS, &bad, SIZE(4), 0), EOPNOTSUPP);
    CHECK_ERROR(setxattr("f", ACCESS, &a, SIZE(6) - 3, 0), EINVAL);
    CHECK_ERROR(setxattr("f", ACCESS, &a, 2, 0), EINVAL);
    CHECK_ERROR(setxattr("f", DEFAULT, &a, SIZE(6), 0), EACCES);

    struct acl plain = {2, {{USER_OBJ, 6, -1}, {GROUP_OBJ, 4, -1}, {OTHER, 4, -1}}};
    CHECK(setxattr("f", ACCESS, &plain, SIZE(3), 0) == 0);
    CHECK(mode_of("f") == 0644);
    CHECK_ERROR(getxattr("f", ACCESS, b, sizeof(b)), ENODATA);
    CHECK(setxattr("f", ACCESS, &a, SIZE(6), 0) == 0);
    CHECK(removexattr("f", ACCESS) == 0);
    CHECK(removexattr("f", ACCESS) == 0);
    CHECK(mode_of("f") == 0640);
}

static void inherited(void) {
    struct acl a = {2, {{USER_OBJ, 7, -1}, {USER, 7, 1000}, {GROUP_OBJ, 5, -1}, {MASK, 7, -1}, {OTHER, 5, -1}}};
    struct acl b;
    umask(077);
    mkdir("d", 0777);
    CHECK(setxattr("d", DEFAULT, &a, SIZE(5), 0) == 0);
    CHECK(mode_of("d") == 0700);
    close(open("d/f", O_CREAT | O_WRONLY, 0666));
    CHECK(mode_of("d/f") == 0664);
    CHECK(getxattr("d/f", ACCESS, &b, sizeof(b)) == SIZE(5) && b.e[3].perm == 6 && b.e[0].perm == 6);
    CHECK_ERROR(getxattr("d/f", DEFAULT, &b, sizeof(b)), ENODATA);
    CHECK(mkdir("d/sub", 0755) == 0);
    CHECK(mode_of("d/sub") == 0755);
    CHECK(getxattr("d/sub", DEFAULT, &b, sizeof(b)) == SIZE(5));
    CHECK(getxattr("d/sub", ACCESS, &b, sizeof(b)) == SIZE(5) && b.e[3].perm == 5);
    CHECK(mkfifo("d/fifo", 0666) == 0 && mode_of("d/fifo") == 0664);
    CHECK(removexattr("d", DEFAULT) == 0);
    close(open("d/g", O_CREAT | O_WRONLY, 0666));
    CHECK(mode_of("d/g") == 0600);
    umask(022);
}

int main(void) {
    mkdir("m", 0755);
    if (mount("none", "m", "tmpfs", 0, "mode=755")) return 2;
    if (chdir("m")) return 2;
    close(open("f", O_CREAT | O_WRONLY, 0644));
    namespaces();
    links_and_descriptors();
    removexattr("f", "trusted.a");
    file_capabilities();
    lists();
    inherited();
    chdir("..");
    CHECK(umount("m") == 0);
    CHECK_END();
}
