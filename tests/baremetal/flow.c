// Events between instructions (SDM vol. 3A, 6.5-6.15, 17.3; vol. 2, STI, MOV SS, SYSCALL, SYSRET, SYSENTER, SYSEXIT):
// single-stepping and what suspends it, breakpoints, interrupt shadows, NMI, double faults, fast system calls.
#include "runtime.h"

#define APIC 0xfee00000ul

static u64 steps[24], dr6s[24];
static int count;
static int limit = 24;

// Notes where each #DB came, and goes on; ends when the code's last NOP is reached.
static int on_debug(struct Frame* frame) {
    if (frame->vector != 1 && frame->vector != 2 && frame->vector != 0x60 && frame->vector != 3) return 0;
    u64 dr6;
    asm volatile("mov %%dr6, %0" : "=r"(dr6));
    asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
    if (count < limit) {
        steps[count] = frame->rip | frame->vector << 56;
        dr6s[count] = dr6;
        ++count;
    } else {
        frame->rflags &= ~0x100ul;
        asm volatile("mov %0, %%dr7" ::"r"(0x400ul));
    }
    if (frame->vector == 1 && (dr6 & 1)) frame->rflags |= 0x10000;  // RF
    return 1;
}

static void run_stepped(const char* name, Code* code, u64 a, u64 b) {
    count = 0;
    hook = on_debug;
    attempt(code, a, b, 0);
    hook = 0;
    put(name);
    put(":");
    for (int i = 0; i < count; ++i) {
        put(" ");
        if (steps[i] >> 56 != 1) put("v"), put_hex(steps[i] >> 56, 0), put(":");
        const u64 rip = steps[i] & 0xffffffffffffff;
        if (rip - (u64)code < 0x100) {
            put("+"), put_hex(rip - (u64)code, 0);
        } else {
            put("elsewhere");
        }
        if (steps[i] >> 56 == 1) put("/"), put_hex(dr6s[i] & 0xe00f, 0);
    }
    put("; ");
    put_outcome();
    put("\n");
}

#define TF_ON "pushfq; orq $0x100, (%rsp); popfq; "
#define TF_OFF "pushfq; andq $~0x100, (%rsp); popfq; nop"
SNIPPET(step_nops, TF_ON "nop; nop; nop; " TF_OFF);
SNIPPET(step_mov_ss, "mov %ss, %eax; " TF_ON "mov %eax, %ss; nop; nop; " TF_OFF);
SNIPPET(step_pop_ss, "mov %ss, %eax; push %rax; " TF_ON "nop; mov %eax, %ss; mov %eax, %ss; nop; nop; pop %rax; " TF_OFF);
SNIPPET(step_int, TF_ON "nop; int $0x60; nop; " TF_OFF);
SNIPPET(step_int3, TF_ON "nop; int3; nop; " TF_OFF);
SNIPPET(step_rep, "mov $3, %ecx; mov %rsp, %rsi; mov %rsp, %rdi; " TF_ON "rep movsb; nop; " TF_OFF);
SNIPPET(step_sti, TF_ON "sti; cli; nop; " TF_OFF);
SNIPPET(step_call, TF_ON "call 1f; jmp 2f; 1: ret; 2: " TF_OFF);
SNIPPET(step_fault, TF_ON "nop; ud2; nop; " TF_OFF);
SNIPPET(step_iret, "push $0x10; lea 8(%rsp), %rax; push %rax; pushfq; orq $0x100, (%rsp); push $8; push $1f; iretq; 1: nop; nop; " TF_OFF);
SNIPPET(step_popf_off, TF_ON TF_OFF);
SNIPPET(break_code, "lea 1f(%rip), %rax; mov %rax, %dr0; mov %rsi, %rax; mov %rax, %dr7; nop; nop; 1: nop; nop; xor %eax, %eax; mov %rax, %dr7");
SNIPPET(break_data, "mov %rdi, %dr0; mov %rsi, %rax; mov %rax, %dr7; mov (%rdi), %ecx; nop; mov %ecx, (%rdi); nop; mov %cl, 3(%rdi); nop; mov %cl, 4(%rdi); nop; mov -4(%rdi), %rcx; nop; xor %eax, %eax; mov %rax, %dr7");
SNIPPET(break_rep, "mov %rdi, %dr0; mov %rsi, %rax; mov %rax, %dr7; lea -4(%rdi), %rdi; mov $8, %ecx; rep stosb; nop; xor %eax, %eax; mov %rax, %dr7");
SNIPPET(break_ss, "mov %ss, %ecx; push %rcx; mov %rsp, %rdi; mov %rdi, %dr0; mov %rsi, %rax; mov %rax, %dr7; mov (%rdi), %ss; nop; nop; xor %eax, %eax; mov %rax, %dr7; pop %rcx");
SNIPPET(break_io, "mov %rdi, %dr0; mov %rsi, %rax; mov %rax, %dr7; mov $0x80, %dx; mov $1, %al; out %al, %dx; nop; in %dx, %al; nop; out %al, $0x84; nop; xor %eax, %eax; mov %rax, %dr7");

