// Gates (SDM vol. 3A, 6.12-6.14, 5.8.3): INT n through every gate type, DPL and target; interrupt stacks; far calls
// and jumps through call gates in 64-bit mode; IRETQ to every kind of segment; far returns outwards.
#include "runtime.h"

SNIPPET(int60, "int $0x60");
SNIPPET(do_int3, "int3");
SNIPPET(far_call, "push %rdi; lcall *(%rsp); pop %rdi");
SNIPPET(far_jump, "push %rdi; ljmp *(%rsp)");
SNIPPET(iret_frame, "mov %rdi, %rbx; push 32(%rbx); push 24(%rbx); push 16(%rbx); push 8(%rbx); push (%rbx); iretq");
SNIPPET(iret_nt, "pushfq; orq $0x4000, (%rsp); popfq; push $0x10; lea 8(%rsp), %rax; push %rax; push $2; push $8; push $landing; iretq");
SNIPPET(lret_out, "push %rsi; push $user_stack_top; push %rdi; push $landing; lretq");
USER_SNIPPET(user_int60, "int $0x60");
USER_SNIPPET(user_int3, "int3");
USER_SNIPPET(user_icebp, ".byte 0xf1");
USER_SNIPPET(user_far_call, "push %rdi; lcall *(%rsp)");
USER_SNIPPET(user_iret, "push %rsi; lea -32(%rsp), %rax; push %rax; push %rdx; push %rdi; lea landing(%rip), %rax; push %rax; iretq");

#define SEL 0x100ul

static void put_landed(void) {
    if (trap.vector != 0x60 && trap.vector != 0xf0) {
        put_outcome();
        return;
    }
    put(trap.vector == 0x60 ? "in" : "landed");
    put(":");
    put_hex(trap.cs, 0);
    put(":");
    put_hex(trap.ss, 0);
    put(":");
    put_hex(trap.rflags & 0xffd7fb2a, 0);
}

static void item(Code* code, int user, u64 a, u64 b, u64 c) {
    item_begin();
    (user ? attempt_user : attempt)(code, a, b, c);
    put_landed();
    item_end();
}

// Every type, present and not, DPL 0 and 3, from CPL 0 and 3.
static void gate_types(void) {
    for (int type = 0; type < 32; ++type) {
        put("int, gate type=");
        put_hex((u64)type, 2);
        put(":");
        row_begin();
        for (int present = 1; present >= 0; --present) {
            for (int dpl = 0; dpl < 4; dpl += 3) {
                set_gate(0x60, (u64)stubs + 16 * 0x60, 8, (u8)(present << 7 | dpl << 5 | type), 0);
                item(int60, 0, 0, 0, 0);
                item(user_int60, 1, 0, 0, 0);
            }
        }
        row_end();
    }
}

static void gate_targets(void) {
    // The target: selectors, then descriptors of code.
    static const u16 kSelectors[] = {0, 3, 4, 0x10, 0x18, 0x23, 0x33, 0x38, 0x48, 0x0b, 0xfff8};
    for (unsigned i = 0; i < sizeof kSelectors / 2; ++i) {
        set_gate(0x60, (u64)stubs + 16 * 0x60, kSelectors[i], 0xee, 0);
        put("int, target selector=");
        put_hex(kSelectors[i], 4);
        put(":");
        row_begin();
        item(int60, 0, 0, 0, 0);
        item(user_int60, 1, 0, 0, 0);
        row_end();
    }
    static const u16 kCode[] = {0x209b, 0x201b, 0x20fb, 0x209f, 0x20ff, 0x20bf, 0x409b, 0x609b, 0x2099, 0x2093, 0x20bb};
    for (unsigned i = 0; i < sizeof kCode / 2; ++i) {
        set_descriptor(SEL, make_descriptor(0, 0xfffff, kCode[i]));
        set_gate(0x60, (u64)stubs + 16 * 0x60, SEL, 0xee, 0);
        put("int, target descriptor=");
        put_hex(kCode[i], 4);
        put(":");
        row_begin();
        item(int60, 0, 0, 0, 0);
        item(user_int60, 1, 0, 0, 0);
        row_end();
    }
    set_raw_gate(0x60, (u64)stubs >> 0 & 0xffff, 0);
    set_gate(0x60, 0x800000000000, 8, 0xee, 0);
    put("int, target not canonical:");
    row_begin();
    item(int60, 0, 0, 0, 0);
    item(user_int60, 1, 0, 0, 0);
    row_end();
    put("int3 and icebp:");
    row_begin();
    set_gate(3, (u64)stubs + 16 * 3, 8, 0x8e, 0);
    item(do_int3, 0, 0, 0, 0);
    item(user_int3, 1, 0, 0, 0);
    set_gate(3, (u64)stubs + 16 * 3, 8, 0xee, 0);
    item(user_int3, 1, 0, 0, 0);
    item(user_icebp, 1, 0, 0, 0);
    row_end();
}

