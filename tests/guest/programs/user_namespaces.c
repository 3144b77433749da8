// User namespaces: maps and who may write them, ids as seen from inside and outside, rights over what a namespace owns.
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define NS_GET_USERNS 0xb701
#define NS_GET_PARENT 0xb702
#define NS_GET_NSTYPE 0xb703
#define NS_GET_OWNER_UID 0xb704

static int status_of(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static pid_t clone_into(unsigned long flags) { return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0); }
// Without musl's broadcast to all threads, which a raw clone confuses.
static int become(uid_t uid, gid_t gid) {
    return syscall(SYS_setgroups, 0, 0) || syscall(SYS_setresgid, gid, gid, gid) || syscall(SYS_setresuid, uid, uid, uid);
}
static int put(const char* path, const char* text) {
    int fd = open(path, O_WRONLY);
    if (fd < 0) return errno;
    int error = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : errno;
    close(fd);
    return error;
}
static int put_of(pid_t pid, const char* file, const char* text) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    return put(path, text);
}
static const char* get(const char* path) {
    static char text[256];
    memset(text, 0, sizeof(text));
    int fd = open(path, O_RDONLY);
    if (fd < 0) return "none";
    read(fd, text, sizeof(text) - 1);
    close(fd);
    return text;
}
static unsigned long caps(const char* which) {
    static char line[256];
    unsigned long value = 0;
    FILE* f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, which, strlen(which)) == 0) value = strtoul(line + strlen(which) + 1, 0, 16);
    }
    if (f) fclose(f);
    return value;
}
static ino_t number(const char* kind) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}
static int as_user(int (*body)(void)) {
    pid_t child = fork();
    if (child == 0) _exit(become(1000, 1000) || prctl(PR_SET_DUMPABLE, 1) ? 99 : body());
    return status_of(child);
}
#define TRY_(n, condition) do { if (!(condition)) return n; } while (0)

static int unmapped(void) {
    TRY_(1, unshare(CLONE_NEWUSER) == 0);
    TRY_(2, getuid() == 65534 && getgid() == 65534 && geteuid() == 65534);
    TRY_(3, caps("CapEff") != 0 && caps("CapEff") == caps("CapPrm") && caps("CapInh") == 0);
    TRY_(4, *get("/proc/self/uid_map") == 0);
    TRY_(5, syscall(SYS_setuid, 0) == -1 && errno == EINVAL);
    TRY_(6, syscall(SYS_setuid, 1000) == -1 && errno == EINVAL);
    TRY_(7, syscall(SYS_setgroups, 0, 0) == -1 && errno == EPERM);
    struct stat st;
    TRY_(8, stat("/", &st) == 0 && st.st_uid == 65534 && st.st_gid == 65534);
    TRY_(9, unshare(CLONE_NEWUSER) == -1 && errno == EPERM);  // nothing to map there
    return 0;
}

