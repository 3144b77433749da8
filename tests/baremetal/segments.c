// Loading segment registers and asking about selectors (SDM vol. 2, MOV, LDS…, LAR, LSL, VERR, LLDT, LTR, far
// transfers; vol. 3A, 5.5-5.8): every descriptor type, present and not, with each DPL, at RPL 0 and 3.
#include "runtime.h"

SNIPPET(load_ds, "mov %edi, %ds");
SNIPPET(load_fs, "mov %edi, %fs");
SNIPPET(load_ss, "mov %edi, %ss");
SNIPPET(do_lldt, "lldt %di");
SNIPPET(do_ltr, "ltr %di");
SNIPPET(do_lar, "mov $0x5555, %eax; lar %edi, %eax; and $0xfff0ffff, %eax; pushf; pop %rcx; and $0x40, %ecx; shl $26, %rcx; or %rcx, %rax");
SNIPPET(do_lsl, "mov $0x5555, %eax; lsl %edi, %eax; pushf; pop %rcx; and $0x40, %ecx; shl $26, %rcx; or %rcx, %rax");
SNIPPET(do_verr, "verr %di; setz %al; movzx %al, %eax");
SNIPPET(do_verw, "verw %di; setz %al; movzx %al, %eax");
SNIPPET(far_return, "push %rdi; push $landing; lretq");
SNIPPET(far_jump, "push %rdi; push $landing; rex.W ljmp *(%rsp)");
SNIPPET(far_call, "push %rdi; push $landing; mov %rsp, %rax; rex.W lcall *(%rax)");
SNIPPET(iret_to, "push $0x10; lea 8(%rsp), %rax; push %rax; push $2; push %rdi; push $landing; iretq");
USER_SNIPPET(user_ds, "mov %edi, %ds");
USER_SNIPPET(user_ss, "mov %edi, %ss");
USER_SNIPPET(user_lar, "mov $0x5555, %eax; lar %edi, %eax; and $0xfff0ffff, %eax");
USER_SNIPPET(user_lsl, "mov $0x5555, %eax; lsl %edi, %eax");
USER_SNIPPET(user_verr, "verr %di; setz %al; movzx %al, %eax");
USER_SNIPPET(user_far_return, "push %rdi; lea landing(%rip), %rax; push %rax; lretq");

// LAR leaves bits 16-19 undefined (SDM vol. 2A): masked above.
#define SEL 0x100

static void put_result(int shows_value, int user) {
    if (trap.vector == NONE) {
        put("ok");
        if (shows_value) put(":"), put_hex(returned, 0);
    } else if (trap.vector == 0xf0) {
        put("landed:");
        put_hex(trap.cs, 0);
        if (user && shows_value) put(":"), put_hex(trap.rax, 0);
    } else {
        put_outcome();
    }
}

// One line of each type: 8 results, DPL 0-3 × RPL 0, 3.
static void all_types(const char* name, Code* code, int shows_value, int user, u16 flags) {
    for (int type = 0; type < 32; ++type) {
        for (int present = 1; present >= 0; --present) {
            put(name);
            put(" type=");
            put_hex((u64)type, 2);
            put(present ? " p=1:" : " p=0:");
            row_begin();
            for (int dpl = 0; dpl < 4; ++dpl) {
                for (int rpl = 0; rpl < 4; rpl += 3) {
                    set_descriptor(SEL, make_descriptor(0, 0x5ffff, (u16)(flags | present << 7 | dpl << 5 | type)));
                    set_descriptor(SEL + 8, 0);
                    item_begin();
                    (user ? attempt_user : attempt)(code, SEL | (u64)rpl, 0, 0);
                    put_result(shows_value, user);
                    item_end();
                    if (code == do_ltr) reload_tr();
                }
            }
            row_end();
        }
    }
}

static void odd_selectors(const char* name, Code* code, int user) {
    static const u16 kSelectors[] = {0, 3, 4, 7, 0xfff8, 0xfffb, 0x257, 0x258, 0x25c, 0x10, 0x13, 0x28, 0x2b};
    for (unsigned i = 0; i < sizeof kSelectors / 2; ++i) {
        put(name);
        put(" selector=");
        put_hex(kSelectors[i], 4);
        put(": ");
        (user ? attempt_user : attempt)(code, kSelectors[i], 0, 0);
        put_result(0, user);
        put("\n");
    }
}