static void stacks(void) {
    set_gate(0x60, (u64)stubs + 16 * 0x60, 8, 0xee, 0);
    static const u64 kStacks[] = {0x800000000000, 0x7fffffffff00, 0x9000000000};
    for (unsigned i = 0; i < 3; ++i) {
        put("int, rsp0=");
        put_hex(kStacks[i], 0);
        put(": ");
        const u64 good = *(u64 __attribute__((aligned(4)))*)(tss + 4);
        set_tss64(4, kStacks[i]);
        attempt_user(user_int60, 0, 0, 0);
        set_tss64(4, good);
        put_landed();
        put("\n");
    }
    for (unsigned i = 0; i < 3; ++i) {
        put("int, ist2=");
        put_hex(kStacks[i], 0);
        put(": ");
        set_tss64(44, kStacks[i]);
        set_gate(0x60, (u64)stubs + 16 * 0x60, 8, 0xee, 2);
        attempt(int60, 0, 0, 0);
        put_landed();
        put("\n");
    }
    set_tss64(44, (u64)other_stack_top - 8);
    put("int, ist2: ");
    attempt(int60, 0, 0, 0);
    put_landed();
    put("\n");
    put("int beyond the table: ");
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) table, shorter;
    asm volatile("sidt %0" : "=m"(table));
    shorter = table;
    shorter.limit = 0x60 * 16 + 14;
    asm volatile("lidt %0" ::"m"(shorter));
    attempt(int60, 0, 0, 0);
    asm volatile("lidt %0" ::"m"(table));
    put_outcome();
    put("\n");
}

static void call_gates(void) {
    for (int type = 0; type < 16; ++type) {
        put("call gate type=");
        put_hex((u64)type, 2);
        put(":");
        row_begin();
        for (int dpl = 0; dpl < 4; dpl += 3) {
            for (int present = 1; present >= 0; --present) {
                set_descriptor(SEL, ((u64)landing & 0xffff) | 8ul << 16 | (u64)(present << 7 | dpl << 5 | type) << 40 |
                                        ((u64)landing >> 16) << 48);
                set_descriptor(SEL + 8, 0);
                item(far_call, 0, SEL << 32, 0, 0);
                item(far_jump, 0, SEL << 32, 0, 0);
                item(user_far_call, 1, (SEL | 3ul) << 32, 0, 0);
                item(user_far_call, 1, (u64)SEL << 32, 0, 0);
            }
        }
        row_end();
    }
    static const u16 kTargets[] = {0, 0x0b, 0x10, 0x18, 0x30, 0x33, 0x48, 0xfff8};
    for (unsigned i = 0; i < sizeof kTargets / 2; ++i) {
        put("call gate target=");
        put_hex(kTargets[i], 4);
        put(":");
        row_begin();
        set_descriptor(SEL, ((u64)landing & 0xffff) | (u64)kTargets[i] << 16 | 0xecul << 40 | ((u64)landing >> 16) << 48);
        item(far_call, 0, SEL << 32, 0, 0);
        item(far_jump, 0, SEL << 32, 0, 0);
        item(user_far_call, 1, (SEL | 3ul) << 32, 0, 0);
        row_end();
    }
    static const u64 kUpper[] = {0x8000, 0x7fff, 0xffff8000, 0x10000000000, 0x1f0000000000, 0x100000000000};
    for (unsigned i = 0; i < 6; ++i) {
        put("call gate upper half=");
        put_hex(kUpper[i], 0);
        put(":");
        row_begin();
        set_descriptor(SEL, ((u64)landing & 0xffff) | 8ul << 16 | 0xecul << 40 | ((u64)landing >> 16) << 48);
        set_descriptor(SEL + 8, kUpper[i]);
        item(far_call, 0, SEL << 32, 0, 0);
        row_end();
    }
    set_descriptor(SEL + 8, 0);
}

