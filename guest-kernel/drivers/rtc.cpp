// Reading the CMOS clock (drivers/rtc.h).
//
// Guarantees: reads twice until both readings agree, outside the update cycle (register A, UIP); gives up
// after a bounded number of tries and takes what it has.
#include "drivers/rtc.h"

#include "arch/x86_64/cpu.h"
#include "sync/guarded.h"

namespace {

struct Reading {
    u8 second, minute, hour, day, month, year, century;
    bool operator==(const Reading&) const = default;
};

/// The clock's registers behind ports 70 and 71: which one, and its value, go together.
struct Cmos {
    u8 read(u8 index) const {
        outb(0x70, index);
        return inb(0x71);
    }
    void write(u8 index, u8 value) const {
        outb(0x70, index);
        outb(0x71, value);
    }
};
Guarded<Cmos, LockRank::kCmos> g_cmos;

u8 cmos(u8 index) {
    return g_cmos.lock()->read(index);
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

CivilTime civil_from_seconds(u64 seconds) {
    // The inverse of days_from_civil, by the same author.
    const i64 z = static_cast<i64>(seconds / 86400) + 719468;
    const i64 era = z / 146097;
    const unsigned doe = static_cast<unsigned>(z - era * 146097);
    const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const unsigned mp = (5 * doy + 2) / 153;
    const u32 month = mp < 10 ? mp + 3 : mp - 9;
    const i32 year = static_cast<i32>(yoe + static_cast<unsigned>(era) * 400) + (month <= 2 ? 1 : 0);
    const u32 rest = static_cast<u32>(seconds % 86400);
    return {year, month, doy - (153 * mp + 2) / 5 + 1, rest / 3600, rest / 60 % 60, rest % 60};
}

Result<u64> seconds_from_civil(const CivilTime& t) {
    if (t.year < 1970 || t.year > 2099 || t.month < 1 || t.month > 12 || t.day < 1 || t.hour > 23 ||
        t.minute > 59 || t.second > 59) {
        return Errno::EINVAL;
    }
    const u64 seconds = static_cast<u64>(days_from_civil(t.year, t.month, t.day)) * 86400 + t.hour * 3600 +
                        t.minute * 60 + t.second;
    const CivilTime same = civil_from_seconds(seconds);
    if (same.day != t.day || same.month != t.month) return Errno::EINVAL;  // the 31st of February
    return u64{seconds};
}

Result<void> rtc_write_seconds(u64 seconds) {
    const CivilTime t = civil_from_seconds(seconds);
    if (t.year > 2099) return Errno::EINVAL;
    constexpr u8 kControlB = 0x0b, kSet = 0x80, kBinary = 4, k24Hours = 2;
    const auto clock = g_cmos.lock();
    const u8 control = clock->read(kControlB);
    const auto put = [&](u8 index, u32 value) {
        clock->write(index, static_cast<u8>(control & kBinary ? value : value / 10 << 4 | value % 10));
    };
    clock->write(kControlB, control | kSet | k24Hours);  // updating stops meanwhile
    put(0, t.second);
    put(2, t.minute);
    put(4, t.hour);
    put(6, static_cast<u32>((seconds / 86400 + 4) % 7 + 1));  // 1 is Sunday
    put(7, t.day);
    put(8, t.month);
    put(9, static_cast<u32>(t.year) % 100);
    put(0x32, static_cast<u32>(t.year) / 100);
    clock->write(kControlB, static_cast<u8>((control | k24Hours) & ~kSet));
    return {};
}
