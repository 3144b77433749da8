// Mounts that follow others (mount_namespaces(7)): shared, slave, private, unbindable; bind, move, umount2's flags,
// pivot_root; what mountinfo says of them. In a mount namespace of its own.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static char text[65536];

static int is_there(const char *path) {
    struct stat st;
    return stat(path, &st) == 0;
}

// The optional fields of the topmost mount at a path below the test's directory, their numbers as they come first.
static const char *fields(const char *end_of_path) {
    static char found[256];
    static int seen[64], count;
    strcpy(found, "none");
    FILE *f = fopen("/proc/self/mountinfo", "r");
    while (f && fgets(text, sizeof(text), f)) {
        char place[1024], options[256];
        int at = 0;
        if (sscanf(text, "%*d %*d %*s %*s %1023s %255s %n", place, options, &at) < 2) continue;
        size_t n = strlen(place), m = strlen(end_of_path);
        if (n < m || strcmp(place + n - m, end_of_path)) continue;
        char *stop = strstr(text + at, "- ");
        *stop = 0;
        char *out = found;
        *out = 0;
        for (char *word = strtok(text + at, " "); word; word = strtok(0, " ")) {
            char *colon = strchr(word, ':');
            int index = 0, number = colon ? atoi(colon + 1) : 0;
            for (; colon && index < count && seen[index] != number; index++) continue;
            if (colon && index == count) seen[count++] = number;
            if (colon) *colon = 0;
            out += sprintf(out, colon ? "%s%s:%d" : "%s%s", out == found ? "" : " ", word, index);
        }
    }
    if (f) fclose(f);
    return found;
}

static int make(const char *place) { return mount("t", place, "tmpfs", 0, 0); }

static void try_peers(void) {
    mkdir("a", 0755), mkdir("b", 0755), mkdir("c", 0755), mkdir("d", 0755);
    CHECK(make("a") == 0 && mkdir("a/x", 0755) == 0 && mkdir("a/y", 0755) == 0);
    CHECK(!strcmp(fields("/t/a"), ""));
    CHECK(mount(0, "a", 0, MS_SHARED, 0) == 0 && !strcmp(fields("/t/a"), "shared:0"));
    CHECK(mount("a", "b", 0, MS_BIND, 0) == 0 && !strcmp(fields("/t/b"), "shared:0"));
    CHECK(mount("a", "c", 0, MS_BIND, 0) == 0 && mount(0, "c", 0, MS_SLAVE, 0) == 0 && !strcmp(fields("/t/c"), "master:0"));
    CHECK(mount("c", "d", 0, MS_BIND, 0) == 0 && mount(0, "d", 0, MS_SHARED, 0) == 0);
    CHECK(!strcmp(fields("/t/d"), "shared:1 master:0"));
    CHECK(make("a/x") == 0 && mkdir("a/x/f", 0755) == 0);
    CHECK(is_there("b/x/f") && is_there("c/x/f") && is_there("d/x/f"));
    CHECK(!strcmp(fields("/t/a/x"), fields("/t/b/x")) && !strcmp(fields("/t/c/x"), "master:2") && !strcmp(fields("/t/d/x"), "shared:3 master:2"));
    CHECK(make("c/y") == 0 && mkdir("c/y/g", 0755) == 0 && !is_there("a/y/g") && !is_there("d/y/g"));
    CHECK(umount("c/y") == 0);
    CHECK(make("d/y") == 0 && mkdir("d/y/h", 0755) == 0 && !is_there("a/y/h") && !is_there("c/y/h"));
    CHECK(umount("d/y") == 0);
    CHECK(umount("b/x") == 0 && !is_there("a/x/f") && !is_there("c/x/f") && !is_there("d/x/f"));
    CHECK(make("a/x") == 0 && mkdir("a/x/sub", 0755) == 0);
    CHECK_ERROR(umount("a"), EBUSY);
    int fd = open("c/x/sub", O_RDONLY);
    CHECK_ERROR(umount("a/x"), EBUSY);  // it is in use where it propagated to
    close(fd);
    CHECK(umount("a/x") == 0 && !is_there("c/x/sub"));
}

static void try_types(void) {
    CHECK_ERROR(mount(0, "a/x", 0, MS_PRIVATE, 0), EINVAL);
    CHECK_ERROR(mount(0, "a", 0, MS_PRIVATE | MS_SHARED, 0), EINVAL);
    CHECK_ERROR(mount(0, "a", 0, MS_PRIVATE | MS_RDONLY, 0), EINVAL);
    CHECK(mount(0, "b", 0, MS_PRIVATE, 0) == 0 && !strcmp(fields("/t/b"), ""));
    CHECK(make("a/x") == 0 && mkdir("a/x/f", 0755) == 0 && !is_there("b/x/f") && is_there("c/x/f"));
    CHECK(umount("a/x") == 0);
    CHECK(mount(0, "a", 0, MS_SLAVE, 0) == 0 && !strcmp(fields("/t/a"), "") && !strcmp(fields("/t/c"), ""));  // the last of its group
    CHECK(!strcmp(fields("/t/d"), "shared:1"));
    CHECK(mount(0, "b", 0, MS_UNBINDABLE, 0) == 0 && !strcmp(fields("/t/b"), "unbindable"));
    mkdir("e", 0755);
    CHECK_ERROR(mount("b", "e", 0, MS_BIND, 0), EINVAL);
    CHECK(mount(0, "d", 0, MS_PRIVATE | MS_REC, 0) == 0 && !strcmp(fields("/t/d"), ""));
    CHECK(umount("b") == 0 && umount("c") == 0 && umount("d") == 0);
}

