#include "emulator/machine/boot/acpi_tables.h"

#include <numeric>
#include <string_view>

#include "devices/acpi_pm.h"
#include "devices/hpet.h"
#include "devices/ioapic.h"
#include "devices/lapic.h"
#include "devices/pci_host.h"
#include "devices/system_control.h"
#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/memory_map.h"

namespace orrery {

namespace {

constexpr unsigned kSciGsi = 9;
constexpr u16 kLevelActiveHigh = 0x000d;

// A table's bytes; fields are put at their offset in the specification.
class Table {
  public:
    explicit Table(size_t size) : bytes(size) {}
    void put(size_t offset, u64 value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) bytes[offset + i] = static_cast<u8>(value >> (8 * i));
    }
    void text(size_t offset, std::string_view value) {
        for (size_t i = 0; i < value.size(); ++i) bytes[offset + i] = static_cast<u8>(value[i]);
    }
    void add(u64 value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) bytes.push_back(static_cast<u8>(value >> (8 * i)));
    }
    void checksum(size_t offset, size_t length) {
        bytes[offset] = 0;
        const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(length);
        bytes[offset] = static_cast<u8>(-std::accumulate(bytes.begin(), end, 0u));
    }
    // Generic Address Structure (5.2.3.2): I/O space.
    void port(size_t offset, u16 address, u8 bits, u8 access) {
        put(offset, 1, 1);
        put(offset + 1, bits, 1);
        put(offset + 3, access, 1);
        put(offset + 4, address, 8);
    }
    std::vector<u8> bytes;
};

constexpr size_t kHeader = 36;

// The common header (5.2.6) over the whole table, with its checksum.
std::vector<u8> finish(Table& table, std::string_view signature, u8 revision) {
    table.text(0, signature);
    table.put(4, table.bytes.size(), 4);
    table.put(8, revision, 1);
    table.text(10, "ORRERY");
    table.text(16, "ORRERYPC");
    table.put(24, 1, 4);
    table.text(28, "ORRY");
    table.put(32, 1, 4);
    table.checksum(9, table.bytes.size());
    return table.bytes;
}

// 5.2.9; revision 6.4.
std::vector<u8> make_fadt(u64 facs, u64 dsdt) {
    Table t(276);
    t.put(36, facs, 4);
    t.put(40, dsdt, 4);
    t.put(45, 1, 1);  // a desktop
    t.put(46, kSciGsi, 2);
    // SMI_CMD 0: ACPI is always on.
    t.put(56, AcpiPm::kPm1Event, 4);
    t.put(64, AcpiPm::kPm1Control, 4);
    t.put(76, AcpiPm::kTimer, 4);
    t.put(88, 4, 1);  // lengths of these blocks
    t.put(89, 2, 1);
    t.put(91, 4, 1);
    t.put(96, 0xfff, 2);    // no C2
    t.put(98, 0xfff, 2);    // no C3
    t.put(108, 0x32, 1);    // CMOS index of the century
    t.put(109, 0x0007, 2);  // ISA devices, an 8042, no VGA
    // WBINVD; C1; no sleep button; RTC wake not in PM1; 32-bit timer; reset register.
    t.put(112, 1 << 0 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 10, 4);
    t.port(116, SystemControl::kResetPort, 8, 1);
    t.put(128, SystemControl::kResetValue, 1);
    t.put(131, 4, 1);  // minor revision
    // The FACS has one address: X_FIRMWARE_CTRL stays 0.
    t.put(140, dsdt, 8);
    t.port(148, AcpiPm::kPm1Event, 32, 2);
    t.port(172, AcpiPm::kPm1Control, 16, 2);
    t.port(208, AcpiPm::kTimer, 32, 3);
    return finish(t, "FACP", 6);
}

// 5.2.10: no header checksum.
std::vector<u8> make_facs() {
    Table t(64);
    t.text(0, "FACS");
    t.put(4, 64, 4);
    t.put(32, 2, 1);
    return t.bytes;
}

