// overlayfs (Linux, Documentation/filesystems/overlayfs.rst): copying up, whiteouts, opaque directories, merged listings,
// renames, hard links, attributes, several lower layers, and no upper one.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "check.h"

static char text[4096];

static void put(const char *path, const char *what) {
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    write(fd, what, strlen(what));
    close(fd);
}

static const char *get(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return strerror(errno);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(fd);
    return text;
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// The names in a directory, sorted, on one line.
static const char *names(const char *path) {
    static char line[4096];
    char *all[256];
    int n = 0;
    DIR *d = opendir(path);
    if (!d) return strerror(errno);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] != '.') all[n++] = strdup(e->d_name);
    }
    closedir(d);
    qsort(all, n, sizeof(*all), compare);
    line[0] = 0;
    for (int i = 0; i < n; i++) strcat(strcat(line, i ? " " : ""), all[i]), free(all[i]);
    return line;
}

static int is_whiteout(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static int is_opaque(const char *path) {
    char value[8];
    return lgetxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

static void make_layers(void) {
    mkdir("t", 0755);
    mount("t", "t", "tmpfs", 0, "mode=755");
    chdir("t");
    mkdir("low", 0755), mkdir("base", 0755), mkdir("up", 0755), mkdir("work", 0755), mkdir("m", 0755);
    put("base/both", "base"), put("low/both", "low"), put("base/only", "only base");
    put("low/file", "the lower file"), chmod("low/file", 0751), chown("low/file", 7, 8);
    struct timeval times[2] = {{1000, 0}, {2000, 0}};
    utimes("low/file", times);
    setxattr("low/file", "trusted.mine", "value", 5, 0);
    mkdir("low/d", 0750), put("low/d/a", "a"), put("low/d/b", "b");
    mkdir("base/d", 0755), put("base/d/b", "base b"), put("base/d/c", "c");
    mkdir("low/deep", 0755), mkdir("low/deep/er", 0711), put("low/deep/er/f", "deep");
    symlink("file", "low/link"), mkfifo("low/fifo", 0600), put("low/gone", "gone"), put("low/big", "");
    truncate("low/big", 300000);
    mkdir("low/empty", 0755);
}

static void try_reading(void) {
    CHECK(!strcmp(names("m"), "big both d deep empty fifo file gone link only"));
    CHECK(!strcmp(get("m/both"), "low") && !strcmp(get("m/only"), "only base"));
    CHECK(!strcmp(names("m/d"), "a b c") && !strcmp(get("m/d/b"), "b") && !strcmp(get("m/link"), "the lower file"));
    struct statfs fs;
    CHECK(statfs("m", &fs) == 0 && fs.f_type == 0x794c7630);
    struct stat st, low;
    CHECK(stat("m/file", &st) == 0 && stat("low/file", &low) == 0 && st.st_ino == low.st_ino && st.st_dev != low.st_dev);
    CHECK(stat("m/d", &st) == 0 && st.st_nlink == 1 && (st.st_mode & 07777) == 0750);
    CHECK(!strcmp(names("up"), ""));
}

static void try_copying_up(void) {
    struct stat before, st;
    stat("m/file", &before);
    CHECK(before.st_mtime == 2000);
    int reader = open("m/file", O_RDONLY);
    int fd = open("m/file", O_WRONLY | O_APPEND);
    CHECK(fd >= 0 && !strcmp(names("up"), "file") && write(fd, "!", 1) == 1);
    close(fd);
    CHECK(!strcmp(get("m/file"), "the lower file!") && !strcmp(get("low/file"), "the lower file"));
    CHECK(read(reader, text, 100) == 15);  // it was opened below, and follows
    close(reader);
    CHECK(stat("m/file", &st) == 0 && st.st_ino == before.st_ino && st.st_dev == before.st_dev);
    CHECK(st.st_uid == 7 && st.st_gid == 8 && (st.st_mode & 07777) == 0751);
    CHECK(getxattr("up/file", "trusted.mine", text, 100) == 5 && getxattr("m/file", "trusted.mine", text, 100) == 5);
    CHECK(chmod("m/deep/er/f", 0600) == 0 && stat("up/deep/er", &st) == 0 && (st.st_mode & 07777) == 0711);
    CHECK(stat("low/deep/er/f", &st) == 0 && (st.st_mode & 07777) == 0644 && !strcmp(get("up/deep/er/f"), "deep"));
    CHECK(lchown("m/link", 3, 4) == 0 && lstat("up/link", &st) == 0 && S_ISLNK(st.st_mode) && st.st_uid == 3);
    CHECK(chmod("m/fifo", 0644) == 0 && lstat("up/fifo", &st) == 0 && S_ISFIFO(st.st_mode));
    CHECK(truncate("m/big", 5) == 0 && stat("m/big", &st) == 0 && st.st_size == 5 && stat("low/big", &st) == 0 && st.st_size == 300000);
    CHECK(setxattr("m/only", "trusted.new", "1", 1, 0) == 0 && !strcmp(get("up/only"), "only base"));
    struct timespec omit[2] = {{5, 0}, {0, UTIME_OMIT}};
    CHECK(utimensat(AT_FDCWD, "m/both", omit, 0) == 0 && stat("m/both", &st) == 0 && st.st_atime == 5 && st.st_mtime > 2000);
    fd = open("m/both", O_RDWR);
    char *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(p != MAP_FAILED && !memcmp(p, "low", 3));
    p[0] = 'L';
    CHECK(munmap(p, 4096) == 0 && close(fd) == 0 && !strcmp(get("m/both"), "Low") && !strcmp(get("up/both"), "Low"));
}

static void try_removing(void) {
    CHECK(unlink("m/gone") == 0 && is_whiteout("up/gone") && access("m/gone", F_OK) != 0);
    CHECK_ERROR(open("m/gone", O_RDONLY), ENOENT);
    CHECK_ERROR(rmdir("m/d"), ENOTEMPTY);
    CHECK(unlink("m/d/b") == 0 && is_whiteout("up/d/b") && !strcmp(names("m/d"), "a c"));
    CHECK(unlink("m/d/a") == 0 && unlink("m/d/c") == 0 && rmdir("m/d") == 0 && is_whiteout("up/d"));
    CHECK(mkdir("m/d", 0700) == 0 && is_opaque("up/d") && !strcmp(names("m/d"), ""));
    put("m/d/new", "new");
    CHECK(!strcmp(names("m/d"), "new") && !strcmp(names("up/d"), "new"));
    put("m/gone", "back");
    CHECK(!strcmp(get("m/gone"), "back") && !is_whiteout("up/gone") && !strcmp(get("low/gone"), "gone"));
    put("m/mine", "x");
    CHECK(unlink("m/mine") == 0 && access("up/mine", F_OK) != 0 && !is_whiteout("up/mine"));
    CHECK(rmdir("m/empty") == 0 && is_whiteout("up/empty") && mkdir("m/empty", 0755) == 0);
    CHECK_ERROR(mknod("m/zero", S_IFCHR | 0600, makedev(0, 0)), EPERM);
    CHECK(mknod("m/null", S_IFCHR | 0600, makedev(1, 3)) == 0 && unlink("m/null") == 0);
    CHECK_ERROR(mkdir("m/file", 0700), EEXIST);
    int fd = open("m/only", O_RDWR);
    CHECK(unlink("m/only") == 0 && is_whiteout("up/only") && fchmod(fd, 0600) == 0 && write(fd, "x", 1) == 1);
    close(fd);
}

static void try_renaming(void) {
    struct stat st, other;
    CHECK(rename("m/big", "m/large") == 0 && is_whiteout("up/big") && stat("m/large", &st) == 0 && st.st_size == 5);
    CHECK_ERROR(rename("m/deep", "m/elsewhere"), EXDEV);
    CHECK(mkdir("m/pure", 0755) == 0 && mkdir("m/pure/in", 0755) == 0 && rename("m/pure", "m/moved") == 0);
    CHECK(!strcmp(names("m/moved"), "in") && rename("m/moved/in", "m/deep/in") == 0 && !strcmp(names("m/deep"), "er in"));
    put("m/x", "x"), put("m/y", "y");
    CHECK(rename("m/x", "m/y") == 0 && !strcmp(get("m/y"), "x"));
    CHECK(rename("m/y", "m/big") == 0 && !is_whiteout("up/big") && !strcmp(get("m/big"), "x"));
    CHECK(unlink("m/both") == 0 && mkdir("m/dir", 0755) == 0 && rename("m/dir", "m/both") == 0 && is_opaque("up/both"));
    CHECK(stat("m/both", &st) == 0 && S_ISDIR(st.st_mode));
    CHECK_ERROR(rename("m/file", "m/both"), EISDIR);
    CHECK(link("m/file", "m/second") == 0 && stat("m/second", &st) == 0 && stat("m/file", &other) == 0);
    CHECK(st.st_nlink == 2 && other.st_nlink == 2 && st.st_ino == other.st_ino);
    CHECK(unlink("m/file") == 0 && is_whiteout("up/file") && !strcmp(get("m/second"), "the lower file!"));
    CHECK(rename("m/second", "m/file") == 0 && stat("m/file", &st) == 0 && st.st_nlink == 1);
    CHECK(!strcmp(names("m"), "big both d deep empty fifo file gone large link moved"));
}

static void try_options(void) {
    CHECK(umount("m") == 0);
    CHECK(mount("o", "m", "overlay", 0, "lowerdir=up:low:base") == 0);  // what was upper is the topmost lower one
    CHECK(!strcmp(names("m"), "big both d deep empty fifo file gone large link moved") && !strcmp(names("m/d"), "new"));
    CHECK_ERROR(open("m/new", O_CREAT | O_WRONLY, 0600), EROFS);
    CHECK_ERROR(unlink("m/file"), EROFS);
    CHECK_ERROR(mount("o", "m", 0, MS_REMOUNT, 0), EROFS);
    CHECK(umount("m") == 0);
    CHECK_ERROR(mount("o", "m", "overlay", 0, 0), EINVAL);
    CHECK_ERROR(mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up"), EINVAL);
    CHECK_ERROR(mount("o", "m", "overlay", 0, "lowerdir=none:low"), ENOENT);
    CHECK_ERROR(mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up,workdir=up/d"), EINVAL);
    CHECK_ERROR(mount("o", "m", "overlay", 0, "lowerdir=low:base,nonsense"), EINVAL);
}

int main(void) {
    if (unshare(CLONE_NEWNS) != 0) return 77;
    mount(0, "/", 0, MS_REC | MS_PRIVATE, 0);
    umask(022);
    make_layers();
    CHECK(mount("o", "m", "overlay", 0, "lowerdir=low:base,upperdir=up,workdir=work") == 0);
    try_reading();
    try_copying_up();
    try_removing();
    try_renaming();
    try_options();
    chdir("..");
    CHECK(umount("t") == 0 && rmdir("t") == 0);
    CHECK_END();
}