static u64 cell[4];

static void single_steps(void) {
    set_gate(0x60, (u64)stubs + 16 * 0x60, 8, 0xee, 0);
    run_stepped("step nops", step_nops, 0, 0);
    run_stepped("step mov ss", step_mov_ss, 0, 0);
    run_stepped("step two mov ss", step_pop_ss, 0, 0);
    run_stepped("step int", step_int, 0, 0);
    run_stepped("step int3", step_int3, 0, 0);
    run_stepped("step rep", step_rep, 0, 0);
    run_stepped("step sti", step_sti, 0, 0);
    run_stepped("step call", step_call, 0, 0);
    run_stepped("step fault", step_fault, 0, 0);
    run_stepped("step iret", step_iret, 0, 0);
    run_stepped("step popf off", step_popf_off, 0, 0);
}

static void breakpoints(void) {
    run_stepped("data w4", break_data, (u64)&cell[1], 0xd0402);
    run_stepped("data rw4", break_data, (u64)&cell[1], 0xf0402);
    run_stepped("data rw1", break_data, (u64)&cell[1], 0x30402);
    run_stepped("data rw8", break_data, (u64)&cell[1], 0xb0402);
    run_stepped("data w2, local", break_data, (u64)&cell[1], 0x50401);
    // The breakpoint stays where it is: RF lets the instruction be executed once.
    limit = 3;
    run_stepped("code", break_code, 0, 0x402);
    limit = 24;
    run_stepped("rep w1", break_rep, (u64)&cell[1], 0x10402);
    run_stepped("mov ss rw4", break_ss, 0, 0xf0402);
    write_cr4(read_cr4() | 8);
    run_stepped("io 80 w1", break_io, 0x80, 0x20402);
    write_cr4(read_cr4() & ~8ul);
}

// Interrupts from the local APIC to itself.
static u64 where[8];
static int vectors[8], taken;

static int on_interrupt(struct Frame* frame) {
    if (frame->vector != 2 && (frame->vector < 0x60 || frame->vector > 0x6f)) return 0;
    if (taken < 8) {
        where[taken] = frame->rip;
        vectors[taken] = (int)frame->vector;
        ++taken;
    }
    if (frame->vector != 2) mmio_write(APIC + 0xb0, 0);
    frame->rflags &= ~0x200ul;
    return 1;
}

// To itself: by shorthand, or (NMI, which has none) by its ID.
static void send(u32 command) {
    mmio_write(APIC + 0x310, mmio_read(APIC + 0x20));
    mmio_write(APIC + 0x300, (command == 0x400 ? 0 : 0x40000) | command);
    for (int i = 0; i < 1000 && (mmio_read(APIC + 0x300) & 0x1000); ++i) asm volatile("pause");
}

SNIPPET(shadow_sti, "sti; nop; nop; cli");
SNIPPET(shadow_sti_cli, "sti; cli; nop");
SNIPPET(shadow_sti_ss, "mov %ss, %eax; sti; mov %eax, %ss; nop; nop; cli");
SNIPPET(shadow_popf, "pushfq; orq $0x200, (%rsp); popfq; nop; nop; cli");
SNIPPET(shadow_sti_sti, "sti; sti; nop; nop; cli");
SNIPPET(shadow_hlt, "sti; hlt; nop; cli");
SNIPPET(shadow_iret, "push $0x10; lea 8(%rsp), %rax; push %rax; push $0x202; push $8; push $1f; iretq; 1: nop; nop; cli");
SNIPPET(shadow_cr8, "sti; nop; nop; xor %eax, %eax; mov %rax, %cr8; nop; nop; cli");

