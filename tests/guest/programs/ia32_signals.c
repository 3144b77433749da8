// Signals of a 32-bit program: the frames of sigreturn and rt_sigreturn and what they carry, masks of one and two words,
// the alternate stack, interrupted and restarted calls, x87 over a handler; and what a program can break in a frame.
#include "check32.h"

enum { kEfault = -14, kEintr = -4, kEinval = -22, kSigusr1 = 10, kSegv = 11, kAlarm = 14 };
enum { kRestorer = 0x04000000, kSiginfo = 4, kOnstack = 0x08000000, kRestart = 0x10000000, kNodefer = 0x40000000 };

struct context {
    u16 gs, gsh, fs, fsh, es, esh, ds, dsh;
    u32 di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
    u16 cs, csh;
    u32 flags, sp_at_signal;
    u16 ss, ssh;
    u32 fpstate, oldmask, cr2;
};
struct ucontext {
    u32 flags, link, stack[3];
    struct context mc;
    u32 mask[2];
};
struct action {
    void* handler;
    u32 flags;
    void* restorer;
    u32 mask[2];
};
struct old_action {
    void* handler;
    u32 mask, flags;
    void* restorer;
};

void restorer(void);
void rt_restorer(void);
__asm__("restorer: popl %eax; movl $119, %eax; int $0x80");
__asm__("rt_restorer: movl $173, %eax; int $0x80");

static volatile int handled, seen_sig, seen_code, seen_value, seen_trap, seen_cs, seen_mask;
static volatile u32 seen_addr, seen_sp, seen_ip;
static volatile int break_cs, break_ss, break_ds, break_gs, break_ip, resume_at;

static void set(int sig, void* handler, u32 flags) {
    const struct action a = {handler, flags | kRestorer, flags & kSiginfo ? rt_restorer : restorer, {0, 0}};
    if (sys(174, sig, &a, NULL, 8)) check(0, "rt_sigaction");
}

static void plain(int sig, struct context c) {
    handled++;
    seen_sig = sig;
    seen_cs = c.cs;
    seen_mask = (int)c.oldmask;
    seen_sp = (u32)&sig;
    __asm__ volatile("fninit");
    if (break_cs) c.cs = break_cs;
    if (break_ss) c.ss = break_ss;
    if (break_ds) c.ds = c.es = break_ds;
    if (break_gs) c.gs = c.fs = break_gs;
    if (break_ip) c.ip = break_ip;
    *(volatile struct context*)&c = c;
    break_cs = break_ss = break_ds = break_gs = break_ip = 0;
}

static void full(int sig, int* info, struct ucontext* uc) {
    handled++;
    seen_sig = sig;
    seen_code = info[2];
    seen_value = info[5];
    seen_addr = info[3];
    seen_trap = uc->mc.trapno;
    seen_ip = uc->mc.ip;
    seen_cs = uc->mc.cs;
    if (resume_at) {
        uc->mc.ip = resume_at;
        uc->mc.cs = 0x23;
        uc->mc.ss = 0x2b;
    }
    resume_at = 0;
}

#define RAISE(sig) sys(37, sys(20), sig)
/// Runs `text`, which faults; full() goes on behind it.
#define FAULT(text)                                                                              \
    do {                                                                                         \
        handled = 0;                                                                             \
        __asm__ volatile("movl $7f, %0; " text "; 7:" : "=m"(resume_at)::"memory", "eax", "ecx", "edx"); \
    } while (0)

