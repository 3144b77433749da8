// The DSDT: the PCI root with its windows and interrupt routing, the ISA devices, and the S5 sleep type.
#include <string>

#include "devices/acpi_pm.h"
#include "devices/hpet.h"
#include "devices/pc_board.h"
#include "devices/pci_host.h"
#include "devices/uart16550.h"
#include "emulator/machine/boot/acpi_tables.h"

namespace orrery {

namespace {

using namespace aml;

// For each slot and pin: the slot's address, the pin, no link device, the IOAPIC input or the ISA line.
Bytes routing(unsigned (*input_of)(unsigned slot, unsigned pin)) {
    std::vector<Bytes> rows;
    for (unsigned slot = 2; slot < 32; ++slot)
        for (unsigned pin = 0; pin < 4; ++pin)
            rows.push_back(package(
                {integer(slot << 16 | 0xffffu), integer(pin), integer(0), integer(input_of(slot, pin))}));
    return package(rows);
}

// _PRT, by what the operating system has said to _PIC: 1, it uses the IOAPIC.
Bytes routing_method() {
    return join({named("APIC", routing(PciHost::gsi_of)), named("ISAR", routing(PciHost::isa_line_of)),
                 method("_PRT", 0,
                        join({if_true(name_string("\\PICM"), give_back(name_string("APIC"))),
                              give_back(name_string("ISAR"))}))});
}

Bytes isa_device(std::string_view name, std::string_view id, const Bytes& descriptors,
                 const Bytes& more = {}) {
    return device(name, join({named("_HID", eisa_id(id)), more, named("_CRS", resources(descriptors))}));
}

Bytes serial_ports(unsigned count) {
    static constexpr unsigned kLine[] = {4, 3, 4, 3};
    Bytes out;
    for (unsigned i = 0; i < count; ++i) {
        const std::string name = "COM" + std::to_string(i + 1);
        out = join(
            {out, isa_device(name, "PNP0501", join({io_ports(PcConfig::kSerialBases[i], 8), irq(kLine[i])}),
                             named("_UID", integer(i + 1)))});
    }
    return out;
}

Bytes isa_bridge(unsigned serial_port_count) {
    return device("ISA",
                  join({named("_ADR", integer(0x10000)),
                        isa_device("PIC", "PNP0000",
                                   join({io_ports(0x20, 2), io_ports(0xa0, 2), io_ports(0x4d0, 2), irq(2)})),
                        isa_device("TMR", "PNP0100", join({io_ports(0x40, 4), irq(0)})),
                        isa_device("RTC", "PNP0B00", join({io_ports(0x70, 2), irq(8)})),
                        isa_device("SPKR", "PNP0800", io_ports(0x61, 1)),
                        isa_device("KBD", "PNP0303", join({io_ports(0x60, 1), io_ports(0x64, 1), irq(1)})),
                        isa_device("MOU", "PNP0F13", irq(12)), serial_ports(serial_port_count)}));
}

Bytes pci_root(const AcpiPlatform& platform) {
    const Bytes windows =
        join({bus_range(0, 0), io_ports(0xcf8, 8), io_window(0, 0xcf7), io_window(0xd00, 0xffff),
              memory_window(PciHost::kWindowBase, PciHost::kWindowEnd - 1)});
    return device(
        "PCI0", join({named("_HID", eisa_id("PNP0A08")), named("_CID", eisa_id("PNP0A03")),
                      named("_BBN", integer(0)), named("_UID", integer(0)), named("_CRS", resources(windows)),
                      routing_method(), isa_bridge(platform.serial_ports)}));
}

// What belongs to the board itself and nobody else may claim.
Bytes motherboard() {
    return isa_device("MRES", "PNP0C02",
                      join({fixed_memory(PciHost::kEcamBase, PciHost::kEcamLength),
                            io_ports(AcpiPm::kBase, AcpiPm::kPorts), io_ports(0x92, 1)}));
}

Bytes processors(unsigned cpus) {
    Bytes out;
    for (unsigned id = 0; id < cpus; ++id)
        out = join({out, device("CPU" + std::to_string(id),
                                join({named("_HID", string("ACPI0007")), named("_UID", integer(id))}))});
    return out;
}

}  // namespace

Bytes make_dsdt(const AcpiPlatform& platform) {
    const Bytes hpet = isa_device("HPET", "PNP0103", fixed_memory(Hpet::kBase, Hpet::kLength));
    const Bytes s5 = package({integer(AcpiPm::kSleepTypeS5), integer(0), integer(0), integer(0)});
    const Bytes interrupt_model =
        join({named("\\PICM", integer(0)), method("\\_PIC", 1, store(argument(0), name_string("\\PICM")))});
    return join({interrupt_model,
                 scope("\\_SB", join({pci_root(platform), motherboard(), hpet, processors(platform.cpus)})),
                 named("\\_S5", s5)});
}

}  // namespace orrery
