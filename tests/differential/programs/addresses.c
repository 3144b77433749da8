// User space is 128 TiB less a page: what can be mapped, and what a non-canonical or kernel address gives.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static int got, code;
static void *where;

static void caught(int number, siginfo_t *info, void *context) {
    got = number, code = info->si_code, where = info->si_addr;
    siglongjmp(back, 1);
}

static void try_read(unsigned long address) {
    got = 0;
    if (!sigsetjmp(back, 1)) (void)*(volatile char *)address;
    printf("read %#lx: signal %d code %d at %p\n", address, got, code, where);
}

static void map(unsigned long address, unsigned long size, int flags) {
    void *p = mmap((void *)address, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (p == MAP_FAILED)
        printf("mmap %#lx + %#lx: errno %d\n", address, size, errno);
    else
        printf("mmap %#lx + %#lx: %s\n", address, size, (unsigned long)p == address ? "there" : "elsewhere"), munmap(p, size);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    const unsigned long end = 1ul << 47;
    map(end - 4096, 4096, MAP_FIXED);
    map(end - 8192, 4096, MAP_FIXED_NOREPLACE);  // the stack may be there
    map(end - 8192, 8192, MAP_FIXED);
    map(end, 4096, MAP_FIXED);
    map(end, 4096, 0);
    map(-4096ul, 4096, MAP_FIXED);
    map(0, end, 0);
    map(0, end - 4096, 0);
    map(0, 1ul << 45, 0);
    map(0, 4096, MAP_FIXED);
    map(65536, 4096, MAP_FIXED);
    map(65536, 4096, MAP_FIXED_NOREPLACE);
    map(4096, 4096, 0);
    map(0x10001, 4096, MAP_FIXED);
    map(0x40000000, -4096ul, MAP_FIXED);
    try_read(0);
    try_read(end - 4096);
    try_read(end);
    try_read(0x8000000000000000ul);
    try_read(0xffff888000000000ul);
    try_read(-1ul);
    printf("read() into the kernel: %ld errno %d\n", (long)read(0, (void *)0xffff888000000000ul, 1), errno);
    return 0;
}
