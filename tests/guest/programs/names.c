// Names, owners, modes, times and what stat tells of them: each call with and without "at", with its flags, refusals and
// the effect looked at by another call.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "check.h"

// statx(2), which not every C library here declares.
struct extended_stat {
    unsigned mask, blksize;
    unsigned long attributes;
    unsigned nlink, uid, gid;
    unsigned short mode, unused;
    unsigned long ino, size, blocks, attributes_mask;
    struct {
        long sec;
        unsigned nsec;
        int unused;
    } atime, btime, ctime, mtime;
    unsigned rdev_major, rdev_minor, dev_major, dev_minor;
    unsigned long rest[14];
};
enum { BASIC_STATS = 0x7ff, SIZE = 0x200, FORCE_SYNC = 0x2000, DONT_SYNC = 0x4000 };

static struct stat st;
static int dir;  // a descriptor of "d"

static int mode_of(const char* name) { return lstat(name, &st) ? -1 : st.st_mode & 07777; }
static int owned(const char* name, int uid, int gid) { return lstat(name, &st) == 0 && st.st_uid == uid && st.st_gid == gid; }
static int times_are(const char* name, long a, long an, long m, long mn) {
    return lstat(name, &st) == 0 && st.st_atim.tv_sec == a && st.st_atim.tv_nsec == an && st.st_mtim.tv_sec == m &&
           st.st_mtim.tv_nsec == mn;
}

static void making(void) {
    umask(0);
    CHECK(syscall(SYS_umask, 022) == 0 && syscall(SYS_umask, 01777) == 022 && syscall(SYS_umask, 0) == 0777);
    syscall(SYS_umask, 022);
    int fd = syscall(SYS_creat, "f", 0666);
    CHECK(fd >= 0 && mode_of("f") == 0644 && write(fd, "hello", 5) == 5);
    CHECK_ERROR(read(fd, &st, 1), EBADF);
    close(fd);
    fd = syscall(SYS_creat, "f", 0600);
    CHECK(fd >= 0 && lstat("f", &st) == 0 && st.st_size == 0 && mode_of("f") == 0644);
    close(fd);
    CHECK_ERROR(syscall(SYS_creat, ".", 0600), EISDIR);
    CHECK_ERROR(syscall(SYS_creat, "none/f", 0600), ENOENT);
    CHECK_ERROR(syscall(SYS_creat, 8, 0600), EFAULT);
    CHECK(syscall(SYS_mkdirat, AT_FDCWD, "d", 0777) == 0 && mode_of("d") == 0755);
    dir = open("d", O_RDONLY | O_DIRECTORY);
    CHECK(syscall(SYS_mkdirat, dir, "sub", 01700) == 0 && mode_of("d/sub") == 01700);
    CHECK_ERROR(syscall(SYS_mkdirat, dir, "sub", 0700), EEXIST);
    CHECK_ERROR(syscall(SYS_mkdirat, 99, "sub", 0700), EBADF);
    CHECK(syscall(SYS_mknodat, dir, "fifo", S_IFIFO | 0666, 0) == 0 && mode_of("d/fifo") == 0644 && S_ISFIFO(st.st_mode));
    CHECK(syscall(SYS_mknod, "dev", S_IFCHR | 0600, makedev(1, 3)) == 0 && mode_of("dev") == 0600 && S_ISCHR(st.st_mode) &&
          st.st_rdev == makedev(1, 3));
    CHECK(syscall(SYS_mknod, "plain", 0640, 0) == 0 && mode_of("plain") == 0640 && S_ISREG(st.st_mode));
    CHECK(syscall(SYS_mknodat, dir, "socket", S_IFSOCK | 0600, 0) == 0);
    CHECK_ERROR(open("d/socket", O_RDONLY), ENXIO);
    CHECK_ERROR(syscall(SYS_mknodat, dir, "x", S_IFDIR, 0), EPERM);
    CHECK_ERROR(syscall(SYS_mknodat, dir, "x", S_IFLNK, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_mknodat, dir, "fifo", S_IFIFO, 0), EEXIST);
    CHECK(syscall(SYS_symlinkat, "../f", dir, "link") == 0);
    CHECK_ERROR(syscall(SYS_symlinkat, "", dir, "x"), ENOENT);
    CHECK_ERROR(syscall(SYS_symlinkat, "../f", dir, "link"), EEXIST);
    CHECK_ERROR(syscall(SYS_symlinkat, 8, dir, "x"), EFAULT);
    char text[64];
    CHECK(syscall(SYS_readlinkat, dir, "link", text, 64) == 4 && !memcmp(text, "../f", 4));
    CHECK(syscall(SYS_readlinkat, dir, "link", text, 2) == 2);
    CHECK_ERROR(syscall(SYS_readlinkat, dir, "link", text, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_readlinkat, dir, "sub", text, 64), EINVAL);
    CHECK_ERROR(syscall(SYS_readlinkat, dir, "none", text, 64), ENOENT);
    CHECK_ERROR(syscall(SYS_readlinkat, dir, "link", 8, 64), EFAULT);
    int path = openat(dir, "link", O_PATH | O_NOFOLLOW);
    CHECK(syscall(SYS_readlinkat, path, "", text, 64) == 4);
    close(path);
    CHECK(syscall(SYS_linkat, AT_FDCWD, "f", dir, "hard", 0) == 0 && lstat("f", &st) == 0 && st.st_nlink == 2);
    CHECK_ERROR(syscall(SYS_linkat, AT_FDCWD, "f", dir, "hard", 1), EINVAL);
    CHECK(syscall(SYS_renameat, dir, "hard", AT_FDCWD, "moved") == 0 && access("moved", F_OK) == 0);
    CHECK_ERROR(syscall(SYS_renameat, dir, "hard", AT_FDCWD, "moved"), ENOENT);
    CHECK_ERROR(syscall(SYS_renameat, AT_FDCWD, ".", dir, "x"), EBUSY);
    CHECK(syscall(SYS_unlinkat, AT_FDCWD, "moved", 0) == 0);
    CHECK_ERROR(syscall(SYS_unlinkat, dir, "sub", 0), EISDIR);
    CHECK_ERROR(syscall(SYS_unlinkat, dir, "link", AT_REMOVEDIR), ENOTDIR);
    CHECK_ERROR(syscall(SYS_unlinkat, dir, "sub", 1), EINVAL);
}