static u64 frame[5];

static void iret_row(const char* what, u64 value) {
    put("iretq ");
    put(what);
    field("value", value);
    put(":");
    row_begin();
    item(iret_frame, 0, (u64)frame, 0, 0);
    row_end();
}

static void set_frame(u64 rip, u64 cs, u64 rflags, u64 rsp, u64 ss) {
    frame[0] = rip, frame[1] = cs, frame[2] = rflags, frame[3] = rsp, frame[4] = ss;
}

static void irets(void) {
    const u64 user = USER_ALIAS | (u64)landing, stack = USER_ALIAS | (u64)user_stack_top;
    static const u16 kStackSegments[] = {0, 1, 2, 3, 0x10, 0x13, 0x28, 0x2b, 0x29, 0x08, 0x33, 0x40, 0x48, 0xfff8};
    for (unsigned i = 0; i < sizeof kStackSegments / 2; ++i) {
        set_frame((u64)landing, 8, 2, (u64)other_stack_top, kStackSegments[i]);
        iret_row("to 0, ss", kStackSegments[i]);
        set_frame(user, 0x33, 2, stack, kStackSegments[i]);
        iret_row("to 3, ss", kStackSegments[i]);
        set_frame((u64)landing, 0x23, 2, (u64)user_stack_top, kStackSegments[i]);
        iret_row("to compatibility 3, ss", kStackSegments[i]);
    }
    static const u64 kAddresses[] = {0x800000000000, 0x7fffffffffff, 0xffff800000000000, 0x223456789};
    for (unsigned i = 0; i < 4; ++i) {
        set_frame(kAddresses[i], 8, 2, (u64)other_stack_top, 0x10);
        iret_row("to 0, rip", kAddresses[i]);
        set_frame(kAddresses[i], 0x33, 2, stack, 0x2b);
        iret_row("to 3, rip", kAddresses[i]);
        set_frame(user, 0x33, 2, kAddresses[i], 0x2b);
        iret_row("to 3, rsp", kAddresses[i]);
    }
    // The flags that IRET sets at CPL 0 (not TF, which would trap).
    for (int bit = 0; bit < 32; ++bit) {
        if (bit == 8 || bit == 9) continue;
        set_frame((u64)landing, 8, 2ul ^ 1ul << bit, (u64)other_stack_top, 0x10);
        iret_row("rflags", 2ul ^ 1ul << bit);
    }
    put("iretq with NT:");
    row_begin();
    item(iret_nt, 0, 0, 0, 0);
    row_end();
    // At CPL 3: IOPL and IF stay; inwards is not allowed.
    static const u64 kFlags[] = {2, 0x202, 0x3002, 0x4002, 0x40002, 0x200002, 0x20002};
    for (unsigned i = 0; i < 7; ++i) {
        put("user iretq rflags");
        field("value", kFlags[i]);
        put(":");
        row_begin();
        item(user_iret, 1, 0x33, 0x2b, kFlags[i]);
        row_end();
    }
    static const u16 kSegments[] = {0x08, 0x23, 0x30, 0x0b, 0, 0x18};
    for (unsigned i = 0; i < 6; ++i) {
        put("user iretq cs");
        field("value", kSegments[i]);
        put(":");
        row_begin();
        item(user_iret, 1, kSegments[i], 0x2b, 2);
        row_end();
    }
}

static void outward_returns(void) {
    static const u16 kSegments[] = {0, 0x2b, 0x28, 0x13, 3, 0x33, 0x48};
    for (unsigned i = 0; i < 7; ++i) {
        put("lretq outwards, ss");
        field("value", kSegments[i]);
        put(":");
        row_begin();
        item(lret_out, 0, 0x23, kSegments[i], 0);
        item(lret_out, 0, 0x33, kSegments[i], 0);
        row_end();
    }
}

int main(void) {
    usual_cr2 = USER_ALIAS | (u64)landing;
    gate_types();
    gate_targets();
    stacks();
    set_gate(0x60, (u64)stubs + 16 * 0x60, 8, 0xee, 0);
    call_gates();
    irets();
    outward_returns();
    return 0;
}