// 5.2.12.
std::vector<u8> make_madt(const AcpiPlatform& platform) {
    Table t(kHeader + 8);
    t.put(36, Lapic::kDefaultBase, 4);
    t.put(40, 1, 4);  // there are 8259s too
    for (unsigned id = 0; id < platform.cpus; ++id) {
        t.add(0 | 8 << 8, 2);  // local APIC: UID, id, enabled
        t.add(id, 1);
        t.add(id, 1);
        t.add(1, 4);
    }
    t.add(1 | 12 << 8, 2);  // IOAPIC
    t.add(kIoapicId, 2);
    t.add(Ioapic::kBase, 4);
    t.add(0, 4);
    const auto source_override = [&t](u8 line, u32 gsi, u16 flags) {
        t.add(2 | 10 << 8, 2);
        t.add(0, 1);
        t.add(line, 1);
        t.add(gsi, 4);
        t.add(flags, 2);
    };
    source_override(0, 2, 0);
    source_override(kSciGsi, kSciGsi, kLevelActiveHigh);
    t.add(4 | 6 << 8, 2);  // NMI: LINT1 of every CPU
    t.add(0xff, 1);
    t.add(0, 2);
    t.add(1, 1);
    return finish(t, "APIC", 5);
}

std::vector<u8> make_hpet() {
    Table t(kHeader + 20);
    t.put(36, 0x8086'0000 | 0xa000 | (Hpet::kTimers - 1) << 8 | 1, 4);  // as its capability register reads
    t.put(40, 0, 1);                                                    // in memory space
    t.put(41, 64, 1);
    t.put(44, Hpet::kBase, 8);
    t.put(53, 1000, 2);  // the shortest period that is worth while, in 100 ns
    return finish(t, "HPET", 1);
}

std::vector<u8> make_mcfg() {
    Table t(kHeader + 8);
    t.add(PciHost::kEcamBase, 8);
    t.add(0, 2);  // segment
    t.add(0, 1);  // first and last bus
    t.add(0, 1);
    t.add(0, 4);
    return finish(t, "MCFG", 1);
}

}  // namespace

u64 put_acpi_tables(Bus& bus, const AcpiPlatform& platform) {
    u64 next = kFirmwareAddress + 64;  // behind the RSDP
    const auto place = [&](const std::vector<u8>& table) {
        next = (next + 63) & ~u64{63};
        if (next + table.size() > kAcpiTablesEnd || !bus.dma_write(next, table.data(), table.size()))
            throw BootError("the ACPI tables do not fit below 1 MiB of memory");
        const u64 at = next;
        next += table.size();
        return at;
    };
    const aml::Bytes definition = make_dsdt(platform);
    Table dsdt(kHeader);
    dsdt.bytes.insert(dsdt.bytes.end(), definition.begin(), definition.end());
    const u64 facs_at = place(make_facs());
    const u64 dsdt_at = place(finish(dsdt, "DSDT", 2));

    Table xsdt(kHeader);
    Table rsdt(kHeader);  // the same with 32-bit addresses, for a guest that looks for this one
    for (u64 table : {place(make_fadt(facs_at, dsdt_at)), place(make_madt(platform)), place(make_hpet()),
                      place(make_mcfg())}) {
        xsdt.add(table, 8);
        rsdt.add(table, 4);
    }
    const u64 xsdt_at = place(finish(xsdt, "XSDT", 1));
    const u64 rsdt_at = place(finish(rsdt, "RSDT", 1));

    // 5.2.5.3: the first checksum covers what ACPI 1.0 knew.
    Table rsdp(36);
    rsdp.text(0, "RSD PTR ");
    rsdp.text(9, "ORRERY");
    rsdp.put(15, 2, 1);
    rsdp.put(16, rsdt_at, 4);
    rsdp.put(20, 36, 4);
    rsdp.put(24, xsdt_at, 8);
    rsdp.checksum(8, 20);
    rsdp.checksum(32, 36);
    if (!bus.dma_write(kFirmwareAddress, rsdp.bytes.data(), rsdp.bytes.size()))
        throw BootError("the ACPI tables do not fit below 1 MiB of memory");
    return kFirmwareAddress;
}

}  // namespace orrery