static int own_map(void) {
    TRY_(1, unshare(CLONE_NEWUSER) == 0);
    TRY_(2, put("/proc/self/uid_map", "0 0 1") == EPERM);
    TRY_(3, put("/proc/self/uid_map", "0 1000 2") == EPERM);
    TRY_(4, put("/proc/self/uid_map", "0 1000") == EINVAL && put("/proc/self/uid_map", "x") == EINVAL);
    TRY_(5, put("/proc/self/uid_map", "0 1000 0") == EINVAL && put("/proc/self/uid_map", "-1 1000 1") == EINVAL);
    TRY_(6, put("/proc/self/uid_map", "0 1000 1\n0 1001 1\n") == EINVAL);
    TRY_(7, put("/proc/self/uid_map", "0 1000 1 \n") == 0);
    TRY_(8, put("/proc/self/uid_map", "0 1000 1\n") == EPERM);
    TRY_(9, getuid() == 0 && geteuid() == 0 && getgid() == 65534);
    TRY_(10, strcmp(get("/proc/self/uid_map"), "         0       1000          1\n") == 0);
    TRY_(11, strcmp(get("/proc/self/setgroups"), "allow\n") == 0);
    TRY_(12, put("/proc/self/gid_map", "0 1000 1\n") == EPERM);
    TRY_(13, put("/proc/self/setgroups", "never") == EINVAL && put("/proc/self/setgroups", "deny") == 0);
    TRY_(14, put("/proc/self/setgroups", "allow") == EPERM);
    TRY_(15, put("/proc/self/gid_map", "0 1000 1\n") == 0 && getgid() == 0);
    TRY_(16, put("/proc/self/setgroups", "deny") == 0 || 1);
    TRY_(17, syscall(SYS_setgroups, 0, 0) == -1 && errno == EPERM);
    TRY_(18, syscall(SYS_setuid, 1) == -1 && errno == EINVAL);
    TRY_(19, syscall(SYS_setresuid, 0, 0, 0) == 0);
    struct stat st;
    TRY_(20, stat("/", &st) == 0 && st.st_uid == 65534);
    int fd = open("made", O_CREAT | O_RDWR, 0600);
    TRY_(21, fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == 0 && st.st_gid == 0);
    TRY_(22, fchown(fd, 0, 0) == 0 && fchown(fd, 1, -1) == -1 && errno == EINVAL);
    TRY_(23, chown("/", 0, 0) == -1 && errno == EPERM);
    TRY_(24, chmod("/", 0700) == -1 && errno == EPERM);
    TRY_(25, mknod("null", S_IFCHR | 0600, 0x103) == -1 && errno == EPERM);
    TRY_(26, kill(1, 0) == -1 && errno == EPERM);
    return 0;
}

static int owned(void) {
    TRY_(1, unshare(CLONE_NEWUTS) == -1 && errno == EPERM);
    TRY_(2, sethostname("x", 1) == -1 && errno == EPERM);
    TRY_(3, unshare(CLONE_NEWUSER) == 0 && put("/proc/self/uid_map", "0 1000 1") == 0);
    TRY_(4, sethostname("x", 1) == -1 && errno == EPERM);  // that one is not ours
    TRY_(5, unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS) == 0);
    TRY_(6, sethostname("inside", 6) == 0);
    TRY_(7, mount("none", "d", "tmpfs", 0, 0) == 0);
    TRY_(14, mkdir("d/sub", 0755) == -1 && errno == EOVERFLOW);  // our group has no name in its namespace
    TRY_(15, put("/proc/self/setgroups", "deny") == 0 && put("/proc/self/gid_map", "0 1000 1") == 0);
    TRY_(16, mkdir("d/sub", 0755) == 0);
    struct stat st;
    TRY_(8, stat("d", &st) == 0 && st.st_uid == 0);
    TRY_(9, mknod("d/null", S_IFCHR | 0600, 0x103) == -1 && errno == EPERM);
    TRY_(10, mount("/dev/none", "d", "ext4", 0, 0) == -1);
    TRY_(11, umount("d") == 0 && umount2("/proc", MNT_DETACH) == -1 && errno == EINVAL);
    TRY_(12, chroot("d") == 0);
    TRY_(13, clone_into(CLONE_NEWUSER) == -1 && errno == EPERM);  // from a chroot
    return 0;
}

static int at_once(void) {
    int p[2];
    pipe(p);
    pid_t child = clone_into(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS);
    if (child == 0) {
        char c;
        close(p[1]);
        read(p[0], &c, 1);
        if (getpid() != 1 || getuid() != 0) _exit(1);
        if (sethostname("there", 5)) _exit(2);
        mount("proc", "d", "proc", 0, 0);
        if (strcmp(get("d/self/uid_map"), "         0       1000          1\n")) _exit(3);
        pid_t two = fork();
        if (two == 0) _exit(getpid() == 2 ? 0 : 1);
        _exit(status_of(two));
    }
    TRY_(1, child > 0);
    TRY_(2, put_of(child, "uid_map", "0 1000 1") == 0);
    close(p[1]);
    TRY_(3, status_of(child) == 0);
    TRY_(4, clone_into(CLONE_NEWUSER | CLONE_FS) == -1 && errno == EINVAL);
    TRY_(5, syscall(SYS_clone, CLONE_NEWUSER | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0) == -1 && errno == EINVAL);
    return 0;
}

