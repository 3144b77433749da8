// Segments of a program's own: modify_ldt, code and data by them, descriptors that go away under whoever uses them; and what
// UMIP gives for SGDT and its kin.
#include "check32.h"

enum { kEfault = -14, kEinval = -22, kEnosys = -38, kSegv = 11 };
enum { k32Bit = 1, kCode = 4, kConforming = 6, kReadOnly = 8, kPages = 0x10, kNotPresent = 0x20, kUsable = 0x40 };

static int set(u32 entry, u32 base, u32 limit, u32 flags) {
    u32 d[4] = {entry, base, limit, flags};
    return sys(123, 0x11, d, sizeof(d));
}
static u32 table[16];

static int status_of(void (*function)(void)) {
    const int pid = sys(2);
    if (pid == 0) {
        function();
        sys(1, 0);
    }
    int status = -1;
    sys(7, pid, &status, 0);
    return status;
}

static void use_null_fs(void) {
    set(0, 0, 0, kReadOnly | kNotPresent);
    int pause[2] = {0, 1000000};
    sys(162, pause, NULL);  // seen at the next switch at the latest
    __asm__ volatile("movl %%fs:0, %%eax" ::: "eax");
}
static void stack_goes(void) {
    __asm__ volatile("movw %w0, %%ss" ::"r"(0x0f));
    set(1, 0, 0, kReadOnly | kNotPresent);
    for (volatile int i = 0; i < 3; i++) sys(20);
}
static void code_goes(void) {
    set(2, 0, 0xfffff, k32Bit | kCode | kPages | kUsable);
    u32 none[4] = {2, 0, 0, kReadOnly | kNotPresent};
    __asm__ volatile("ljmp $0x17, $1f; 1: int $0x80" ::"a"(123), "b"(0x11), "c"(none), "d"(16) : "memory");
    for (volatile int i = 0; i < 3; i++) sys(20);
}
static void not_present(void) {
    set(3, 0, 100, k32Bit | kNotPresent | kUsable);
    __asm__ volatile("movw %w0, %%gs" ::"r"(0x1f));
}

static void local_table(void) {
    u8 read[64];
    CHECK_IS(sys(123, 0, read, sizeof(read)), 0);
    CHECK_IS(sys(123, 5, read, sizeof(read)), kEnosys);
    CHECK_IS(sys(123, 0x11, read, 15), kEinval);
    CHECK_IS(sys(123, 0x11, 0xfffffffcu, 16), kEfault);
    CHECK_IS(set(8192, 0, 0, k32Bit), kEinval);
    CHECK_IS(set(0, 0, 0, k32Bit | kConforming), kEinval);
    table[0] = 0x1234;
    CHECK_IS(set(0, (u32)table, 0xfff, k32Bit | kUsable), 0);
    int value;
    __asm__ volatile("movw %w1, %%fs; movl %%fs:0, %0" : "=r"(value) : "r"(7));
    CHECK(value == 0x1234);
    int pause[2] = {0, 1000};
    sys(162, pause, NULL);
    __asm__ volatile("movl %%fs:0, %0" : "=r"(value));
    CHECK(value == 0x1234);
    CHECK_IS(sys(123, 0, read, sizeof(read)), 64);
    CHECK(read[0] == 0xff && read[5] == 0xf3 && read[6] == 0x50 && read[8] == 0);
    CHECK(status_of(use_null_fs) == kSegv);
    __asm__ volatile("movl %%fs:0, %0" : "=r"(value));
    CHECK(value == 0x1234);  // the child's table was its own

    CHECK_IS(set(1, 0, 0xfffff, k32Bit | kPages | kUsable), 0);
    __asm__ volatile("movw %%ss, %%cx; movw %w1, %%ss; pushl $77; popl %0; movw %%cx, %%ss" : "=&r"(value) : "r"(0x0f) : "ecx");
    CHECK(value == 77);
    CHECK((status_of(stack_goes) & 0x7f) == kSegv);
    CHECK((status_of(code_goes) & 0x7f) == kSegv);
    CHECK((status_of(not_present) & 0x7f) == 7);

    // Code by a descriptor: a call within it, system calls, and back.
    CHECK_IS(set(2, 0, 0xfffff, k32Bit | kCode | kPages | kUsable), 0);
    __asm__ volatile(
        "ljmp $0x17, $1f; 1: movl $20, %%eax; int $0x80; movl %%eax, %0; call 2f; ljmp $0x23, $3f; 2: ret; 3:"
        : "=r"(value)
        :
        : "eax", "memory");
    CHECK(value == sys(20));
    __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" ::"r"(0));
}

static int has_umip(void) {
    u32 a = 7, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 2 & 1;
}
static void bad_sgdt(void) {
    __asm__ volatile("sgdt (%0)" ::"r"(0xfffffff0u) : "memory");
}
static void hidden(void) {
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) gdt[2] = {{1, 1}, {1, 1}}, idt = {1, 1};
    u16 msw = 0;
    u32 msw32 = 0;
    __asm__ volatile("sgdt %0" : "=m"(gdt[1]));
    __asm__ volatile("sidt (%0, %1, 2)" ::"r"(&idt), "r"(0) : "memory");
    __asm__ volatile("smsw %0" : "=m"(msw));
    __asm__ volatile("smsw %0" : "=r"(msw32));
    const int umip = has_umip();
    CHECK(!umip || (gdt[1].limit == 0 && gdt[1].base == 0xfffe0000u && gdt[0].base == 1));
    CHECK(!umip || (idt.limit == 0 && idt.base == 0xffff0000u));
    CHECK(!umip || (msw == 0x33 && msw32 == 0x80050033u));
    u32 task = 0, local = 0;
    __asm__ volatile("str %0; sldt %1" : "=r"(task), "=r"(local));
    CHECK(!umip || (task == 0x40 && local == 0x50));
    CHECK(!umip || status_of(bad_sgdt) == kSegv);
}

static int run(u32* stack) {
    local_table();
    hidden();
    return 0;
}
