#include "devices/mc146818.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr u8 kSeconds = 0, kMinutes = 2, kHours = 4, kWeekday = 6, kDay = 7, kMonth = 8, kYear = 9;
constexpr u8 kCentury = 0x32;
constexpr u8 kA = 0xa, kB = 0xb, kC = 0xc, kD = 0xd;
constexpr u8 kSet = 0x80, kBinary = 4, k24Hours = 2;                // register B
constexpr u8 kPeriodic = 0x40, kAlarm = 0x20, kUpdateEnded = 0x10;  // registers B (enables) and C (flags)

constexpr Ticks kUpdateCycle = 1'984'000 + 244'000;  // ns: UIP's lead and the cycle (data sheet, table 6)

bool is_leap(i64 year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

unsigned days_in_month(i64 year, unsigned month) {
    static constexpr u8 kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : kDays[(month - 1) % 12];
}

}  // namespace

i64 days_from_civil(i64 year, unsigned month, unsigned day) {
    // Years counted from March, so that the leap day is a year's last.
    const i64 y = month <= 2 ? year - 1 : year;
    const i64 era = (y >= 0 ? y : y - 399) / 400;
    const i64 of_era = y - era * 400;
    const i64 of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

Mc146818::Mc146818(const Config& config, EventQueue& events, IrqLine irq8) : events_(events), irq_(irq8) {
    update_timer_ = events.add_timer("mc146818.update", [this](Ticks) { catch_up(); });
    periodic_timer_ = events.add_timer("mc146818.periodic", [this](Ticks now) {
        note_periodic(now);
        schedule_periodic();
    });
    cmos_[kA] = 0x26;  // 32.768 kHz, 1024 Hz: as firmware leaves it
    cmos_[kB] = k24Hours;
    cmos_[kD] = 0x80;
    fill_memory_sizes(config);
    set_clock(config.base_seconds + static_cast<i64>(events.now() / kTicksPerSecond));
    next_update_ = events.now() + kTicksPerSecond;
}

void Mc146818::fill_memory_sizes(const Config& config) {
    const auto put16 = [this](u8 index, u64 value) {
        cmos_[index] = static_cast<u8>(value);
        cmos_[index + 1u] = static_cast<u8>(value >> 8);
    };
    constexpr u64 kMiB = 1 << 20;
    const u64 low = config.low_ram;
    put16(0x15, 640);
    const u64 extended = low > kMiB ? std::min<u64>((low - kMiB) >> 10, 0xffff) : 0;
    put16(0x17, extended);
    put16(0x30, extended);
    put16(0x34, low > 16 * kMiB ? std::min<u64>((low - 16 * kMiB) >> 16, 0xffff) : 0);
    const u64 high = (config.ram_size - low) >> 16;
    put16(0x5b, high & 0xffff);
    cmos_[0x5d] = static_cast<u8>(high >> 16);
    cmos_[0x5f] = static_cast<u8>(config.cpus - 1);
}

void Mc146818::reset() {
    cmos_[kB] &= static_cast<u8>(~(kPeriodic | kAlarm | kUpdateEnded | 8));
    cmos_[kC] = 0;
    index_ = 0;
    catch_up();
    schedule_periodic();
    update_irq();
}

bool Mc146818::running() const {
    // SET stops the updates; so does any divider but 010 (32.768 kHz).
    return (cmos_[kB] & kSet) == 0 && (cmos_[kA] & 0x70) == 0x20;
}

u8 Mc146818::encode(unsigned value) const {
    return static_cast<u8>((cmos_[kB] & kBinary) != 0 ? value : (value / 10) << 4 | value % 10);
}

unsigned Mc146818::decode(u8 value) const {
    return (cmos_[kB] & kBinary) != 0 ? value : (value >> 4) * 10u + (value & 15);
}

unsigned Mc146818::hour() const {
    const u8 raw = cmos_[kHours];
    if ((cmos_[kB] & k24Hours) != 0) return decode(raw);
    return decode(raw & 0x7f) % 12 + ((raw & 0x80) != 0 ? 12 : 0);
}

void Mc146818::set_hour(unsigned hour) {
    if ((cmos_[kB] & k24Hours) != 0) {
        cmos_[kHours] = encode(hour);
    } else {
        const unsigned of_12 = hour % 12 == 0 ? 12 : hour % 12;
        cmos_[kHours] = static_cast<u8>(encode(of_12) | (hour >= 12 ? 0x80 : 0));
    }
}

void Mc146818::set_clock(i64 seconds) {
    i64 days = seconds / 86400;
    i64 rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        --days;
    }
    i64 year = 1970 + days / 366;  // a lower bound, corrected upwards
    if (days < 0) year = 1969 + days / 365;
    while (days_from_civil(year + 1, 1, 1) <= days) ++year;
    unsigned month = 1;
    while (month < 12 && days_from_civil(year, month + 1, 1) <= days) ++month;
    cmos_[kSeconds] = encode(static_cast<unsigned>(rest % 60));
    cmos_[kMinutes] = encode(static_cast<unsigned>(rest / 60 % 60));
    set_hour(static_cast<unsigned>(rest / 3600));
    cmos_[kWeekday] = encode(static_cast<unsigned>(((days + 4) % 7 + 7) % 7 + 1));  // 1 is Sunday
    cmos_[kDay] = encode(static_cast<unsigned>(days - days_from_civil(year, month, 1) + 1));
    cmos_[kMonth] = encode(month);
    cmos_[kYear] = encode(static_cast<unsigned>(year % 100));
    cmos_[kCentury] = encode(static_cast<unsigned>(year / 100 % 100));
}

