// Reading the CMOS clock (drivers/rtc.h).
//
// Guarantees: reads twice until both readings agree, outside the update cycle (register A, UIP); gives up
// after a bounded number of tries and takes what it has.
#include "drivers/rtc.h"

#include "arch/x86_64/cpu.h"

namespace {

struct Reading {
    u8 second, minute, hour, day, month, year, century;
    bool operator==(const Reading&) const = default;
};

u8 cmos(u8 index) {
    outb(0x70, index);
    return inb(0x71);
}

Reading read_once() {
    for (int i = 0; i < 100000 && cmos(0x0a) & 0x80; i++) {
    }
    return {cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9), cmos(0x32)};
}

/// Days since 1970-01-01 of a Gregorian date (Howard Hinnant's days_from_civil, public domain algorithm).
i64 days_from_civil(i64 y, unsigned m, unsigned d) {
    y -= m <= 2;
    const i64 era = (y >= 0 ? y : y - 399) / 400;
    const unsigned yoe = static_cast<unsigned>(y - era * 400);
    const unsigned doy = (153 * (m + (m > 2 ? -3u : 9u)) + 2) / 5 + d - 1;
    const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + static_cast<i64>(doe) - 719468;
}

}  // namespace

u64 rtc_read_seconds() {
    Reading r = read_once();
    for (int i = 0; i < 10; i++) {
        const Reading again = read_once();
        if (again == r) break;
        r = again;
    }
    const u8 status = cmos(0x0b);
    const bool pm = r.hour & 0x80;
    r.hour &= 0x7f;
    if (!(status & 4)) {
        auto binary = [](u8 bcd) { return static_cast<u8>((bcd >> 4) * 10 + (bcd & 15)); };
        r = {binary(r.second), binary(r.minute), binary(r.hour),   binary(r.day),
             binary(r.month),  binary(r.year),   binary(r.century)};
    }
    if (!(status & 2)) r.hour = static_cast<u8>(r.hour % 12 + (pm ? 12 : 0));
    const i64 century = r.century >= 19 && r.century <= 22 ? r.century : r.year < 70 ? 20 : 19;
    const i64 days = days_from_civil(century * 100 + r.year, r.month, r.day);
    return static_cast<u64>(days * 86400 + r.hour * 3600 + r.minute * 60 + r.second);
}
