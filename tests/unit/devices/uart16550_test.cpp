// The serial port, driven as a driver does: detection, polled output, interrupts, FIFO, loopback.
#include "devices/uart16550.h"
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

struct Port {
    EventQueue events;
    LineProbe irq;
    TextSink sink;
    Uart16550 uart{"uart", 0x3f8, Uart16550::kPcClock, events, irq.line(), &sink};
    Port() { uart.reset(); }
    u8 in(unsigned reg) { return static_cast<u8>(uart.io_read(static_cast<u16>(0x3f8 + reg), 1)); }
    void out(unsigned reg, u8 value) { uart.io_write(static_cast<u16>(0x3f8 + reg), 1, value); }
    // 115200 8N1, FIFO on with trigger 8, OUT2 on.
    void set_up() {
        out(3, 0x80);
        out(0, 1);
        out(1, 0);
        out(3, 3);
        out(2, 0x87);
        out(4, 0xb);
    }
    void send(std::string_view text) { uart.input({reinterpret_cast<const u8*>(text.data()), text.size()}); }
};

}  // namespace

TEST_CASE("uart: a driver recognises a 16550A") {
    Port port;
    port.out(7, 0x5a);
    CHECK(port.in(7) == 0x5a);
    port.out(1, 0xff);
    CHECK(port.in(1) == 0x0f);
    port.out(2, 1);
    CHECK((port.in(2) >> 6) == 3);
    port.out(2, 0);
    CHECK((port.in(2) >> 6) == 0);
    port.out(3, 0x80);
    port.out(0, 0x34);
    port.out(1, 0x12);
    CHECK(port.in(0) == 0x34);
    CHECK(port.in(1) == 0x12);
    port.out(3, 0);
    CHECK(port.in(1) == 0x0f);
}

TEST_CASE("uart: polled output takes the line's time") {
    Port port;
    port.set_up();
    CHECK(port.uart.character_time() == 86806);  // 10 bits at 115200, rounded up to a nanosecond
    CHECK(port.in(5) == 0x60);
    port.out(0, 'A');
    port.out(0, 'B');
    CHECK(port.in(5) == 0x00);  // A in the shift register, B behind it
    run_for(port.events, port.uart.character_time());
    CHECK(port.in(5) == 0x20);
    run_for(port.events, port.uart.character_time());
    CHECK(port.in(5) == 0x60);
    CHECK(port.sink.text == "AB");
}

TEST_CASE("uart: character time follows the divisor and the frame") {
    Port port;
    port.set_up();
    port.out(3, 0x83);
    port.out(0, 12);
    port.out(3, 0x1b | 4);  // 8 data, even parity, 2 stop
    CHECK(port.uart.character_time() == periods_to_ticks(16 * 12 * 12, Uart16550::kPcClock));
}

TEST_CASE("uart: the transmit interrupt rises when the FIFO drains and falls when IIR is read") {
    Port port;
    port.set_up();
    CHECK_FALSE(port.irq.level);
    port.out(1, 2);
    CHECK(port.irq.level);  // empty already
    CHECK(port.in(2) == 0xc2);
    CHECK_FALSE(port.irq.level);
    CHECK(port.in(2) == 0xc1);
    for (int i = 0; i < 17; ++i) port.out(0, 'x');
    CHECK_FALSE(port.irq.level);
    run_for(port.events, 15 * port.uart.character_time());
    CHECK_FALSE(port.irq.level);
    run_for(port.events, port.uart.character_time());
    CHECK(port.irq.level);
    CHECK(port.sink.text.size() == 17);
}

TEST_CASE("uart: OUT2 gates the interrupt line") {
    Port port;
    port.set_up();
    port.out(1, 2);
    CHECK(port.irq.level);
    port.out(4, 3);
    CHECK_FALSE(port.irq.level);
    CHECK(port.in(2) == 0xc2);  // still pending inside
}

TEST_CASE("uart: received bytes reach the trigger level, and time out below it") {
    Port port;
    port.set_up();
    port.out(1, 1);
    port.send("12345678ab");
    const Ticks one = port.uart.character_time();
    run_for(port.events, 7 * one);
    CHECK((port.in(5) & 1) == 1);
    CHECK_FALSE(port.irq.level);
    run_for(port.events, one);
    CHECK(port.irq.level);
    CHECK(port.in(2) == 0xc4);
    std::string got;
    for (int i = 0; i < 8; ++i) got += static_cast<char>(port.in(0));
    CHECK_FALSE(port.irq.level);
    run_for(port.events, 2 * one);
    CHECK_FALSE(port.irq.level);
    run_for(port.events, 4 * one);
    CHECK(port.irq.level);
    CHECK(port.in(2) == 0xcc);
    got += static_cast<char>(port.in(0));
    CHECK_FALSE(port.irq.level);  // reading restarts the timeout
    got += static_cast<char>(port.in(0));
    CHECK(got == "12345678ab");
    CHECK((port.in(5) & 1) == 0);
}

TEST_CASE("uart: a long paste is not lost to a slow reader") {
    Port port;
    port.set_up();
    const std::string text(100, 'p');
    port.send(text);
    run_for(port.events, 200 * port.uart.character_time());
    size_t count = 0;
    while (port.uart.unread() > 0) {
        run_for(port.events, port.uart.character_time());
        while ((port.in(5) & 1) != 0) {
            CHECK(port.in(0) == 'p');
            ++count;
        }
    }
    CHECK(count == 100);
    CHECK((port.in(5) & 2) == 0);
}

TEST_CASE("uart: loopback feeds the receiver and the modem inputs") {
    Port port;
    port.set_up();
    port.out(4, 0x1f);
    CHECK((port.in(6) >> 4) == 0xf);
    port.out(4, 0x12);
    CHECK((port.in(6) >> 4) == 0x1);
    port.in(6);
    port.out(4, 0x10);
    CHECK((port.in(6) & 0xf) == 1);  // CTS changed
    for (int i = 0; i < 18; ++i) port.out(0, static_cast<u8>(i));
    run_for(port.events, 20 * port.uart.character_time());
    CHECK(port.sink.text.empty());
    CHECK((port.in(5) & 3) == 3);  // the 17th found the FIFO full
    CHECK((port.in(5) & 3) == 1);  // reading LSR clears the overrun
    CHECK(port.in(0) == 0);
}

TEST_CASE("uart: line-status interrupt has the highest priority") {
    Port port;
    port.set_up();
    port.out(1, 7);
    port.out(4, 0x1b);
    for (int i = 0; i < 17; ++i) port.out(0, 'x');
    run_for(port.events, 20 * port.uart.character_time());
    CHECK(port.in(2) == 0xc6);
    port.in(5);
    CHECK(port.in(2) == 0xc4);
    port.out(2, 0x83);  // clear the receive FIFO
    CHECK(port.in(2) == 0xc2);
}

TEST_CASE("uart: state survives a save in the middle of a transfer") {
    Port port;
    port.set_up();
    port.out(1, 3);
    port.out(0, 'a');
    port.send("hello");
    run_for(port.events, 2 * port.uart.character_time());
    SaveArchive save;
    port.uart.visit(save);
    port.events.visit(save);
    Port other;
    LoadArchive load(save.take());
    other.uart.visit(load);
    other.events.visit(load);
    CHECK(load.at_end());
    run_for(port.events, 10 * port.uart.character_time());
    run_for(other.events, 10 * port.uart.character_time());
    CHECK(hash_of(port.uart) == hash_of(other.uart));
    std::string got;
    while ((other.in(5) & 1) != 0) got += static_cast<char>(other.in(0));
    CHECK(got == "hello");
}
