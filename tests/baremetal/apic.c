// The local APIC's modes and x2APIC's registers (SDM vol. 3A, 10.4.3, 10.12), and its timer's modes (10.5.4). Not for
// QEMU's TCG, whose APIC has no x2APIC mode and no TSC deadline.
#include "runtime.h"

#define BASE 0xfee00000ul
#define ENABLED 0x800ul
#define EXTENDED 0x400ul

SNIPPET(set_msr, "mov %edi, %ecx; mov %esi, %eax; mov %rsi, %rdx; shr $32, %rdx; wrmsr");
SNIPPET(get_msr, "mov %edi, %ecx; rdmsr; mov %eax, %eax");

static void change_mode(const char* name, u64 bits) {
    put(name);
    put(": ");
    attempt(set_msr, 0x1b, BASE | 0x100 | bits, 0);
    put_outcome();
    field("now", rdmsr(0x1b) & 0xc00);
    put("\n");
}

static void modes(void) {
    change_mode("x2apic to x2apic", ENABLED | EXTENDED);
    change_mode("x2apic to xapic", ENABLED);
    change_mode("x2apic to invalid", EXTENDED);
    change_mode("x2apic again", ENABLED | EXTENDED);
    change_mode("x2apic off", 0);
    change_mode("off to x2apic", ENABLED | EXTENDED);
    change_mode("off to invalid", EXTENDED);
    change_mode("off to xapic", ENABLED);
    change_mode("xapic to invalid", EXTENDED);
    put("x2apic register in xapic mode: ");
    attempt(get_msr, 0x802, 0, 0);
    put_outcome();
    put("\nreserved bits of the base:");
    row_begin();
    static const int kBits[] = {0, 7, 9, 52, 63};
    for (int i = 0; i < 5; ++i) {
        item_begin();
        attempt(set_msr, 0x1b, BASE | 0x900 | 1ul << kBits[i], 0);
        put_outcome();
        item_end();
        wrmsr(0x1b, BASE | 0x900);
    }
    row_end();
}

static void registers(void) {
    wrmsr(0x1b, BASE | 0x900);
    wrmsr(0x1b, BASE | 0x900 | EXTENDED);
    for (u32 number = 0x800; number < 0x840; ++number) {
        if (number == 0x82f) continue;  // CMCI: a matter of the model
        put("x2apic ");
        put_hex(number, 3);
        put(": read ");
        attempt(get_msr, number, 0, 0);
        put_outcome();
        if (number != 0x830 && number != 0x83f) {
            put(" write 0 ");
            attempt(set_msr, number, 0, 0);
            put_outcome();
        }
        put(" write high half ");
        attempt(set_msr, number, number == 0x830 ? 0x1000 : 1ul << 32, 0);
        put_outcome();
        put("\n");
    }
}

static volatile int taken;
static volatile u64 last;
static int on_interrupt(struct Frame* frame) {
    if (frame->vector < 0x60 || frame->vector > 0x6f) return 0;
    ++taken;
    last = frame->vector;
    wrmsr(0x80b, 0);
    return 1;
}

// With interrupts on until `wanted` were taken, or for a while.
static void wait_for(int wanted) {
    asm volatile("sti");
    for (int i = 0; i < 1000000 && taken < wanted; ++i) asm volatile("pause");
    asm volatile("cli");
}

static void taken_line(const char* name) {
    put(name);
    put(":");
    field("taken", (u64)taken), field("vector", last);
    put("\n");
    taken = 0;
    last = 0;
}

static void timers(void) {
    hook = on_interrupt;
    wrmsr(0x80f, 0x1ff);
    wrmsr(0x83f, 0x61);
    wait_for(1);
    taken_line("self ipi");
    wrmsr(0x830, 0x40062);
    wait_for(1);
    taken_line("icr, to self");
    wrmsr(0x830, rdmsr(0x802) << 32 | 0x63);
    wait_for(1);
    taken_line("icr, to its id");
    wrmsr(0x83e, 0xb);
    wrmsr(0x832, 0x64);
    wrmsr(0x838, 1000);
    wait_for(2);
    put("count afterwards:");
    field("current", rdmsr(0x839));
    put("\n");
    taken_line("one-shot");
    wrmsr(0x832, 0x20065);
    wrmsr(0x838, 1000);
    wait_for(3);
    taken_line("periodic, three awaited");
    wrmsr(0x838, 0);
    wait_for(1);  // one more may have come in between
    taken = 0;
    wrmsr(0x832, 0x10066);
    wrmsr(0x838, 1000);
    wait_for(1);
    taken_line("masked");
    wrmsr(0x838, 0);
    // TSC deadline: the initial count means nothing; a moment gone by comes at once.
    wrmsr(0x832, 0x40067);
    wrmsr(0x838, 1000);
    put("deadline, initial count:");
    field("reads", rdmsr(0x838)), field("current", rdmsr(0x839));
    put("\n");
    wrmsr(0x6e0, 1);
    wait_for(1);
    put("deadline msr afterwards:");
    field("value", rdmsr(0x6e0));
    put("\n");
    taken_line("deadline");
    wrmsr(0x6e0, ~0ul);
    put("armed far ahead:");
    field("armed", rdmsr(0x6e0) == ~0ul);
    wrmsr(0x832, 0x67);
    field("other mode", rdmsr(0x6e0));
    wrmsr(0x6e0, 1);
    field("written in it", rdmsr(0x6e0));
    put("\n");
    wait_for(1);
    taken_line("deadline in one-shot mode");
    hook = 0;
}

int main(void) {
    // Off comes last: not every model lets it be enabled again.
    registers();
    timers();
    modes();
    return 0;
}
