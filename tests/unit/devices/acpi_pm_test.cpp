// ACPI's fixed hardware: the PM timer, the power button and the SCI; and the keyboard controller.
#include "devices/acpi_pm.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

TEST_CASE("acpi pm: the timer counts 3.579545 MHz from the PIT's crystal") {
    Board b;
    const u32 start = b.in(0x608, 4);
    run_for(b.events, kTicksPerSecond);
    CHECK(b.in(0x608, 4) - start == 3'579'545);
    CHECK(b.in(0x608, 2) == (b.in(0x608, 4) & 0xffff));
}

TEST_CASE("acpi pm: the carry interrupts when enabled") {
    EventQueue events;
    LineProbe sci;
    for (const bool wide : {false, true}) {
        EventQueue queue;
        AcpiPm pm(queue, sci.line(), wide, [] {});
        pm.reset();
        pm.io_write(0x602, 2, 1);
        const Ticks half = periods_to_ticks((wide ? u64{1} << 31 : u64{1} << 23) * 4, 14'318'180);
        run_until(queue, half - 1);
        CHECK_FALSE(sci.level);
        run_until(queue, half);
        CHECK(sci.level);
        CHECK((pm.io_read(0x600, 2) & 1) == 1);
        pm.io_write(0x600, 2, 1);
        CHECK_FALSE(sci.level);
        run_until(queue, 2 * half + 1);
        CHECK(sci.level);
        pm.io_write(0x602, 2, 0);
        CHECK_FALSE(sci.level);
    }
}

TEST_CASE("acpi pm: the power button raises the SCI") {
    Board b;
    b.write32(0xfee000f0, 0x1ff);
    b.write32(0xfec00000, 0x22);
    b.write32(0xfec00010, 0x8049);
    b.out(0x602, 0x100, 2);
    const u8 press = 1;
    b.board.find("acpi_pm")->input({&press, 1});
    REQUIRE(b.cpu[0].intr);
    CHECK(b.board.local_interrupts(0).acknowledge() == 0x49);
    CHECK(b.in(0x600, 2) == 0x100);
    b.out(0x600, 0x100, 2);
    b.write32(0xfee000b0, 0);
    CHECK_FALSE(b.cpu[0].intr);
}

namespace {

struct Keyboard : Board {
    void command(u8 value) { out(0x64, value); }
    void to_port(u8 value) { out(0x60, value); }
    bool ready() { return (in(0x64) & 1) != 0; }
    // What arrives within a few milliseconds.
    std::vector<u8> drain() {
        std::vector<u8> bytes;
        for (int i = 0; i < 50; ++i) {
            run_for(events, I8042::kByteTime);
            if (ready()) bytes.push_back(static_cast<u8>(in(0x60)));
        }
        return bytes;
    }
    void type(std::initializer_list<u8> data) { board.find("i8042")->input({data.begin(), data.size()}); }
};

using Codes = std::vector<u8>;

}  // namespace

TEST_CASE("i8042: self-tests, command byte and both devices answer") {
    Keyboard k;
    k.command(0xaa);
    CHECK(k.in(0x60) == 0x55);
    k.command(0xab);
    CHECK(k.in(0x60) == 0);
    k.command(0x60);
    k.to_port(0x47);
    k.command(0x20);
    CHECK(k.in(0x60) == 0x47);
    k.to_port(0xff);
    CHECK(k.drain() == Codes{0xfa, 0xaa});
    k.command(0x60);
    k.to_port(0x07);  // no translation
    k.to_port(0xf2);
    CHECK(k.drain() == Codes{0xfa, 0xab, 0x83});
    k.to_port(0xed);
    k.to_port(0x02);
    CHECK(k.drain() == Codes{0xfa, 0xfa});
    k.command(0xd4);
    k.to_port(0xf2);
    CHECK((k.drain()) == Codes{0xfa, 0x00});
    k.command(0xd4);
    k.to_port(0xff);
    run_for(k.events, I8042::kByteTime);
    CHECK((k.in(0x64) & 0x21) == 0x21);
    CHECK(k.drain().size() == 3 - 0);
}

TEST_CASE("i8042: scan codes are translated to set 1") {
    Keyboard k;
    k.type({'k', 0x1c, 0xf0, 0x1c});              // A
    k.type({'k', 0xe0, 0x75, 0xe0, 0xf0, 0x75});  // cursor up
    k.type({'k', 0x83});                          // F7
    CHECK(k.drain() == Codes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41});
    CHECK(translate_scan_code(0x5a) == 0x1c);
    CHECK(translate_scan_code(0x76) == 0x01);
    CHECK(translate_scan_code(0x29) == 0x39);
    CHECK(translate_scan_code(0x66) == 0x0e);
    CHECK(translate_scan_code(0x0d) == 0x0f);
    CHECK(translate_scan_code(0x12) == 0x2a);
    CHECK(translate_scan_code(0x14) == 0x1d);
    CHECK(translate_scan_code(0x78) == 0x57);
    CHECK(translate_scan_code(0x07) == 0x58);
    k.command(0x60);
    k.to_port(0x05);
    k.type({'k', 0x1c, 0xf0, 0x1c});
    CHECK(k.drain() == Codes{0x1c, 0xf0, 0x1c});
}

TEST_CASE("i8042: a key interrupts on line 1, and the mouse on line 12 once it reports") {
    Keyboard k;
    k.write32(0xfee000f0, 0x1ff);
    for (unsigned gsi : {1u, 12u}) {
        k.write32(0xfec00000, 0x10 + 2 * gsi);
        k.write32(0xfec00010, 0x30 + gsi);
    }
    k.command(0x60);
    k.to_port(0x47);
    k.type({'k', 0x1c});
    run_for(k.events, I8042::kByteTime);
    REQUIRE(k.cpu[0].intr);
    CHECK(k.board.local_interrupts(0).acknowledge() == 0x31);
    k.write32(0xfee000b0, 0);
    k.in(0x60);
    k.type({'m', 0x08, 1, 1});
    CHECK(k.drain().empty());  // it was not told to report
    k.command(0xd4);
    k.to_port(0xf4);
    CHECK(k.drain() == Codes{0xfa});
    k.board.local_interrupts(0).acknowledge();
    k.write32(0xfee000b0, 0);
    k.type({'m', 0x08, 1, 1});
    run_for(k.events, I8042::kByteTime);
    REQUIRE(k.cpu[0].intr);
    CHECK(k.board.local_interrupts(0).acknowledge() == 0x3c);
}

TEST_CASE("i8042: a flood of commands is bounded") {
    Keyboard k;
    for (int i = 0; i < 100'000; ++i) k.to_port(0xee);
    SaveArchive save;
    k.board.find("i8042")->visit(save);
    CHECK(save.take().size() < 1000);
}

TEST_CASE("isa ports: nothing claimed reads as ones") {
    Board b;
    CHECK(b.in(0x3e8) == 0xff);
    CHECK(b.in(0x1234, 4) == ~0u);
}
