// Random system calls with nasty arguments, from many short-lived processes, some of them 32-bit ones by INT 0x80: the kernel
// must stay. (Only in the guest.)
// The seed is fixed: a failure repeats.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static uint64_t state;
static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static char *area, *name;  // below 4 GiB
static uint64_t argument(void) {
    static const uint64_t special[] = {0, 1, 2, 3, 7, 8, 16, 255, 4095, 4096, 4097, 65536, 0x7fffffff, 0x80000000,
                                       0xffffffff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0xffff800000000000,
                                       0xffff888000000000, 0xffffc90000000000, 0xffffffff81000000, 0x7fffffffffffffff,
                                       0x8000000000000000, -1ull, -2ull, -100ull, -4096ull, -4095ull};
    switch (next() % 8) {
        case 0: case 1: return special[next() % (sizeof(special) / sizeof(special[0]))];
        case 2: return next() % 64;
        case 3: return (uint64_t)area + next() % 65536;
        case 4: return (uint64_t)area + 65536 - next() % 16;
        case 5: return next();
        case 6: return 1ull << next() % 64;
        default: return (uint64_t)name + (next() % 3 == 0);
    }
}

static int forbidden(long n) {
    switch (n) {
        case SYS_reboot: case SYS_exit: case SYS_exit_group: case SYS_pause: case SYS_rt_sigsuspend: case SYS_vfork:
        case SYS_fork: case SYS_clone: case SYS_clone3: case SYS_kill: case SYS_tkill: case SYS_tgkill: case SYS_syslog:
        case SYS_umount2: case SYS_mount: case SYS_chroot: case SYS_rt_sigqueueinfo: case SYS_rt_tgsigqueueinfo:
        case SYS_sched_setscheduler: case SYS_clock_settime: case SYS_settimeofday:
            return 1;
        default: return 0;
    }
}

// The same of the 32-bit table (asm/unistd_32.h). What waits for ever only costs time.
static int forbidden_ia32(long n) {
    static const short numbers[] = {1,  2,  3,   22,  29,  37,  52,  61,  72,  79,  88,  103, 120, 145, 156,
                                    21, 25, 178, 179, 190, 238, 252, 264, 270, 335, 404, 435};
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (n == numbers[i]) return 1;
    }
    return 0;
}
static void ia32_call(long n, const uint64_t a[6]) {
    __asm__ volatile("pushq %%rbp; movq %6, %%rbp; int $0x80; popq %%rbp"
                     : "+a"(n)
                     : "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), "r"(a[5])
                     : "memory", "r8", "r9", "r10", "r11");
}

static void child(uint64_t seed, int ia32) {
    state = seed * 0x9e3779b97f4a7c15ull + 1;
    struct rlimit small = {32 << 20, 32 << 20};
    setrlimit(RLIMIT_FSIZE, &small);
    if (seed & 1) {
        setgid(1000);
        setuid(1000);
    }
    for (int i = 0; i < 65536 / 8; i++) ((uint64_t *)area)[i] = next() % 4 ? next() % 4096 : argument();
    for (int i = 0; i < 400; i++) {
        long n = (long)(next() % 16 == 0 ? next() : next() % 450);
        if (ia32) {
            uint64_t arguments[6];
            for (int k = 0; k < 6; k++) arguments[k] = argument();
            if (!forbidden_ia32(n & 0xffffffff)) ia32_call(n, arguments);
            continue;
        }
        if (forbidden(n)) continue;
        if (n == SYS_read || n == SYS_readv) continue;  // would wait for the console
        syscall(n, argument(), argument(), argument(), argument(), argument(), argument());
    }
    _exit(0);
}

int main(void) {
    mkdir("/tmp/fuzz", 0777);
    chdir("/tmp/fuzz");
    int null = open("/dev/null", O_RDWR);
    for (int i = 3; i < 8; i++) dup2(null, i);
    int fd = open("/tmp/fuzz/a", O_RDWR | O_CREAT, 0666);
    (void)fd;
    area = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    name = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    strcpy(name, "/tmp/fuzz/a");
    int rounds = getenv("FUZZ_ROUNDS") ? atoi(getenv("FUZZ_ROUNDS")) : 400;
    int base = getenv("FUZZ_SEED") ? atoi(getenv("FUZZ_SEED")) : 1;
    int ended = 0, status;
    for (int r = 0; r < rounds; r++) {
        pid_t pid = fork();
        if (pid == 0) {
            setsid();
            dup2(null, 0);
            dup2(null, 1);
            dup2(null, 2);
            child((uint64_t)(base + r), r / 2 % 2);
        }
        if (pid < 0) {
            perror("fork");
            break;
        }
        // It may have blocked every signal but this one, or sleep for ever.
        pid_t done = 0;
        for (int ms = 0; ms < 100 && !done; ms++) {
            done = waitpid(pid, &status, WNOHANG);
            if (!done) usleep(1000);
        }
        if (!done) {
            kill(pid, SIGKILL);
            done = waitpid(pid, &status, 0);
        }
        if (done == pid) ended++;
        if (r % 50 == 49) {
            printf("%d rounds\n", r + 1);
            fflush(stdout);
        }
    }
    CHECK(ended == rounds);
    // The kernel still does its work.
    char *p = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 1, 1 << 20);
    CHECK(p[12345] == 1);
    CHECK_END();
}