// Root outside maps many.
static void many(void) {
    int p[2], q[2];
    pipe(p), pipe(q);
    pid_t child = clone_into(CLONE_NEWUSER);
    if (child == 0) {
        char c;
        read(p[0], &c, 1);
        if (getuid() != 100) _exit(1);  // our kernel id 0 is mapped to 100
        if (syscall(SYS_setresuid, 5, 6, 7)) _exit(2);
        uid_t r, e, s;
        syscall(SYS_getresuid, &r, &e, &s);
        if (r != 5 || e != 6 || s != 7) _exit(3);
        if (syscall(SYS_setuid, 60) != -1 || errno != EINVAL) _exit(4);
        gid_t groups[2] = {3, 1}, back[2] = {0};
        (void)groups, (void)back;
        write(q[1], "x", 1);
        read(p[0], &c, 1);
        _exit(0);
    }
    CHECK(put_of(child, "uid_map", "0 20000 50\n100 0 1\n") == 0);
    CHECK(put_of(child, "gid_map", "0 30000 50\n") == 0);
    write(p[1], "x", 1);
    char c, path[64], line[128];
    CHECK(read(q[0], &c, 1) == 1);
    snprintf(path, sizeof(path), "/proc/%d/status", child);
    FILE* f = fopen(path, "r");
    int found = 0;
    while (f && fgets(line, sizeof(line), f)) found |= strcmp(line, "Uid:\t20005\t20006\t20007\t20006\n") == 0;
    if (f) fclose(f);
    CHECK(found);
    snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
    CHECK(strcmp(get(path), "         0      20000         50\n       100          0          1\n") == 0);
    write(p[1], "x", 1);
    CHECK(status_of(child) == 0);
    CHECK(put("/proc/self/uid_map", "0 0 1") == EPERM);
    CHECK(strcmp(get("/proc/self/uid_map"), "         0          0 4294967295\n") == 0);
    close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

// A namespace inside: what the maps say from each.
static int nested(void) {
    TRY_(1, unshare(CLONE_NEWUSER) == 0 && put("/proc/self/uid_map", "0 1000 1") == 0);
    TRY_(3, put("/proc/self/setgroups", "deny") == 0 && put("/proc/self/gid_map", "0 1000 1") == 0);
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER) != 0 || put("/proc/self/uid_map", "7 0 1") != 0) _exit(1);
        if (getuid() != 7 || strcmp(get("/proc/self/uid_map"), "         7          0          1\n")) _exit(2);
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/uid_map", getppid());
        int outer = strcmp(get(path), "         0          7          1\n") == 0;
        struct stat st;
        if (stat("made", &st) == 0 && st.st_uid != 7) _exit(3);
        _exit(outer ? 0 : 4);
    }
    TRY_(2, status_of(child) == 0);
    return 0;
}