static void accessed_bits(void) {
    static const u16 kTypes[] = {0x90, 0x92, 0x98, 0x9a, 0x9c};
    for (unsigned i = 0; i < 5; ++i) {
        set_descriptor(SEL, make_descriptor(0, 0xfffff, (u16)(0xc000 | kTypes[i])));
        put("accessed type=");
        put_hex(kTypes[i], 0);
        put(": ");
        attempt(do_lar, SEL, 0, 0);
        put_hex(returned >> 8 & 0xff, 2);
        put(" after ds ");
        attempt(load_ds, SEL, 0, 0);
        put_outcome();
        attempt(do_lar, SEL, 0, 0);
        put(" ");
        put_hex(returned >> 8 & 0xff, 2);
        put("\n");
    }
}

// System descriptors are of 16 bytes in 64-bit mode; the upper half's type must be 0, its base canonical.
static void system_halves(void) {
    static const u64 kUpper[] = {0, 0xffff8000, 0x7fff, 0x8000, 0x100000000000, 0x1f0000000000};
    for (unsigned i = 0; i < sizeof kUpper / 8; ++i) {
        put("upper half ");
        put_hex(kUpper[i], 0);
        put(": lldt ");
        set_descriptor(SEL, make_descriptor(0x1000, 0xff, 0x82));
        set_descriptor(SEL + 8, kUpper[i]);
        attempt(do_lldt, SEL, 0, 0);
        put_outcome();
        put(" ltr ");
        set_descriptor(SEL, make_descriptor(0x1000, 0xff, 0x89));
        attempt(do_ltr, SEL, 0, 0);
        put_outcome();
        reload_tr();
        put("\n");
    }
    asm volatile("lldt %w0" ::"r"(0));
    // At the table's very end: the upper half is outside.
    set_descriptor(0x250, make_descriptor(0x1000, 0xff, 0x82));
    put("upper half outside: ");
    attempt(do_lldt, 0x250, 0, 0);
    put_outcome();
    put("\n");
}

static void code_bits(void) {
    static const u16 kFlags[] = {0x0000, 0x2000, 0x4000, 0x6000, 0x8000, 0xa000};
    for (unsigned i = 0; i < 6; ++i) {
        set_descriptor(SEL, make_descriptor(0, 0xfffff, (u16)(0x8000 | kFlags[i] | 0x9b)));
        put("code segment flags=");
        put_hex(kFlags[i], 4);
        put(": lret ");
        attempt(far_return, SEL, 0, 0);
        put_result(0, 0);
        put(" iret ");
        attempt(iret_to, SEL, 0, 0);
        put_result(0, 0);
        put("\n");
    }
}

int main(void) {
    all_types("ds", load_ds, 0, 0, 0xc000);
    all_types("ss", load_ss, 0, 0, 0xc000);
    all_types("user ds", user_ds, 0, 1, 0xc000);
    all_types("user ss", user_ss, 0, 1, 0xc000);
    all_types("lldt", do_lldt, 0, 0, 0);
    asm volatile("lldt %w0" ::"r"(0));
    all_types("ltr", do_ltr, 0, 0, 0);
    all_types("lar", do_lar, 1, 0, 0x8000);
    all_types("lsl", do_lsl, 1, 0, 0x8000);
    all_types("user lar", user_lar, 1, 1, 0x5000);
    all_types("user lsl", user_lsl, 1, 1, 0x5000);
    all_types("verr", do_verr, 1, 0, 0);
    all_types("verw", do_verw, 1, 0, 0);
    all_types("user verr", user_verr, 1, 1, 0);
    all_types("lret 64", far_return, 0, 0, 0xa000);
    all_types("lret 32", far_return, 0, 0, 0xc000);
    all_types("jmp 64", far_jump, 0, 0, 0xa000);
    all_types("call 64", far_call, 0, 0, 0xa000);
    all_types("iret 64", iret_to, 0, 0, 0xa000);
    all_types("user lret 64", user_far_return, 0, 1, 0xa000);
    odd_selectors("ds", load_ds, 0);
    odd_selectors("fs", load_fs, 0);
    odd_selectors("ss", load_ss, 0);
    odd_selectors("user ss", user_ss, 1);
    odd_selectors("lldt", do_lldt, 0);
    odd_selectors("ltr", do_ltr, 0);
    odd_selectors("lar", do_lar, 0);
    odd_selectors("verr", do_verr, 0);
    odd_selectors("lret", far_return, 0);
    odd_selectors("iret", iret_to, 0);
    accessed_bits();
    system_halves();
    code_bits();
    return 0;
}
