// One counter of the 8254 (Intel 8254 data sheet, "Mode Definitions"): all six modes, computed from the time
// since the counting element was loaded, so that nothing happens between the edges of OUT.
//
// Times are periods of the counter's clock ("clock" below), never decreasing from call to call.
#pragma once

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

class PitCounter {
  public:
    static constexpr u64 kNoEdge = ~u64{0};

    void reset(bool gate);
    void visit(Archive& archive);

    // A control word for this counter (bits 5-0), not a latch command.
    void write_control(u8 value, u64 clock);
    void write_count(u8 value, u64 clock);
    u8 read(u64 clock);
    void latch_count(u64 clock);
    void latch_status(u64 clock);
    void set_gate(bool gate, u64 clock);

    bool gate() const { return gate_; }
    bool out(u64 clock);
    // The first clock after `clock` at which OUT may change; kNoEdge if never without being touched.
    u64 next_edge(u64 clock);
    // The count as a binary number, and the programmed divisor (1-65536).
    u32 count(u64 clock);
    u32 reload() const { return reload_; }
    unsigned mode() const { return mode_; }

  private:
    u32 modulus() const { return bcd_ ? 10000 : 65536; }
    u32 decode(u16 written) const;
    u16 encode(u32 count) const;
    bool periodic() const { return mode_ == 2 || mode_ == 3; }
    bool triggered() const { return mode_ == 1 || mode_ == 5; }
    void load(u32 count, u64 clock);
    void new_count(u16 written, u64 clock);
    void advance(u64 clock);
    u64 elapsed(u64 clock) const;
    // The clock at which `periods` will have been counted since the load.
    u64 clock_at(u64 periods) const { return start_ + periods - held_; }
    u32 high_half() const { return (initial_ + 1) / 2; }
    u8 status(u64 clock);

    u8 mode_ = 0;
    u8 access_ = 3;  // 1 low byte, 2 high byte, 3 low then high
    bool bcd_ = false;
    bool gate_ = true;
    bool write_high_next_ = false;
    bool read_high_next_ = false;
    u8 low_byte_ = 0;
    bool count_latched_ = false;
    u16 latched_count_ = 0;
    bool status_latched_ = false;
    u8 latched_status_ = 0;

    bool programmed_ = false;      // a count was written since the control word
    bool loaded_ = false;          // the counting element holds a count
    u32 reload_ = 65536;           // the count register
    u32 initial_ = 65536;          // what the counting element was loaded with
    u64 start_ = 0;                // the clock at which it was loaded
    u64 held_ = 0;                 // periods counted before the gate closed
    bool running_ = false;         // counts now: elapsed = held_ + (clock - start_)
    bool waits_trigger_ = false;   // modes 1, 5: a count is written, the gate has not risen since
    bool change_pending_ = false;  // modes 2, 3: a new count waits for the (half) cycle's end …
    u64 change_at_ = 0;            // … which is at this clock
};

}  // namespace orrery