static void interrupted(const char* name, Code* code) {
    taken = 0;
    hook = on_interrupt;
    send(0x60);
    attempt(code, 0, 0, 0);
    // What was not taken, now.
    asm volatile("sti; nop; nop; cli");
    hook = 0;
    put(name);
    put(":");
    for (int i = 0; i < taken; ++i) {
        put(" v");
        put_hex((u64)vectors[i], 0);
        if (where[i] - (u64)code < 0x100) {
            put("+"), put_hex(where[i] - (u64)code, 0);
        } else {
            put(" later");
        }
    }
    put("; ");
    put_outcome();
    put("\n");
}

static void shadows(void) {
    for (int v = 0x60; v < 0x70; ++v) set_gate(v, (u64)stubs + 16 * (u64)v, 8, 0x8e, 0);
    wrmsr(0x1b, 0xfee00900);
    mmio_write(APIC + 0xf0, 0x1ff);
    interrupted("sti", shadow_sti);
    interrupted("sti cli", shadow_sti_cli);
    interrupted("sti mov ss", shadow_sti_ss);
    interrupted("popf", shadow_popf);
    interrupted("sti sti", shadow_sti_sti);
    interrupted("sti hlt", shadow_hlt);
    interrupted("iret", shadow_iret);
    asm volatile("mov %0, %%cr8" ::"r"(15ul));
    interrupted("cr8", shadow_cr8);
    // Priorities: the highest first, each once.
    taken = 0;
    hook = on_interrupt;
    for (u32 v = 0x60; v < 0x70; v += 5) send(v), send(v);
    for (int i = 0; i < 6; ++i) asm volatile("sti; nop; nop; cli");
    hook = 0;
    put("priorities:");
    for (int i = 0; i < taken; ++i) put(" "), put_hex((u64)vectors[i], 0);
    put("\n");
}

static int nmis, nested;

static int on_nmi(struct Frame* frame) {
    if (frame->vector != 2) return 0;
    ++nmis;
    // Another one while the first is served: it waits for the IRET.
    if (nmis == 1) {
        send(0x400);
        for (int i = 0; i < 100; ++i) asm volatile("pause");
        nested = nmis;
    }
    return 1;
}

static void nmi(void) {
    hook = on_nmi;
    nmis = 0;
    send(0x400);
    for (int i = 0; i < 100; ++i) asm volatile("pause");
    hook = 0;
    put("nmi:");
    field("taken", (u64)nmis);
    field("before the first's iret", (u64)nested);
    put("\n");
}

SNIPPET(do_ud, "ud2");
SNIPPET(do_divide, "xor %edx, %edx; xor %ecx, %ecx; div %ecx");
SNIPPET(do_gp, "mov $0x800000000000, %rax; mov (%rax), %rax");
SNIPPET(do_page, "mov $0x9000000000, %rax; mov (%rax), %rax");
SNIPPET(do_np, "mov $0x100, %eax; mov %eax, %ds");
SNIPPET(do_int61, "int $0x61");

// A fault whose gate is broken makes a second fault: which pairs become #DF (SDM vol. 3A, table 6-5).
static void double_faults(void) {
    static const struct {
        const char* name;
        Code* code;
        int vector;
    } kFirst[] = {{"#DE", do_divide, 0}, {"#UD", do_ud, 6}, {"#NP", do_np, 11}, {"#GP", do_gp, 13}, {"#PF", do_page, 14},
                  {"int61", do_int61, 0x61}};
    set_descriptor(0x100, make_descriptor(0, 0xfffff, 0x0013));
    for (int i = 0; i < 6; ++i) {
        put("gate of ");
        put(kFirst[i].name);
        put(" broken:");
        row_begin();
        const u64 offset = (u64)stubs + 16 * (u64)kFirst[i].vector;
        for (int how = 0; how < 5; ++how) {
            item_begin();
            if (how == 0) set_gate(kFirst[i].vector, offset, 8, 0x0e, 0);        // not present
            if (how == 1) set_gate(kFirst[i].vector, offset, 0, 0x8e, 0);        // null selector
            if (how == 2) set_gate(kFirst[i].vector, offset, 0x10, 0x8e, 0);     // no code
            if (how == 3) set_gate(kFirst[i].vector, offset, 8, 0x8e, 2);        // stack not mapped
            if (how == 4) set_gate(kFirst[i].vector, 1ul << 63, 8, 0x8e, 0);     // not canonical
            set_tss64(44, 0x9000000100);
            attempt(kFirst[i].code, 0, 0, 0);
            put_outcome();
            item_end();
            set_gate(kFirst[i].vector, offset, 8, 0x8e, 0);
        }
        row_end();
    }
}