static void frames(void) {
    set(kSigusr1, plain, 0);
    u32 mask[2] = {1u << (12 - 1), 0}, now[2];
    CHECK_IS(sys(175, 0, mask, NULL, 8), 0);
    double x = 0;
    __asm__ volatile("fld1; fldpi");
    CHECK_IS(RAISE(kSigusr1), 0);
    __asm__ volatile("fstp %%st(0); fstpl %0" : "=m"(x));
    CHECK(x == 1.0);
    CHECK(handled == 1 && seen_sig == kSigusr1 && seen_cs == 0x23 && seen_mask == 1 << 11);
    CHECK((seen_sp & 15) == 0);
    CHECK_IS(sys(175, 0, NULL, now, 8), 0);
    CHECK(now[0] == mask[0] && now[1] == 0);
    set(kSigusr1, full, kSiginfo);
    CHECK_IS(RAISE(kSigusr1), 0);
    CHECK(handled == 2 && seen_code == 0 && seen_addr == (u32)sys(20) && seen_cs == 0x23);
    int info[32] = {0, 0, -1, 0};
    info[5] = 4711;
    CHECK_IS(sys(178, sys(20), kSigusr1, info), 0);
    CHECK(handled == 3 && seen_code == -1 && seen_value == 4711);
    mask[0] = 0;
    CHECK_IS(sys(175, 2, mask, NULL, 8), 0);
    CHECK_IS(sys(175, 2, mask, NULL, 4), kEinval);
    CHECK_IS(sys(174, kSigusr1, 0xfffffff8u, NULL, 8), kEfault);

    struct old_action old = {plain, 0, kRestorer, restorer}, before;
    CHECK_IS(sys(67, 12, &old, NULL), 0);
    CHECK_IS(sys(67, 12, NULL, &before), 0);
    CHECK(before.handler == plain && before.flags == kRestorer && before.restorer == restorer);
    CHECK_IS(sys(67, 9, &old, NULL), kEinval);
    u32 word = 1u << 11;
    CHECK_IS(sys(126, 0, &word, &word), 0);
    handled = 0;
    CHECK_IS(RAISE(12), 0);
    CHECK(handled == 0);
    CHECK_IS(sys(73, &word), 0);
    CHECK(word == 1u << 11);
    CHECK_IS(sys(72, 0, 0, 0), kEintr);
    CHECK(handled == 1 && seen_sig == 12);
    CHECK_IS(sys(68), 1 << 11);
    CHECK_IS(sys(69, 0), 1 << 11);
    CHECK(sys(48, 12, 1) == (int)plain);
    CHECK_IS(sys(48, 12, 0), 1);
}

static void faults(void) {
    set(kSegv, full, kSiginfo | kNodefer);
    set(8, full, kSiginfo | kNodefer);
    set(5, full, kSiginfo | kNodefer);
    set(4, full, kSiginfo | kNodefer);
    set(7, full, kSiginfo | kNodefer);
    FAULT("movl $0xfffffff0, %%eax; movl (%%eax), %%ecx");
    CHECK(handled == 1 && seen_sig == kSegv && seen_code == 1 && seen_addr == 0xfffffff0u && seen_trap == 14);
    FAULT("movl $0xfffffffe, %%eax; movl (%%eax), %%ecx");
    CHECK(handled == 1 && seen_sig == kSegv);
    FAULT("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx");
    CHECK(handled == 1 && seen_sig == 8 && seen_code == 1 && seen_trap == 0);
    FAULT("int3");
    CHECK(handled == 1 && seen_sig == 5 && seen_trap == 3);
    FAULT("ud2");
    CHECK(handled == 1 && seen_sig == 4 && seen_code == 2 && seen_trap == 6);
    FAULT("hlt");
    CHECK(handled == 1 && seen_sig == kSegv && seen_code == 0x80 && seen_trap == 13);
    FAULT("into; movb $127, %%al; addb $1, %%al; into");
    CHECK(handled == 1 && seen_sig == kSegv && seen_trap == 4);
    FAULT("movl $0x9b, %%eax; movw %%ax, %%gs");
    CHECK(handled == 1 && seen_sig == kSegv && seen_trap == 13);
    FAULT("movl $0x63, %%eax; movw %%ax, %%ss");
    CHECK(handled == 1 && (seen_sig == kSegv || seen_sig == 7));
    FAULT("ljmp $0x63, $0");
    CHECK(handled == 1 && (seen_sig == kSegv || seen_sig == 7));
    FAULT("ljmp $0x10, $0");
    CHECK(handled == 1 && seen_sig == kSegv && seen_trap == 13);
    FAULT("int $0x81");
    CHECK(handled == 1 && seen_sig == kSegv && seen_trap == 13);
    FAULT("pushl $0; popfl; pushl $0x2b; pushl $0; pushl $0x202; pushl $0x13; pushl $0; iret; addl $20, %%esp");
    CHECK(handled == 1 && seen_sig == kSegv && seen_trap == 13);
    __asm__ volatile("" ::: "memory");
}