i64 Mc146818::seconds() const {
    const i64 year = decode(cmos_[kCentury]) * 100 + decode(cmos_[kYear]);
    const Ticks now = events_.now();
    const u64 due = running() && now >= next_update_ ? (now - next_update_) / kTicksPerSecond + 1 : 0;
    return days_from_civil(year, decode(cmos_[kMonth]), decode(cmos_[kDay])) * 86400 + hour() * i64{3600} +
           decode(cmos_[kMinutes]) * 60 + decode(cmos_[kSeconds]) + static_cast<i64>(due);
}

// One step of the counters. They only compare for their end, so a value that software left out of range
// counts on.
void Mc146818::advance_second() {
    const auto step = [this](u8 index, unsigned last, unsigned first) {
        const unsigned value = decode(cmos_[index]);
        cmos_[index] = encode(value == last ? first : (value + 1) % 100);
        return value == last;
    };
    if (!step(kSeconds, 59, 0) || !step(kMinutes, 59, 0)) return;
    const unsigned before = hour();
    set_hour(before >= 23 ? 0 : before + 1);
    if (before != 23) return;
    step(kWeekday, 7, 1);
    const i64 year = decode(cmos_[kCentury]) * 100 + decode(cmos_[kYear]);
    if (!step(kDay, days_in_month(year, std::max(1u, decode(cmos_[kMonth]))), 1)) return;
    if (!step(kMonth, 12, 1)) return;
    if (step(kYear, 99, 0)) step(kCentury, 99, 0);
}

// An alarm byte of C0-FF matches anything.
bool Mc146818::alarm_matches() const {
    for (u8 index : {kSeconds, kMinutes, kHours}) {
        const u8 wanted = cmos_[index + 1u];
        if (wanted < 0xc0 && wanted != cmos_[index]) return false;
    }
    return true;
}

void Mc146818::update_cycle() {
    if (!running()) return;
    advance_second();
    cmos_[kC] |= kUpdateEnded;
    if (alarm_matches()) cmos_[kC] |= kAlarm;
    update_irq();
}

// Makes the updates that have come due. Only an enabled interrupt needs an event at each: else a clock that
// nobody looks at costs nothing, and an idle machine has nothing due.
void Mc146818::catch_up() {
    while (next_update_ <= events_.now()) {
        next_update_ += kTicksPerSecond;
        update_cycle();
    }
    const bool needed = (cmos_[kB] & (kAlarm | kUpdateEnded)) != 0;
    events_.schedule(update_timer_, needed ? next_update_ : kNever);
}

