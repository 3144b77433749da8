// The IOAPIC and MSIs: edges, levels with remote IRR, polarity, masks.
#include "devices/ioapic.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kPage = 0xfee00000;

struct Io : Board {
    Io() { write32(kPage + 0xf0, 0x1ff); }
    u32 get(unsigned reg) {
        write32(Ioapic::kBase, reg);
        return read32(Ioapic::kBase + 0x10);
    }
    void set(unsigned reg, u32 value) {
        write32(Ioapic::kBase, reg);
        write32(Ioapic::kBase + 0x10, value);
    }
    void route(unsigned pin, u32 low) { set(0x10 + 2 * pin, low); }
    void pin(unsigned number, bool level) { board.ioapic().set_irq(number, level); }
    u8 take() { return board.local_interrupts(0).acknowledge(); }
    void eoi() { write32(kPage + 0xb0, 0); }
    bool intr() { return cpu[0].intr; }
};

}  // namespace

TEST_CASE("ioapic: registers") {
    Io io;
    CHECK(io.get(1) == 0x170020);
    io.set(0, 0x0f000000);
    CHECK(io.get(0) == 0x0f000000);
    for (unsigned pin = 0; pin < 24; ++pin) CHECK(io.get(0x10 + 2 * pin) == 0x10000);
    io.set(0x11, 0x3fffffff);
    CHECK(io.get(0x11) == 0x3f000000);
    io.route(0, 0xfffff);
    CHECK(io.get(0x10) == 0x1afff);  // no delivery status, no remote IRR
    CHECK(io.get(0x40) == 0);
}

TEST_CASE("ioapic: an edge interrupts once") {
    Io io;
    io.route(5, 0x35);
    io.pin(5, true);
    REQUIRE(io.intr());
    CHECK(io.take() == 0x35);
    io.eoi();
    CHECK_FALSE(io.intr());
    io.pin(5, true);
    CHECK_FALSE(io.intr());
    io.pin(5, false);
    io.pin(5, true);
    CHECK(io.intr());
}

TEST_CASE("ioapic: a masked edge is lost, a masked level is not") {
    Io io;
    io.route(5, 0x10035);
    io.pin(5, true);
    io.route(5, 0x35);
    CHECK_FALSE(io.intr());
    io.route(6, 0x18036);
    io.pin(6, true);
    io.route(6, 0x8036);
    CHECK(io.intr());
}

TEST_CASE("ioapic: a level asks again after its EOI as long as it lasts") {
    Io io;
    io.route(16, 0xa040);  // level, active low
    REQUIRE_FALSE(io.intr());
    io.pin(16, false);
    CHECK(io.take() == 0x40);
    CHECK((io.get(0x30) & 0x4000) != 0);
    CHECK_FALSE(io.intr());
    io.eoi();
    REQUIRE(io.intr());
    CHECK(io.take() == 0x40);
    io.pin(16, true);
    io.eoi();
    CHECK_FALSE(io.intr());
    CHECK((io.get(0x30) & 0x4000) == 0);
}

TEST_CASE("ioapic: the EOI register and the switch to edge end a level") {
    Io io;
    io.route(16, 0x8040);
    io.pin(16, true);
    io.pin(16, false);
    io.write32(Ioapic::kBase + 0x40, 0x40);
    CHECK((io.get(0x30) & 0x4000) == 0);
    io.pin(16, true);
    CHECK((io.get(0x30) & 0x4000) != 0);
    io.route(16, 0x10040);
    io.route(16, 0x18040);
    CHECK((io.get(0x30) & 0x4000) == 0);
}

TEST_CASE("ioapic: NMI and ExtINT delivery") {
    Io io;
    io.route(3, 0x400);
    io.pin(3, true);
    CHECK(io.cpu[0].nmis == 1);
    // The 8259 through input 0.
    io.out(0x20, 0x11);
    io.out(0x21, 0x50);
    io.out(0x21, 4);
    io.out(0x21, 1);
    io.out(0x21, 0xef);
    io.route(0, 0x700);
    io.out(0x3fc, 8);
    io.out(0x3f9, 2);
    REQUIRE(io.intr());
    CHECK(io.take() == 0x54);
    CHECK_FALSE(io.intr());
}

TEST_CASE("msi: address and data name destination, mode and vector") {
    Io io;
    io.board.apic_bus().send_msi(0xfee00000, 0x4061);
    CHECK(io.take() == 0x61);
    io.board.apic_bus().send_msi(0xfee01000, 0x4062);  // another CPU
    io.board.apic_bus().send_msi(0x12345678, 0x4063);  // not the APICs' at all
    CHECK_FALSE(io.intr());
}
