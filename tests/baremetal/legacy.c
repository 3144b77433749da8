// 32-bit protected mode (SDM vol. 3A, 5, 6.12; vol. 2): segment loads by descriptor type,
// interrupt and call gates, far returns and IRET outwards. Hardware tasks are left out.
#include "legacy.h"

SNIPPET32(load_ds, "mov %edi, %ds");
SNIPPET32(load_gs, "mov %edi, %gs");
SNIPPET32(load_ss, "mov %ss, %ecx; mov %edi, %ss; mov %ecx, %ss");
SNIPPET32(do_lldt, "lldt %di");
// The TSS is changed back at once: long mode is not to be had with a 16-bit one.
SNIPPET32(do_ltr, "ltr %di; andb $0xfd, gdt + 0x65; mov $0x60, %eax; ltr %ax");
SNIPPET32(do_lar, "mov $0x5555, %eax; lar %edi, %eax; and $0xfff0ffff, %eax");
SNIPPET32(do_lsl, "mov $0x5555, %eax; lsl %edi, %eax");
SNIPPET32(do_verr, "verr %di; setz %al; movzx %al, %eax");
SNIPPET32(do_verw, "verw %di; setz %al; movzx %al, %eax");
SNIPPET32(far_return, "push %edi; push $landing32; lret");
SNIPPET32(far_jump, "push %edi; push $landing32; ljmp *(%esp)");
SNIPPET32(far_call, "push %edi; push $landing32; lcall *(%esp); add $8, %esp");
SNIPPET32(far_return_out, "push %esi; push $user_stack_top; push %edi; push $landing32; lret");
SNIPPET32(iret_to, "pushl $2; push %edi; push $landing32; iretl");
SNIPPET32(iret_out, "push %esi; push $user_stack_top; push %edx; push %edi; push $landing32; iretl");
SNIPPET32(int60, "int $0x60");
SNIPPET32(into, "mov $0x7fffffff, %eax; add $1, %eax; into");
SNIPPET32(bound, "push $5; push $1; mov %esp, %ecx; bound %edi, (%ecx); pop %ecx; pop %ecx");
SNIPPET32(arpl, "mov %edi, %eax; arpl %si, %ax; setz %cl; movzx %ax, %eax; shl $16, %ecx; or %ecx, %eax");
USER_SNIPPET32(user_ds, "mov %edi, %ds");
USER_SNIPPET32(user_ss, "mov %edi, %ss");
USER_SNIPPET32(user_int60, "int $0x60");
USER_SNIPPET32(user_call, "push $0x77; push $0x66; push $0x55; push %edi; push $0; lcall *(%esp)");
USER_SNIPPET32(user_return, "push %edi; push $landing32; lret");
USER_SNIPPET32(user_popf, "push %edi; popf; pushf; pop %eax");

static int is_task(int type) { return type == 1 || type == 3 || type == 5 || type == 9 || type == 11; }

static void all_types(const char* name, Code32* code, int shows_value, int user, u16 flags, int transfers) {
    for (int type = 0; type < 32; ++type) {
        if (transfers && is_task(type)) continue;
        put(name);
        put(" type=");
        put_hex((u64)type, 2);
        put(":");
        row_begin();
        for (int present = 1; present >= 0; --present)
            for (int dpl = 0; dpl < 4; ++dpl)
                for (u32 rpl = 0; rpl < 4; rpl += 3) {
                    set_descriptor(SEL, make_descriptor(0, 0x5ffff, (u16)(flags | present << 7 | dpl << 5 | type)));
                    item(code, user, shows_value, SEL | rpl, 0, 0);
                }
        row_end();
    }
}

static void gates(void) {
    for (int type = 0; type < 32; ++type) {
        if (type == 5) continue;
        put("int, gate type=");
        put_hex((u64)type, 2);
        put(":");
        row_begin();
        for (int dpl = 0; dpl < 4; dpl += 3)
            for (int present = 1; present >= 0; --present)
                for (int user = 0; user < 2; ++user) {
                    if (type == 6 || type == 7) continue;  // 16-bit gates reach the low 64 KiB only
                    const u32 at = (u32)(u64)stubs32 + 16 * 0x60;
                    idt32[0x60] = (at & 0xffff) | 0x18ul << 16 | (u64)(present << 7 | dpl << 5 | type) << 40 |
                                  (u64)(at >> 16) << 48;
                    item(user ? user_int60 : int60, user, 0, 0, 0, 0);
                }
        row_end();
    }
    static const u16 kTargets[] = {0, 3, 4, 0x10, 0x1b, 0x23, 0x60, 0xfff8};
    for (unsigned i = 0; i < 8; ++i) {
        put("int, target=");
        put_hex(kTargets[i], 4);
        put(":");
        row_begin();
        for (int user = 0; user < 2; ++user) {
            const u32 at = (u32)(u64)stubs32 + 16 * 0x60;
            idt32[0x60] = (at & 0xffff) | (u64)kTargets[i] << 16 | 0xeeul << 40 | (u64)(at >> 16) << 48;
            item(user ? user_int60 : int60, user, 0, 0, 0, 0);
        }
        row_end();
    }
}