static void entering(void) {
    int p[2], q[2];
    pipe(p), pipe(q);
    pid_t child = fork();
    if (child == 0) {
        if (become(1000, 1000) || prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWUTS)) _exit(1);
        if (put("/proc/self/uid_map", "0 1000 1")) _exit(2);
        char c;
        write(p[1], "x", 1);
        read(q[0], &c, 1);
        _exit(0);
    }
    char c, path[64];
    CHECK(read(p[0], &c, 1) == 1);
    snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
    int user = open(path, O_RDONLY);
    snprintf(path, sizeof(path), "/proc/%d/ns/uts", child);
    int uts = open(path, O_RDONLY);
    uid_t owner = 0;
    CHECK(ioctl(user, NS_GET_NSTYPE) == CLONE_NEWUSER && ioctl(user, NS_GET_OWNER_UID, &owner) == 0 && owner == 1000);
    CHECK_ERROR(ioctl(uts, NS_GET_OWNER_UID, &owner), EINVAL);
    CHECK_ERROR(ioctl(uts, NS_GET_PARENT), EINVAL);
    struct stat a, b;
    int of = ioctl(uts, NS_GET_USERNS);
    CHECK(of >= 0 && fstat(of, &a) == 0 && fstat(user, &b) == 0 && a.st_ino == b.st_ino);
    int parent = ioctl(user, NS_GET_PARENT);
    CHECK(parent >= 0 && fstat(parent, &a) == 0 && a.st_ino == number("user"));
    CHECK_ERROR(ioctl(parent, NS_GET_PARENT), EPERM);
    CHECK_ERROR(setns(parent, CLONE_NEWUSER), EINVAL);  // we are there
    pid_t entered = fork();
    if (entered == 0) {
        if (setns(user, CLONE_NEWUSER) != 0) _exit(1);
        if (getuid() != 65534 || caps("CapEff") == 0) _exit(2);  // our kernel id 0 has no name there
        if (setns(uts, 0) != 0 || sethostname("entered", 7) != 0) _exit(3);
        if (setns(parent, 0) != -1 || errno != EPERM) _exit(4);
        if (syscall(SYS_setuid, 0) != 0 || getuid() != 0) _exit(5);
        _exit(0);
    }
    CHECK(status_of(entered) == 0);
    entered = fork();
    if (entered == 0) {
        int pidfd = syscall(434, child, 0);
        if (setns(pidfd, CLONE_NEWUSER | CLONE_NEWUTS) != 0) _exit(1);
        _exit(sethostname("again", 5));
    }
    CHECK(status_of(entered) == 0);
    entered = fork();  // a stranger may not
    if (entered == 0) _exit(become(1001, 1001) || setns(user, 0) != -1 || errno != EPERM);
    CHECK(status_of(entered) == 0);
    entered = fork();  // its maker may: it owns the namespace
    if (entered == 0) _exit(become(1000, 1000) || setns(user, 0) != 0 || getuid() != 0);
    CHECK(status_of(entered) == 0);
    write(q[1], "x", 1);
    CHECK(status_of(child) == 0);
    close(user), close(uts), close(of), close(parent), close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

// A program that is set-user-ID for an owner without a name inside gains nothing.
static int executes(void) {
    TRY_(1, unshare(CLONE_NEWUSER) == 0 && put("/proc/self/uid_map", "0 1000 1") == 0);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "user_namespaces", "inside", (char*)0);
        _exit(9);
    }
    return status_of(child);
}

static int dive(int level) {
    char map[32];
    if (unshare(CLONE_NEWUSER) != 0) return errno == ENOSPC ? level : 200;
    snprintf(map, sizeof(map), "0 %d 1", level ? 0 : 1000);
    if (put("/proc/self/uid_map", map)) return 201;
    put("/proc/self/setgroups", "deny");
    if (put("/proc/self/gid_map", map)) return 202;
    return dive(level + 1);
}
static int dive_from_here(void) { return dive(0); }

static void names(void) {
    static const char* const limits[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
    int all = 1;
    for (int i = 0; i < 8; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", limits[i]);
        all = all && atoi(get(path)) > 0;
    }
    CHECK(all);
}

static int limited(void) {
    TRY_(1, unshare(CLONE_NEWUSER) == 0 && put("/proc/self/uid_map", "0 1000 1") == 0);
    TRY_(2, put("/proc/sys/user/max_uts_namespaces", "2\n") == 0 || 1);
    return 0;
}

int main(int argc, char** argv) {
    if (argc > 1) return getuid() == 0 && geteuid() == 0 && caps("CapEff") != 0 ? 0 : 1;
    mkdir("d", 0755), chmod(".", 0777), chmod("d", 0777);
    CHECK(as_user(unmapped) == 0);
    CHECK(as_user(own_map) == 0);
    CHECK(as_user(owned) == 0);
    CHECK(as_user(at_once) == 0);
    many();
    CHECK(as_user(nested) == 0);
    entering();
    CHECK(as_user(executes) == 0);
    CHECK(as_user(limited) == 0);
    CHECK(as_user(dive_from_here) == 33);
    names();
    CHECK_END();
}