static void try_recursion(void) {
    CHECK(make("a/x") == 0 && mkdir("a/x/1", 0755) == 0 && make("a/x/1") == 0 && mkdir("a/x/1/2", 0755) == 0);
    CHECK(make("a/y") == 0 && mkdir("a/y/3", 0755) == 0 && mount(0, "a/y", 0, MS_UNBINDABLE, 0) == 0);
    CHECK(mount("a", "b", 0, MS_BIND | MS_REC, 0) == 0 && is_there("b/x/1/2") && !is_there("b/y/3"));
    CHECK(mount("a", "c", 0, MS_BIND, 0) == 0 && !is_there("c/x/1") && umount("c") == 0);
    CHECK_ERROR(umount("b"), EBUSY);
    CHECK(umount2("b", MNT_DETACH) == 0 && !is_there("b/x") && is_there("a/x/1/2"));
    CHECK(mount("a/x", "c", 0, MS_MOVE, 0) == 0 && is_there("c/1/2") && !is_there("a/x/1"));
    CHECK_ERROR(mount("c", "c/1", 0, MS_MOVE, 0), ELOOP);
    CHECK_ERROR(mount("c/1/2", "b", 0, MS_MOVE, 0), EINVAL);
    CHECK(mount(0, "c", 0, MS_SHARED, 0) == 0);
    CHECK_ERROR(mount("c/1", "b", 0, MS_MOVE, 0), EINVAL);  // its parent is shared
    CHECK_ERROR(mount("a/y", "c", 0, MS_MOVE, 0), EINVAL);  // unbindable into shared
    CHECK(mount(0, "a/y", 0, MS_PRIVATE, 0) == 0 && mkdir("c/z", 0755) == 0);
    CHECK(mount("c", "b", 0, MS_BIND, 0) == 0 && mount("a/y", "c/z", 0, MS_MOVE, 0) == 0 && is_there("b/z/3") && is_there("c/z/3"));
    CHECK(umount("c/z") == 0 && !is_there("b/z/3") && umount("b") == 0);
    CHECK(umount2("c", MNT_DETACH) == 0);
}

static void try_flags(void) {
    CHECK_ERROR(umount2("a", MNT_EXPIRE), EAGAIN);
    CHECK(is_there("a/x"));
    CHECK_ERROR(umount2("a", MNT_EXPIRE), EAGAIN);  // it was used
    CHECK(umount2("a", MNT_EXPIRE) == 0 && !is_there("a/x"));
    CHECK_ERROR(umount2("a", MNT_EXPIRE), EINVAL);
    CHECK_ERROR(umount2("a", MNT_EXPIRE | MNT_DETACH), EINVAL);
    CHECK(make("a") == 0 && symlink("a", "link") == 0);
    CHECK_ERROR(umount2("link", UMOUNT_NOFOLLOW), EINVAL);
    CHECK(umount2("link", 0) == 0 && unlink("link") == 0);
    CHECK_ERROR(umount2("a", 0x10), EINVAL);
}

// A new namespace: peers stay peers; what is private is the namespace's own.
static void try_namespaces(void) {
    CHECK(make("a") == 0 && mkdir("a/x", 0755) == 0 && mount(0, "a", 0, MS_SHARED, 0) == 0);
    CHECK(make("b") == 0 && mkdir("b/x", 0755) == 0);
    int go[2], back[2];
    pipe(go), pipe(back);
    pid_t child = fork();
    if (child == 0) {
        unshare(CLONE_NEWNS);
        mount(0, "c", 0, MS_PRIVATE, 0);
        make("a/x"), mkdir("a/x/from", 0755), make("b/x"), mkdir("b/x/from", 0755);
        write(back[1], "1", 1), read(go[0], text, 1);
        _exit(is_there("a/x/from"));
    }
    read(back[0], text, 1);
    CHECK(is_there("a/x/from") && !is_there("b/x/from"));
    CHECK(umount("a/x") == 0);
    int status;
    write(go[1], "1", 1);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 0);  // gone there too
    CHECK(umount("a") == 0 && umount("b") == 0);
}


int main(void) {
    if (unshare(CLONE_NEWNS) != 0) return 77;
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    umask(022);
    mkdir("t", 0755);
    CHECK(make("t") == 0 && chdir("t") == 0);
    try_peers();
    try_types();
    try_recursion();
    try_flags();
    try_namespaces();
    chdir("..");
    CHECK(umount("t") == 0 && rmdir("t") == 0);
    CHECK_END();
}