static void call_gates(void) {
    const u32 at = (u32)(u64)landing32;
    {
        const int type = 12;
        for (int count = 0; count < 4; count += 3) {
            put("call gate");
            field("count", (u64)count);
            put(":");
            row_begin();
            for (int dpl = 0; dpl < 4; dpl += 3)
                for (int present = 1; present >= 0; --present) {
                    set_descriptor(SEL, (at & 0xffff) | 0x18ul << 16 | (u64)count << 32 |
                                            (u64)(present << 7 | dpl << 5 | type) << 40 | (u64)(at >> 16) << 48);
                    item(far_call, 0, 0, SEL, 0, 0);
                    item(far_jump, 0, 0, SEL, 0, 0);
                    item(user_call, 1, 0, SEL | 3, 0, 0);
                }
            row_end();
        }
    }
}

static void returns(void) {
    static const u16 kStacks[] = {0, 0x2b, 0x28, 0x10, 0x13, 0x23, 0x60, 0xfff8};
    for (unsigned i = 0; i < 8; ++i) {
        put("outwards, ss=");
        put_hex(kStacks[i], 4);
        put(":");
        row_begin();
        item(far_return_out, 0, 0, 0x23, kStacks[i], 0);
        item(iret_out, 0, 0, 0x23, kStacks[i], 2);
        item(iret_out, 0, 0, 0x23, kStacks[i], 0x3202);
        row_end();
    }
    static const u16 kCode[] = {0, 0x18, 0x1b, 0x20, 0x23, 0x10, 0x08, 0x60, 0xfff8};
    for (unsigned i = 0; i < 9; ++i) {
        put("code=");
        put_hex(kCode[i], 4);
        put(":");
        row_begin();
        item(far_return, 0, 0, kCode[i], 0, 0);
        item(iret_to, 0, 0, kCode[i], 0, 0);
        item(far_jump, 0, 0, kCode[i], 0, 0);
        item(user_return, 1, 0, kCode[i], 0, 0);
        row_end();
    }
    static const u32 kFlags[] = {2, 0x202, 0x3002, 0x4002, 0x10002, 0x40002, 0x80002, 0x100002, 0x200002, 0x8002};
    for (unsigned i = 0; i < 10; ++i) {
        put("flags");
        field("value", kFlags[i]);
        put(":");
        row_begin();
        item(iret_out, 0, 0, 0x23, 0x2b, kFlags[i]);
        item(user_popf, 1, 1, kFlags[i], 0, 0);
        legacy_user_flags = 0x3002;
        item(user_popf, 1, 1, kFlags[i], 0, 0);
        legacy_user_flags = 2;
        row_end();
    }
}

static void others(void) {
    put("into, bound 0, 1, 5, 6:");
    row_begin();
    item(into, 0, 0, 0, 0, 0);
    for (u32 i = 0; i < 7; i += i == 1 ? 4 : 1) item(bound, 0, 0, i, 0, 0);
    row_end();
    put("arpl:");
    row_begin();
    for (u32 a = 0x10; a < 0x14; ++a)
        for (u32 b = 0; b < 4; ++b) item(arpl, 0, 1, a, b, 0);
    row_end();
}

int main(void) {
    prepare32();
    all_types("ds", load_ds, 0, 0, 0xc000, 0);
    all_types("gs", load_gs, 0, 0, 0xc000, 0);
    all_types("ss", load_ss, 0, 0, 0xc000, 0);
    all_types("user ds", user_ds, 0, 1, 0xc000, 0);
    all_types("user ss", user_ss, 0, 1, 0xc000, 0);
    all_types("lldt", do_lldt, 0, 0, 0, 0);
    asm volatile("lldt %w0" ::"r"(0));
    all_types("ltr", do_ltr, 0, 0, 0, 0);
    all_types("lar", do_lar, 1, 0, 0x8000, 0);
    all_types("lsl", do_lsl, 1, 0, 0x8000, 0);
    all_types("verr", do_verr, 1, 0, 0, 0);
    all_types("verw", do_verw, 1, 0, 0, 0);
    all_types("lret", far_return, 0, 0, 0xc000, 1);
    all_types("ljmp", far_jump, 0, 0, 0xc000, 1);
    all_types("lcall", far_call, 0, 0, 0xc000, 1);
    gates();
    call_gates();
    returns();
    others();
    reload_tr();
    return 0;
}
