#include "devices/hpet.h"

namespace orrery {

namespace {

// Timer configuration bits (section 2.3.8).
constexpr u64 kLevel = 2, kInterruptEnable = 4, kPeriodicMode = 8, kSetValue = 0x40, kMode32 = 0x100,
              kFsb = 0x4000;
constexpr u64 kWritable = kLevel | kInterruptEnable | kPeriodicMode | kMode32 | 0x3e00 | kFsb;
// Periodic, 64-bit and FSB capable; routes 20-23.
constexpr u64 kCapabilities = 0x10 | 0x20 | 0x8000 | u64{0x00f0'0000} << 32;

}  // namespace

Hpet::Hpet(EventQueue& events, const Lines& lines, MsiSink& msi, std::function<void(bool)> legacy_mode)
    : events_(events), lines_(lines), msi_(msi), legacy_mode_(std::move(legacy_mode)) {
    for (unsigned i = 0; i < kTimers; ++i)
        timer_ids_[i] = events.add_timer("hpet." + std::to_string(i), [this, i](Ticks) { fired(i); });
    reset();
}

void Hpet::reset() {
    for (unsigned i = 0; i < kTimers; ++i) {
        drive(i, false);
        timers_[i] = Timer();
        events_.cancel(timer_ids_[i]);
    }
    config_ = 0;
    status_ = 0;
    offset_ = 0;
    start_ = 0;
    legacy_mode_(false);
}

void Hpet::Timer::visit(Archive& archive) {
    archive.field("config", config);
    archive.field("comparator", comparator);
    archive.field("period", period);
    archive.field("fsb", fsb);
    archive.field("line", line);
}

void Hpet::visit(Archive& archive) {
    archive.field("config", config_);
    archive.field("status", status_);
    archive.field("offset", offset_);
    archive.field("start", start_);
    archive.field("timers", timers_);
}

u64 Hpet::counter() const {
    return enabled() ? offset_ + (events_.now() - start_) / kTicksPerPeriod : offset_;
}

const IrqLine& Hpet::output(unsigned index) const {
    static const IrqLine kNone;
    if (legacy() && index == 0) return lines_.legacy0;
    if (legacy() && index == 1) return lines_.legacy8;
    const unsigned route = timers_[index].config >> 9 & 31;
    if (route < kFirstRoute || route >= kFirstRoute + kRoutes) return kNone;
    return lines_.routes[index][route - kFirstRoute];
}

void Hpet::drive(unsigned index, bool level) {
    timers_[index].line = level;
    output(index).set(level);
}

// The event at which the counter next equals the comparator.
void Hpet::arm(unsigned index) {
    Timer& timer = timers_[index];
    if (!enabled()) {
        events_.cancel(timer_ids_[index]);
        return;
    }
    const u64 now = counter();
    u64 distance = timer.comparator - now;
    if (!wide(timer)) distance = static_cast<u32>(distance);
    if (distance == 0) distance = wide(timer) ? ~u64{0} : u64{1} << 32;  // it matches on becoming equal
    const Ticks base = start_ + (now - offset_) * kTicksPerPeriod;
    const bool too_far = distance > (kNever - 1 - base) / kTicksPerPeriod;
    events_.schedule(timer_ids_[index], too_far ? kNever : base + distance * kTicksPerPeriod);
}

void Hpet::fired(unsigned index) {
    Timer& timer = timers_[index];
    const bool level = (timer.config & kLevel) != 0;
    if (level) status_ |= 1u << index;
    if ((timer.config & kInterruptEnable) != 0) {
        if ((timer.config & kFsb) != 0) {
            msi_.send_msi(timer.fsb >> 32, static_cast<u32>(timer.fsb));
        } else if (level) {
            drive(index, true);
        } else {
            drive(index, false);
            drive(index, true);
        }
    }
    if ((timer.config & kPeriodicMode) != 0 && timer.period != 0) {
        // Past matches that one late event stands for are one interrupt.
        const u64 now = counter();
        const u64 behind = wide(timer) ? now - timer.comparator : static_cast<u32>(now - timer.comparator);
        timer.comparator += (behind / timer.period + 1) * timer.period;
        if (!wide(timer)) timer.comparator = static_cast<u32>(timer.comparator);
    }
    arm(index);
}

void Hpet::clear_status(u32 bits) {
    for (unsigned i = 0; i < kTimers; ++i) {
        if ((status_ & bits & (1u << i)) == 0) continue;
        status_ &= ~(1u << i);
        if ((timers_[i].config & kLevel) != 0) drive(i, false);
    }
}

void Hpet::write_config(u64 value) {
    const u64 now = counter();
    const bool was_legacy = legacy();
    if (was_legacy != ((value & 2) != 0))
        for (unsigned i = 0; i < kTimers; ++i) drive(i, false);
    config_ = value & 3;
    offset_ = now;
    start_ = events_.now();
    if (was_legacy != legacy()) legacy_mode_(legacy());
    for (unsigned i = 0; i < kTimers; ++i) arm(i);
}

u64 Hpet::read_register(u64 offset) const {
    switch (offset) {
        case 0x000:
            return u64{kPeriodFemtoseconds} << 32 | 0x8086'a000u | (kTimers - 1) << 8 | 1;
        case 0x010:
            return config_;
        case 0x020:
            return status_;
        case 0x0f0:
            return counter();
        default:
            break;
    }
    const u64 index = (offset - 0x100) / 0x20;
    if (offset < 0x100 || index >= kTimers) return 0;
    const Timer& timer = timers_[index];
    switch (offset & 0x18) {
        case 0x00:
            return timer.config | kCapabilities;
        case 0x08:
            return wide(timer) ? timer.comparator : static_cast<u32>(timer.comparator);
        case 0x10:
            return timer.fsb;
        default:
            return 0;
    }
}

void Hpet::write_timer(unsigned index, u64 offset, u64 value, u64 mask) {
    Timer& timer = timers_[index];
    switch (offset & 0x18) {
        case 0x00: {
            const u64 old = timer.config;
            const u64 merged = (old & ~mask) | (value & mask);
            drive(index, false);  // on the old route
            timer.config = merged & (kWritable | kSetValue);
            if (!wide(timer)) timer.comparator = static_cast<u32>(timer.comparator);
            if ((timer.config & kLevel) != 0 && (timer.config & kInterruptEnable) != 0 &&
                (status_ & (1u << index)) != 0)
                drive(index, true);
            break;
        }
        case 0x08: {
            // In periodic mode a write sets the period, and also the comparator after Tn_VAL_SET_CNF
            // (2.3.9.2.2).
            const bool periodic = (timer.config & kPeriodicMode) != 0;
            const bool set = !periodic || (timer.config & kSetValue) != 0;
            if (set) timer.comparator = (timer.comparator & ~mask) | (value & mask);
            if (periodic) timer.period = (timer.period & ~mask) | (value & mask);
            if (!wide(timer)) timer.period = static_cast<u32>(timer.period);
            // A dword write to the upper half ends the pair as well.
            if ((mask >> 32) != 0 || !wide(timer)) timer.config &= ~kSetValue;
            break;
        }
        case 0x10:
            timer.fsb = (timer.fsb & ~mask) | (value & mask);
            break;
        default:
            return;
    }
    arm(index);
}

void Hpet::write_register(u64 offset, u64 value, u64 mask) {
    switch (offset) {
        case 0x010:
            write_config((config_ & ~mask) | (value & mask));
            return;
        case 0x020:
            clear_status(static_cast<u32>(value & mask));
            return;
        case 0x0f0:
            if (enabled()) return;  // only while halted
            offset_ = (offset_ & ~mask) | (value & mask);
            return;
        default:
            break;
    }
    if (offset >= 0x100 && (offset - 0x100) / 0x20 < kTimers)
        write_timer(static_cast<unsigned>((offset - 0x100) / 0x20), offset, value, mask);
}

u64 Hpet::mmio_read(unsigned, u64 offset, unsigned size) {
    const u64 value = read_register(offset & ~u64{7});
    return size == 8 ? value : value >> (8 * (offset & 7)) & ((u64{1} << (8 * size)) - 1);
}

// 32- or 64-bit accesses only (2.3.2); others do nothing.
void Hpet::mmio_write(unsigned, u64 offset, unsigned size, u64 value) {
    if (size == 8 && (offset & 7) == 0) write_register(offset, value, ~u64{0});
    if (size != 4 || (offset & 3) != 0) return;
    const unsigned shift = (offset & 4) != 0 ? 32 : 0;
    write_register(offset & ~u64{7}, value << shift, u64{0xffff'ffff} << shift);
}

}  // namespace orrery