static void broken_frames(void) {
    // What the frame names is refused only by the return itself; full() gets SIGSEGV and mends it.
    set(kSigusr1, plain, 0);
    set(kSegv, full, kSiginfo | kNodefer);
    static const u16 selectors[] = {0x10, 0x13, 0x18, 0x1b, 0x2b, 0x40, 0x63, 0x73, 0x7b, 0x7, 0xff, 0xfff8, 1};
    for (u32 i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
        handled = 0;
        break_cs = selectors[i];
        __asm__ volatile("movl $7f, %0; movl $20, %%eax; int $0x80; movl %%eax, %%ebx; movl $37, %%eax; movl $10, %%ecx;"
                         "int $0x80; 7:"
                         : "=m"(resume_at)::"memory", "eax", "ebx", "ecx", "edx");
        check(handled == 2 && seen_sig == kSegv, "a bad CS");
    }
    for (u32 i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
        if (selectors[i] == 0x2b) continue;
        handled = 0;
        break_ss = selectors[i];
        __asm__ volatile("movl $7f, %0; movl $20, %%eax; int $0x80; movl %%eax, %%ebx; movl $37, %%eax; movl $10, %%ecx;"
                         "int $0x80; 7:"
                         : "=m"(resume_at)::"memory", "eax", "ebx", "ecx", "edx");
        check(handled == 2 && (seen_sig == kSegv || seen_sig == 7), "a bad SS");
    }
    resume_at = 0;
    for (u32 i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
        handled = 0;
        break_gs = selectors[i];
        check(RAISE(kSigusr1) == 0 && handled == 1, "any GS and FS");
        sys(158);
    }
    __asm__ volatile("movw %0, %%gs; movw %0, %%fs" ::"r"((u16)0));
}

static volatile int signal_count;
static void count(int sig) {
    signal_count++;
}
static u8 alternate[16384] __attribute__((aligned(16)));
static volatile u32 handler_sp;
static void where(int sig) {
    handler_sp = (u32)&sig;
}

static void waits(void) {
    set(kAlarm, count, 0);
    int fds[2];
    char c;
    CHECK_IS(sys(42, fds), 0);
    const int timer[4] = {0, 0, 0, 20000};
    CHECK_IS(sys(104, 0, timer, NULL), 0);
    CHECK_IS(sys(3, fds[0], &c, 1), kEintr);
    CHECK(signal_count == 1);
    int sleep[2] = {50, 0}, rest[2] = {0, 0};
    CHECK_IS(sys(104, 0, timer, NULL), 0);
    CHECK_IS(sys(162, sleep, rest), kEintr);
    CHECK(rest[0] == 49 && rest[1] > 0 && rest[1] < 1000000000);
    i64 sleep64[2] = {50, 0}, rest64[2] = {0, 0};
    CHECK_IS(sys(104, 0, timer, NULL), 0);
    CHECK_IS(sys(407, 1, 0, sleep64, rest64), kEintr);
    CHECK(rest64[0] == 49 && rest64[1] > 0 && rest64[1] < 1000000000);

    // A stop in the middle: the call goes on by restart_syscall, whose number is 0 here.
    const int parent = sys(20), child = sys(2);
    if (child == 0) {
        sleep[0] = 0;
        sleep[1] = 50000000;
        sys(162, sleep, NULL);
        sys(37, parent, 19);
        sys(162, sleep, NULL);
        sys(37, parent, 18);
        sys(1, 0);
    }
    sleep64[0] = 0;
    sleep64[1] = 300000000;
    CHECK_IS(sys(407, 1, 0, sleep64, rest64), 0);
    int status;
    CHECK(sys(7, child, &status, 0) == child);

    const u32 stack[3] = {(u32)alternate, 0, sizeof(alternate)}, small[3] = {(u32)alternate, 0, 100};
    u32 got[3];
    CHECK_IS(sys(186, small, NULL), -12);
    CHECK_IS(sys(186, stack, NULL), 0);
    set(kSigusr1, where, kOnstack);
    CHECK_IS(RAISE(kSigusr1), 0);
    CHECK(handler_sp > (u32)alternate && handler_sp < (u32)alternate + sizeof(alternate));
    CHECK_IS(sys(186, NULL, got), 0);
    CHECK(got[0] == (u32)alternate && got[1] == 0 && got[2] == sizeof(alternate));
}

/// 64-bit code in a 32-bit program, by far jumps.
static void both_modes(void) {
    u32 before, after;
    __asm__ volatile(
        "movl %%esp, %0; ljmp $0x33, $1f; .code64; 1: movl $39, %%eax; movq $0x1234567890, %%r8; syscall; movl %%eax, %%ebx;"
        "ljmpl *2f(%%rip); 2: .long 3f; .word 0x23; .code32; 3: movl %%esp, %1"
        : "=&r"(before), "=&r"(after)
        :
        : "eax", "ebx", "ecx", "edx", "memory");
    CHECK(before == after);
    int pid;
    __asm__ volatile(
        "ljmp $0x33, $1f; .code64; 1: movl $20, %%eax; int $0x80; movl %%eax, %0; ljmpl *2f(%%rip); 2: .long 3f; .word 0x23;"
        ".code32; 3:"
        : "=&r"(pid)
        :
        : "eax", "ecx", "edx", "memory");
    CHECK(pid == sys(20));
}

static int run(u32* stack) {
    frames();
    faults();
    broken_frames();
    waits();
    both_modes();
    return 0;
}