// After catch_up().
bool Mc146818::update_in_progress() const {
    return running() && next_update_ - events_.now() <= kUpdateCycle;
}

// Register A's rate selection with the 32.768 kHz divider (data sheet, table 5).
u64 Mc146818::periodic_hz() const {
    const unsigned rate = cmos_[kA] & 15;
    if (rate == 0 || (cmos_[kA] & 0x70) > 0x20) return 0;
    return rate < 3 ? 256u >> (rate - 1) : 32768u >> (rate - 1);
}

void Mc146818::note_periodic(Ticks now) {
    const u64 hz = periodic_hz();
    if (hz == 0) return;
    const u64 periods = ticks_to_periods(now, hz);
    if (periods == periods_seen_) return;
    periods_seen_ = periods;
    cmos_[kC] |= kPeriodic;
    update_irq();
}

// Only an enabled interrupt whose flag is down needs an event; otherwise PF is worked out when register C is
// read.
void Mc146818::schedule_periodic() {
    const u64 hz = periodic_hz();
    const bool needed = hz != 0 && (cmos_[kB] & kPeriodic) != 0 && (cmos_[kC] & kPeriodic) == 0;
    events_.schedule(periodic_timer_,
                     needed ? periods_to_ticks(ticks_to_periods(events_.now(), hz) + 1, hz) : kNever);
}

void Mc146818::update_irq() {
    const bool active = (cmos_[kB] & cmos_[kC] & (kPeriodic | kAlarm | kUpdateEnded)) != 0;
    cmos_[kC] = static_cast<u8>((cmos_[kC] & 0x7f) | (active ? 0x80 : 0));
    irq_.set(active);
}

u8 Mc146818::read_register(u8 index) {
    switch (index) {
        case kA:
            return static_cast<u8>((cmos_[kA] & 0x7f) | (update_in_progress() ? 0x80 : 0));
        case kC: {
            note_periodic(events_.now());
            const u8 flags = cmos_[kC];
            cmos_[kC] = 0;
            update_irq();
            schedule_periodic();
            return flags;
        }
        default:
            return cmos_[index];
    }
}

void Mc146818::write_register(u8 index, u8 value) {
    switch (index) {
        case kC:
        case kD:
            return;  // read-only
        case kA: {
            const bool was_running = (cmos_[kA] & 0x70) == 0x20;
            note_periodic(events_.now());
            cmos_[kA] = value & 0x7f;
            // Releasing the divider from reset starts its second anew; the first update comes half a second
            // later.
            if (!was_running && (value & 0x70) == 0x20) next_update_ = events_.now() + kTicksPerSecond / 2;
            periods_seen_ = periodic_hz() != 0 ? ticks_to_periods(events_.now(), periodic_hz()) : 0;
            break;
        }
        case kB:
            note_periodic(events_.now());
            cmos_[kB] = (value & kSet) != 0 ? static_cast<u8>(value & ~kUpdateEnded) : value;
            break;
        default:
            cmos_[index] = value;
            return;
    }
    catch_up();  // arms or disarms the update's event
    schedule_periodic();
    update_irq();
}

u32 Mc146818::io_read(u16 port, unsigned) {
    catch_up();
    return port == 0x71 ? read_register(index_ & 0x7f) : 0xff;
}

void Mc146818::io_write(u16 port, unsigned, u32 value) {
    catch_up();
    if (port == 0x70)
        index_ = static_cast<u8>(value);
    else
        write_register(index_ & 0x7f, static_cast<u8>(value));
}

void Mc146818::visit(Archive& archive) {
    archive.field("index", index_);
    archive.field("periods_seen", periods_seen_);
    archive.field("next_update", next_update_);
    archive.field("cmos", cmos_);
}

}  // namespace orrery
