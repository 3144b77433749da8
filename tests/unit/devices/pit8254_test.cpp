// The interval timer: its modes by the data sheet's diagrams, and counter 2 as kernels calibrate with it.
#include "devices/pit8254.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

// A counter alone, one clock at a time. A count takes effect at the clock after its write.
struct Counter {
    PitCounter counter;
    u64 clock = 100;
    explicit Counter(unsigned mode, bool gate = true, bool bcd = false) {
        counter.reset(gate);
        counter.write_control(static_cast<u8>(0x30 | mode << 1 | (bcd ? 1 : 0)), clock);
    }
    void load(u16 count) {
        counter.write_count(static_cast<u8>(count), clock);
        counter.write_count(static_cast<u8>(count >> 8), clock);
    }
    // OUT at the next `n` clocks, as '-' (high) and '_'.
    std::string wave(unsigned n) {
        std::string out;
        for (unsigned i = 0; i < n; ++i) out += counter.out(++clock) ? '-' : '_';
        return out;
    }
    u16 read() {
        const u8 low = counter.read(clock);
        return static_cast<u16>(low | counter.read(clock) << 8);
    }
};

struct Pit {
    EventQueue events;
    LineProbe irq;
    Pit8254 pit{events, irq.line()};
    void out(u16 port, unsigned value) { pit.io_write(port, 1, value); }
    u8 in(u16 port) { return static_cast<u8>(pit.io_read(port, 1)); }
};

}  // namespace

TEST_CASE("pit: waveforms of the six modes") {
    SECTION("0: low until the terminal count") {
        Counter c(0);
        CHECK_FALSE(c.counter.out(c.clock));
        c.load(4);
        CHECK(c.wave(8) == "____----");
    }
    SECTION("1: a pulse of N clocks from the trigger, retriggerable") {
        Counter c(1, false);
        c.load(3);
        CHECK(c.wave(2) == "--");
        c.counter.set_gate(true, c.clock);
        CHECK(c.wave(5) == "___--");
        c.counter.set_gate(false, c.clock);
        c.counter.set_gate(true, c.clock);
        CHECK(c.wave(2) == "__");
        c.counter.set_gate(false, c.clock);
        c.counter.set_gate(true, c.clock);
        CHECK(c.wave(4) == "___-");
    }
    SECTION("2: one low clock in N") {
        Counter c(2);
        c.load(4);
        CHECK(c.wave(12) == "---_---_---_");
    }
    SECTION("3: a square wave, odd counts one clock longer high") {
        Counter even(3);
        even.load(4);
        CHECK(even.wave(9) == "--__--__-");
        Counter odd(3);
        odd.load(5);
        CHECK(odd.wave(10) == "---__---__");
    }
    SECTION("4: a strobe when the count ends") {
        Counter c(4);
        c.load(3);
        CHECK(c.wave(8) == "---_----");
    }
    SECTION("5: the same from a trigger") {
        Counter c(5, false);
        c.load(3);
        CHECK(c.wave(4) == "----");
        c.counter.set_gate(true, c.clock);
        CHECK(c.wave(6) == "---_--");
    }
}

TEST_CASE("pit: edges announced are the edges of the waveform") {
    for (unsigned mode = 0; mode < 6; ++mode) {
        for (u16 count : {2, 3, 7, 8}) {
            INFO("mode " << mode << " count " << count);
            Counter stepped(mode, false);
            Counter jumped(mode, false);
            for (Counter* c : {&stepped, &jumped}) {
                c->load(count);
                c->counter.set_gate(true, c->clock);
            }
            bool level = stepped.counter.out(stepped.clock);
            u64 next = jumped.counter.next_edge(jumped.clock);
            for (u64 clock = stepped.clock + 1; clock < stepped.clock + 50; ++clock) {
                const bool now = stepped.counter.out(clock);
                if (now != level) {
                    while (next != PitCounter::kNoEdge && next < clock) next = jumped.counter.next_edge(next);
                    CHECK(next == clock);
                }
                level = now;
            }
        }
    }
}

TEST_CASE("pit: gates pause, restart and retrigger") {
    Counter zero(0);
    zero.load(6);
    zero.wave(3);
    CHECK(zero.read() == 4);
    zero.counter.set_gate(false, zero.clock);
    zero.wave(10);
    CHECK(zero.read() == 4);
    zero.counter.set_gate(true, zero.clock);
    CHECK(zero.wave(5) == "___--");

    Counter two(2);
    two.load(4);
    two.wave(2);
    two.counter.set_gate(false, two.clock);
    CHECK(two.wave(5) == "-----");
    two.counter.set_gate(true, two.clock);
    CHECK(two.wave(8) == "---_---_");
}

