// What control registers take (SDM vol. 3A, 2.5; vol. 2B, MOV to control registers): one bit at a time, the outcome and
// what is read back. Not for QEMU's TCG: it lets PE, PG and PAE go in long mode, and is lost.
#include "runtime.h"

SNIPPET(set_cr0, "mov %rdi, %cr0");
SNIPPET(set_cr3, "mov %rdi, %cr3");
SNIPPET(set_cr4, "mov %rdi, %cr4");
SNIPPET(set_cr8, "mov %rdi, %cr8; mov %cr8, %rax");
SNIPPET(set_cr1, ".byte 0x0f, 0x22, 0xc8");
SNIPPET(set_cr2, "mov %rdi, %cr2; mov %cr2, %rax");
SNIPPET(get_cr5, ".byte 0x0f, 0x20, 0xe8");

static void outcome(int value) {
    put_outcome();
    if (value && trap.vector == NONE) put(":"), put_hex(returned, 0);
}

static void control_registers(void) {
    const u64 cr0 = read_cr0(), cr4 = read_cr4(), cr3 = read_cr3();
    for (int bit = 0; bit < 64; ++bit) {
        put("cr0 ^ bit");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_cr0, cr0 ^ 1ul << bit, 0, 0);
        outcome(0);
        const u64 now = read_cr0();
        write_cr0(cr0);
        put(" ");
        put_hex(now, 0);
        put("\n");
    }
    static const u64 kCombinations[] = {0x20000000, 0x40000000, 0x60000000};
    for (int i = 0; i < 3; ++i) {
        put("cr0 |");
        field("bits", kCombinations[i]);
        put(": ");
        attempt(set_cr0, cr0 | kCombinations[i], 0, 0);
        outcome(0);
        write_cr0(cr0);
        put("\n");
    }
    // Left out: what a model may have or not: 0 VME, 1 PVI, 11 UMIP, 12 LA57, 13 VMXE, 14 SMXE, 16 FSGSBASE, 17 PCIDE, 19 KL,
    // 22-27 PKE, CET, PKS, UINTR; 18 OSXSAVE.
    for (int bit = 0; bit < 64; ++bit) {
        if (bit <= 1 || (bit >= 11 && bit <= 19) || (bit >= 22 && bit <= 27)) continue;
        put("cr4 ^ bit");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_cr4, cr4 ^ 1ul << bit, 0, 0);
        outcome(0);
        const u64 now = read_cr4();
        write_cr4(cr4);
        put(" ");
        put_hex(now, 0);
        put("\n");
    }
    for (int bit = 0; bit < 64; ++bit) {
        if (bit >= 12 && bit < 51 && bit != 62) continue;
        put("cr3 ^ bit");
        field("bit", (u64)bit);
        put(": ");
        attempt(set_cr3, cr3 ^ 1ul << bit, 0, 0);
        outcome(0);
        const u64 now = read_cr3();
        write_cr3(cr3);
        put(trap.vector == NONE && now == (cr3 ^ 1ul << bit) ? " kept" : " not kept");
        put("\n");
    }
    static const u64 kTpr[] = {0, 1, 15, 16, 1ul << 32, 1ul << 63};
    for (int i = 0; i < 6; ++i) {
        put("cr8");
        field("value", kTpr[i]);
        put(": ");
        attempt(set_cr8, kTpr[i], 0, 0);
        outcome(1);
        put("\n");
    }
    asm volatile("mov %0, %%cr8" ::"r"(0ul));
    put("cr1: ");
    attempt(set_cr1, 0, 0, 0);
    outcome(0);
    put(" cr5: ");
    attempt(get_cr5, 0, 0, 0);
    outcome(0);
    put(" cr2: ");
    attempt(set_cr2, 0x123456789abcdef0, 0, 0);
    outcome(1);
    put("\n");
}

int main(void) {
    control_registers();
    return 0;
}
