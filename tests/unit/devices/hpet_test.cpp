// The HPET: its counter, one-shot and periodic timers, levels, legacy replacement, messages.
#include "devices/hpet.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kAt = Hpet::kBase;

struct Timers : Board {
    u64 get(unsigned reg) { return bus.read(kAt + reg, 8); }
    void set(unsigned reg, u64 value) { bus.write(kAt + reg, 8, value); }
    void route_gsi(unsigned gsi, u32 low) {
        write32(0xfee000f0, 0x1ff);
        write32(Ioapic::kBase, 0x10 + 2 * gsi);
        write32(Ioapic::kBase + 0x10, low);
    }
    bool take(u8 vector) {
        if (!cpu[0].intr) return false;
        CHECK(board.local_interrupts(0).acknowledge() == vector);
        write32(0xfee000b0, 0);
        return true;
    }
};

}  // namespace

TEST_CASE("hpet: capabilities, and a counter of 10 MHz that stops and is set") {
    Timers t;
    CHECK(t.get(0) == 0x05f5e1008086a201);
    CHECK(t.read32(kAt + 4) == 100'000'000);
    CHECK(t.get(0xf0) == 0);
    run_for(t.events, 1000);
    CHECK(t.get(0xf0) == 0);
    t.set(0x10, 1);
    run_for(t.events, 12'345);
    CHECK(t.get(0xf0) == 123);
    t.set(0xf0, 5);  // ignored while it runs
    CHECK(t.get(0xf0) == 123);
    t.set(0x10, 0);
    run_for(t.events, 1000);
    t.write32(kAt + 0xf0, 0xfffffff0);
    t.write32(kAt + 0xf4, 1);
    CHECK(t.get(0xf0) == 0x1fffffff0);
    CHECK((t.get(0x100) >> 32) == 0xf00000);
}

TEST_CASE("hpet: a one-shot edge on an IOAPIC input") {
    Timers t;
    t.route_gsi(20, 0x2040);  // edge, active low
    t.set(0x10, 1);
    t.set(0x148, 500);
    t.set(0x140, 4 | 20 << 9);
    run_for(t.events, 49'999);
    CHECK_FALSE(t.take(0x40));
    run_for(t.events, 1);
    CHECK(t.take(0x40));
    run_for(t.events, 1'000'000);
    CHECK_FALSE(t.take(0x40));
}

TEST_CASE("hpet: a level stays until its status bit is cleared") {
    Timers t;
    t.route_gsi(21, 0xa041);
    t.set(0x10, 1);
    t.set(0x120, 6 | 21 << 9);
    t.set(0x128, 100);
    run_for(t.events, 10'000);
    CHECK(t.get(0x20) == 2);
    CHECK(t.take(0x41));
    CHECK(t.take(0x41));  // still there after the EOI
    t.set(0x20, 2);
    t.take(0x41);  // what the EOI had asked for again
    CHECK_FALSE(t.cpu[0].intr);
    CHECK(t.get(0x20) == 0);
}

TEST_CASE("hpet: periodic with legacy replacement takes the PIT's place") {
    Timers t;
    t.route_gsi(2, 0x30);
    t.out(0x43, 0x34);
    t.out(0x40, 100);
    t.out(0x40, 0);
    run_for(t.events, 1'000'000);
    CHECK(t.take(0x30));
    t.set(0x10, 3);
    // As Linux does: both values through the accumulator, 32 bits.
    t.set(0x100, 0x14c);
    t.write32(kAt + 0x108, 20'000);
    t.write32(kAt + 0x108, 10'000);
    const Ticks start = t.events.now();
    run_until(t.events, start + 1'999'999);
    CHECK_FALSE(t.take(0x30));
    run_until(t.events, start + 2'000'000);
    CHECK(t.take(0x30));
    unsigned count = 0;
    for (int i = 0; i < 100; ++i) {
        run_for(t.events, 1'000'000);
        count += t.take(0x30);
    }
    CHECK(count == 100);
    // Back to the PIT.
    t.set(0x10, 1);
    t.set(0x100, 0);
    t.take(0x30);
    run_for(t.events, 200'000);
    CHECK(t.take(0x30));
}

TEST_CASE("hpet: a 32-bit timer wraps") {
    Timers t;
    t.route_gsi(22, 0x2042);
    t.set(0xf0, 0xffffff00);
    t.set(0x140, 0x104 | 22 << 9);
    t.set(0x148, 0x10);
    t.set(0x10, 1);
    run_for(t.events, 0x10f * 100);
    CHECK_FALSE(t.take(0x42));
    run_for(t.events, 100);
    CHECK(t.take(0x42));
}

TEST_CASE("hpet: timers send messages") {
    Timers t;
    t.write32(0xfee000f0, 0x1ff);
    t.set(0x110, u64{0xfee00000} << 32 | 0x4055);
    t.set(0x100, 0x4004);
    t.set(0x108, 7);
    t.set(0x10, 1);
    run_for(t.events, 700);
    CHECK(t.take(0x55));
}
