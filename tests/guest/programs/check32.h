// The frame of check.h for 32-bit programs (ia32_NAME.c), which stand alone: no C library, system calls by INT 0x80. Each
// check prints one line, equal on Linux and on Orrery's kernel when the kernel is right.
#ifndef CHECK32_H
#define CHECK32_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned u32;
typedef unsigned long long u64;
typedef long long i64;
#define NULL ((void*)0)

static int check_failures;

/// A system call of up to six arguments; the result as the kernel gives it: an error is negative.
static int call6(int n, int a, int b, int c, int d, int e, int f) {
    int result;
    int six[2] = {n, f};
    __asm__ volatile("pushl %%ebp; movl 4(%%eax), %%ebp; movl (%%eax), %%eax; int $0x80; popl %%ebp"
                     : "=a"(result)
                     : "a"(six), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
                     : "memory");
    return result;
}
#define SYSCALL_N(n, a, b, c, d, e, f, ...) \
    call6(n, (int)(a), (int)(b), (int)(c), (int)(d), (int)(e), (int)(f))
#define sys(n, ...) SYSCALL_N(n __VA_OPT__(, ) __VA_ARGS__, 0, 0, 0, 0, 0, 0)

static void* memset(void* to, int byte, u32 n) {
    for (u32 i = 0; i < n; i++) ((volatile u8*)to)[i] = (u8)byte;
    return to;
}
static void* memcpy(void* to, const void* from, u32 n) {
    for (u32 i = 0; i < n; i++) ((volatile u8*)to)[i] = ((const u8*)from)[i];
    return to;
}
static int same(const void* a, const void* b, u32 n) {
    for (u32 i = 0; i < n; i++) {
        if (((const u8*)a)[i] != ((const u8*)b)[i]) return 0;
    }
    return 1;
}
static u32 length(const char* s) {
    u32 n = 0;
    while (s[n]) n++;
    return n;
}
static void print(const char* s) {
    sys(4, 1, s, length(s));
}
static void print_number(int value) {
    char text[12], *p = text + 11;
    u32 v = value < 0 ? -(u32)value : (u32)value;
    *p = 0;
    do *--p = (char)('0' + v % 10);
    while (v /= 10);
    if (value < 0) *--p = '-';
    print(p);
}

static void check(int holds, const char* what) {
    if (!holds) check_failures++;
    print(holds ? "ok " : "FAILED ");
    print(what);
    print("\n");
}
#define CHECK(condition) check(!!(condition), #condition)
static void check_result(int result, int expected, const char* what) {
    if (result != expected) check_failures++;
    print(result == expected ? "ok " : "FAILED ");
    print(what);
    print(" -> ");
    print_number(expected);
    if (result != expected) {
        print(" (got ");
        print_number(result);
        print(")");
    }
    print("\n");
}
/// The call's result, errors negative, must be this.
#define CHECK_IS(call, expected) check_result((int)(call), (int)(expected), #call)

static int run(u32* stack);
__attribute__((naked, used)) void _start(void) {
    __asm__("movl %esp, %eax; andl $-16, %esp; subl $12, %esp; pushl %eax; call start_c");
}
__attribute__((used)) static void start_c(u32* stack) {
    const int status = run(stack);
    sys(1, status ? status : check_failures != 0);
}
#endif
