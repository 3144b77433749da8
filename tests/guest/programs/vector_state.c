// Vector registers (YMM where the CPU and the kernel have AVX, else XMM) across fork, switches, exec and signals,
// and their place in a signal frame.
#define _GNU_SOURCE
#include <cpuid.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u

struct lanes {
    uint64_t q[4];
};
static int osxsave, avx;
static uint64_t xcr0;

static void find_features(void) {
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    osxsave = c >> 27 & 1;
    if (!osxsave) return;
    unsigned low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    xcr0 = (uint64_t)high << 32 | low;
    avx = (c >> 28 & 1) && (low & 6) == 6;
}

static void set_registers(const struct lanes *low, const struct lanes *high) {
    if (avx) {
        asm volatile("vmovdqu %0, %%ymm2; vmovdqu %1, %%ymm15" ::"m"(*low), "m"(*high));
    } else {
        asm volatile("movdqu %0, %%xmm2; movdqu %1, %%xmm15" ::"m"(*low), "m"(*high));
    }
}
static void get_registers(struct lanes *low, struct lanes *high) {
    if (avx) {
        asm volatile("vmovdqu %%ymm2, %0; vmovdqu %%ymm15, %1" : "=m"(*low), "=m"(*high));
    } else {
        asm volatile("movdqu %%xmm2, %0; movdqu %%xmm15, %1" : "=m"(*low), "=m"(*high));
    }
}
static struct lanes pattern(uint64_t seed) {
    struct lanes lanes = {{seed, ~seed, avx ? seed * 3 : 0, avx ? seed * 5 : 0}};
    return lanes;
}
static int same(const struct lanes *a, const struct lanes *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

// Holds a pattern while others run.
static int holds(uint64_t seed, int turns) {
    const struct lanes low = pattern(seed), high = pattern(seed + 1000);
    for (int i = 0; i < turns; i++) {
        struct lanes now_low = {{0}}, now_high = {{0}};
        set_registers(&low, &high);
        syscall(24);  // sched_yield, without a library in between
        get_registers(&now_low, &now_high);
        if (!same(&low, &now_low) || !same(&high, &now_high)) return 0;
    }
    return 1;
}

static void test_switches(void) {
    int good = 0;
    for (int i = 0; i < 4; i++)
        if (fork() == 0) _exit(holds(0x0101010101010101ull * (i + 1), 300) ? 0 : 1);
    for (int i = 0; i < 4; i++) {
        int status;
        wait(&status);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    CHECK(good == 4);
}

static void test_fork(void) {
    const struct lanes low = pattern(77), high = pattern(88);
    struct lanes now_low = {{0}}, now_high = {{0}};
    long pid;
    set_registers(&low, &high);
    asm volatile("syscall" : "=a"(pid) : "a"(57) : "rcx", "r11", "memory");  // fork
    get_registers(&now_low, &now_high);
    if (pid == 0) _exit(same(&low, &now_low) && same(&high, &now_high) ? 0 : 1);
    int status;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(same(&low, &now_low) && same(&high, &now_high));
}

static int marks_ok, clean, aligned;
static uint64_t seen_low;
static void handler(int sig, siginfo_t *info, void *context) {
    struct lanes low = {{1}}, high = {{1}};
    static const struct lanes zero;
    get_registers(&low, &high);
    ucontext_t *uc = context;
    char *area = (char *)uc->uc_mcontext.fpregs;
    uint32_t magic1, extended_size, xstate_size, magic2 = 0;
    uint64_t xfeatures;
    memcpy(&magic1, area + 464, 4);
    memcpy(&extended_size, area + 468, 4);
    memcpy(&xfeatures, area + 472, 8);
    memcpy(&xstate_size, area + 480, 4);
    aligned = ((uintptr_t)area & 63) == 0;
    clean = same(&high, &zero);
    if (osxsave) {
        if (magic1 == MAGIC1) memcpy(&magic2, area + xstate_size, 4);
        marks_ok = magic1 == MAGIC1 && magic2 == MAGIC2 && extended_size == xstate_size + 4 &&
                   (xfeatures & 7) == (xcr0 & 7) && (uc->uc_flags & 1);
    } else {
        marks_ok = !(uc->uc_flags & 1);  // the marks' place is then nobody's
    }
    memcpy(&seen_low, area + 160 + 16 * 2, 8);
    // What the program finds afterwards.
    const struct lanes changed = pattern(4321);
    memcpy(area + 160 + 16 * 15, changed.q, 16);
    if (avx) memcpy(area + 576 + 16 * 15, changed.q + 2, 16);
    if (avx) asm volatile("vpcmpeqd %%xmm2, %%xmm2, %%xmm2" ::: "xmm2");
    (void)sig, (void)info;
}

static void test_signal(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, 0);
    const struct lanes low = pattern(1234), high = pattern(5678), changed = pattern(4321);
    struct lanes now_low = {{0}}, now_high = {{0}};
    const long pid = getpid();
    long result;
    set_registers(&low, &high);
    asm volatile("syscall" : "=a"(result) : "a"(62), "D"(pid), "S"(SIGUSR1) : "rcx", "r11", "memory");  // kill
    get_registers(&now_low, &now_high);
    CHECK(seen_low == 1234);
    CHECK(same(&now_low, &low));
    CHECK(same(&now_high, &changed));
    CHECK(aligned);
    CHECK(clean);
    CHECK(marks_ok);
}

static void test_exec(const char *self) {
    const struct lanes ones = {{~0ull, ~0ull, ~0ull, ~0ull}};
    if (fork() == 0) {
        set_registers(&ones, &ones);
        execl(self, self, "fresh", (char *)0);
        _exit(9);
    }
    int status;
    wait(&status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
    find_features();
    if (argc > 1) {
        struct lanes low = {{1}}, high = {{1}};
        static const struct lanes zero;
        get_registers(&low, &high);
        return !same(&high, &zero);
    }
    test_switches();
    test_fork();
    test_signal();
    test_exec("/proc/self/exe");
    CHECK_END();
}
