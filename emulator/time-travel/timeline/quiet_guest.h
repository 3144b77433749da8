// Whether the guest waits for input, told by how little it does: slices of virtual time, one after the other,
// in which it only ticked.
#pragma once

#include "emulator/core/time/event_queue.h"

namespace orrery {

class QuietGuest {
  public:
    static constexpr Ticks kSlice = 16'000'000;  // 16 ms of virtual time

    // A slice has run. `whole`: as long as slices are, and not ended early by a limit in instructions.
    void ran(u64 instructions, bool whole) { quiet_ = whole && instructions < kTicking ? quiet_ + 1 : 0; }
    bool waits() const { return quiet_ >= kSlices; }

  private:
    static constexpr u64 kTicking = 200'000;  // instructions
    // Longer than the time-outs by which programs tell an Escape from a key.
    static constexpr unsigned kSlices = 10;
    unsigned quiet_ = 0;
};

}  // namespace orrery
