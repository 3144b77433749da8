// PCI configuration as firmware and operating systems do it: enumeration, BAR sizing, moving, capabilities,
// ECAM.
#include "devices/pci_host.h"

#include <map>

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

struct Pci : Board {
    u32 get(unsigned slot, unsigned reg, unsigned size = 4) {
        out(0xcf8, 1u << 31 | slot << 11 | (reg & 0xfc), 4);
        return in(static_cast<u16>(0xcfc + (reg & 3)), size);
    }
    void set(unsigned slot, unsigned reg, u32 value, unsigned size = 4) {
        out(0xcf8, 1u << 31 | slot << 11 | (reg & 0xfc), 4);
        out(static_cast<u16>(0xcfc + (reg & 3)), value, size);
    }
};

}  // namespace

TEST_CASE("pci: mechanism 1 is detected, and bus 0 enumerated") {
    Pci p;
    p.out(0xcf8, 0x80000000, 4);
    CHECK(p.in(0xcf8, 4) == 0x80000000);
    std::map<unsigned, u32> found;
    for (unsigned slot = 0; slot < 32; ++slot)
        if (const u32 id = p.get(slot, 0); id != ~0u) found[slot] = id;
    CHECK(found == std::map<unsigned, u32>{
                       {0, 0x12378086}, {1, 0x70008086}, {2, 0x10431af4}, {3, 0x10441af4}, {12, 0x10411af4}});
    CHECK(p.get(2, 8) >> 8 == 0x078000);
    CHECK(p.get(2, 0x2e, 2) == 0x1100);
    CHECK(p.get(2, 0x3d, 1) == 1);
    // Another bus, a missing function, access without the enable bit.
    p.out(0xcf8, 0x80010000, 4);
    CHECK(p.in(0xcfc, 4) == ~0u);
    p.out(0xcf8, 0x80001100, 4);
    CHECK(p.in(0xcfc, 4) == ~0u);
    p.out(0xcf8, 0x00000000, 4);
    CHECK(p.in(0xcfc, 4) == ~0u);
    // A byte to CF9 is the reset port's, not the address's.
    p.out(0xcf8, 0x80001000, 4);
    p.out(0xcf9, 0x02);
    CHECK(p.in(0xcf8, 4) == 0x80001000);
}

TEST_CASE("pci: a BAR is sized, placed and moved") {
    Pci p;
    p.set(2, 0x10, ~0u);
    CHECK(p.get(2, 0x10) == 0xffffc000);
    p.set(2, 0x10, 0xd0000000);
    CHECK(p.read32(0xd0000000) == ~0u);  // memory space is off
    p.set(2, 4, 2, 2);
    CHECK(p.bus.read(0xd0000012, 2) == 2);  // num_queues
    p.set(2, 0x10, 0xe0000000);
    CHECK(p.read32(0xd0000010) == ~0u);
    CHECK(p.bus.read(0xe0000012, 2) == 2);
    p.set(2, 4, 0, 2);
    CHECK(p.read32(0xe0000010) == ~0u);
    // Registers that do not exist, or are read-only, stay as they are.
    p.set(2, 0, 0x12345678);
    p.set(2, 0x30, ~0u);
    p.set(2, 0x24, ~0u);
    CHECK(p.get(2, 0) == 0x10431af4);
    CHECK(p.get(2, 0x30) == 0);
    CHECK(p.get(2, 0x24) == 0);
}

TEST_CASE("pci: the capability list ends, and names virtio's structures and MSI-X") {
    Pci p;
    CHECK((p.get(2, 6, 2) & 0x10) != 0);
    std::string kinds;
    unsigned at = p.get(2, 0x34, 1);
    for (int guard = 0; at != 0 && guard < 20; ++guard, at = p.get(2, at + 1, 1)) {
        const u32 id = p.get(2, at, 1);
        kinds += id == 9 ? static_cast<char>('0' + p.get(2, at + 3, 1)) : id == 0x11 ? 'M' : '?';
        if (id == 0x11) CHECK((p.get(2, at + 2, 2) & 0x7ff) == 2);  // three vectors
    }
    CHECK(kinds == "12345M");
}

TEST_CASE("pci: the routing registers lead pins to ISA lines") {
    LineProbe probes[16];
    PirqRouter router;
    for (unsigned line = 0; line < 16; ++line) router.connect(line, probes[line].line());
    router.set_irq(0, true);
    for (const LineProbe& probe : probes) CHECK_FALSE(probe.level);
    router.route(0, 11);
    CHECK(probes[11].level);
    router.route(1, 11);
    router.set_irq(1, true);
    router.set_irq(0, false);
    CHECK(probes[11].level);  // shared
    router.route(1, 5);
    CHECK_FALSE(probes[11].level);
    CHECK(probes[5].level);
    for (const u8 none : {0, 1, 2, 8, 13, 0x85}) {
        router.route(1, none);
        for (const LineProbe& probe : probes) CHECK_FALSE(probe.level);
    }
    router.route(1, 15);
    router.reset();
    CHECK_FALSE(probes[15].level);
    Pci p;
    CHECK(p.get(1, 0x60) == 0x80808080);
    p.set(1, 0x60, 0xffffffff);
    CHECK(p.get(1, 0x60) == 0x8f8f8f8f);
}

TEST_CASE("pci: ECAM sees the same registers") {
    Pci p;
    CHECK(p.read32(PciHost::kEcamBase + (2 << 15)) == 0x10431af4);
    CHECK(p.bus.read(PciHost::kEcamBase + (2 << 15) + 2, 2) == 0x1043);
    CHECK(p.read32(PciHost::kEcamBase + (2 << 15) + 0x100) == 0);
    CHECK(p.read32(PciHost::kEcamBase + (9 << 15)) == ~0u);
    p.bus.write(PciHost::kEcamBase + (2 << 15) + 0x3c, 1, 0x0b);
    CHECK(p.get(2, 0x3c, 1) == 0x0b);
    p.bus.write(PciHost::kEcamBase + (2 << 15) + 0xffe, 4, ~0u);  // unaligned, at the end
    CHECK(p.get(2, 0) == 0x10431af4);
}
