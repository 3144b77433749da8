// ACPI's fixed hardware: the PM timer, the power button and the SCI.
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

TEST_CASE("isa ports: nothing claimed reads as ones") {
    Board b;
    CHECK(b.in(0x3e8) == 0xff);
    CHECK(b.in(0x1234, 4) == ~0u);
}
