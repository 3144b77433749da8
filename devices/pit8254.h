// 8254 programmable interval timer and port 61H (Intel 8254 data sheet, September 1993; port 61H: Intel
// 82371SB PIIX3 data sheet, 2.5.6).
//
//   40-42  counters 0-2: count, or the latched count or status
//   43     control word; read-back command (bits 7-6 = 11)
//   61     bit 0 gate of counter 2, bit 1 speaker data, bit 4 refresh toggle (read), bit 5 OUT of counter 2
//   (read)
//
// The counters' clock is a twelfth of the board's 14.31818 MHz crystal, counted exactly from tick 0; the PM
// timer divides the same crystal by four. Counter 0's OUT is the timer interrupt, counter 2's is seen in port
// 61H.
#pragma once

#include <array>

#include "devices/pit_counter.h"
#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Pit8254 : public Device {
  public:
    static constexpr u64 kCrystal = 14'318'180;  // Hz
    static constexpr u64 kDivider = 12;

    Pit8254(EventQueue& events, IrqLine irq0);

    std::string_view name() const override { return "pit8254"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;

    // Periods of the counters' clock since tick 0.
    u64 clock() const { return ticks_to_periods(events_.now(), kCrystal) / kDivider; }
    const PitCounter& counter(unsigned index) const { return counters_[index]; }

  private:
    void update_irq();
    u8 read_port_b();

    EventQueue& events_;
    IrqLine irq0_;
    EventQueue::TimerId timer_;
    std::array<PitCounter, 3> counters_;
    u64 next_edge_ = 0;  // of counter 0, in periods of its clock
    u8 port_b_ = 0;
};

}  // namespace orrery
