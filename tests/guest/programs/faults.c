// Every way to fault: the right signal with the right si_code, in the program alone.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static sigjmp_buf escape;
static volatile int got_signal, got_code;
static void *volatile got_address;

static void handler(int sig, siginfo_t *info, void *context) {
    (void)context;
    got_signal = sig;
    got_code = info->si_code;
    got_address = info->si_addr;
    siglongjmp(escape, 1);
}

#define FAULT(name, ...)                                                                  \
    do {                                                                                  \
        got_signal = 0;                                                                   \
        if (sigsetjmp(escape, 1) == 0) {                                                  \
            __VA_ARGS__;                                                                    \
        }                                                                                 \
        printf("%s: signal %d code %d\n", name, got_signal, got_code);                    \
        fflush(stdout);                                                                   \
    } while (0)

static volatile int zero;
static int recurse(int n) {
    volatile char frame[4096];
    frame[0] = (char)n;
    return recurse(n + 1) + frame[0];
}

static void in_child(const char *name, void (*body)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        body();
        _exit(77);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) printf("%s: killed by %d\n", name, WTERMSIG(status));
    else printf("%s: exit %d\n", name, WEXITSTATUS(status));
}

static void die_null(void) { *(volatile int *)0 = 1; }
static void die_jump(void) { ((void (*)(void))0xdeadbeef000)(); }
static void die_noncanonical(void) { ((void (*)(void))0x1234567812345678)(); }
static void die_kernel_jump(void) { ((void (*)(void))0xffffffff81000000)(); }
static void die_stack(void) { recurse(0); }
static void die_no_stack(void) { asm volatile("xorl %%esp, %%esp; push %%rax" ::: "memory"); }
static void die_kernel_stack(void) { asm volatile("movq $0xffff888000001000, %%rsp; push %%rax" ::: "memory"); }
static void die_syscall_bad_stack(void) {
    asm volatile("movq $0xffff800000000000, %%rsp; movl $39, %%eax; syscall; movl $60, %%eax; movl $5, %%edi; syscall" ::: "memory");
}
static void die_sigreturn(void) { asm volatile("movl $15, %%eax; xorl %%esp, %%esp; syscall" ::: "memory"); }
static void die_sigreturn_garbage(void) {
    static uint64_t garbage[1024];
    for (int i = 0; i < 1024; i++) garbage[i] = 0xdeadbeefcafebabeull * (uint64_t)(i + 1);
    asm volatile("movq %0, %%rsp; movl $15, %%eax; syscall" ::"r"(garbage + 64) : "memory");
}
static void die_blocked_segv(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, 0);
    signal(SIGSEGV, SIG_IGN);
    die_null();
}
static void die_handler_without_stack(void) {
    signal(SIGSEGV, (void (*)(int))handler);
    die_no_stack();
}
static void die_wild_handler(void) {
    signal(SIGUSR1, (void (*)(int))0x1234567812345678);
    raise(SIGUSR1);
}
static void die_nt_flag(void) {
    asm volatile("pushfq; orl $0x4000, (%%rsp); popfq; movl $39, %%eax; syscall" ::: "rax", "rcx", "r11", "memory");
    _exit(3);
}
static void die_df_flag(void) {
    asm volatile("std; movl $39, %%eax; syscall; cld" ::: "rax", "rcx", "r11", "memory");
    _exit(4);
}

int main(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    static char alternate[65536];
    stack_t stack = {alternate, 0, sizeof(alternate)};
    sigaltstack(&stack, 0);
    for (int sig = 1; sig < 32; sig++) {
        if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP) sigaction(sig, &action, 0);
    }
    char *read_only = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *none = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *data = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    data[0] = (char)0xc3;
    int fd = open("/tmp/faults-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char *beyond = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    FAULT("null read", (void)*(volatile int *)0);
    FAULT("null write", *(volatile int *)0 = 1);
    FAULT("write to read-only", read_only[0] = 1);
    CHECK(got_address == read_only);
    FAULT("read of none", (void)*(volatile char *)none);
    FAULT("execute data", ((void (*)(void))data)());
    FAULT("kernel text", (void)*(volatile int *)0xffffffff81000000);
    FAULT("direct map write", *(volatile int *)0xffff888000100000 = 1);
    FAULT("non-canonical", (void)*(volatile int *)0x8000000000000000);
    FAULT("beyond the file", (void)*(volatile char *)(beyond + 4096));
    FAULT("divide by zero", zero = 1 / zero);
    FAULT("undefined instruction", asm volatile("ud2"));
    FAULT("halt", asm volatile("hlt"));
    FAULT("cli", asm volatile("cli"));
    FAULT("port", asm volatile("outb %%al, $0x80" ::"a"(0)));
    FAULT("rdmsr", asm volatile("rdmsr" ::"c"(0xc0000080) : "eax", "edx"));
    FAULT("cr3", asm volatile("movq %%cr3, %%rax" ::: "rax"));
    FAULT("breakpoint", asm volatile("int3"));
    FAULT("int 0x81", asm volatile("int $0x81"));
    FAULT("int 14", asm volatile("int $14"));
    FAULT("single step", asm volatile("pushfq; orl $0x100, (%%rsp); popfq; nop" ::: "memory"));
    FAULT("bad segment", asm volatile("movw %%ax, %%ds" ::"a"(0x1234)));
    FAULT("stack overflow", recurse(0));
    CHECK(munmap(data, 4096) == 0);
    FAULT("unmapped", (void)*(volatile char *)data);

    for (int sig = 1; sig < 32; sig++) {
        if (sig != SIGKILL && sig != SIGSTOP && sig != SIGCHLD) signal(sig, SIG_DFL);
    }
    in_child("null", die_null);
    in_child("wild jump", die_jump);
    in_child("non-canonical jump", die_noncanonical);
    in_child("kernel jump", die_kernel_jump);
    in_child("stack", die_stack);
    in_child("no stack", die_no_stack);
    in_child("kernel stack", die_kernel_stack);
    in_child("system call on a bad stack", die_syscall_bad_stack);
    in_child("sigreturn", die_sigreturn);
    in_child("sigreturn of garbage", die_sigreturn_garbage);
    in_child("blocked SIGSEGV", die_blocked_segv);
    in_child("handler without stack", die_handler_without_stack);
    in_child("wild handler", die_wild_handler);
    in_child("nested task flag", die_nt_flag);
    in_child("direction flag", die_df_flag);
    unlink("/tmp/faults-file");
    CHECK_END();
}
