// Calls about the system and a process's place in it: the clock as it is read, limits, statistics, ids of threads, robust
// lists, segment bases, running a program by its descriptor, and memory that is written back or locked.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void clocks(void) {
    struct timeval tv, zone;
    struct timespec ts;
    time_t t;
    CHECK(syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts) == 0 && syscall(SYS_gettimeofday, &tv, &zone) == 0);
    CHECK(tv.tv_sec - ts.tv_sec <= 1 && tv.tv_usec < 1000000 && zone.tv_sec == 0);
    CHECK(syscall(SYS_gettimeofday, 0, 0) == 0 && syscall(SYS_time, &t) == t && t - ts.tv_sec <= 1 && syscall(SYS_time, 0) >= t);
    CHECK_ERROR(syscall(SYS_gettimeofday, 8, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_gettimeofday, 0, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_time, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_clock_gettime, 99, &ts), EINVAL);
    for (int c = 0; c <= 7; c++) CHECK(syscall(SYS_clock_getres, c, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec >= 1);
    tv.tv_usec = 1000001;
    CHECK_ERROR(syscall(SYS_settimeofday, &tv, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_settimeofday, 8, 0), EFAULT);
    ts.tv_sec = -1;
    CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EINVAL);
    struct tms tms;
    CHECK(syscall(SYS_times, &tms) >= 0 && tms.tms_cutime == 0 && syscall(SYS_times, 0) >= 0);
    CHECK_ERROR(syscall(SYS_times, 8), EFAULT);
}

static void unprivileged(void) {
    struct timeval tv = {1, 0};
    struct timespec ts = {1, 0};
    setuid(500);
    CHECK_ERROR(syscall(SYS_settimeofday, &tv, 0), EPERM);
    CHECK_ERROR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EPERM);
    CHECK_ERROR(syscall(SYS_setdomainname, "x", 1), EPERM);
    CHECK_ERROR(syscall(SYS_sethostname, "x", 1), EPERM);
    CHECK_ERROR(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0), EPERM);
    CHECK_ERROR(syscall(SYS_mount, "a", "/", "tmpfs", 0, 0), EPERM);
    CHECK_ERROR(syscall(SYS_umount2, "/", 0), EPERM);
    CHECK_ERROR(syscall(SYS_syslog, 5, 0, 0), EPERM);
    CHECK_ERROR(syscall(SYS_mknod, "/tmp/a-device-that-is-refused", S_IFCHR, 0x103), EPERM);
    struct rlimit r;
    CHECK(syscall(SYS_getrlimit, RLIMIT_NOFILE, &r) == 0);
    r.rlim_max++;
    CHECK_ERROR(syscall(SYS_setrlimit, RLIMIT_NOFILE, &r), EPERM);
    CHECK_ERROR(syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, 0, &r), EPERM);
}

