// INT 0x80 in a 64-bit program: Linux's 32-bit system calls, which see the lower halves of registers and give back what a
// 32-bit program gets; all other registers stay. And what seccomp's strict mode allows of them.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static long int80(long n, long a, long b, long c, long d, long e) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
    return result;
}

static int strict(int call) {
    const int pid = fork();
    if (pid == 0) {
        prctl(PR_SET_SECCOMP, 1);
        int80(call, 0, 0, 0, 0, 0);
        int80(1, 5, 0, 0, 0, 0);
    }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

int main(void) {
    CHECK(int80(20, 0, 0, 0, 0, 0) == getpid());
    CHECK(int80(20 | 1l << 40, 0, 0, 0, 0, 0) == getpid());
    CHECK(int80(1000, 0, 0, 0, 0, 0) == -ENOSYS);
    int on_stack[2];
    CHECK(int80(42, (long)on_stack, 0, 0, 0, 0) == -EFAULT);  // pipe: the stack lies above 4 GiB
    const long low = int80(192, 0, 4096, 3, 0x22, -1);  // mmap2
    CHECK(low > 0 && low < 0xffffe000l);
    int* page = (int*)low;
    CHECK(int80(42, low, 0, 0, 0, 0) == 0);
    CHECK(page[0] > 2 && page[1] > 2);
    CHECK(int80(4, page[1], low, 8, 0, 0) == 8);
    CHECK(int80(3, page[0] | 1l << 35, low | 1l << 45, 8, 0, 0) == 8);
    CHECK(int80(19, page[0], 0, 0, 0, 0) == -ESPIPE);
    page[0] = 10;
    page[1] = 20;
    CHECK(int80(162, low, 0, 0, 0, 0) == 0);
    CHECK(int80(265, 1, low, 0, 0, 0) == 0);
    CHECK(page[1] >= 0 && page[1] < 1000000000);
    const long high = (long)mmap(NULL, 4096, 3, 0x22, -1, 0);
    CHECK(high > 0x100000000l);

    long r8 = 0x1234567812345678, r9 = 1, r10 = 2, r11 = 3, r12 = 0x5555555555555;
    __asm__ volatile(
        "movq %1, %%r8; movq %2, %%r9; movq %3, %%r10; movq %4, %%r11; movq %5, %%r12; int $0x80;"
        "movq %%r8, %1; movq %%r9, %2; movq %%r10, %3; movq %%r11, %4; movq %%r12, %5"
        : "=a"(on_stack[0]), "+m"(r8), "+m"(r9), "+m"(r10), "+m"(r11), "+m"(r12)
        : "a"(20)
        : "r8", "r9", "r10", "r11", "r12", "memory");
    CHECK(r8 == 0x1234567812345678 && r9 == 1 && r10 == 2 && r11 == 3 && r12 == 0x5555555555555);

    // A descriptor for a segment register, beside FS, which is the C library's.
    unsigned* d = (unsigned*)low;
    d[0] = -1u;
    d[1] = (unsigned)low;
    d[2] = 0xfffff;
    d[3] = 0x51;
    CHECK(int80(243, low, 0, 0, 0, 0) == 0);
    CHECK(d[0] == 12);
    int value;
    __asm__ volatile("movw %w1, %%gs; movl %%gs:8, %0; movw %w2, %%gs" : "=&r"(value) : "r"(0x63), "r"(0));
    CHECK(value == 0xfffff);
    CHECK(syscall(SYS_getppid) == getppid());

    // SS may be a data segment that goes away: the way back to the program must not fail in the kernel.
    const int pid = fork();
    if (pid == 0) {
        d[0] = 12;
        d[3] = 0x28;
        d[1] = d[2] = 0;
        __asm__ volatile("movw %w0, %%ss; movl $243, %%eax; movl %1, %%ebx; int $0x80" ::"r"(0x63), "r"((int)low)
                         : "rax", "rbx", "memory");
        for (volatile int i = 0; i < 3; i++) getppid();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    CHECK(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));

    // The local table is a call of 64-bit programs too, whose result is an unsigned int.
    unsigned entry[4] = {3, (unsigned)low, 0xfff, 0x41}, table[8] = {0};
    CHECK(syscall(SYS_modify_ldt, 0x11, entry, sizeof(entry)) == 0);
    CHECK(syscall(SYS_modify_ldt, 0, table, sizeof(table)) == 32);
    CHECK(table[0] == 0 && (table[6] & 0xffff) == 0xfff);
    CHECK(syscall(SYS_modify_ldt, 0x11, entry, 3) == (unsigned)-EINVAL);
    ((int*)low)[5] = 99;
    __asm__ volatile("movw %w1, %%gs; movl %%gs:20, %0; movw %w2, %%gs" : "=&r"(value) : "r"(0x1f), "r"(0));
    CHECK(value == 99);

    CHECK(WIFEXITED(strict(1)));
    CHECK(WTERMSIG(strict(20)) == SIGKILL);
    CHECK(WEXITSTATUS(strict(4)) == 5);
    CHECK(WTERMSIG(strict(0)) == SIGKILL);
    CHECK(WTERMSIG(strict(60)) == SIGKILL);
    CHECK_END();
}
