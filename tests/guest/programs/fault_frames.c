// What a handler's frame tells of an exception: signal, si_code, si_addr, trap number, error code and CR2.
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

static sigjmp_buf escape;
static siginfo_t info;
static long long registers[23];
static volatile int entered;

static void handler(int sig, siginfo_t *its_info, void *context) {
    info = *its_info;
    memcpy(registers, ((ucontext_t *)context)->uc_mcontext.gregs, sizeof(registers));
    entered = sig;
    siglongjmp(escape, 1);
}

// CR2 stays what the last page fault with a signal made it, so it is shown as "equal to si_addr" for page faults only.
static void show(const char *name) {
    printf("%s: signal %d code %d trap %lld error %llx", name, entered, info.si_code, registers[REG_TRAPNO],
           registers[REG_ERR]);
    if (registers[REG_TRAPNO] == 14) printf(" cr2 %s", (long long)info.si_addr == registers[REG_CR2] ? "address" : "other");
    if (info.si_addr) printf(" address %s", (long long)info.si_addr == registers[REG_RIP] ? "rip" : "other");
    printf("\n");
    fflush(stdout);
}
#define TRY(name, ...)                      \
    do {                                    \
        entered = 0;                        \
        if (!sigsetjmp(escape, 1)) {        \
            __VA_ARGS__;                    \
        }                                   \
        show(name);                         \
    } while (0)

static void read_at(uint64_t address) { (void)*(volatile char *)address; }
static void write_at(uint64_t address) { *(volatile char *)address = 1; }
static void jump_to(uint64_t address) { ((void (*)(void))address)(); }

// Leaves its frame with something that IRET refuses.
static volatile int broken_register, broken_value_high;
static void break_frame(int sig, siginfo_t *its_info, void *context) {
    (void)sig, (void)its_info;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (broken_register == REG_RIP) g[REG_RIP] = 0x1234567812345678;
    if (broken_register == REG_CSGSFS && !broken_value_high) g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffffll) | 0x1230;
    if (broken_register == REG_CSGSFS && broken_value_high) g[REG_CSGSFS] = (g[REG_CSGSFS] & 0xffffffffffffll) | 0x1230ll << 48;
}

static volatile int compat_signals;
static void note_compat(int sig, siginfo_t *its_info, void *context) {
    (void)sig, (void)its_info;
    greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    compat_signals += (g[REG_CSGSFS] & 0xffff) == 0x23;
    g[REG_RIP] += 2;  // over UD2
}

int main(void) {
    struct sigaction action = {0};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaltstack(&(stack_t){malloc(65536), 0, 65536}, 0);
    const int signals[] = {SIGSEGV, SIGFPE, SIGTRAP, SIGBUS, SIGILL, SIGUSR1};
    for (int i = 0; i < 6; i++) sigaction(signals[i], &action, 0);

    TRY("sent before any exception", raise(SIGUSR1));
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = page[4096] = 1;
    TRY("sent after page faults", raise(SIGUSR1));
    const int error = open((char *)0x10, O_RDONLY);
    TRY("sent after a bad pointer", raise(SIGUSR1));
    CHECK(error == -1);

    TRY("divide error", asm volatile("xor %%ecx,%%ecx; mov $1,%%eax; cltd; idiv %%ecx" ::: "rax", "rcx", "rdx"));
    TRY("breakpoint", asm volatile("int3"));
    TRY("single step", asm volatile("pushf; orl $0x100,(%%rsp); popf; nop; nop" ::: "memory"));
    TRY("undefined", asm volatile("ud2"));
    TRY("halt", asm volatile("hlt"));
    TRY("bad selector", asm volatile("mov %0,%%fs" ::"r"(0x1234)));

    TRY("read of the first page", read_at(8));
    TRY("sent after it", raise(SIGUSR1));
    TRY("write to the first page", write_at(8));
    TRY("jump to the first page", jump_to(8));
    TRY("read of the kernel's half", read_at(-4096ull));
    TRY("write to the kernel's half", write_at(-4096ull));
    TRY("jump to the kernel's half", jump_to(-4096ull));
    TRY("read behind the last page", read_at(0x7ffffffff000));
    TRY("read of kernel text", read_at(0xffffffff81000000));
    TRY("write to the direct map", write_at(0xffff888000100000));
    TRY("read of a non-canonical address", read_at(1ull << 63));
    TRY("execute data", jump_to((uint64_t)page));
    mprotect(page, 4096, PROT_READ);
    TRY("write to a read-only page", write_at((uint64_t)page));
    mprotect(page, 4096, PROT_NONE);
    TRY("read of a page without rights", read_at((uint64_t)page));
    TRY("write to a page without rights", write_at((uint64_t)page));
    TRY("jump to a page without rights", jump_to((uint64_t)page));
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    CHECK(page[0] == 1);
    char *fresh = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY("write to a read-only page never touched", write_at((uint64_t)fresh));
    read_at((uint64_t)fresh);
    TRY("write to a read-only page that was read", write_at((uint64_t)fresh));
    int fd = open("frames", O_RDWR | O_CREAT, 0600);
    unlink("frames");
    char *file = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    TRY("read behind the end of a file", read_at((uint64_t)file));
    TRY("write behind the end of a file", write_at((uint64_t)file));
    TRY("divide error after page faults", asm volatile("xor %%ecx,%%ecx; mov $1,%%eax; cltd; idiv %%ecx" ::: "rax", "rcx", "rdx"));
    CHECK(registers[REG_CR2] == (long long)file);

    // A frame that cannot be gone back to.
    action.sa_sigaction = break_frame;
    sigaction(SIGUSR1, &action, 0);
    broken_register = REG_RIP;
    TRY("return to a non-canonical address", raise(SIGUSR1));
    CHECK(registers[REG_RIP] == 0x1234567812345678);
    broken_register = REG_CSGSFS;
    TRY("return to a bad code segment", raise(SIGUSR1));
    CHECK((registers[REG_CSGSFS] & 0xffff) == 0x1233);
    broken_value_high = 1;
    TRY("return to a bad stack segment", raise(SIGUSR1));

    // A signal in compatibility mode goes back there.
    action.sa_sigaction = note_compat;
    sigaction(SIGILL, &action, 0);
    char *low = mmap((void *)0x30000000, 16384, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    // ud2; mov $0x12345678,%eax; inc %eax (REX in 64-bit mode); lret
    memcpy(low, "\x0f\x0b\xb8\x78\x56\x34\x12\x40\xcb", 9);
    uint64_t rax;
    asm volatile(
        "mov %%rsp,%%r15; mov %2,%%rsp; sub $8,%%rsp; movl $0x33,4(%%rsp); lea 1f(%%rip),%%rcx; mov %%ecx,(%%rsp);"
        "pushq $0x23; push %1; lretq; 1: mov %%r15,%%rsp"
        : "=a"(rax)
        : "r"((uint64_t)low), "r"(low + 12288)
        : "r15", "rbx", "rbp", "rcx", "rdx", "rsi", "rdi", "memory");
    CHECK(rax == 0x12345679 && compat_signals == 1);
    CHECK_END();
}
