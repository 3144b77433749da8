// The board's ACPI tables (ACPI specification 6.4, chapter 5; HPET: IA-PC HPET specification 1.0a, 3.2.4;
// MCFG: PCI Firmware specification 3.0, 4.1.2): RSDP, XSDT, RSDT, FADT, FACS, DSDT, MADT, HPET, MCFG.
//
// They describe what devices/pc_board.h wires, and lie in the firmware's area below 1 MiB.
#pragma once

#include "emulator/core/bus/bus.h"
#include "emulator/machine/boot/aml.h"

namespace orrery {

struct AcpiPlatform {
    unsigned cpus = 1;
    unsigned serial_ports = 1;
};

inline constexpr u8 kIoapicId = 8;  // behind the local APICs' 0-7

// Writes the tables; returns the address of the RSDP.
u64 put_acpi_tables(Bus& bus, const AcpiPlatform& platform);

// The definition block of the DSDT, without its table header.
aml::Bytes make_dsdt(const AcpiPlatform& platform);

}  // namespace orrery