static void numbers(void) {
    struct sysinfo info;
    struct utsname name;
    struct rusage usage;
    struct rlimit limit, old;
    CHECK(syscall(SYS_sysinfo, &info) == 0 && info.mem_unit >= 1 && info.freeram <= info.totalram && info.procs > 0 && info.uptime >= 0);
    CHECK_ERROR(syscall(SYS_sysinfo, 8), EFAULT);
    CHECK(syscall(SYS_uname, &name) == 0 && !strcmp(name.sysname, "Linux") && !strcmp(name.machine, "x86_64"));
    CHECK(syscall(SYS_getrusage, RUSAGE_SELF, &usage) == 0 && usage.ru_minflt > 0);
    CHECK(syscall(SYS_getrusage, RUSAGE_CHILDREN, &usage) == 0 && syscall(SYS_getrusage, RUSAGE_THREAD, &usage) == 0);
    CHECK_ERROR(syscall(SYS_getrusage, 2, &usage), EINVAL);
    CHECK_ERROR(syscall(SYS_getrusage, RUSAGE_SELF, 8), EFAULT);
    CHECK(syscall(SYS_getrlimit, RLIMIT_CORE, &limit) == 0);
    limit.rlim_cur = 0;
    CHECK(syscall(SYS_setrlimit, RLIMIT_CORE, &limit) == 0 && syscall(SYS_prlimit64, 0, RLIMIT_CORE, 0, &old) == 0 && old.rlim_cur == 0);
    CHECK(syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, &limit, &old) == 0);
    CHECK_ERROR(syscall(SYS_getrlimit, 16, &limit), EINVAL);
    CHECK_ERROR(syscall(SYS_setrlimit, 16, &limit), EINVAL);
    CHECK_ERROR(syscall(SYS_prlimit64, 99999, RLIMIT_CORE, 0, &old), ESRCH);
    CHECK_ERROR(syscall(SYS_setrlimit, RLIMIT_CORE, 8), EFAULT);
    limit.rlim_cur = 2, limit.rlim_max = 1;
    CHECK_ERROR(syscall(SYS_setrlimit, RLIMIT_CORE, &limit), EINVAL);
    CHECK_ERROR(syscall(SYS_syslog, 99, 0, 0), EINVAL);
    CHECK_ERROR(syscall(SYS_syslog, 3, 0, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_syslog, 3, &info, -1), EINVAL);
    CHECK(syscall(SYS_syslog, 10, 0, 0) > 0 && syscall(SYS_syslog, 0, 0, 0) == 0 && syscall(SYS_syslog, 1, 0, 0) == 0);
    CHECK_ERROR(syscall(SYS_setdomainname, "x", -1), EINVAL);
    CHECK_ERROR(syscall(SYS_setdomainname, "x", 65), EINVAL);
    CHECK_ERROR(syscall(SYS_sethostname, "x", 65), EINVAL);
    CHECK_ERROR(syscall(SYS_sethostname, 8, 4), EFAULT);
    CHECK_ERROR(syscall(SYS_reboot, 1, 2, 3, 4), EINVAL);
    CHECK(syscall(SYS_getpid) == syscall(SYS_gettid) && syscall(SYS_getppid) > 0);
}

static int tid_word, shared_word;
static char stack[65536];

static int thread(void* unused) {
    // clear_child_tid of this thread is tid_word: the exit clears and wakes it.
    return syscall(SYS_set_tid_address, &tid_word) == syscall(SYS_gettid) ? 0 : 1;
}

static void threads(void) {
    tid_word = 77;
    CHECK(clone(thread, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, 0) > 0);
    while (__atomic_load_n(&tid_word, __ATOMIC_SEQ_CST) == 77) syscall(SYS_futex, &tid_word, 0, 77, 0, 0, 0);
    CHECK(tid_word == 0);
    void *head = 0, *list[3] = {list, 0, 0};
    long size = 0;
    CHECK(syscall(SYS_set_robust_list, list, 24) == 0 && syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head == list && size == 24);
    CHECK(syscall(SYS_get_robust_list, getpid(), &head, &size) == 0 && head == list);
    CHECK_ERROR(syscall(SYS_set_robust_list, list, 23), EINVAL);
    CHECK_ERROR(syscall(SYS_get_robust_list, 99999, &head, &size), ESRCH);
    CHECK_ERROR(syscall(SYS_get_robust_list, 0, 8, &size), EFAULT);
    CHECK_ERROR(syscall(SYS_get_robust_list, 0, &head, 8), EFAULT);
    unsigned long base = 0, fs = 0;
    CHECK(syscall(SYS_arch_prctl, 0x1003, &fs) == 0 && fs != 0);                                        // ARCH_GET_FS
    CHECK(syscall(SYS_arch_prctl, 0x1002, fs) == 0);                                                    // ARCH_SET_FS
    CHECK(syscall(SYS_arch_prctl, 0x1001, 0x123456) == 0 && syscall(SYS_arch_prctl, 0x1004, &base) == 0 && base == 0x123456);
    CHECK_ERROR(syscall(SYS_arch_prctl, 0x1001, -1L), EPERM);
    CHECK_ERROR(syscall(SYS_arch_prctl, 0x1003, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_arch_prctl, 0x9999, 8), EINVAL);
    struct {
        unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {.exit_signal = SIGCHLD, .flags = CLONE_PARENT_SETTID, .parent_tid = (unsigned long)&shared_word};
    long child = syscall(SYS_clone3, &args, sizeof(args));
    if (child == 0) _exit(42);
    int status;
    CHECK(child > 0 && shared_word == child && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 42);
    CHECK_ERROR(syscall(SYS_clone3, &args, 63), EINVAL);
    CHECK_ERROR(syscall(SYS_clone3, 8, sizeof(args)), EFAULT);
    CHECK_ERROR(syscall(SYS_clone3, &args, 5000), E2BIG);
    args.exit_signal = 65;
    CHECK_ERROR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    args.exit_signal = SIGCHLD, args.stack = 4096;
    CHECK_ERROR(syscall(SYS_clone3, &args, sizeof(args)), EINVAL);
    child = syscall(SYS_fork);
    if (child == 0) syscall(SYS_exit_group, 0x1234);
    CHECK(syscall(SYS_wait4, child, &status, 0, 0) == child && status == 0x3400);
    child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) syscall(SYS_exit, 0x99);
    CHECK(syscall(SYS_wait4, child, &status, 0, 0) == child && status == 0x9900);
}