TEST_CASE("pit: a new count waits for the end of the cycle in modes 2 and 3") {
    Counter two(2);
    two.load(4);
    two.wave(1);
    two.load(3);
    CHECK(two.wave(9) == "--_--_--_");
    Counter three(3);
    three.load(6);
    three.wave(1);
    three.load(4);
    CHECK(three.wave(10) == "--__--__--");
}

TEST_CASE("pit: counts read back in binary and BCD") {
    Counter c(2, true, true);
    c.load(0x1234);
    c.wave(1);
    CHECK(c.read() == 0x1234);
    c.wave(35);
    CHECK(c.read() == 0x1199);
    CHECK(c.counter.reload() == 1234);
    Counter wrap(0);
    wrap.load(2);
    wrap.wave(4);
    CHECK(wrap.read() == 0xffff);
    Counter square(3);
    square.load(10);
    square.wave(3);
    CHECK(square.read() == 6);
}

TEST_CASE("pit: latches hold until read; read-back gives status first") {
    Pit p;
    p.out(0x43, 0x34);
    p.out(0x40, 0x00);
    p.out(0x40, 0x10);
    run_for(p.events, 1'000'000);
    p.out(0x43, 0x00);
    run_for(p.events, 1'000'000);
    u16 first = p.in(0x40);
    first = static_cast<u16>(first | p.in(0x40) << 8);
    u16 second = p.in(0x40);
    second = static_cast<u16>(second | p.in(0x40) << 8);
    CHECK(first - second == 1193);
    p.out(0x43, 0xc2);  // status and count of counter 0
    const u8 status = p.in(0x40);
    CHECK((status & 0x3f) == 0x34);
    CHECK((status & 0x40) == 0);
    p.out(0x40, 0x00);
    p.out(0x40, 0x20);
    p.in(0x40);
    p.in(0x40);
    p.out(0x43, 0xe2);
    CHECK((p.in(0x40) & 0x40) == 0x40);  // null count: the new one waits
}

TEST_CASE("pit: 1000 periods of a 100 Hz timer take 10 seconds, exactly, however it is watched") {
    Pit calm;
    Pit watched;
    for (Pit* p : {&calm, &watched}) {
        p->out(0x43, 0x34);
        p->out(0x40, 0x9c);
        p->out(0x40, 0x2e);
        p->irq.rises = 0;
    }
    const Ticks end = periods_to_ticks((11932ull * 1000 + 2) * 12, Pit8254::kCrystal);
    run_until(calm.events, end);
    CHECK(calm.irq.rises == 1000);
    for (Ticks at = 0; at < end; at += 1'234'567) {
        run_until(watched.events, at);
        watched.in(0x40);
        watched.in(0x40);
    }
    run_until(watched.events, end);
    CHECK(watched.irq.rises == 1000);
}

TEST_CASE("pit: a late event loop loses no edge") {
    Pit p;
    p.out(0x43, 0x34);
    p.out(0x40, 100);
    p.out(0x40, 0);
    p.irq.rises = 0;
    p.events.set_now(1'000'000);  // 1193 clocks at once
    p.events.run_due();
    CHECK(p.irq.rises == 11);
}

TEST_CASE("pit: a kernel calibrates with counter 2 and port 61") {
    Pit p;
    p.out(0x61, 1);
    p.out(0x43, 0xb0);
    p.out(0x42, 0x9c);
    p.out(0x42, 0x2e);
    CHECK((p.in(0x61) & 0x20) == 0);
    run_for(p.events, 9'999'000);
    CHECK((p.in(0x61) & 0x20) == 0);
    run_for(p.events, 3'000);
    CHECK((p.in(0x61) & 0x20) == 0x20);
}

TEST_CASE("pit: the refresh bit toggles every 15 microseconds") {
    Pit p;
    unsigned toggles = 0;
    u8 last = p.in(0x61) & 0x10;
    for (int i = 0; i < 1000; ++i) {
        run_for(p.events, 1'000);
        const u8 now = p.in(0x61) & 0x10;
        toggles += now != last;
        last = now;
    }
    CHECK(toggles == 66);
}
