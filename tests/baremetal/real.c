// Real mode (SDM vol. 3A, 20.1): limits and wraps, what is undefined there, interrupts, flags, far transfers.
#include "legacy.h"

void enter_real(void);
extern u32 real_state;

#define SNIPPET16(name, code) \
    void name(void);          \
    asm(".text\n.code16\n" #name ":\n" code "\nlret\n.code64\n")

SNIPPET16(nothing, "nop");
SNIPPET16(read_ffff, "mov $0xffff, %bx; mov (%bx), %ax");
SNIPPET16(read_fffe, "mov $0xfffe, %bx; mov (%bx), %ax; xor %ax, %ax");
SNIPPET16(byte_ffff, "mov $0xffff, %bx; mov (%bx), %al; xor %ax, %ax");
SNIPPET16(long_fffd, "mov $0xfffd, %bx; mov (%bx), %eax");
SNIPPET16(read_10000, "mov $0x10000, %ebx; mov (%ebx), %al");
SNIPPET16(wraps, "mov $0xfff0, %bx; mov 0x20(%bx), %al; xor %ax, %ax");
SNIPPET16(es_high, "mov $0xffff, %ax; mov %ax, %es; mov %es:0x10, %al; xor %ax, %ax");
SNIPPET16(push_0, "mov %sp, %bx; xor %sp, %sp; push %ax; mov %sp, %cx; mov %bx, %sp");
SNIPPET16(movs_ffff, "mov $0xffff, %si; mov $0x6000, %di; movsw");
SNIPPET16(rep_end, "mov $0xfffe, %si; mov $0x6000, %di; mov $3, %cx; rep movsb");
SNIPPET16(do_ud2, "ud2");
SNIPPET16(do_lldt, "lldt %ax");
SNIPPET16(do_sldt, "sldt %ax");
SNIPPET16(do_ltr, "ltr %ax");
SNIPPET16(do_str, "str %ax");
SNIPPET16(do_lar, "lar %ax, %bx");
SNIPPET16(do_lsl, "lsl %ax, %bx");
SNIPPET16(do_verr, "verr %ax");
SNIPPET16(do_arpl, "arpl %ax, %bx");
SNIPPET16(do_smsw, "smsw %ax; and $0xfff1, %ax");
SNIPPET16(do_lmsw, "mov $0x8, %ax; lmsw %ax; clts; smsw %ax; and $0xfff1, %ax");
SNIPPET16(mov_cs, ".byte 0x8e, 0xc8");
SNIPPET16(mov_seg6, ".byte 0x8e, 0xf0");
SNIPPET16(lds_register, ".byte 0xc5, 0xc0");
SNIPPET16(lock_nop, ".byte 0xf0, 0x90");
SNIPPET16(lock_mov, ".byte 0xf0, 0x89, 0x07");
SNIPPET16(do_sysenter, "sysenter");
SNIPPET16(do_sysret, ".byte 0x0f, 0x07");
SNIPPET16(divide, "div %cl");
SNIPPET16(do_idiv, "mov $0x8000, %ax; mov $0xff, %cl; idiv %cl");
SNIPPET16(do_aam, ".byte 0xd4, 0");
SNIPPET16(do_into, "mov $0x7f, %al; inc %al; into");
SNIPPET16(do_bound, "movw $1, 0x6000; movw $5, 0x6002; mov $6, %ax; bound %ax, 0x6000");
SNIPPET16(bound_in, "movw $1, 0x6000; movw $5, 0x6002; mov $5, %ax; bound %ax, 0x6000");
SNIPPET16(do_int3, "int3");
SNIPPET16(int60, "stc; int $0x60");
SNIPPET16(sti_int, "sti; std; int $0x60");
SNIPPET16(short_table, "movw $0x17f, 0x6000; movl $0, 0x6002; lidtl 0x6000; int $0x60");
SNIPPET16(popf_all, "mov $0x7eff, %ax; push %ax; popf; pushf; pop %ax; xor %bx, %bx; push %bx; popf");
SNIPPET16(popfl_all, "mov $0xffecfeff, %eax; push %eax; popfl; pushfl; pop %ax; pop %dx; pushl $0; popfl");
SNIPPET16(iret_16, "pushf; push %cs; push $0x7800 + 1f - iret_16; iret; 1: mov $1, %ax");
SNIPPET16(far_jump, "ljmp $0x700, $0x800 + 1f - far_jump; 1: mov %cs, %ax");
SNIPPET16(far_call, "mov %sp, %bx; lcall $0x770, $0x100 + 1f - far_call; 1: mov %cs, %ax; pop %cx; pop %dx; mov %bx, %sp");
SNIPPET16(cr_access, "mov %cr0, %eax; and $1, %ax; mov %cr3, %ebx; xor %bx, %bx; mov %cr4, %ecx; and $0x20, %cx");

static void real(const char* name, Code32* code) {
    clear();
    legacy_call((Code32*)enter_real, (u32)(u64)code, 0, 0);
    const volatile u16* state = (u16*)(u64)real_state;
    put(name);
    put(": ");
    if (legacy_trap[0] != NONE) {
        put_result(0);
        put(" outside\n");
        return;
    }
    if (state[0] == NONE) {
        put("ok");
    } else {
        put("int");
        put_hex(state[0] == 32 ? 0x60 : state[0], 2);
        field("ip", state[1]);
        field("flags", state[2] & 0xf700);
    }
    field("ax", state[3]), field("bx", state[4]), field("cx", state[5]), field("dx", state[6]);
    put("\n");
}
#define REAL(name) real(#name, name)

int main(void) {
    prepare32();
    REAL(nothing), REAL(read_ffff), REAL(read_fffe), REAL(byte_ffff), REAL(long_fffd), REAL(read_10000), REAL(wraps);
    REAL(es_high), REAL(push_0), REAL(movs_ffff), REAL(rep_end), REAL(do_ud2);
    REAL(do_lldt), REAL(do_sldt), REAL(do_ltr), REAL(do_str), REAL(do_lar), REAL(do_lsl), REAL(do_verr), REAL(do_arpl);
    REAL(do_smsw), REAL(do_lmsw), REAL(mov_cs), REAL(mov_seg6), REAL(lds_register), REAL(lock_nop), REAL(lock_mov);
    REAL(do_sysenter), REAL(do_sysret), REAL(divide), REAL(do_idiv), REAL(do_aam), REAL(do_into);
    REAL(do_bound), REAL(bound_in), REAL(do_int3), REAL(int60), REAL(sti_int), REAL(short_table);
    REAL(popf_all), REAL(popfl_all), REAL(iret_16), REAL(far_jump), REAL(far_call);
    REAL(cr_access);
    reload_tr();
    return 0;
}