static int caught;
static siginfo_t last;
static void handler(int sig, siginfo_t* info, void* context) { caught++, last = *info; }

static void signals(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, 0);
    CHECK(syscall(SYS_tkill, syscall(SYS_gettid), SIGUSR1) == 0 && caught == 1 && last.si_code == SI_TKILL && last.si_pid == getpid());
    siginfo_t info = {.si_code = SI_QUEUE, .si_value.sival_int = 31};
    CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &info) == 0 && caught == 2 && last.si_value.sival_int == 31);
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info) == 0 && caught == 3);
    CHECK_ERROR(syscall(SYS_rt_tgsigqueueinfo, getpid(), 8, SIGUSR1, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_restart_syscall), EINTR);
    sigset_t set, pending, old;
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, &old, 8) == 0 && raise(SIGUSR1) == 0 && caught == 3);
    CHECK(syscall(SYS_rt_sigpending, &pending, 8) == 0 && sigismember(&pending, SIGUSR1));
    CHECK(syscall(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){0, 0}, 8) == SIGUSR1 && info.si_signo == SIGUSR1);
    CHECK_ERROR(syscall(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){0, 0}, 8), EAGAIN);
    CHECK_ERROR(syscall(SYS_rt_sigtimedwait, &set, &info, &(struct timespec){0, -1}, 8), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_sigtimedwait, &set, &info, 0, 4), EINVAL);
    raise(SIGUSR1);
    sigemptyset(&pending);
    CHECK_ERROR(syscall(SYS_rt_sigsuspend, &pending, 8), EINTR);
    CHECK(caught == 4);
    CHECK_ERROR(syscall(SYS_rt_sigsuspend, &pending, 4), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_sigaction, SIGKILL, &set, 0, 8), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_sigaction, 65, 0, 0, 8), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_sigaction, SIGUSR1, 0, 8, 8), EFAULT);
    CHECK_ERROR(syscall(SYS_rt_sigprocmask, 9, &set, 0, 8), EINVAL);
    CHECK_ERROR(syscall(SYS_rt_sigpending, &pending, 16), EINVAL);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, 8);
}

static void programs(void) {
    char* argv[] = {"self", "again", 0};
    int status, self = open("/proc/self/exe", O_RDONLY);
    if (fork() == 0) syscall(SYS_execveat, self, "", argv, 0, AT_EMPTY_PATH), _exit(9);
    CHECK(wait(&status) > 0 && WEXITSTATUS(status) == 55);
    CHECK_ERROR(syscall(SYS_execveat, self, "", argv, 0, 0), ENOENT);
    CHECK_ERROR(syscall(SYS_execveat, self, "x", argv, 0, 0), ENOTDIR);
    CHECK_ERROR(syscall(SYS_execveat, 99, "x", argv, 0, 0), EBADF);
    CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, "none", argv, 0, 0), ENOENT);
    CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, "x", argv, 0, 1), EINVAL);
    CHECK_ERROR(syscall(SYS_execveat, AT_FDCWD, "/proc/self/exe", argv, 0, AT_SYMLINK_NOFOLLOW), ELOOP);
    CHECK_ERROR(syscall(SYS_execve, 8, argv, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_execve, "/proc/self/exe", 8, 0), EFAULT);
    CHECK_ERROR(syscall(SYS_execve, ".", argv, 0), EACCES);
    close(self);
}

