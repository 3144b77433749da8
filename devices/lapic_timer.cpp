// The local APIC's timer (Intel SDM vol. 3A, 11.5.4): one-shot, periodic and TSC-deadline.
#include "devices/lapic.h"

namespace orrery {

namespace {

constexpr Ticks kTicksPerCrystal = kTicksPerSecond / Lapic::kCrystal;
static_assert(kTicksPerCrystal * Lapic::kCrystal == kTicksPerSecond,
              "the crystal divides the TSC's rate exactly");

}  // namespace

// Divide configuration: bits 3, 1, 0 select 2, 4, 8, 16, 32, 64, 128, 1.
Ticks Lapic::timer_period() const {
    const unsigned selected = (divide_ & 3) | (divide_ >> 1 & 4);
    return kTicksPerCrystal << ((selected + 1) & 7);
}

Ticks Lapic::timer_length() const {
    return initial_count_ * timer_period();
}

u32 Lapic::timer_count() const {
    if (!timer_running_ || initial_count_ == 0) return 0;
    const u64 counted = (events_.now() - timer_start_) / timer_period();
    if (periodic_mode()) return initial_count_ - static_cast<u32>(counted % initial_count_);
    return counted >= initial_count_ ? 0 : initial_count_ - static_cast<u32>(counted);
}

void Lapic::set_initial_count(u32 value) {
    if (deadline_mode()) return;
    initial_count_ = value;
    timer_start_ = events_.now();
    timer_running_ = value != 0;
    events_.schedule(timer_, timer_running_ ? timer_start_ + value * timer_period() : kNever);
}

// A new divisor counts from the present count on.
void Lapic::set_divide(u32 value) {
    const u32 count = timer_count();
    divide_ = value & 0xb;
    if (!timer_running_ || deadline_mode()) return;
    timer_start_ = events_.now() - (initial_count_ - u64{count}) * timer_period();
    events_.schedule(timer_, events_.now() + count * timer_period());
}

// Going to or from TSC-deadline mode disarms the timer. Between one-shot and periodic the count goes on: the mode
// says what happens when it reaches 0.
void Lapic::change_timer_mode(u32 old_lvt) {
    const bool was_deadline = (old_lvt >> 17 & 3) == 2;
    if (was_deadline == deadline_mode()) {
        // The start of the present round, of those that periodic mode has made since the count was set.
        if (timer_running_ && !deadline_mode() && (old_lvt >> 17 & 3) == 1)
            timer_start_ = events_.now() - (events_.now() - timer_start_) % timer_length();
        return;
    }
    timer_running_ = false;
    initial_count_ = 0;
    tsc_deadline_ = 0;
    events_.cancel(timer_);
}

void Lapic::arm_deadline() {
    if (!deadline_mode()) return;
    timer_running_ = tsc_deadline_ != 0;
    if (!timer_running_) {
        events_.cancel(timer_);
        return;
    }
    const u64 tsc = events_.now() + tsc_offset_;
    events_.schedule(timer_, tsc_deadline_ <= tsc ? events_.now() : events_.now() + (tsc_deadline_ - tsc));
}

void Lapic::set_tsc_offset(u64 offset) {
    tsc_offset_ = offset;
    if (timer_running_) arm_deadline();
}

void Lapic::timer_fired(Ticks now) {
    if (deadline_mode()) {
        tsc_deadline_ = 0;
        timer_running_ = false;
    } else if (periodic_mode() || now - timer_start_ < timer_length()) {
        // From the start of the count, so that lateness never adds up. (One-shot: the mode was periodic when the
        // count reached 0, and another round has begun.)
        const Ticks length = timer_length();
        events_.schedule(timer_, timer_start_ + ((now - timer_start_) / length + 1) * length);
    } else {
        timer_running_ = false;
    }
    trigger_lvt(kTimer);
}

}  // namespace orrery
