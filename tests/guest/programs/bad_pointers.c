// Wild pointers given to system calls: EFAULT every time, and nothing else happens.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void *const wild[] = {(void *)8, (void *)0x00007ffffffff000, (void *)0x0000800000000000,
                             (void *)0xffff888000000000, (void *)0xffffffff81000000, (void *)0xfffffffffffffff8,
                             (void *)0x8000000000000000};

int main(void) {
    int fds[2];
    CHECK(pipe(fds) == 0);
    CHECK(write(fds[1], "0123456789", 10) == 10);
    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        void *p = wild[i];
        printf("pointer %u\n", i);
        CHECK_ERROR(syscall(SYS_write, fds[1], p, 4), EFAULT);
        CHECK_ERROR(syscall(SYS_open, p, O_RDONLY), EFAULT);
        CHECK_ERROR(syscall(SYS_stat, "/", p), EFAULT);
        CHECK_ERROR(syscall(SYS_uname, p), EFAULT);
        CHECK_ERROR(syscall(SYS_pipe2, p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, p, 0, 8), EFAULT);
        CHECK_ERROR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, 0, 8), EFAULT);
        CHECK_ERROR(syscall(SYS_rt_sigpending, p, 8), EFAULT);
        CHECK_ERROR(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p), EFAULT);
        CHECK_ERROR(syscall(SYS_nanosleep, p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_execve, p, 0, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_execve, "/bin/true", p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_getcwd, p, 4096), EFAULT);
        CHECK_ERROR(syscall(SYS_getrusage, RUSAGE_SELF, p), EFAULT);
        CHECK_ERROR(syscall(SYS_prlimit64, 0, RLIMIT_STACK, p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_getrandom, p, 16, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_sigaltstack, p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_futex, (long)p & ~3L, 0, 0, 0, 0, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_poll, p, 1, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_writev, fds[1], p, 1), EFAULT);
        CHECK_ERROR(syscall(SYS_setitimer, ITIMER_REAL, p, 0), EFAULT);
        CHECK_ERROR(syscall(SYS_readlink, "/proc/self/exe", p, 10), EFAULT);
    }
    CHECK_ERROR(read(fds[0], (void *)8, 4), EFAULT);

    // A buffer that ends in the middle: what fits is written.
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(munmap(page + 4096, 4096) == 0);
    memset(page, 'x', 4096);
    int null = open("/dev/null", O_WRONLY);
    CHECK(null >= 0);
    CHECK_ERROR(open(memset(page + 4090, 'a', 6), O_RDONLY), EFAULT);

    // Read-only memory cannot be written by the kernel for us.
    char *constant = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERROR(syscall(SYS_uname, constant), EFAULT);
    CHECK(constant[0] == 0);
    char *none = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK_ERROR(write(fds[1], none, 1), EFAULT);

    // Numbers that are no system call.
    CHECK_ERROR(syscall(100000), ENOSYS);
    CHECK_ERROR(syscall(-5), ENOSYS);
    CHECK_ERROR(syscall(0x7fffffffffffffff), ENOSYS);
    CHECK_END();
}