static void memory(void) {
    int fd = open("m", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(syscall(SYS_ftruncate, fd, 8192L) == 0 && syscall(SYS_truncate, "m", 12288L) == 0);
    CHECK_ERROR(syscall(SYS_truncate, "m", -1L), EINVAL);
    CHECK_ERROR(syscall(SYS_truncate, ".", 0L), EISDIR);
    char* p = mmap(0, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    p[5] = 'a';
    CHECK(syscall(SYS_msync, p, 8192L, MS_SYNC) == 0 && syscall(SYS_msync, p, 4096L, MS_ASYNC | MS_INVALIDATE) == 0);
    CHECK(syscall(SYS_msync, p, 0L, MS_SYNC) == 0);
    CHECK_ERROR(syscall(SYS_msync, p + 1, 4096L, MS_SYNC), EINVAL);
    CHECK_ERROR(syscall(SYS_msync, p, 4096L, MS_SYNC | MS_ASYNC), EINVAL);
    CHECK_ERROR(syscall(SYS_msync, p, 4096L, 8), EINVAL);
    CHECK(syscall(SYS_mlock, p, 4096L) == 0);
    CHECK_ERROR(syscall(SYS_msync, p, 4096L, MS_INVALIDATE), EBUSY);
    CHECK(syscall(SYS_munlock, p, 4096L) == 0);
    munmap(p + 4096, 4096);
    CHECK_ERROR(syscall(SYS_msync, p, 12288L, MS_SYNC), ENOMEM);
    CHECK_ERROR(syscall(SYS_readahead, -1, 0L, 4096L), EBADF);
    CHECK(syscall(SYS_readahead, fd, 0L, 4096L) == 0);
    CHECK(syscall(SYS_fsync, fd) == 0 && syscall(SYS_fdatasync, fd) == 0 && syscall(SYS_syncfs, fd) == 0 && syscall(SYS_sync) == 0);
    CHECK(syscall(SYS_sync_file_range, fd, 0L, 100L, 7) == 0);
    CHECK_ERROR(syscall(SYS_sync_file_range, fd, -1L, 100L, 7), EINVAL);
    char c;
    struct iovec {
        void* base;
        long size;
    } iov = {&c, 1};
    CHECK(syscall(SYS_preadv2, fd, &iov, 1, 5L, 0L, 0) == 1 && c == 'a');
    c = 'b';
    CHECK(syscall(SYS_pwritev2, fd, &iov, 1, 6L, 0L, 4) == 1 && syscall(SYS_pwritev, fd, &iov, 1, 7L, 0L) == 1);
    CHECK(syscall(SYS_pread64, fd, &c, 1L, 7L) == 1 && c == 'b' && syscall(SYS_pwrite64, fd, "z", 1L, 8L) == 1);
    CHECK(syscall(SYS_preadv, fd, &iov, 1, 8L, 0L) == 1 && c == 'z' && lseek(fd, 0, SEEK_CUR) == 0);
    CHECK(syscall(SYS_preadv2, fd, &iov, 1, -1L, -1L, 0) == 1 && lseek(fd, 0, SEEK_CUR) == 1);
    CHECK(syscall(SYS_readv, fd, &iov, 1) == 1 && syscall(SYS_writev, fd, &iov, 1) == 1 && lseek(fd, 0, SEEK_CUR) == 3);
    CHECK(syscall(SYS_fadvise64, fd, 0L, 0L, POSIX_FADV_DONTNEED) == 0);
    CHECK_ERROR(syscall(SYS_fadvise64, fd, 0L, -1L, 0), EINVAL);
    CHECK(syscall(SYS_readahead, fd, 0L, 4096L) == 0);
    CHECK_ERROR(syscall(SYS_readahead, -1, 0L, 4096L), EBADF);
    close(fd), unlink("m");
    CHECK(syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE) == 0);
    char* q = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char in = 0;
    CHECK(mincore(q, 4096, &in) == 0 && (in & 1));
    CHECK(syscall(SYS_munlockall) == 0);
    CHECK_ERROR(syscall(SYS_mlockall, 8), EINVAL);
    CHECK_ERROR(syscall(SYS_mlockall, 0), EINVAL);
}

int main(int argc, char** argv) {
    if (argc == 2) return 55;
    void (*parts[])(void) = {clocks, unprivileged, numbers, threads, signals, programs, memory};
    for (int i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (fork() == 0) {
            check_failures = 0;
            parts[i]();
            fflush(stdout);
            syscall(SYS_exit_group, check_failures);
        }
        int status;
        CHECK(wait(&status) > 0 && status == 0);
    }
    CHECK_END();
}
