// Which error comes first, and small promises: links of removed files, bad signals to nobody, futexes
// with a bad second word, advice and locks on memory that allows no access.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static char* self_fd(int fd) {
    static char text[40];
    sprintf(text, "/proc/self/fd/%d", fd);
    return text;
}
static int link_fd(int fd, const char* name) { return linkat(AT_FDCWD, self_fd(fd), AT_FDCWD, name, AT_SYMLINK_FOLLOW); }

static void links(void) {
    int fd = open("gone", O_RDWR | O_CREAT, 0600);
    CHECK(link_fd(fd, "second") == 0);
    unlink("gone"), unlink("second");
    CHECK_ERROR(link_fd(fd, "back"), ENOENT);
    CHECK_ERROR(linkat(fd, "", AT_FDCWD, "back", AT_EMPTY_PATH), ENOENT);
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR, 0600);
    if (fd >= 0) {
        CHECK(link_fd(fd, "named") == 0);
        CHECK(unlink("named") == 0);
        close(fd);
        fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
        CHECK_ERROR(link_fd(fd, "named"), ENOENT);
        close(fd);
    }
    fd = memfd_create("m", 0);
    CHECK_ERROR(link_fd(fd, "named"), EXDEV);
    close(fd);
    close(open("f", O_RDWR | O_CREAT, 0600));
    mkdir("d", 0700);
    CHECK_ERROR(link("d", "f"), EEXIST);
    CHECK_ERROR(link("/proc/version", "f"), EEXIST);
    CHECK_ERROR(link("/proc/version", "new"), EXDEV);
    CHECK_ERROR(link("f", "/proc/version"), EEXIST);
    CHECK_ERROR(link("f", "."), EEXIST);
    CHECK_ERROR(link("d", "new"), EPERM);
    CHECK_ERROR(link("none", "f"), ENOENT);
    CHECK_ERROR(link("f", "d/none/new"), ENOENT);
    CHECK_ERROR(link("f", "new/"), ENOENT);
    CHECK_ERROR(symlink("x", "/proc/version"), EEXIST);
    CHECK_ERROR(mkdir("/proc/version", 0700), EEXIST);
    CHECK_ERROR(mknod("f", S_IFDIR, 0), EPERM);
    CHECK_ERROR(mknod("f", S_IFREG, 0), EEXIST);
    CHECK_ERROR(rename("f", "/proc/new"), EXDEV);
    CHECK_ERROR(rename("none", "/proc/new"), EXDEV);
    unlink("f"), rmdir("d");
}

static void nobody(void) {
    CHECK_ERROR(kill(-99999, 99), ESRCH);
    CHECK_ERROR(kill(99999, 99), ESRCH);
    CHECK_ERROR(kill(getpid(), 65), EINVAL);
    CHECK_ERROR(kill(0, -1), EINVAL);
    CHECK_ERROR(kill(0x80000000, 99), ESRCH);
    CHECK_ERROR(syscall(SYS_tkill, 99999, 99), ESRCH);
    CHECK_ERROR(syscall(SYS_tkill, 0, 99), EINVAL);
    CHECK_ERROR(syscall(SYS_tgkill, 99999, 99999, 99), ESRCH);
    CHECK_ERROR(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
    siginfo_t info = {.si_code = SI_QUEUE};
    CHECK_ERROR(syscall(SYS_rt_sigqueueinfo, 99999, 99, &info), ESRCH);
    CHECK_ERROR(syscall(SYS_rt_sigqueueinfo, getpid(), 99, &info), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_tgsigqueueinfo, 99999, 99999, 99, &info), ESRCH);
    CHECK_ERROR(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), 99, &info), EINVAL);
    info.si_code = SI_USER;
    CHECK_ERROR(syscall(SYS_rt_sigqueueinfo, 1, 99, &info), EPERM);
    CHECK_ERROR(syscall(SYS_rt_tgsigqueueinfo, 1, 1, 99, &info), EPERM);
    CHECK_ERROR(waitid(P_PIDFD, -1, &info, WEXITED), EINVAL);
    CHECK_ERROR(waitid(P_PIDFD, 99, &info, WEXITED), EBADF);
    CHECK_ERROR(waitid(P_PIDFD, 1, &info, WEXITED), EBADF);
    CHECK_ERROR(waitid(P_PIDFD, 99, &info, 0), EINVAL);
    CHECK_ERROR(waitid(4, 1, &info, WEXITED), EINVAL);
    if (fork() == 0) {
        setgid(4321), setuid(4321);
        CHECK(kill(-1, 0) == 0);
        CHECK_ERROR(kill(1, 0), EPERM);
        CHECK_ERROR(kill(1, 99), EINVAL);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
}

