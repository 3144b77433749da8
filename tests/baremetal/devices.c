// The standard parts' registers as they are read back: IOAPIC and local APIC (SDM vol. 3A, 10; 82093AA data sheet), 8254
// and MC146818 (data sheets).
#include "runtime.h"

#define IOAPIC 0xfec00000ul
#define APIC 0xfee00000ul

static void ioapic_write(u32 reg, u32 value) {
    mmio_write(IOAPIC, reg);
    mmio_write(IOAPIC + 16, value);
}
static u32 ioapic_read(u32 reg) {
    mmio_write(IOAPIC, reg);
    return mmio_read(IOAPIC + 16);
}

static void apic_registers(void) {
    put("ioapic:");
    ioapic_write(0x20, 0xffffffff);
    field("entry low", ioapic_read(0x20));
    ioapic_write(0x20, 0x10000);
    ioapic_write(0x21, 0xffffffff);
    field("high", ioapic_read(0x21));
    field("id", ioapic_read(0) & 0xff000000 ? 1 : 0);
    put("\nlapic:");
    static const u16 kRegisters[] = {0x80, 0xd0, 0xe0, 0xf0, 0x310, 0x320, 0x340, 0x350, 0x360, 0x370, 0x380, 0x3e0};
    for (unsigned i = 0; i < sizeof kRegisters / 2; ++i) {
        const u32 before = mmio_read(APIC + kRegisters[i]);
        mmio_write(APIC + kRegisters[i], kRegisters[i] == 0x380 ? 0x12345 : 0xffffffff);
        put(" ");
        put_hex(kRegisters[i], 0);
        put("=");
        put_hex(mmio_read(APIC + kRegisters[i]), 0);
        mmio_write(APIC + kRegisters[i], before);
    }
    mmio_write(APIC + 0x380, 0);
    field("count stopped", mmio_read(APIC + 0x390));
    put("\n");
}

static void timers(void) {
    put("pit:");
    outb(0x43, 0xb4);  // counter 2, both bytes, mode 2; its gate is off
    outb(0x61, inb(0x61) & 0xfc);
    outb(0x42, 0x34), outb(0x42, 0x12);
    outb(0x43, 0xc8 | 0x20);  // read-back: status of counter 2
    field("status", inb(0x42) & 0xbf);
    outb(0x43, 0x80);
    field("latched", inb(0x42)), field("", inb(0x42));
    outb(0x43, 0x94);
    outb(0x42, 0x77);
    outb(0x43, 0xe8);
    field("status", inb(0x42) & 0xbf);
    put("\nrtc:");
    for (u8 reg = 10; reg < 14; reg += reg == 11 ? 2 : 1) {  // not C: its flags come with time
        outb(0x70, reg);
        field("reg", reg), field("value", inb(0x71) & (reg == 10 ? 0x7f : 0xff));
    }
    outb(0x70, 0x0b), outb(0x71, 0x82);  // SET: the clock stands
    static const u8 kValues[] = {0x58, 0x00, 0x59, 0x00, 0x23, 0x00, 0x07, 0x31, 0x12, 0x99};
    for (u8 i = 0; i < 10; ++i) outb(0x70, i), outb(0x71, kValues[i]);
    for (u8 i = 0; i < 10; ++i) outb(0x70, i), field("", inb(0x71));
    outb(0x70, 0x0b), outb(0x71, 2);
    put("\n");
}

int main(void) {
    apic_registers();
    timers();
    return 0;
}
