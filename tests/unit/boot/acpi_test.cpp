// The ACPI tables: checksums and links as an operating system follows them; the definition block as Intel's
// own disassembler and compiler see it, where they are installed.
#include "emulator/machine/boot/acpi_tables.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>

#include "emulator/machine/boot/firmware.h"
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

struct Tables {
    Board board{4};
    u64 rsdp = set_up_firmware(board.bus, board.board);
    std::map<std::string, u64> found;
    Tables() {
        const u64 xsdt = board.bus.read(rsdp + 24, 8);
        const u64 length = board.bus.read(xsdt + 4, 4);
        for (u64 at = xsdt + 36; at < xsdt + length; at += 8) note(board.bus.read(at, 8));
        note(board.bus.read(found["FACP"] + 140, 8));
    }
    void note(u64 table) {
        std::string signature(4, ' ');
        board.bus.dma_read(table, signature.data(), 4);
        found[signature] = table;
    }
    u8 sum(u64 address, u64 length) {
        u8 total = 0;
        for (u64 i = 0; i < length; ++i) total = static_cast<u8>(total + board.bus.read(address + i, 1));
        return total;
    }
};

int run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str());
}

}  // namespace

TEST_CASE("acpi: the root pointer and every table have right checksums and lengths") {
    Tables tables;
    CHECK(tables.rsdp % 16 == 0);
    CHECK(tables.rsdp >= 0xe0000);
    CHECK(tables.sum(tables.rsdp, 20) == 0);
    CHECK(tables.sum(tables.rsdp, 36) == 0);
    for (const char* signature : {"FACP", "APIC", "HPET", "MCFG", "DSDT"}) {
        INFO(signature);
        REQUIRE(tables.found.count(signature) == 1);
        const u64 table = tables.found[signature];
        CHECK(tables.sum(table, tables.board.bus.read(table + 4, 4)) == 0);
        CHECK(table + tables.board.bus.read(table + 4, 4) <= 0x100000);
    }
    // The RSDT lists the same tables.
    const u64 rsdt = tables.board.bus.read(tables.rsdp + 16, 4);
    CHECK(tables.sum(rsdt, tables.board.bus.read(rsdt + 4, 4)) == 0);
    CHECK(tables.board.bus.read(rsdt + 36, 4) == tables.found["FACP"]);
}

TEST_CASE("acpi: power-off and reset work through what the FADT says") {
    Tables tables;
    Bus& bus = tables.board.bus;
    const u64 fadt = tables.found["FACP"];
    const u16 control = static_cast<u16>(bus.read(fadt + 64, 4));
    CHECK((tables.board.in(control, 2) & 1) == 1);  // SCI_EN
    tables.board.out(control, 0x2000 | AcpiPm::kSleepTypeS5 << 10, 2);
    CHECK(tables.board.power_offs == 1);
    CHECK((bus.read(fadt + 112, 4) >> 10 & 1) == 1);
    tables.board.out(static_cast<u16>(bus.read(fadt + 120, 8)), static_cast<u32>(bus.read(fadt + 128, 1)));
    CHECK(tables.board.resets == 1);
}

TEST_CASE("acpi: the MADT lists the CPUs, the IOAPIC and the overrides") {
    Tables tables;
    Bus& bus = tables.board.bus;
    const u64 madt = tables.found["APIC"];
    const u64 end = madt + bus.read(madt + 4, 4);
    unsigned cpus = 0;
    unsigned overrides = 0;
    for (u64 at = madt + 44; at < end; at += bus.read(at + 1, 1)) {
        REQUIRE(bus.read(at + 1, 1) >= 6);
        switch (bus.read(at, 1)) {
            case 0:
                CHECK(bus.read(at + 3, 1) == cpus);
                ++cpus;
                break;
            case 1:
                CHECK(bus.read(at + 4, 4) == Ioapic::kBase);
                // Its id register agrees.
                tables.board.write32(Ioapic::kBase, 0);
                CHECK(tables.board.read32(Ioapic::kBase + 0x10) >> 24 == bus.read(at + 2, 1));
                break;
            case 2:
                ++overrides;
                break;
            default:
                break;
        }
    }
    CHECK(cpus == 4);
    CHECK(overrides == 2);
}

TEST_CASE("firmware: BARs are assigned, apart, naturally aligned and answering") {
    Tables tables;
    std::vector<std::pair<u64, u64>> ranges;
    for (unsigned slot = 2; slot < 4; ++slot) {
        PciFunction* function = tables.board.board.pci().function(slot);
        REQUIRE(function != nullptr);
        for (unsigned bar = 0; bar < 2; ++bar) {
            const u64 base = function->config_read(0x10 + 4 * bar, 4) & ~15u;
            const u64 length = function->bar_length(bar);
            CHECK(base >= PciHost::kWindowBase);
            CHECK(base % length == 0);
            for (const auto& [other, size] : ranges) CHECK((base >= other + size || other >= base + length));
            ranges.push_back({base, length});
        }
        CHECK(tables.board.read32((function->config_read(0x10, 4) & ~15u) + 0x12) != ~0u);  // num_queues
    }
}

TEST_CASE("firmware: serial ports are left at 115200 baud, 8N1") {
    Board board;
    set_up_firmware(board.bus, board.board);
    CHECK(board.in(0x3fb) == 3);
    board.out(0x3fb, 0x83);
    CHECK(board.in(0x3f8) == 1);
    CHECK(board.in(0x3f9) == 0);
    board.out(0x3fb, 3);
    board.out(0x3f8, 'a');
    CHECK(board.com1.text == "a");
}

TEST_CASE("acpi: Intel's compiler accepts the disassembled DSDT") {
    if (run("iasl -v") != 0) {
        WARN("iasl is not installed (package acpica-tools): not checked");
        return;
    }
    Tables tables;
    const u64 dsdt = tables.found["DSDT"];
    std::vector<u8> bytes(tables.board.bus.read(dsdt + 4, 4));
    REQUIRE(tables.board.bus.dma_read(dsdt, bytes.data(), bytes.size()));
    char folder[] = "/tmp/orrery-acpi-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    const std::string base = std::string(folder) + "/dsdt";
    std::ofstream(base + ".aml", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    CHECK(run("iasl -d " + base + ".aml") == 0);
    std::stringstream source;
    source << std::ifstream(base + ".dsl").rdbuf();
    for (const char* part : {"Device (PCI0)", "\"PNP0A08\"", "Method (_PRT, 0", "Method (\\_PIC, 1",
                             "Device (COM1)", "Name (\\_S5", "\"PNP0103\""}) {
        INFO(part);
        CHECK(source.str().find(part) != std::string::npos);
    }
    // Compiled again it is the same byte code, behind the header.
    CHECK(run("iasl -oa -we -p " + base + "2 " + base + ".dsl") == 0);
    std::stringstream again;
    again << std::ifstream(base + "2.aml", std::ios::binary).rdbuf();
    REQUIRE(again.str().size() == bytes.size());
    CHECK(std::equal(bytes.begin() + 36, bytes.end(), again.str().begin() + 36,
                     [](u8 a, char b) { return a == static_cast<u8>(b); }));
    CHECK(run(std::string("rm -rf ") + folder) == 0);
}
