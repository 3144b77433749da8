// Local APIC and IOAPIC (drivers/apic.h).
//
// Guarantees: registers are mapped uncached; every redirection entry starts masked.
#include "drivers/apic.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "core/panic.h"
#include "core/printk.h"
#include "drivers/acpi.h"
#include "drivers/irq.h"
#include "mm/vmalloc.h"

namespace {

enum LapicRegister : u32 {
    kId = 0x20,
    kVersion = 0x30,
    kTpr = 0x80,
    kEoi = 0xb0,
    kSpurious = 0xf0,
    kIcrLow = 0x300,
    kIcrHigh = 0x310,
    kLvtTimer = 0x320,
    kLvtLint0 = 0x350,
    kLvtLint1 = 0x360,
    kLvtError = 0x370,
    kTimerInitial = 0x380,
    kTimerCurrent = 0x390,
    kTimerDivide = 0x3e0,
};
constexpr u32 kMasked = 1 << 16, kDeliverNmi = 4 << 8, kDivideBy1 = 0xb;
constexpr u32 kDeliverInit = 5 << 8, kDeliverStartup = 6 << 8, kAssert = 1 << 14, kSendPending = 1 << 12;

volatile u8* lapic;
struct Ioapic {
    volatile u32* registers;
    u32 gsi_base, pins;
};
Ioapic ioapics[4];
unsigned ioapic_count;

void lapic_write(u32 reg, u32 value) {
    *reinterpret_cast<volatile u32*>(lapic + reg) = value;
}
u32 lapic_read(u32 reg) {
    return *reinterpret_cast<volatile u32*>(lapic + reg);
}

u32 ioapic_read(const Ioapic& io, u32 reg) {
    io.registers[0] = reg;
    return io.registers[4];
}
void ioapic_write(const Ioapic& io, u32 reg, u32 value) {
    io.registers[0] = reg;
    io.registers[4] = value;
}

void mask_pics() {
    outb(0x20, 0x11);  // ICW1..4: move them off the exception vectors first, then mask everything
    outb(0xa0, 0x11);
    outb(0x21, 0x20);
    outb(0xa1, 0x28);
    outb(0x21, 0x04);
    outb(0xa1, 0x02);
    outb(0x21, 0x01);
    outb(0xa1, 0x01);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void add_ioapic(u64 address, u32 gsi_base) {
    Ioapic& io = ioapics[ioapic_count++];
    io.registers = static_cast<volatile u32*>(ioremap(address, 0x20));
    if (!io.registers) panic("no memory to map the IOAPIC");
    io.gsi_base = gsi_base;
    io.pins = (ioapic_read(io, 1) >> 16 & 0xff) + 1;
    for (u32 pin = 0; pin < io.pins; pin++) {
        ioapic_write(io, 0x10 + 2 * pin, kMasked);
        ioapic_write(io, 0x11 + 2 * pin, 0);
    }
    printk(KERN_INFO "IOAPIC: address 0x%lx, GSI %u-%u\n", address, gsi_base, gsi_base + io.pins - 1);
}

void send_command(u32 apic_id, u32 command) {
    const u64 flags = local_irq_save();  // the two halves belong together
    while (lapic_read(kIcrLow) & kSendPending) cpu_relax();
    lapic_write(kIcrHigh, apic_id << 24);
    lapic_write(kIcrLow, command | kAssert);
    local_irq_restore(flags);
}

}  // namespace

void apic_init() {
    mask_pics();
    lapic = static_cast<volatile u8*>(ioremap(acpi_info.lapic_address, 0x1000));
    if (!lapic) panic("no memory to map the local APIC");
    lapic_init();
    for (unsigned i = 0; i < acpi_info.ioapic_count; i++)
        add_ioapic(acpi_info.ioapic[i].address, acpi_info.ioapic[i].gsi_base);
    if (ioapic_count == 0) add_ioapic(0xfec00000, 0);
}

void lapic_init() {
    wrmsr(kMsrApicBase, rdmsr(kMsrApicBase) | 1u << 11);
    lapic_write(kTpr, 0);
    lapic_write(kLvtTimer, kMasked);
    lapic_write(kLvtLint0, kMasked);
    lapic_write(kLvtLint1, kDeliverNmi);
    lapic_write(kLvtError, kMasked);
    lapic_write(kSpurious, 0x100 | kSpuriousVector);
    this_cpu().apic_id = lapic_read(kId) >> 24;
    lapic_write(kTimerDivide, kDivideBy1);
}

void lapic_send(u32 apic_id, u8 vector) {
    send_command(apic_id, vector);
}
void lapic_send_nmi(u32 apic_id) {
    send_command(apic_id, kDeliverNmi);
}
void lapic_send_init(u32 apic_id) {
    send_command(apic_id, kDeliverInit);
}
void lapic_send_startup(u32 apic_id, u64 start) {
    send_command(apic_id, kDeliverStartup | static_cast<u32>(start >> 12));
}

void lapic_eoi() {
    lapic_write(kEoi, 0);
}

void lapic_timer_start(u32 count) {
    lapic_write(kLvtTimer, kTimerVector);
    lapic_write(kTimerInitial, count);
}

u32 lapic_timer_read() {
    return lapic_read(kTimerCurrent);
}

void ioapic_route(u32 gsi, u8 vector, u16 flags) {
    for (unsigned i = 0; i < ioapic_count; i++) {
        const Ioapic& io = ioapics[i];
        if (gsi < io.gsi_base || gsi >= io.gsi_base + io.pins) continue;
        const u32 pin = gsi - io.gsi_base;
        u32 low = vector;
        if ((flags & 3) == 3) low |= 1 << 13;    // active low
        if ((flags & 12) == 12) low |= 1 << 15;  // level
        ioapic_write(io, 0x11 + 2 * pin, this_cpu().apic_id << 24);
        ioapic_write(io, 0x10 + 2 * pin, low);
        return;
    }
    printk(KERN_ERR "IOAPIC: nobody serves GSI %u\n", gsi);
}
