#include "emulator/machine/boot/firmware.h"

#include "emulator/machine/boot/acpi_tables.h"
#include "emulator/machine/boot/memory_map.h"

namespace orrery {

namespace {

void config_address(Bus& bus, unsigned slot, unsigned reg) {
    bus.io_write(0xcf8, 4, 1u << 31 | slot << 11 | (reg & 0xfc));
}

u32 config_read(Bus& bus, unsigned slot, unsigned reg) {
    config_address(bus, slot, reg);
    return bus.io_read(0xcfc, 4);
}

void config_write(Bus& bus, unsigned slot, unsigned reg, u32 value) {
    config_address(bus, slot, reg);
    bus.io_write(0xcfc, 4, value);
}

// Sizes every 32-bit memory BAR, gives it the next free naturally aligned place, and enables the function.
void assign_bars(Bus& bus) {
    u64 next = PciHost::kWindowBase;
    for (unsigned slot = 0; slot < 32; ++slot) {
        if (config_read(bus, slot, 0) == ~u32{0}) continue;
        bool any = false;
        for (unsigned bar = 0; bar < PciFunction::kBars; ++bar) {
            const unsigned reg = 0x10 + 4 * bar;
            config_write(bus, slot, reg, ~u32{0});
            const u32 mask = config_read(bus, slot, reg) & ~u32{15};
            if (mask == 0) continue;
            const u64 length = ~mask + 1;
            next = (next + length - 1) & ~(length - 1);
            config_write(bus, slot, reg, static_cast<u32>(next));
            next += length;
            any = true;
        }
        if (any) config_write(bus, slot, 4, 6);  // memory space, bus master
        const u32 pin = config_read(bus, slot, 0x3c) >> 8 & 0xff;
        if (pin != 0) config_write(bus, slot, 0x3c, PciHost::isa_line_of(slot, pin - 1));
    }
}

void set_up_display(Bus& bus, const DisplayConfig& display) {
    const auto set = [&bus](u16 index, u16 value) {
        bus.io_write(VgaStd::kIndexPort, 2, index);
        bus.io_write(VgaStd::kDataPort, 2, value);
    };
    set(VgaStd::kWidth, display.width);
    set(VgaStd::kHeight, display.height);
    set(VgaStd::kBits, 32);
    set(VgaStd::kEnable, 0x41);  // on, linear
}

void set_up_interrupts(Bus& bus, PcBoard& board) {
    // The SCI and PCI's lines, 10 and 11, are level-triggered.
    bus.io_write(0x4d1, 1, 0x0e);
    u32 routes = 0;
    for (unsigned pin = 0; pin < PirqRouter::kPins; ++pin)
        routes |= PciHost::isa_line_of(0, pin) << (8 * pin);
    config_write(bus, 1, IsaBridge::kFirstRoute, routes);
    // 8259s: real-mode vectors, all masked, no interrupt in progress.
    const struct {
        u16 command;
        u8 base, cascade;
    } chips[] = {{0x20, 0x08, 4}, {0xa0, 0x70, 2}};
    for (const auto& chip : chips) {
        const u16 data = chip.command + 1;
        bus.io_write(chip.command, 1, 0x11);
        bus.io_write(data, 1, chip.base);
        bus.io_write(data, 1, chip.cascade);
        bus.io_write(data, 1, 1);
        bus.io_write(data, 1, 0xff);
    }
    // Virtual-wire mode (MultiProcessor Specification 1.4, 3.6.2.2): LINT0 is the 8259, LINT1 is NMI.
    const u64 page = Lapic::kDefaultBase;
    board.select_cpu(0);
    bus.write(page + 0xf0, 4, 0x1ff);
    bus.write(page + 0x350, 4, 0x700);
    bus.write(page + 0x360, 4, 0x400);
    bus.write(Ioapic::kBase, 4, 0);
    bus.write(Ioapic::kBase + 0x10, 4, kIoapicId << 24);
}

// 115200 baud, 8 data bits, no parity, 1 stop bit.
void set_up_serial_ports(Bus& bus, const PcConfig& config) {
    for (unsigned i = 0; i < config.serial_ports; ++i) {
        const u16 base = PcConfig::kSerialBases[i];
        bus.io_write(base + 3, 1, 0x83);
        bus.io_write(base, 1, 1);
        bus.io_write(base + 1, 1, 0);
        bus.io_write(base + 3, 1, 3);
    }
}

}  // namespace

u64 set_up_firmware(Bus& bus, PcBoard& board) {
    require_memory(bus, "the firmware");
    set_up_interrupts(bus, board);
    assign_bars(bus);
    set_up_serial_ports(bus, board.config());
    if (board.display() != nullptr) set_up_display(bus, board.config().display);
    return put_acpi_tables(bus, {board.cpus(), board.config().serial_ports});
}

}  // namespace orrery
