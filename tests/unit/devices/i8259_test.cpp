// The interrupt controllers, set up and served as a PC's software does.
#include "devices/i8259.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

struct Pics {
    LineProbe intr;
    I8259 pic{intr.line()};
    Pics() { pic.reset(); }
    void out(u16 port, unsigned value) { pic.io_write(port, 1, value); }
    u8 in(u16 port) { return static_cast<u8>(pic.io_read(port, 1)); }
    void set_up(u8 icw4 = 1) {
        out(0x20, 0x11);
        out(0x21, 0x20);
        out(0x21, 0x04);
        out(0x21, icw4);
        out(0xa0, 0x11);
        out(0xa1, 0x28);
        out(0xa1, 0x02);
        out(0xa1, 1);
        out(0x21, 0);
        out(0xa1, 0);
    }
    void pulse_up(unsigned line) {
        pic.set_irq(line, false);
        pic.set_irq(line, true);
    }
};

}  // namespace

TEST_CASE("pic: priorities, masks and end of interrupt") {
    Pics pics;
    pics.set_up();
    pics.pulse_up(4);
    CHECK(pics.intr.level);
    CHECK(pics.in(0x20) == 0x10);  // IRR
    pics.pulse_up(1);
    CHECK(pics.pic.acknowledge() == 0x21);
    CHECK_FALSE(pics.intr.level);  // 4 waits behind 1
    pics.pulse_up(0);
    CHECK(pics.intr.level);  // 0 does not
    CHECK(pics.pic.acknowledge() == 0x20);
    pics.out(0x20, 0x0b);
    CHECK(pics.in(0x20) == 0x03);  // ISR
    pics.out(0x20, 0x20);
    CHECK(pics.in(0x20) == 0x02);
    pics.out(0x20, 0x61);  // specific EOI of 1
    CHECK(pics.in(0x20) == 0x00);
    pics.out(0x21, 0x10);
    CHECK_FALSE(pics.intr.level);
    pics.out(0x21, 0);
    CHECK(pics.pic.acknowledge() == 0x24);
}

TEST_CASE("pic: an edge interrupts once, a level until it falls") {
    Pics pics;
    pics.set_up();
    pics.out(0x4d0, 0xff);
    CHECK(pics.in(0x4d0) == 0xf8);  // 0-2 stay edges
    pics.out(0x4d0, 0x20);
    pics.pic.set_irq(5, true);
    CHECK(pics.pic.acknowledge() == 0x25);
    pics.out(0x20, 0x20);
    CHECK(pics.intr.level);
    pics.pic.set_irq(5, false);
    CHECK_FALSE(pics.intr.level);
    pics.pic.set_irq(3, true);
    CHECK(pics.pic.acknowledge() == 0x23);
    pics.out(0x20, 0x20);
    CHECK_FALSE(pics.intr.level);
}

TEST_CASE("pic: the slave through the cascade") {
    Pics pics;
    pics.set_up();
    pics.pulse_up(8);
    pics.pulse_up(12);
    CHECK(pics.pic.acknowledge() == 0x28);
    CHECK_FALSE(pics.intr.level);
    pics.out(0xa0, 0x20);
    pics.out(0x20, 0x20);
    CHECK(pics.intr.level);
    CHECK(pics.pic.acknowledge() == 0x2c);
    pics.pulse_up(3);
    CHECK_FALSE(pics.intr.level);  // behind the cascade's level 2
    pics.pulse_up(1);
    CHECK(pics.intr.level);
}

TEST_CASE("pic: special fully nested mode lets the slave interrupt itself") {
    for (const bool nested : {false, true}) {
        Pics pics;
        pics.set_up(nested ? 0x11 : 1);
        pics.pulse_up(12);
        CHECK(pics.pic.acknowledge() == 0x2c);
        pics.pulse_up(9);
        CHECK(pics.intr.level == nested);
    }
}

TEST_CASE("pic: spurious interrupts are IR7 and set no ISR bit") {
    Pics pics;
    pics.set_up();
    pics.pulse_up(4);
    CHECK(pics.intr.level);
    pics.pic.set_irq(4, false);
    CHECK_FALSE(pics.intr.level);
    CHECK(pics.pic.acknowledge() == 0x27);
    pics.out(0x20, 0x0b);
    CHECK(pics.in(0x20) == 0);
    // On the slave: the master's IR2 is in service, the slave's IR7 is not.
    pics.pulse_up(10);
    pics.out(0xa1, 0x04);
    CHECK(pics.pic.slave().isr() == 0);
}

TEST_CASE("pic: automatic EOI and rotation") {
    Pics pics;
    pics.set_up(3);
    pics.pulse_up(3);
    CHECK(pics.pic.acknowledge() == 0x23);
    CHECK(pics.pic.master().isr() == 0);
    pics.out(0x20, 0x80);  // rotate in automatic EOI
    pics.pulse_up(3);
    CHECK(pics.pic.acknowledge() == 0x23);
    pics.pulse_up(3);
    pics.pulse_up(5);
    CHECK(pics.pic.acknowledge() == 0x25);  // 3 is the lowest now
    CHECK(pics.pic.acknowledge() == 0x23);
}

TEST_CASE("pic: rotate on EOI and set priority") {
    Pics pics;
    pics.set_up();
    pics.out(0x20, 0xc3);  // 3 is the lowest: 4 the highest
    pics.pulse_up(0);
    pics.pulse_up(4);
    CHECK(pics.pic.acknowledge() == 0x24);
    pics.out(0x20, 0xa0);  // EOI of 4, which becomes the lowest
    CHECK(pics.pic.acknowledge() == 0x20);
    pics.pulse_up(4);
    CHECK_FALSE(pics.intr.level);
    pics.out(0x20, 0x20);
    CHECK(pics.intr.level);
}

TEST_CASE("pic: special mask mode") {
    Pics pics;
    pics.set_up();
    pics.pulse_up(1);
    CHECK(pics.pic.acknowledge() == 0x21);
    pics.pulse_up(6);
    CHECK_FALSE(pics.intr.level);
    pics.out(0x21, 0x02);
    pics.out(0x20, 0x68);
    CHECK(pics.intr.level);
    CHECK(pics.pic.acknowledge() == 0x26);
    pics.out(0x20, 0x20);  // non-specific: not the masked level 1
    CHECK(pics.pic.master().isr() == 0x02);
    pics.out(0x20, 0x48);
    pics.out(0x21, 0);
    pics.pulse_up(6);
    CHECK_FALSE(pics.intr.level);
}

TEST_CASE("pic: poll acknowledges") {
    Pics pics;
    pics.set_up();
    pics.out(0x20, 0x0c);
    CHECK(pics.in(0x20) == 0);
    pics.pulse_up(6);
    pics.out(0x20, 0x0c);
    CHECK(pics.in(0x20) == 0x86);
    CHECK(pics.pic.master().isr() == 0x40);
}

TEST_CASE("pic: nothing comes through before and during initialization") {
    Pics pics;
    pics.pulse_up(4);
    CHECK_FALSE(pics.intr.level);
    pics.out(0x20, 0x11);
    pics.pulse_up(5);
    pics.out(0x21, 0x20);
    CHECK_FALSE(pics.intr.level);
    pics.out(0x21, 4);
    pics.out(0x21, 1);
    CHECK(pics.intr.level);
    CHECK(pics.pic.acknowledge() == 0x25);
}
