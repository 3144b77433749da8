// What debug and model-specific registers take (SDM vol. 3A, 17.2; vol. 4): one bit at a time, the outcome and what
// is read back. Then LGDT and LIDT. Not for QEMU's TCG: it checks hardly any of these bits, and takes an IDT that it
// cannot use.
#include "runtime.h"

SNIPPET(set_dr6, "mov %rdi, %dr6; mov %dr6, %rax");
SNIPPET(set_dr7, "mov %rdi, %dr7; mov %dr7, %rax; xor %ecx, %ecx; mov %rcx, %dr7");
SNIPPET(set_dr0, "mov %rdi, %dr0; mov %dr0, %rax");
SNIPPET(set_dr4, "mov %rdi, %dr4; mov %dr4, %rax");
SNIPPET(set_msr, "mov %edi, %ecx; mov %esi, %eax; mov %rsi, %rdx; shr $32, %rdx; wrmsr");
SNIPPET(get_msr, "mov %edi, %ecx; rdmsr; shl $32, %rdx; mov %eax, %eax; or %rdx, %rax");
SNIPPET(do_lgdt, "lgdt (%rdi); lgdt (%rsi)");
SNIPPET(do_lidt, "lidt (%rdi)");

static void outcome(int value) {
    put_outcome();
    if (value && trap.vector == NONE) put(":"), put_hex(returned, 0);
}

static void debug_registers(void) {
    attempt(set_dr6, 0, 0, 0);
    put("dr6 = 0: ");
    outcome(1);
    put("\n");
    for (int bit = 0; bit < 64; ++bit) {
        if (bit == 11 || bit == 16) continue;  // bus lock, RTM: newer models have them
        put("dr6");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_dr6, 1ul << bit, 0, 0);
        outcome(1);
        put("\n");
    }
    asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
    for (int bit = 0; bit < 64; ++bit) {
        if (bit == 11) continue;
        put("dr7");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_dr7, 1ul << bit, 0, 0);
        outcome(1);
        put("\n");
    }
    put("dr0 not canonical: ");
    attempt(set_dr0, 0x8000000000000000, 0, 0);
    outcome(1);
    put("\n");
    put("dr4 without CR4.DE: ");
    attempt(set_dr4, 0, 0, 0);
    outcome(1);
    write_cr4(read_cr4() | 8);
    put("; with: ");
    attempt(set_dr4, 0, 0, 0);
    outcome(1);
    write_cr4(read_cr4() & ~8ul);
    put("\n");
    // General detect: any MOV of a debug register traps, and clears DR7.GD.
    asm volatile("mov %0, %%dr7" ::"r"(0x2400ul));
    put("dr7.gd: ");
    attempt(set_dr0, 0, 0, 0);
    outcome(0);
    u64 dr6, dr7;
    asm volatile("mov %%dr6, %0; mov %%dr7, %1" : "=r"(dr6), "=r"(dr7));
    field("dr6", dr6);
    field("dr7", dr7);
    put("\n");
}

static void msr(u32 number, const char* name) {
    static const u64 kValues[] = {0, 1, 0x7fffffffffff, 0x800000000000, 0xffff800000000000, 0x8000000000000000};
    const u64 before = rdmsr(number);
    put("msr ");
    put(name);
    put(":");
    row_begin();
    for (int i = 0; i < 6; ++i) {
        item_begin();
        attempt(set_msr, number, kValues[i], 0);
        outcome(0);
        if (trap.vector == NONE) put(":"), put_hex(rdmsr(number), 0);
        item_end();
    }
    wrmsr(number, before);
    row_end();
}

static void msrs(void) {
    msr(0xc0000081, "STAR");
    msr(0xc0000082, "LSTAR");
    msr(0xc0000083, "CSTAR");
    msr(0xc0000084, "FMASK");
    msr(0xc0000100, "FS_BASE");
    msr(0xc0000101, "GS_BASE");
    msr(0xc0000102, "KERNEL_GS_BASE");
    msr(0xc0000103, "TSC_AUX");
    msr(0x174, "SYSENTER_CS");
    msr(0x175, "SYSENTER_ESP");
    msr(0x176, "SYSENTER_EIP");
    const u64 efer = rdmsr(0xc0000080);
    for (int bit = 0; bit < 64; ++bit) {
        if (bit >= 12 && bit <= 15) continue;  // AMD's
        put("efer ^ bit");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_msr, 0xc0000080, efer ^ 1ul << bit, 0);
        outcome(0);
        put(" ");
        put_hex(rdmsr(0xc0000080), 0);
        wrmsr(0xc0000080, efer);
        put("\n");
    }
    static const u64 kPat[] = {0x0007040600070406, 0x0007040600070402, 0x0007040600070403, 0x08, 0x0100000000000000,
                               0x0505050505050505, 0x8000000000000000};
    for (int i = 0; i < 7; ++i) {
        put("pat");
        field("value", kPat[i]);
        put(": ");
        attempt(set_msr, 0x277, kPat[i], 0);
        outcome(0);
        put("\n");
    }
    static const u32 kNone[] = {0x12345, 0xc0000105, 0x4000ffff, 0xffffffff};
    for (int i = 0; i < 4; ++i) {
        put("no msr");
        field("number", kNone[i]);
        put(": ");
        attempt(get_msr, kNone[i], 0, 0);
        outcome(0);
        put(" ");
        attempt(set_msr, kNone[i], 0, 0);
        outcome(0);
        put("\n");
    }
}

static void tables(void) {
    static const u64 kBases[] = {0x800000000000, 0x7fffffffffff, 0xffff800000000000};
    struct {
        u16 limit;
        u64 base;
    } __attribute__((packed)) good_gdt, good_idt, table;
    asm volatile("sgdt %0; sidt %1" : "=m"(good_gdt), "=m"(good_idt));
    for (int i = 0; i < 3; ++i) {
        table.limit = 0xffff;
        table.base = kBases[i];
        put("base");
        field("value", kBases[i]);
        put(": lgdt ");
        attempt(do_lgdt, (u64)&table, (u64)&good_gdt, 0);
        outcome(0);
        asm volatile("lgdt %0" ::"m"(good_gdt));
        put("\n");
    }
    put("lidt, not canonical: ");
    table.base = 0x800000000000;
    attempt(do_lidt, (u64)&table, 0, 0);
    outcome(0);
    put("\n");
}

int main(void) {
    debug_registers();
    msrs();
    tables();
    return 0;
}
