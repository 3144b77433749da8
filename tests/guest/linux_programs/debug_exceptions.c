// What ring 3 sees of the CPU's system side through Linux: hardware breakpoints and single steps by ptrace,
// TF, and the signals of what is not allowed. Prints one line for each observation; a real PC prints the
// same.
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int watched, sink;
static char buffer[64] __attribute__((aligned(64)));

static __attribute__((noinline)) void marked_function(void) {
    __asm__ volatile("nop");
}

static void set_debug_register(pid_t pid, int number, unsigned long value) {
    if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[number]), value) != 0)
        printf("no debug register %d\n", number);
}

static void watched_child(void) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    sink = 1;
    watched = 5;
    sink = watched;
    marked_function();
    __asm__ volatile("cld; rep stosb" ::"D"(buffer), "a"(1), "c"(64) : "memory");
    marked_function();
    _exit(3);
}

// DR0: writes of `watched`; DR1: execution of marked_function; DR2: writes of buffer[17]; DR3: any access to
// `watched`.
static void hardware_breakpoints(void) {
    const pid_t pid = fork();
    if (pid == 0) watched_child();
    int status;
    waitpid(pid, &status, 0);
    set_debug_register(pid, 0, (unsigned long)&watched);
    set_debug_register(pid, 1, (unsigned long)&marked_function);
    set_debug_register(pid, 2, (unsigned long)(buffer + 17));
    set_debug_register(pid, 3, (unsigned long)&watched);
    set_debug_register(pid, 7, 0x55ul | 1ul << 16 | 3ul << 18 | 1ul << 24 | 3ul << 28 | 3ul << 30);
    for (;;) {
        ptrace(PTRACE_CONT, pid, 0, 0);
        waitpid(pid, &status, 0);
        if (WIFEXITED(status)) break;
        struct user_regs_struct regs;
        ptrace(PTRACE_GETREGS, pid, 0, &regs);
        const unsigned long dr6 = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[6]), 0);
        printf("signal %d, DR6 %lx", WSTOPSIG(status), dr6 & 0xe00f);
        if ((dr6 & 2) != 0) printf(", at the function %d", regs.rip == (unsigned long)&marked_function);
        if ((dr6 & 4) != 0) printf(", %llu left", regs.rcx);
        printf("\n");
        set_debug_register(pid, 6, 0);
    }
    printf("exit %d\n", WEXITSTATUS(status));
}

static void single_steps(void) {
    const pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        __asm__ volatile("int3; mov $3, %%ecx; rep stosb; nop; int3" ::"D"(buffer) : "rcx", "memory");
    }
    int status;
    waitpid(pid, &status, 0);
    unsigned long long begin = 0;
    for (int i = 0; i < 6; i++) {
        struct user_regs_struct regs;
        ptrace(PTRACE_GETREGS, pid, 0, &regs);
        if (i == 0)
            begin = regs.rip;
        else
            printf("step to +%llu, RCX %llu\n", regs.rip - begin, regs.rcx);
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static volatile int traps;
static void count_trap(int number, siginfo_t* info, void* context) {
    (void)number, (void)info;
    traps++;
    if (traps == 5) ((ucontext_t*)context)->uc_mcontext.gregs[REG_EFL] &= ~0x100;
}

static sigjmp_buf back;
static volatile int caught, caught_code;
static void catch_signal(int number, siginfo_t* info, void* context) {
    (void)context;
    __asm__ volatile("pushfq; andl $~0x40000, (%%rsp); popfq" ::: "memory", "cc");
    caught = number;
    caught_code = info->si_code;
    siglongjmp(back, 1);
}

#define TRY(name, ...)                                                \
    do {                                                              \
        caught = caught_code = 0;                                     \
        if (sigsetjmp(back, 1) == 0) {                                \
            __VA_ARGS__;                                              \
        }                                                             \
        printf("%s: signal %d code %d\n", name, caught, caught_code); \
    } while (0)

static void handle(int number, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(number, &action, 0);
}

static void refused_instructions(void) {
    const unsigned long noncanonical = 1ul << 60;
    TRY("icebp", __asm__ volatile(".byte 0xf1"));
    TRY("int3", __asm__ volatile("int3"));
    TRY("misaligned load",
        __asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq; mov 1(%0), %%eax" ::"r"(buffer)
                         : "rax", "memory"));
    TRY("misaligned push",
        __asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq; sub $1, %%rsp; push %%rax" ::
                             : "memory"));
    TRY("hlt", __asm__ volatile("hlt"));
    TRY("mov from cr0", __asm__ volatile("mov %%cr0, %%rax" ::: "rax"));
    TRY("mov from dr7", __asm__ volatile("mov %%dr7, %%rax" ::: "rax"));
    TRY("rdpmc", __asm__ volatile("xor %%ecx, %%ecx; rdpmc" ::: "rax", "rcx", "rdx"));
    TRY("in", __asm__ volatile("in $0x80, %%al" ::: "rax"));
    TRY("cli", __asm__ volatile("cli"));
    TRY("int 21h", __asm__ volatile("int $0x21"));
    TRY("non-canonical load", __asm__ volatile("mov (%0), %%rax" ::"r"(noncanonical) : "rax"));
    TRY("non-canonical stack",
        __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; push %%rax" ::"r"(noncanonical)
                         : "rbx"));
}

static void protection_keys(void) {
    const int key = (int)syscall(SYS_pkey_alloc, 0, 0);
    if (key <= 0) {
        printf("no protection keys\n");
        return;
    }
    volatile char* page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
    syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_WRITE, key);
    __asm__ volatile("wrpkru" ::"a"(2u << (2 * key)), "c"(0), "d"(0));
    TRY("key, read", (void)*page);
    TRY("key, write", *page = 2);
    __asm__ volatile("wrpkru" ::"a"(1u << (2 * key)), "c"(0), "d"(0));
    TRY("key, read of disabled", (void)*page);
}

int main(void) {
    setvbuf(stdout, 0, _IONBF, 0);
    static char stack[65536];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, 0);
    hardware_breakpoints();
    single_steps();
    handle(SIGTRAP, count_trap);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop; nop; nop; nop; nop; nop" ::
                         : "memory", "cc");
    printf("%d traps\n", traps);
    for (const int* number = (const int[]){SIGTRAP, SIGBUS, SIGSEGV, SIGILL, 0}; *number != 0; number++)
        handle(*number, catch_signal);
    refused_instructions();
    protection_keys();
    return 0;
}
