#include "devices/pit_counter.h"

namespace orrery {

void PitCounter::reset(bool gate) {
    *this = PitCounter();
    gate_ = gate;
}

// A written count of 0 is the largest one (data sheet, "Write Operations").
u32 PitCounter::decode(u16 written) const {
    if (!bcd_) return written == 0 ? 65536 : written;
    const u32 value =
        (written >> 12) * 1000u + ((written >> 8) & 15) * 100u + ((written >> 4) & 15) * 10u + (written & 15);
    return value == 0 ? 10000 : value;
}

u16 PitCounter::encode(u32 value) const {
    value %= modulus();
    if (!bcd_) return static_cast<u16>(value);
    return static_cast<u16>((value / 1000) << 12 | (value / 100 % 10) << 8 | (value / 10 % 10) << 4 |
                            value % 10);
}

// The counting element takes the count at the clock after the write or the trigger.
void PitCounter::load(u32 value, u64 clock) {
    initial_ = value;
    start_ = clock + 1;
    held_ = 0;
    loaded_ = true;
    waits_trigger_ = false;
    change_pending_ = false;
    running_ = gate_ || triggered();
}

u64 PitCounter::elapsed(u64 clock) const {
    if (!loaded_) return 0;
    if (!running_ || clock < start_) return held_;
    return held_ + (clock - start_);
}

void PitCounter::advance(u64 clock) {
    if (!change_pending_ || !running_ || clock < change_at_) return;
    const bool at_half = mode_ == 3 && elapsed(change_at_) % initial_ != 0;
    initial_ = reload_;
    start_ = change_at_;
    held_ = at_half ? high_half() : 0;
    change_pending_ = false;
}

void PitCounter::write_control(u8 value, u64) {
    const unsigned mode = (value >> 1) & 7;
    mode_ = static_cast<u8>(mode > 5 ? mode - 4 : mode);
    access_ = (value >> 4) & 3;
    bcd_ = (value & 1) != 0;
    write_high_next_ = read_high_next_ = false;
    count_latched_ = status_latched_ = false;
    programmed_ = loaded_ = running_ = change_pending_ = waits_trigger_ = false;
}

void PitCounter::write_count(u8 value, u64 clock) {
    advance(clock);
    if (access_ == 3 && !write_high_next_) {
        low_byte_ = value;
        write_high_next_ = true;
        if (mode_ == 0) loaded_ = running_ = false;  // the first byte stops the count, OUT goes low
        return;
    }
    write_high_next_ = false;
    const u16 written = access_ == 1   ? value
                        : access_ == 2 ? static_cast<u16>(value << 8)
                                       : static_cast<u16>(value << 8 | low_byte_);
    new_count(written, clock);
}

void PitCounter::new_count(u16 written, u64 clock) {
    reload_ = decode(written);
    programmed_ = true;
    if (triggered()) {
        waits_trigger_ = true;
    } else if (periodic() && loaded_) {
        if (!running_) return;  // the gate's rise will load it
        // The present cycle (mode 3: half cycle) ends first.
        const u64 now = elapsed(clock);
        const u64 phase = now % initial_;
        const u64 end = mode_ == 3 && phase < high_half() ? high_half() : initial_;
        change_pending_ = true;
        change_at_ = clock_at(now - phase + end);
    } else {
        load(reload_, clock);
    }
}

void PitCounter::set_gate(bool gate, u64 clock) {
    advance(clock);
    if (gate == gate_) return;
    if (triggered()) {
        gate_ = gate;
        if (gate && programmed_) load(reload_, clock);
        return;
    }
    if (!gate) {
        held_ = elapsed(clock);
        running_ = false;
        gate_ = false;
        return;
    }
    gate_ = true;
    if (!loaded_) return;
    if (periodic()) {
        load(reload_, clock);
    } else {
        start_ = clock > start_ ? clock : start_;
        running_ = true;
    }
}

bool PitCounter::out(u64 clock) {
    advance(clock);
    if (!loaded_) return mode_ != 0;
    const u64 counted = elapsed(clock);
    switch (mode_) {
        case 0:
            return counted >= initial_;
        case 1:
            return counted >= initial_ || clock < start_;  // low from the clock after the trigger
        case 2:
            return !running_ || counted % initial_ != initial_ - 1;
        case 3:
            return !running_ || counted % initial_ < high_half();
        default:
            return counted != initial_;  // 4, 5: one clock low at the terminal count
    }
}

u64 PitCounter::next_edge(u64 clock) {
    advance(clock);
    if (!loaded_ || !running_) return kNoEdge;
    if (clock < start_ && triggered()) return start_;
    const u64 counted = elapsed(clock);
    switch (mode_) {
        case 0:
        case 1:
            return counted < initial_ ? clock_at(initial_) : kNoEdge;
        case 2: {
            if (initial_ == 1) return change_pending_ ? change_at_ : kNoEdge;
            const u64 phase = counted % initial_;
            const u64 step = phase < initial_ - 1 ? initial_ - 1 - phase : 1;
            return clock_at(counted + step);
        }
        case 3: {
            if (initial_ == 1) return change_pending_ ? change_at_ : kNoEdge;
            const u64 phase = counted % initial_;
            return clock_at(counted + (phase < high_half() ? high_half() - phase : initial_ - phase));
        }
        default:
            return counted < initial_    ? clock_at(initial_)
                   : counted == initial_ ? clock_at(initial_ + u64{1})
                                         : kNoEdge;
    }
}

u32 PitCounter::count(u64 clock) {
    advance(clock);
    const u64 counted = elapsed(clock);
    if (mode_ == 2) return initial_ - static_cast<u32>(counted % initial_);
    if (mode_ == 3) {
        // By two; an odd count starts one lower.
        const u32 phase = static_cast<u32>(counted % initial_);
        const u32 within = phase < high_half() ? phase : phase - high_half();
        return (initial_ & ~1u) - 2 * within;
    }
    const u64 modulo = modulus();
    return static_cast<u32>((initial_ + modulo - counted % modulo) % modulo);
}

u8 PitCounter::status(u64 clock) {
    const bool output = out(clock);
    const bool null_count = !programmed_ || waits_trigger_ || change_pending_ || (loaded_ && clock < start_);
    return static_cast<u8>((output ? 0x80 : 0) | (null_count ? 0x40 : 0) | access_ << 4 | mode_ << 1 |
                           (bcd_ ? 1 : 0));
}

void PitCounter::latch_count(u64 clock) {
    if (count_latched_) return;  // the first latch stands until it is read
    count_latched_ = true;
    latched_count_ = encode(count(clock));
}

void PitCounter::latch_status(u64 clock) {
    if (status_latched_) return;
    status_latched_ = true;
    latched_status_ = status(clock);
}

u8 PitCounter::read(u64 clock) {
    if (status_latched_) {
        status_latched_ = false;
        return latched_status_;
    }
    const u16 value = count_latched_ ? latched_count_ : encode(count(clock));
    const bool high = access_ == 2 || (access_ == 3 && read_high_next_);
    if (access_ == 3) read_high_next_ = !read_high_next_;
    if (access_ != 3 || high) count_latched_ = false;
    return static_cast<u8>(high ? value >> 8 : value);
}

void PitCounter::visit(Archive& archive) {
    archive.field("mode", mode_);
    archive.field("access", access_);
    archive.field("bcd", bcd_);
    archive.field("gate", gate_);
    archive.field("write_high_next", write_high_next_);
    archive.field("read_high_next", read_high_next_);
    archive.field("low_byte", low_byte_);
    archive.field("count_latched", count_latched_);
    archive.field("latched_count", latched_count_);
    archive.field("status_latched", status_latched_);
    archive.field("latched_status", latched_status_);
    archive.field("programmed", programmed_);
    archive.field("loaded", loaded_);
    archive.field("reload", reload_);
    archive.field("initial", initial_);
    archive.field("start", start_);
    archive.field("held", held_);
    archive.field("running", running_);
    archive.field("waits_trigger", waits_trigger_);
    archive.field("change_pending", change_pending_);
    archive.field("change_at", change_at_);
    if (archive.loading() && (initial_ == 0 || initial_ > 65536))
        throw ArchiveError("snapshot: a timer's count is damaged");
}

}  // namespace orrery