SNIPPET(do_syscall, "syscall");
SNIPPET(do_sysenter, "sysenter");
SNIPPET(do_sysret_rcx, "mov %rdi, %rcx; mov %rsi, %r11; sysretq");
SNIPPET(do_sysret32, "mov %rdi, %rcx; mov %rsi, %r11; sysretl");
SNIPPET(do_sysexit, "mov %rdi, %rdx; mov %rsi, %rcx; rex.W sysexit");
USER_SNIPPET(user_syscall, "mov $0x44d7, %eax; syscall");
USER_SNIPPET(user_sysenter, "sysenter");

static void put_context(void) {
    put_outcome();
    field("cs", trap.cs);
    field("ss", trap.ss);
    field("rflags", trap.rflags & 0x1ffd7f02);
    field("r11", trap.r11 & 0x1ffd7f02);
}

static void system_calls(void) {
    const u64 landing_user = USER_ALIAS | (u64)landing;
    usual_cr2 = landing_user;
    wrmsr(0xc0000081, 0x0020000800000000ul);
    wrmsr(0xc0000082, (u64)landing);
    static const u64 kMasks[] = {0, 0x47700, 0xffffffff, 2};
    for (int i = 0; i < 4; ++i) {
        wrmsr(0xc0000084, kMasks[i]);
        put("syscall");
        field("mask", kMasks[i]);
        put(": ");
        user_rflags = 0x43002;
        attempt_user(user_syscall, 0, 0, 0);
        put_context();
        put("\n");
    }
    user_rflags = 2;
    // Other selectors in STAR: CS and SS come from it unchecked.
    static const u64 kStars[] = {0x0020000900000000, 0x0020000b00000000, 0x0020010000000000};
    wrmsr(0xc0000084, 0);
    for (int i = 0; i < 3; ++i) {
        wrmsr(0xc0000081, kStars[i]);
        put("syscall");
        field("star", kStars[i] >> 32);
        put(": ");
        attempt_user(user_syscall, 0, 0, 0);
        put_context();
        put("\n");
    }
    wrmsr(0xc0000081, 0x0020000800000000ul);
    put("syscall at cpl 0: ");
    attempt(do_syscall, 0, 0, 0);
    put_context();
    put("\n");
    static const u64 kFlags[] = {0x2, 0x202, 0x3002, 0x10002, 0x20002, 0x4002, 0xfffffffffffffeff};
    for (int i = 0; i < 7; ++i) {
        put("sysretq");
        field("r11", kFlags[i]);
        put(": ");
        attempt(do_sysret_rcx, landing_user, kFlags[i], 0);
        put_context();
        put("\n");
    }
    put("sysretq, not canonical: ");
    attempt(do_sysret_rcx, 0x800000000000, 2, 0);
    put_outcome();
    field("cs", trap.cs & 3);
    put("\nsysretl: ");
    attempt(do_sysret32, 0x123400000000ul | (u64)landing, 2, 0);
    put_outcome();
    field("cs", trap.cs);
    field("ss", trap.ss);
    put("\n");
    const u64 efer = rdmsr(0xc0000080);
    wrmsr(0xc0000080, efer & ~1ul);
    put("without EFER.SCE: syscall ");
    attempt_user(user_syscall, 0, 0, 0);
    put_outcome();
    put(" sysret ");
    attempt(do_sysret_rcx, landing_user, 2, 0);
    put_outcome();
    put("\n");
    wrmsr(0xc0000080, efer);
    static const u64 kCs[] = {0, 3, 8, 0x0b, 0x10008};
    for (int i = 0; i < 5; ++i) {
        wrmsr(0x174, kCs[i]);
        wrmsr(0x175, (u64)other_stack_top);
        wrmsr(0x176, (u64)landing);
        put("sysenter");
        field("msr", kCs[i]);
        put(": cpl 3 ");
        attempt_user(user_sysenter, 0, 0, 0);
        put_outcome();
        field("cs", trap.cs);
        field("ss", trap.ss);
        put(" sysexit ");
        attempt(do_sysexit, landing_user, USER_ALIAS | (u64)user_stack_top, 0);
        put_outcome();
        field("cs", trap.cs);
        put("\n");
    }
    wrmsr(0x174, 8);
    put("sysexit, not canonical: ");
    attempt(do_sysexit, 0x800000000000, 0, 0);
    put_outcome();
    put("\n");
}

int main(void) {
    single_steps();
    breakpoints();
    shadows();
    nmi();
    system_calls();
    double_faults();
    return 0;
}
