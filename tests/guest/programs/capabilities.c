// Capabilities: bounding and ambient sets, securebits, capset's rules, and what execve makes of files' capabilities.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

struct header {
    unsigned version;
    int pid;
};
struct data {
    unsigned effective, permitted, inheritable;
};
enum { CHOWN = 0, KILL = 5, SETPCAP = 8, NET_RAW = 13 };
static struct data d[2];
static char self[256];

static int get(void) {
    struct header h = {0x20080522, 0};
    return syscall(SYS_capget, &h, d);
}
static int set(void) {
    struct header h = {0x20080522, 0};
    return syscall(SYS_capset, &h, d);
}
static int status_of(pid_t pid) {
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static int ambient(int what, int cap) { return prctl(47, what, cap, 0, 0); }

// What this program says about itself as `report`: bits of NET_RAW in P, E, I, A, then AT_SECURE-like facts.
static int report(void) {
    get();
    return (d[0].permitted >> NET_RAW & 1) | (d[0].effective >> NET_RAW & 1) << 1 | (d[0].inheritable >> NET_RAW & 1) << 2 |
           (ambient(1, NET_RAW) == 1) << 3 | (geteuid() == 0) << 4 | ((d[0].permitted >> KILL & 1) << 5);
}
static int run(const char* path, void (*before)(void)) {
    pid_t child = fork();
    if (child == 0) {
        before();
        execl(path, path, "report", (char*)0);
        _exit(errno == EPERM ? 99 : 98);
    }
    return status_of(child);
}
static void as_user(void) { setgid(1000), setuid(1000); }
static void as_user_no_gain(void) { as_user(), prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static void as_root(void) {}
static void as_root_without(void) { prctl(PR_CAPBSET_DROP, NET_RAW, 0, 0, 0); }
static void user_without(void) { as_root_without(), as_user(); }
static void inheriting_user(void) {
    get();
    d[0].inheritable = 1 << NET_RAW, d[1].inheritable = 0;
    set();
    as_user();
}
static void ambient_user(void) {
    get();
    d[0].inheritable = 1 << NET_RAW, d[1].inheritable = 0;
    set();
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    as_user();
    ambient(2, NET_RAW);
    get();
    if (!(d[0].permitted >> NET_RAW & 1) || d[0].effective) _exit(97);
}
static void noroot(void) { prctl(PR_SET_SECUREBITS, 1, 0, 0, 0); }

static void file_caps(const char* path, unsigned permitted, unsigned inheritable, int effective) {
    unsigned v[5] = {0x02000000 | effective, permitted, inheritable, 0, 0};
    CHECK(setxattr(path, "security.capability", v, 20, 0) == 0);
}

static void sets(void) {
    CHECK(prctl(PR_CAPBSET_READ, NET_RAW, 0, 0, 0) == 1);
    CHECK_ERROR(prctl(PR_CAPBSET_READ, 41, 0, 0, 0), EINVAL);
    CHECK_ERROR(prctl(PR_CAPBSET_DROP, 41, 0, 0, 0), EINVAL);
    CHECK_ERROR(ambient(2, NET_RAW), EPERM);
    CHECK_ERROR(ambient(2, 41), EINVAL);
    CHECK_ERROR(ambient(9, NET_RAW), EINVAL);
    CHECK_ERROR(prctl(47, 4, 1, 0, 0), EINVAL);
    get();
    d[0].inheritable = 1 << NET_RAW;
    CHECK(set() == 0);
    CHECK(ambient(2, NET_RAW) == 0 && ambient(1, NET_RAW) == 1);
    CHECK(ambient(3, NET_RAW) == 0 && ambient(1, NET_RAW) == 0);
    ambient(2, NET_RAW);
    get();
    d[0].inheritable = 0;
    CHECK(set() == 0 && ambient(1, NET_RAW) == 0);
    get();
    struct data all[2] = {d[0], d[1]};
    d[0].effective &= ~(1u << NET_RAW);
    CHECK(set() == 0);
    d[0].effective |= 1u << NET_RAW;
    CHECK(set() == 0);
    pid_t child = fork();
    if (child == 0) {
        get();
        d[0].effective &= ~(1u << NET_RAW), d[0].permitted &= ~(1u << NET_RAW);
        int good = set() == 0;
        d[0].permitted |= 1u << NET_RAW;
        good = good && set() == -1 && errno == EPERM;
        get();
        d[0].effective |= 1u << NET_RAW;
        good = good && set() == -1 && errno == EPERM;
        get();
        d[0].inheritable = 1u << NET_RAW;  // from the bounding set, with CAP_SETPCAP
        good = good && set() == 0;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    child = fork();
    if (child == 0) {
        get();
        d[0].effective &= ~(1u << SETPCAP);
        int good = set() == 0;
        good = good && prctl(PR_CAPBSET_DROP, NET_RAW, 0, 0, 0) == -1 && errno == EPERM;
        good = good && prctl(PR_SET_SECUREBITS, 1, 0, 0, 0) == -1 && errno == EPERM;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static void securebits(void) {
    CHECK(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 0);
    CHECK_ERROR(prctl(PR_SET_SECUREBITS, 0x1000, 0, 0, 0), EPERM);
    pid_t child = fork();
    if (child == 0) {
        int good = prctl(PR_SET_SECUREBITS, 4 | 16 | 32, 0, 0, 0) == 0 && prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) == 52;
        good = good && prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1;
        good = good && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1 && errno == EPERM;
        good = good && prctl(PR_SET_SECUREBITS, 4, 0, 0, 0) == -1 && errno == EPERM;
        good = good && setuid(1000) == 0 && get() == 0 && d[0].effective != 0;
        _exit(good ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_SECUREBITS, 64, 0, 0, 0);
        get();
        d[0].inheritable = 1 << NET_RAW;
        set();
        _exit(ambient(2, NET_RAW) == -1 && errno == EPERM ? 0 : 1);
    }
    CHECK(status_of(child) == 0);
}

static void programs(void) {
    int n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n] = 0;
    mkdir("m", 0755);
    if (mount("none", "m", "tmpfs", 0, "mode=755") || chdir("m")) _exit(2);
    int in = open(self, O_RDONLY), out = open("./p", O_CREAT | O_WRONLY, 0755);
    static char b[65536];
    while ((n = read(in, b, sizeof(b))) > 0) write(out, b, n);
    close(in), close(out);
    CHECK(run("./p", as_root) == 0x33);
    CHECK(run("./p", as_user) == 0);
    CHECK(run("./p", as_root_without) == 0x30);
    CHECK(run("./p", ambient_user) == 0xf);
    CHECK(run("./p", noroot) == 0x10);
    file_caps("./p", 1 << NET_RAW, 0, 1);
    CHECK(run("./p", as_user) == 3);
    CHECK(run("./p", as_user_no_gain) == 0);
    CHECK(run("./p", user_without) == 99);
    CHECK(run("./p", ambient_user) == 7);
    file_caps("./p", 1 << NET_RAW, 0, 0);
    CHECK(run("./p", as_user) == 1);
    CHECK(run("./p", user_without) == 0);
    file_caps("./p", 0, 1 << NET_RAW, 1);
    CHECK(run("./p", as_user) == 0);
    CHECK(run("./p", inheriting_user) == 7);
    removexattr("./p", "security.capability");
    chmod("./p", 04755);
    CHECK(run("./p", as_user) == 0x33);
    CHECK(run("./p", as_user_no_gain) == 0);
    file_caps("./p", 1 << NET_RAW, 0, 1);
    CHECK(run("./p", as_user) == 0x13);
    CHECK(mount("none", ".", 0, MS_REMOUNT | MS_BIND | MS_NOSUID, 0) == 0);
    CHECK(run("./p", as_user) == 0);
    CHECK(chdir("..") == 0 && umount("m") == 0);
}

int main(int argc, char** argv) {
    if (argc > 1) return report();
    sets();
    securebits();
    programs();
    CHECK_END();
}
