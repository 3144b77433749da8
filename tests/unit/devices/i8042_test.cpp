// The keyboard controller, the keyboard and the mouse, as a driver meets them.
#include "devices/i8042.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

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
    void mouse(u8 value) {
        command(0xd4);
        to_port(value);
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
    k.type({'m', 0, 1, 0, 1, 0, 0});
    CHECK(k.drain().empty());  // it was not told to report
    k.command(0xd4);
    k.to_port(0xf4);
    CHECK(k.drain() == Codes{0xfa});
    k.board.local_interrupts(0).acknowledge();
    k.write32(0xfee000b0, 0);
    k.type({'m', 0, 1, 0, 1, 0, 0});
    run_for(k.events, I8042::kByteTime);
    REQUIRE(k.cpu[0].intr);
    CHECK(k.board.local_interrupts(0).acknowledge() == 0x3c);
}

TEST_CASE("i8042: a flood of commands is bounded") {
    Keyboard k;
    for (int i = 0; i < 100'000; ++i) k.to_port(0xee);
    SaveArchive save;
    k.board.find("i8042")->visit(save);
    CHECK(save.take().size() < 1500);
}

TEST_CASE("keyboard: commands that drivers give") {
    Keyboard k;
    k.command(0x60);
    k.to_port(0x05);  // no translation
    k.to_port(0xed);
    k.to_port(0x04);
    CHECK(k.drain() == Codes{0xfa, 0xfa});
    CHECK(k.board.keyboard().keyboard().leds() == 4);
    k.to_port(0xf0);
    k.to_port(0);
    CHECK(k.drain() == Codes{0xfa, 0xfa, 2});
    k.to_port(0xf0);
    k.to_port(3);  // there is no third set
    CHECK(k.drain() == Codes{0xfa, 0xfe});
    k.to_port(0xfe);
    CHECK(k.drain() == Codes{0xfe});
    k.to_port(0xf0);
    k.to_port(1);
    CHECK(k.drain() == Codes{0xfa, 0xfa});
    k.type({'k', 0xe0, 0x75, 0xe0, 0xf0, 0x75});
    CHECK(k.drain() == Codes{0xe0, 0x48, 0xe0, 0xc8});
    k.to_port(0xf5);
    k.type({'k', 0x1c, 0xf0, 0x1c});
    CHECK(k.drain() == Codes{0xfa});
    k.to_port(0xf4);
    k.type({'k', 0x1c, 0xf0, 0x1c});
    CHECK(k.drain() == Codes{0xfa, 0x1c, 0xf0, 0x1c});
    k.type({'k', 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77});  // Pause
    CHECK(k.drain() == Codes{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77});
    k.type({'k', 0xe0});  // cut short
    CHECK(k.drain().empty());
}

TEST_CASE("keyboard: a key that is held repeats after its delay, at its rate") {
    Keyboard k;
    k.command(0x60);
    k.to_port(0x05);
    constexpr Ticks kMillisecond = 1'000'000;
    k.type({'k', 0x1c});
    CHECK(k.drain() == Codes{0x1c});
    run_until(k.events, 499 * kMillisecond);
    CHECK_FALSE(k.ready());
    run_until(k.events, 501 * kMillisecond);
    CHECK(k.in(0x60) == 0x1c);
    Codes repeated;
    for (unsigned i = 0; i < 100; ++i) {
        run_for(k.events, 10 * kMillisecond);
        if (k.ready()) repeated.push_back(static_cast<u8>(k.in(0x60)));
    }
    CHECK(repeated == Codes(10, 0x1c));  // 10.9 a second
    k.type({'k', 0xf0, 0x1c});
    CHECK(k.drain() == Codes{0xf0, 0x1c});
    run_for(k.events, 2000 * kMillisecond);
    CHECK_FALSE(k.ready());
    k.to_port(0xf3);
    k.to_port(0x00);  // 250 ms, 30 a second
    CHECK(k.drain() == Codes{0xfa, 0xfa});
    const Ticks pressed = k.events.now();
    k.type({'k', 0x1c});
    CHECK(k.drain() == Codes{0x1c});
    run_until(k.events, pressed + 249 * kMillisecond);
    CHECK_FALSE(k.ready());
    run_until(k.events, pressed + 251 * kMillisecond);
    CHECK(k.in(0x60) == 0x1c);
    run_for(k.events, 35 * kMillisecond);
    CHECK(k.ready());
}

TEST_CASE("mouse: packets of three bytes, and of four with a wheel") {
    Keyboard k;
    k.command(0xa8);
    k.mouse(0xf4);
    CHECK(k.drain() == Codes{0xfa});
    k.type({'m', 1, 5, 0, 3, 0, 1});  // left button, right and down; the wheel is not yet known
    CHECK(k.drain() == Codes{0x29, 5, 0xfd});
    k.type({'m', 0, 0, 0, 0, 0, 0});
    CHECK(k.drain() == Codes{0x08, 0, 0});
    k.type({'m', 0, 0, 0, 0, 0, 0});  // nothing new
    CHECK(k.drain().empty());
    for (const u8 rate : {200, 100, 80}) {
        k.mouse(0xf3);
        k.mouse(rate);
    }
    k.mouse(0xf2);
    CHECK(k.drain() == Codes{0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 3});
    k.type({'m', 4, 0xff, 0xff, 0, 0, 0xff});
    CHECK(k.drain() == Codes{0x1c, 0xff, 0, 0xff});
    k.mouse(0xe9);
    CHECK(k.drain() == Codes{0xfa, 0x22, 2, 80});
    k.mouse(0xff);
    CHECK(k.drain() == Codes{0xfa, 0xaa, 0});
    k.mouse(0xf2);
    CHECK(k.drain() == Codes{0xfa, 0});
}

TEST_CASE("mouse: a long way takes several packets; remote mode reports when asked") {
    Keyboard k;
    k.command(0xa8);
    k.mouse(0xf4);
    CHECK(k.drain() == Codes{0xfa});
    k.type({'m', 0, 0x2c, 1, 0, 0, 0});  // 300
    CHECK(k.drain() == Codes{0x08, 255, 0, 0x08, 45, 0});
    k.mouse(0xf0);
    k.type({'m', 0, 7, 0, 0, 0, 0});
    CHECK(k.drain() == Codes{0xfa});
    k.mouse(0xeb);
    CHECK(k.drain() == Codes{0xfa, 0x08, 7, 0});
    k.mouse(0xee);
    k.mouse(0x55);
    k.mouse(0xec);
    CHECK(k.drain() == Codes{0xfa, 0x55, 0xfa});
}
