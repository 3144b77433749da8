// Restartable sequences: registration, and the abort of a critical section by preemption and by a signal.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

struct area {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs;
    uint32_t flags;
    uint32_t pad[3];
} __attribute__((aligned(32)));
struct section {
    uint32_t version, flags;
    uint64_t start, length, abort;
} __attribute__((aligned(32)));

static struct area area = {0, (uint32_t)-1, 0, 0, {0}};
static volatile int handled;
static void handler(int sig) { (void)sig, handled++; }
static long rseq(void *a, unsigned size, int flags, unsigned sig) { return syscall(334, a, size, flags, sig); }

/// Spins inside a critical section until it is aborted; 1 when it was.
static int spin_until_aborted(void) {
    static struct section section;
    int aborted;
    asm volatile(
        "leaq 1f(%%rip), %%rax; movq %%rax, 8(%1);"
        "leaq 2f(%%rip), %%rcx; subq %%rax, %%rcx; movq %%rcx, 16(%1);"
        "leaq 3f(%%rip), %%rax; movq %%rax, 24(%1);"
        "movq %1, 8(%2);"
        "1: pause; jmp 1b;"
        "2: movl $0, %0; jmp 4f;"
        ".long 0x53053053;"
        "3: movl $1, %0; 4:"
        : "=&r"(aborted) : "r"(&section), "r"(&area) : "rax", "rcx", "memory");
    return aborted;
}

int main(void) {
    CHECK_ERROR(rseq((char *)&area + 8, 32, 0, 0x53053053), EINVAL);
    CHECK_ERROR(rseq(&area, 31, 0, 0x53053053), EINVAL);
    CHECK_ERROR(rseq(&area, 32, 4, 0x53053053), EINVAL);
    CHECK_ERROR(rseq((void *)0xffff888000000000, 32, 0, 0x53053053), EFAULT);
    CHECK_ERROR(rseq(&area, 32, 1, 0x53053053), EINVAL);
    CHECK(rseq(&area, 32, 0, 0x53053053) == 0);
    CHECK(area.cpu_id == area.cpu_id_start && area.cpu_id < 4096);
    CHECK_ERROR(rseq(&area, 32, 0, 0x53053053), EBUSY);
    CHECK_ERROR(rseq(&area, 32, 0, 1), EPERM);
    signal(SIGALRM, handler);
    struct itimerval soon = {{0, 0}, {0, 20000}};
    setitimer(ITIMER_REAL, &soon, 0);
    int aborted = 1;  // a busy machine may abort it several times before the signal does
    while (!handled) aborted &= spin_until_aborted();
    CHECK(aborted && handled == 1 && area.rseq_cs == 0);
    // Preemption alone: another process wants the CPU too.
    pid_t rival = fork();
    if (rival == 0) for (;;) {}
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        setitimer(ITIMER_REAL, &soon, 0);
    }
    CHECK(spin_until_aborted() == 1);
    kill(rival, SIGKILL);
    int status;
    waitpid(rival, &status, 0);
    // A wrong signature before the abort address kills.
    pid_t child = fork();
    if (child == 0) {
        static struct section bad = {0, 0, 0x1000, 16, (uint64_t)&area};
        area.rseq_cs = (uint64_t)&bad;
        bad.abort = (uint64_t)(uintptr_t)&main;
        for (int i = 0; i < 10; i++) usleep(20000);  // sure to be switched out
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGSEGV);
    CHECK_ERROR(rseq(&area, 32, 1, 1), EPERM);
    CHECK(rseq(&area, 32, 1, 0x53053053) == 0 && area.cpu_id == (uint32_t)-1);
    CHECK_END();
}
