// The real-time clock: time as it reads in every format, its interrupts, and the CMOS.
#include "devices/mc146818.h"

#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr Ticks kSecond = kTicksPerSecond;

struct Rtc {
    explicit Rtc(i64 base = 1'704'067'200, u64 ram = 64 << 20)
        : rtc({base, ram, std::min<u64>(ram, kPciHoleStart), 2}, events, irq.line()) {}
    EventQueue events;
    LineProbe irq;
    Mc146818 rtc;
    u8 get(u8 index) {
        rtc.io_write(0x70, 1, index);
        return static_cast<u8>(rtc.io_read(0x71, 1));
    }
    void set(u8 index, u8 value) {
        rtc.io_write(0x70, 1, index);
        rtc.io_write(0x71, 1, value);
    }
    std::string date() {
        char text[32];
        std::snprintf(text, sizeof text, "%02x%02x-%02x-%02x %02x:%02x:%02x", get(0x32), get(9), get(8),
                      get(7), get(4), get(2), get(0));
        return text;
    }
};

}  // namespace

TEST_CASE("rtc: the default time is the first second of 2024, a Monday, and goes on") {
    Rtc r;
    CHECK(r.date() == "2024-01-01 00:00:00");
    CHECK(r.get(6) == 2);
    run_for(r.events, 86399 * kSecond);
    CHECK(r.date() == "2024-01-01 23:59:59");
    run_for(r.events, kSecond);
    CHECK(r.date() == "2024-01-02 00:00:00");
    CHECK(r.get(6) == 3);
    CHECK(r.rtc.seconds() == 1'704'067'200 + 86400);
}

TEST_CASE("rtc: dates over a leap year, a century and before 1970") {
    struct {
        i64 seconds;
        const char* text;
        const char* next;
    } cases[] = {
        {1'709'251'199, "2024-02-29 23:59:59", "2024-03-01 00:00:00"},
        {1'677'628'799, "2023-02-28 23:59:59", "2023-03-01 00:00:00"},
        {946'684'799, "1999-12-31 23:59:59", "2000-01-01 00:00:00"},
        {4'107'542'399, "2100-02-28 23:59:59", "2100-03-01 00:00:00"},
        {-1, "1969-12-31 23:59:59", "1970-01-01 00:00:00"},
    };
    for (const auto& c : cases) {
        Rtc r(c.seconds);
        CHECK(r.date() == c.text);
        CHECK(r.rtc.seconds() == c.seconds);
        run_for(r.events, kSecond);
        CHECK(r.date() == c.next);
        CHECK(r.rtc.seconds() == c.seconds + 1);
    }
}

TEST_CASE("rtc: setting the clock in 12-hour binary") {
    Rtc r;
    r.set(0xb, 0x84);  // SET, binary, 12 hours
    r.set(0, 59);
    r.set(2, 59);
    r.set(4, 11);
    r.set(6, 1);
    r.set(7, 31);
    r.set(8, 12);
    r.set(9, 99);
    r.set(0x32, 20);
    run_for(r.events, 5 * kSecond);
    CHECK(r.get(0) == 59);  // stopped
    r.set(0xb, 0x04);
    run_for(r.events, kSecond);
    CHECK(r.get(0) == 0);
    CHECK(r.get(4) == 0x8c);  // 12 PM
    run_for(r.events, 12 * 3600 * kSecond);
    CHECK(r.get(4) == 12);  // 12 AM of the next year
    CHECK(r.get(9) == 0);
    CHECK(r.get(0x32) == 21);
    CHECK(r.get(8) == 1);
}

TEST_CASE("rtc: UIP leads an update, and the update's interrupt ends it") {
    Rtc r;
    r.set(0xb, 0x12);
    run_until(r.events, kSecond - 2'300'000);
    CHECK((r.get(0xa) & 0x80) == 0);
    run_until(r.events, kSecond - 2'000'000);
    CHECK((r.get(0xa) & 0x80) == 0x80);
    CHECK_FALSE(r.irq.level);
    run_until(r.events, kSecond);
    CHECK((r.get(0xa) & 0x80) == 0);
    CHECK(r.irq.level);
    CHECK((r.get(0xc) & 0xb0) == 0x90);
    CHECK_FALSE(r.irq.level);
    CHECK(r.get(0xc) == 0);
}

TEST_CASE("rtc: the periodic interrupt") {
    Rtc r;
    r.set(0xa, 0x26);
    r.set(0xb, 0x42);
    unsigned count = 0;
    for (int i = 0; i < 20'000; ++i) {
        run_for(r.events, 50'000);
        if (r.irq.level) {
            CHECK((r.get(0xc) & 0xc0) == 0xc0);
            ++count;
        }
    }
    CHECK(count == 1024);
    // Polled, without the interrupt.
    r.set(0xb, 0x02);
    r.get(0xc);
    run_for(r.events, 500'000);
    CHECK((r.get(0xc) & 0x40) == 0);
    run_for(r.events, 600'000);
    CHECK((r.get(0xc) & 0x40) == 0x40);
}

TEST_CASE("rtc: alarms, exact and with don't-care bytes") {
    Rtc r;
    r.set(1, 0x03);
    r.set(3, 0xc0);
    r.set(5, 0xff);
    r.set(0xb, 0x22);
    run_for(r.events, 2 * kSecond + kSecond / 2);
    CHECK_FALSE(r.irq.level);
    run_for(r.events, kSecond);
    CHECK(r.irq.level);
    CHECK((r.get(0xc) & 0xa0) == 0xa0);
    run_for(r.events, 60 * kSecond);
    CHECK(r.irq.level);
}

TEST_CASE("rtc: the CMOS tells the memory's size and the number of CPUs") {
    Rtc r(0, u64{4} << 30);
    CHECK(r.get(0x15) + r.get(0x16) * 256 == 640);
    CHECK(r.get(0x34) + r.get(0x35) * 256 == (3072 - 16) * 16);
    CHECK(r.get(0x5b) + r.get(0x5c) * 256 == 1024 * 16);
    CHECK(r.get(0x5f) == 1);
    CHECK((r.get(0xd) & 0x80) == 0x80);
    r.set(0x0f, 5);
    CHECK(r.get(0x0f) == 5);
    r.rtc.reset();
    CHECK(r.get(0x0f) == 5);
}

TEST_CASE("rtc: a clock that nobody looks at has no events, and tells the time all the same") {
    Rtc r;
    CHECK(r.events.next_deadline() == kNever);
    r.events.set_now(100'000 * kSecond + 5);
    CHECK(r.rtc.seconds() == 1'704'067'200 + 100'000);
    CHECK(r.date() == "2024-01-02 03:46:40");
    r.set(0xb, 0x12);
    CHECK(r.events.next_deadline() == 100'001 * kSecond);
}