enum { FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET,
       FUTEX_PRIVATE = 128, FUTEX_CLOCK_REALTIME = 256 };
// Operation, its operand, comparison, its operand: futex(2), FUTEX_WAKE_OP.
#define ENCODE(op, operand, comparison, argument) ((op) << 28 | (comparison) << 24 | (operand) << 12 | (argument))

static long futex(int* word, int op, int value, long value2, int* word2, int value3) {
    return syscall(SYS_futex, word, op, value, value2, word2, value3);
}

static void futexes(void) {
    int word = 5, *bad = (int*)-4096, *odd = (int*)((char*)&word + 1);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, bad, 6), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, odd, 6), EINVAL);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, (int*)8, 6), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE, -1, 1, bad, 6), EINVAL);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE, 1, 1, &word, 6), EAGAIN);
    CHECK_ERROR(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE, 1, 1, bad, 6), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_REQUEUE, 1, 1, bad, 0), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_WAKE_OP, 1, 1, bad, 0), EFAULT);
    CHECK_ERROR(futex(bad, FUTEX_WAKE_OP, 1, 1, &word, ENCODE(1, 1, 0, 0)), EFAULT);
    CHECK(word == 5);
    CHECK(futex(&word, FUTEX_WAKE_OP, 1, 1, &word, ENCODE(1, 1, 0, 0)) == 0 && word == 6);
    CHECK_ERROR(futex(&word, FUTEX_WAKE_OP, 1, 1, &word, ENCODE(1, 1, 9, 0)), ENOSYS);
    CHECK_ERROR(futex(&word, FUTEX_WAKE_OP, 1, 1, &word, ENCODE(7, 1, 0, 0)), ENOSYS);
    CHECK_ERROR(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 5, 8, 0, 0), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET, 6, 8, 0, 0), EFAULT);
    CHECK_ERROR(futex(&word, FUTEX_WAIT_BITSET, 6, 0, 0, 0), EINVAL);
    CHECK_ERROR(futex(&word, FUTEX_WAKE_BITSET, 6, 0, 0, 0), EINVAL);
    CHECK_ERROR(futex(odd, FUTEX_WAKE, 1, 0, 0, 0), EINVAL);
    CHECK_ERROR(futex((int*)8, FUTEX_WAKE, 1, 0, 0, 0), EFAULT);
    CHECK_ERROR(futex(bad, FUTEX_WAKE | FUTEX_PRIVATE, 1, 0, 0, 0), EFAULT);
    int* hidden = mmap(0, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK_ERROR(futex(hidden, FUTEX_WAKE, 1, 0, 0, 0), EFAULT);
}

static long map_errno(unsigned long length, int prot, int flags, int fd, long offset) {
    errno = 0;
    return syscall(SYS_mmap, 0L, length, prot, flags, fd, offset) == -1 ? errno : 0;
}

