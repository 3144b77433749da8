// Unmasked floating-point exceptions. (QEMU's TCG does not raise them: the runner leaves this program out there.)
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static sigjmp_buf escape;
static volatile int got_signal, got_code;

static void handler(int sig, siginfo_t *info, void *context) {
    (void)context;
    got_signal = sig;
    got_code = info->si_code;
    siglongjmp(escape, 1);
}

static void with_mxcsr(unsigned csr) { asm volatile("ldmxcsr %0" ::"m"(csr)); }

int main(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGFPE, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    volatile double one = 1.0, zero = 0.0, huge = 1e308, result;
    if (sigsetjmp(escape, 1) == 0) {
        with_mxcsr(0x1f80 & ~(1u << 9));
        result = one / zero;
    }
    printf("divide: %d %d\n", got_signal, got_code);
    if (sigsetjmp(escape, 1) == 0) {
        with_mxcsr(0x1f80 & ~(1u << 10));
        result = huge * huge;
    }
    printf("overflow: %d %d\n", got_signal, got_code);
    if (sigsetjmp(escape, 1) == 0) {
        with_mxcsr(0x1f80 & ~(1u << 7));
        result = zero / zero;
    }
    printf("invalid: %d %d\n", got_signal, got_code);
    if (sigsetjmp(escape, 1) == 0) with_mxcsr(0xffffffff);
    printf("reserved bits: %d %d\n", got_signal, got_code);
    unsigned short control = 0x37f & ~4;
    if (sigsetjmp(escape, 1) == 0) {
        asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" ::"m"(control));
    }
    printf("x87 divide: %d %d\n", got_signal, got_code);
    asm volatile("fninit");
    // The handler's own unit starts clean, and ours comes back.
    CHECK(got_signal == SIGFPE);
    CHECK_END();
}