static void places(void) {
    char here[4096], there[4096];
    CHECK(syscall(SYS_getcwd, here, sizeof(here)) == strlen(here) + 1);
    CHECK(syscall(SYS_fchdir, dir) == 0 && syscall(SYS_getcwd, there, sizeof(there)) == strlen(here) + 3);
    CHECK(access("sub", F_OK) == 0 && syscall(SYS_chdir, "..") == 0 && access("d/sub", F_OK) == 0);
    int fd = open("f", O_RDONLY);
    CHECK_ERROR(syscall(SYS_fchdir, fd), ENOTDIR);
    CHECK_ERROR(syscall(SYS_fchdir, 99), EBADF);
    CHECK_ERROR(syscall(SYS_chdir, "f"), ENOTDIR);
    CHECK_ERROR(syscall(SYS_getcwd, here, 2), ERANGE);
    CHECK_ERROR(syscall(SYS_getcwd, 8, 4096), EFAULT);
    close(fd);
    if (fork() == 0) {
        CHECK(syscall(SYS_chroot, "d") == 0 && access("/sub", F_OK) == 0 && chdir("/") == 0);
        CHECK(syscall(SYS_getcwd, there, sizeof(there)) == 2 && !strcmp(there, "/") && chdir("..") == 0 && access("sub", F_OK) == 0);
        CHECK_ERROR(syscall(SYS_chroot, "none"), ENOENT);
        CHECK_ERROR(syscall(SYS_chroot, "fifo"), ENOTDIR);
        setuid(500);
        CHECK_ERROR(syscall(SYS_chroot, "/"), EPERM);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
}

static void entries(void) {
    char space[1024];
    int seen = 0, fd = open("d", O_RDONLY);
    long n, offset = -1;
    while ((n = syscall(SYS_getdents, fd, space, sizeof(space))) > 0)
        for (char* p = space; p < space + n;) {
            unsigned short length = *(unsigned short*)(p + 16);
            char kind = p[length - 1], *name = p + 18;
            if (!strcmp(name, "sub") && kind == DT_DIR || !strcmp(name, "fifo") && kind == DT_FIFO ||
                !strcmp(name, "link") && kind == DT_LNK || !strcmp(name, "socket") && kind == DT_SOCK || !strcmp(name, ".") ||
                !strcmp(name, ".."))
                seen++;
            p += length;
        }
    CHECK(n == 0 && seen == 6);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    CHECK_ERROR(syscall(SYS_getdents, fd, space, 20), EINVAL);
    CHECK_ERROR(syscall(SYS_getdents64, fd, space, 20), EINVAL);
    CHECK_ERROR(syscall(SYS_getdents, fd, 8, 1024), EFAULT);
    seen = 0;
    while ((n = syscall(SYS_getdents64, fd, space, 64)) > 0)
        for (char* p = space; p < space + n; p += *(unsigned short*)(p + 16)) seen++;
    CHECK(n == 0 && seen == 6);
    close(fd);
    fd = open("f", O_RDONLY);
    CHECK_ERROR(syscall(SYS_getdents, fd, space, 1024), ENOTDIR);
    close(fd);
}

static void owners(void) {
    CHECK(syscall(SYS_chown, "f", 10, 20) == 0 && owned("f", 10, 20));
    CHECK(syscall(SYS_chown, "f", -1, 21) == 0 && owned("f", 10, 21));
    CHECK(syscall(SYS_chown, "d/link", 11, -1) == 0 && owned("f", 11, 21) && owned("d/link", 0, 0));
    CHECK(syscall(SYS_lchown, "d/link", 12, 22) == 0 && owned("f", 11, 21) && owned("d/link", 12, 22));
    int fd = open("f", O_RDONLY);
    CHECK(syscall(SYS_fchown, fd, 13, 23) == 0 && owned("f", 13, 23));
    CHECK_ERROR(syscall(SYS_fchown, 99, 1, 1), EBADF);
    CHECK(syscall(SYS_fchownat, dir, "link", 14, 24, 0) == 0 && owned("f", 14, 24));
    CHECK(syscall(SYS_fchownat, dir, "link", 15, 25, AT_SYMLINK_NOFOLLOW) == 0 && owned("d/link", 15, 25) && owned("f", 14, 24));
    CHECK(syscall(SYS_fchownat, fd, "", 16, 26, AT_EMPTY_PATH) == 0 && owned("f", 16, 26));
    CHECK_ERROR(syscall(SYS_fchownat, dir, "link", 1, 1, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_fchownat, dir, "none", 1, 1, 0), ENOENT);
    CHECK_ERROR(syscall(SYS_chown, 8, 1, 1), EFAULT);
    CHECK_ERROR(syscall(SYS_lchown, "none", 1, 1), ENOENT);
    CHECK(syscall(SYS_chmod, "f", 06755) == 0 && mode_of("f") == 06755);
    CHECK(syscall(SYS_chown, "f", 17, 27) == 0 && mode_of("f") == 0755);  // a new owner drops set-id
    CHECK(syscall(SYS_fchmod, fd, 0600) == 0 && mode_of("f") == 0600);
    CHECK(syscall(SYS_fchmodat, dir, "link", 0640) == 0 && mode_of("f") == 0640);
    CHECK_ERROR(syscall(SYS_fchmodat, dir, "none", 0640), ENOENT);
    CHECK_ERROR(syscall(SYS_fchmodat, 99, "none", 0640), EBADF);
    CHECK_ERROR(syscall(SYS_fchmod, 99, 0640), EBADF);
    CHECK_ERROR(syscall(SYS_chmod, "none", 0640), ENOENT);
    close(fd);
    chmod(".", 0755);
    if (fork() == 0) {
        setgid(27), setuid(17);
        CHECK_ERROR(syscall(SYS_chown, "f", 18, -1), EPERM);
        CHECK_ERROR(syscall(SYS_chown, "f", -1, 28), EPERM);
        CHECK(syscall(SYS_chown, "f", 17, 27) == 0);
        CHECK(syscall(SYS_chmod, "f", 02770) == 0 && mode_of("f") == 02770);
        CHECK_ERROR(syscall(SYS_chmod, "plain", 0777), EPERM);
        CHECK_ERROR(syscall(SYS_lchown, "plain", 17, 27), EPERM);
        CHECK_ERROR(syscall(SYS_utime, "plain", 0), EACCES);
        struct utimbuf old = {1, 2};
        CHECK_ERROR(syscall(SYS_utime, "plain", &old), EPERM);
        CHECK_ERROR(syscall(SYS_mknod, "new", S_IFIFO, 0), EACCES);
        CHECK(syscall(SYS_faccessat, AT_FDCWD, "f", R_OK | W_OK) == 0);
        CHECK_ERROR(syscall(SYS_faccessat, AT_FDCWD, "plain", R_OK), EACCES);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
    chmod("f", 0640), chown("f", 0, 0);
}

static void moments(void) {
    struct utimbuf both = {100, 200};
    CHECK(syscall(SYS_utime, "f", &both) == 0 && times_are("f", 100, 0, 200, 0));
    CHECK_ERROR(syscall(SYS_utime, "f", 8), EFAULT);
    CHECK_ERROR(syscall(SYS_utime, "none", &both), ENOENT);
    struct timeval fine[2] = {{300, 5}, {400, 6}}, bad[2] = {{0, 1000000}, {0, 0}};
    CHECK(syscall(SYS_utimes, "d/link", fine) == 0 && times_are("f", 300, 5000, 400, 6000));
    CHECK_ERROR(syscall(SYS_utimes, "f", bad), EINVAL);
    CHECK_ERROR(syscall(SYS_utimes, "f", 8), EFAULT);
    fine[0].tv_sec = 500;
    CHECK(syscall(SYS_futimesat, dir, "link", fine) == 0 && times_are("f", 500, 5000, 400, 6000));
    int fd = open("f", O_RDWR);
    fine[1].tv_sec = 600;
    CHECK(syscall(SYS_futimesat, fd, 0, fine) == 0 && times_are("f", 500, 5000, 600, 6000));
    CHECK_ERROR(syscall(SYS_futimesat, fd, 0, bad), EINVAL);
    CHECK_ERROR(syscall(SYS_futimesat, 99, "f", fine), EBADF);
    struct timespec exact[2] = {{700, 7}, {800, 8}}, part[2] = {{0, UTIME_OMIT}, {900, 9}};
    CHECK(syscall(SYS_utimensat, dir, "link", exact, 0) == 0 && times_are("f", 700, 7, 800, 8));
    CHECK(syscall(SYS_utimensat, dir, "link", exact, AT_SYMLINK_NOFOLLOW) == 0 && times_are("d/link", 700, 7, 800, 8));
    CHECK(syscall(SYS_utimensat, fd, 0, part, 0) == 0 && times_are("f", 700, 7, 900, 9));
    part[0].tv_nsec = UTIME_NOW, part[1].tv_nsec = UTIME_OMIT;
    CHECK(syscall(SYS_utimensat, fd, "", part, AT_EMPTY_PATH) == 0 && lstat("f", &st) == 0 && st.st_atime > 900 && st.st_mtime == 900);
    CHECK(syscall(SYS_utimensat, AT_FDCWD, "f", 0, 0) == 0 && lstat("f", &st) == 0 && st.st_mtime > 900);
    exact[0].tv_nsec = 1000000000;
    CHECK_ERROR(syscall(SYS_utimensat, AT_FDCWD, "f", exact, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_utimensat, AT_FDCWD, "f", 8, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_utimensat, AT_FDCWD, "f", part, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_utimensat, AT_FDCWD, "none", part, 0), ENOENT);
    close(fd);
}

static void looks(void) {
    struct stat by_name, by_fd;
    int fd = open("f", O_RDWR);
    write(fd, "0123456789", 10);
    CHECK(syscall(SYS_stat, "d/link", &by_name) == 0 && syscall(SYS_fstat, fd, &by_fd) == 0);
    CHECK(by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev && by_fd.st_size == 10 && by_fd.st_nlink == 1);
    CHECK(syscall(SYS_lstat, "d/link", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 4);
    CHECK(syscall(SYS_newfstatat, dir, "link", &st, 0) == 0 && st.st_ino == by_fd.st_ino);
    CHECK(syscall(SYS_newfstatat, dir, "link", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
    CHECK(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_ino == by_fd.st_ino);
    CHECK_ERROR(syscall(SYS_newfstatat, fd, "", &st, 0), ENOENT);
    CHECK_ERROR(syscall(SYS_newfstatat, fd, "x", &st, 0), ENOTDIR);
    CHECK_ERROR(syscall(SYS_newfstatat, dir, "link", &st, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_stat, "none", &st), ENOENT);
    CHECK_ERROR(syscall(SYS_fstat, fd, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_lstat, 8, &st), EFAULT);
    struct extended_stat x;
    memset(&x, 0xff, sizeof(x));
    CHECK(syscall(SYS_statx, dir, "link", 0, BASIC_STATS, &x) == 0 && (x.mask & BASIC_STATS) == BASIC_STATS);
    CHECK(x.size == 10 && x.mode == by_fd.st_mode && x.nlink == 1 && x.ino == by_fd.st_ino && x.uid == 0);
    CHECK(x.mtime.sec == by_fd.st_mtime && x.dev_major == major(by_fd.st_dev) && x.dev_minor == minor(by_fd.st_dev));
    CHECK(syscall(SYS_statx, dir, "link", AT_SYMLINK_NOFOLLOW, SIZE, &x) == 0 && x.size == 4);
    CHECK(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &x) == 0 && x.size == 10);
    CHECK_ERROR(syscall(SYS_statx, dir, "link", 1, 0, &x), EINVAL);
    CHECK_ERROR(syscall(SYS_statx, dir, "link", 0, 0x80000000, &x), EINVAL);
    CHECK_ERROR(syscall(SYS_statx, dir, "link", FORCE_SYNC | DONT_SYNC, 0, &x), EINVAL);
    CHECK_ERROR(syscall(SYS_statx, dir, "none", 0, 0, &x), ENOENT);
    CHECK_ERROR(syscall(SYS_statx, dir, "link", 0, 0, 8), EFAULT);
    CHECK(syscall(SYS_access, "f", R_OK | W_OK) == 0);
    CHECK_ERROR(syscall(SYS_access, "f", X_OK), EACCES);
    CHECK_ERROR(syscall(SYS_access, "f", 8), EINVAL);
    CHECK_ERROR(syscall(SYS_access, "none", F_OK), ENOENT);
    CHECK(syscall(SYS_faccessat, dir, "link", R_OK) == 0);
    CHECK_ERROR(syscall(SYS_faccessat, dir, "link", 8), EINVAL);
    CHECK_ERROR(syscall(SYS_faccessat, 99, "link", R_OK), EBADF);
    CHECK(syscall(SYS_faccessat2, dir, "link", F_OK, AT_SYMLINK_NOFOLLOW) == 0 && syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH) == 0);
    CHECK_ERROR(syscall(SYS_faccessat2, dir, "link", R_OK, 1), EINVAL);
    chmod("f", 0);
    if (fork() == 0) {  // the real user counts, or with AT_EACCESS the effective one
        setresuid(500, 0, 0);
        CHECK_ERROR(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0), EACCES);
        CHECK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS) == 0);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
    struct statfs a, b;
    CHECK(syscall(SYS_statfs, ".", &a) == 0 && syscall(SYS_fstatfs, fd, &b) == 0);
    CHECK(a.f_type == b.f_type && a.f_bsize == b.f_bsize && a.f_namelen == 255 && b.f_bsize > 0);
    CHECK(syscall(SYS_statfs, "/proc", &a) == 0 && a.f_type == 0x9fa0);
    CHECK_ERROR(syscall(SYS_statfs, "none", &a), ENOENT);
    CHECK_ERROR(syscall(SYS_statfs, ".", 8), EFAULT);
    CHECK_ERROR(syscall(SYS_fstatfs, 99, &a), EBADF);
    CHECK_ERROR(syscall(SYS_fstatfs, fd, 8), EFAULT);
    close(fd);
}

int main(void) {
    making();
    places();
    entries();
    owners();
    moments();
    looks();
    CHECK(unlinkat(dir, "sub", AT_REMOVEDIR) == 0);
    unlink("f"), unlink("dev"), unlink("plain"), unlink("d/fifo"), unlink("d/socket"), unlink("d/link"), rmdir("d");
    CHECK_END();
}