static void mappings(void) {
    CHECK(map_errno(0, PROT_READ, MAP_PRIVATE, -1, 0) == EBADF);
    CHECK(map_errno(4096, PROT_READ, 0, -1, 0) == EBADF);
    CHECK(map_errno(4096, PROT_READ, MAP_PRIVATE, 999, 1) == EINVAL);
    CHECK(map_errno(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == EINVAL);
    CHECK(map_errno(-1UL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == ENOMEM);
    CHECK(map_errno(1UL << 47, PROT_READ, MAP_ANONYMOUS, -1, 0) == ENOMEM);
    CHECK(map_errno(4096, PROT_READ, MAP_ANONYMOUS, -1, 0) == EINVAL);
    CHECK(map_errno(4096, PROT_READ, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0) == EINVAL);
    char* p = mmap(0, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERROR(mlock(p, 4096), ENOMEM);
    CHECK(munlock(p, 4096) == 0);
    CHECK_ERROR(madvise(p, 4096, MADV_POPULATE_READ), EINVAL);
    CHECK_ERROR(madvise(p, 4096, MADV_POPULATE_WRITE), EINVAL);
    mprotect(p, 4096, PROT_READ);
    CHECK(mlock(p, 4096) == 0 && munlock(p, 4096) == 0);
    CHECK(madvise(p, 4096, MADV_POPULATE_READ) == 0);
    CHECK_ERROR(madvise(p, 4096, MADV_POPULATE_WRITE), EINVAL);
    mprotect(p + 4096, 2 * 4096, PROT_READ | PROT_WRITE);
    unsigned char in[4];
    CHECK(madvise(p + 4096, 2 * 4096, MADV_POPULATE_WRITE) == 0 && mincore(p + 4096, 2 * 4096, in) == 0);
    CHECK((in[0] & 1) && (in[1] & 1) && p[4096] == 0);
    munmap(p + 2 * 4096, 4096);
    CHECK_ERROR(madvise(p + 4096, 2 * 4096, MADV_POPULATE_WRITE), ENOMEM);
    CHECK_ERROR(madvise(p + 4096, 2 * 4096, MADV_NORMAL), ENOMEM);
    CHECK_ERROR(madvise(p + 4096, 2 * 4096, MADV_MERGEABLE), ENOMEM);
    CHECK_ERROR(mlock(p + 4096, 2 * 4096), ENOMEM);
    CHECK(madvise(p + 4096, 4096, MADV_MERGEABLE) == 0 && madvise(p + 4096, 4096, MADV_UNMERGEABLE) == 0);
    CHECK(madvise(p, 0, MADV_POPULATE_WRITE) == 0);
    CHECK_ERROR(madvise(p, 0, 99), EINVAL);
    CHECK_ERROR(madvise(p + 1, 4096, MADV_NORMAL), EINVAL);
    CHECK_ERROR(syscall(SYS_mlock2, p, 4096L, 2), EINVAL);
    CHECK(syscall(SYS_mlock2, p + 4096, 4096L, 1) == 0);
    // Past a file's end there is no page to give.
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char* q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK_ERROR(madvise(q, 4096, MADV_POPULATE_WRITE), EFAULT);
    CHECK_ERROR(mlock(q, 4096), ENOMEM);
    munmap(q, 4096), close(fd), unlink("f");
    // A device of zeroes maps as memory of its own.
    fd = open("/dev/zero", O_RDWR);
    q = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(q != MAP_FAILED && q[5] == 0 && (q[5] = 1));
    char* s = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(s != MAP_FAILED && s[4096] == 0);
    if (fork() == 0) s[4096] = 9, _exit(0);
    wait(0);
    CHECK(s[4096] == 9 && q[5] == 1);
    if (fork() == 0) {
        struct rlimit limit = {0, 0};
        setrlimit(RLIMIT_MEMLOCK, &limit);
        setgid(4321), setuid(4321);
        CHECK_ERROR(mlock(p, 4096), EPERM);
        CHECK_ERROR(mlockall(MCL_CURRENT), EPERM);
        CHECK_ERROR(mlockall(0), EINVAL);
        CHECK(munlockall() == 0);
        exit(check_failures);
    }
    int status;
    CHECK(wait(&status) > 0 && status == 0);
}

int main(void) {
    links();
    nobody();
    futexes();
    mappings();
    CHECK_END();
}
