// Unmasked floating-point exceptions, and others that QEMU's TCG does not raise or gives other codes (the runner leaves
// this program out there): INT1, #SS, and the error code of INT n.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static sigjmp_buf escape;
static volatile int got_signal, got_code, got_trap, got_error;

static void handler(int sig, siginfo_t *info, void *context) {
    got_signal = sig;
    got_code = info->si_code;
    got_trap = ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO];
    got_error = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
    siglongjmp(escape, 1);
}

// Loads an x87 control word, runs `code`, and shows the signal that it ends in.
#define X87(name, control, code)                                                               \
    do {                                                                                       \
        unsigned short word = control;                                                         \
        got_signal = got_code = 0;                                                             \
        if (sigsetjmp(escape, 1) == 0) asm volatile(code "; fwait" ::"m"(word) : "memory");     \
        asm volatile("fninit");                                                                \
        printf("%s: %d %d trap %d error %x\n", name, got_signal, got_code, got_trap, got_error); \
    } while (0)

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
    // The code is that of a flag that is not masked, whatever else is set.
    X87("ZE, IE set and masked", 0x33b, "fninit; fldz; fldz; fdivrp; fldcw %0; fld1; fldz; fdivrp");
    X87("ZE, PE set and masked", 0x33b, "fninit; fld1; fldpi; fdivrp; fldcw %0; fld1; fldz; fdivrp");
    X87("PE", 0x31f, "fninit; fldcw %0; fld1; fldpi; fdivrp");
    X87("DE", 0x33d, "fninit; fldcw %0; push $1; fldl (%%rsp); add $8, %%rsp");
    X87("OE", 0x337, "fninit; fldcw %0; push $0x7fff; fild (%%rsp); fld1; fscale; fstp %%st(1); fmul %%st; pop %%rax");
    X87("stack fault", 0x33e, "fninit; fldcw %0; fadd %%st(1), %%st");
    X87("nothing unmasked", 0x33f, "fninit; fldcw %0; fld1; fldz; fdivrp");
    if (sigsetjmp(escape, 1) == 0) {
        with_mxcsr((0x1f80 & ~(1u << 9)) | 1);
        result = one / zero;
    }
    printf("divide, invalid set and masked: %d %d\n", got_signal, got_code);
    sigaction(SIGTRAP, &action, 0);
    if (sigsetjmp(escape, 1) == 0) asm volatile(".byte 0xf1");
    printf("INT1: %d %d trap %d error %x\n", got_signal, got_code, got_trap, got_error);
    if (sigsetjmp(escape, 1) == 0) asm volatile("int $0x20");
    printf("INT 0x20: %d %d trap %d error %x\n", got_signal, got_code, got_trap, got_error);
    // On a stack of its own: the program's pointer is what is wrong.
    static char stack[65536];
    sigaltstack(&(stack_t){stack, 0, sizeof(stack)}, 0);
    action.sa_flags |= SA_ONSTACK;
    sigaction(SIGBUS, &action, 0);
    if (sigsetjmp(escape, 1) == 0) asm volatile("mov %0, %%rsp; pop %%rax" ::"r"(1ull << 63));
    printf("stack fault: %d %d trap %d error %x\n", got_signal, got_code, got_trap, got_error);
    CHECK_END();
}
