// Which virtual CPU runs next, and for how long: drawn from the seed, so that one seed is one interleaving.
//
// The CPUs take turns on one thread, and one instruction is never cut: memory order is sequential
// consistency, which is stronger than x86's. A turn (quantum) is counted in instructions and ends early where
// its CPU halts, waits (MWAIT) or executes PAUSE. While all other CPUs wait, a turn has no end; the first of
// them to be woken gives it one.
//
// Virtual time: in a turn that `sharing()` CPUs have a part in, the common clock advances by a cycle for
// every sharing() cycles executed. So N busy CPUs do N cycles' work per cycle of the clock, and the
// time-stamp counters of all CPUs stay one counter, which never goes back.
#pragma once

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

class Interleaver {
  public:
    static constexpr u64 kNoEnd = ~u64{0};

    // `cpus`: 1 to 8.
    Interleaver(unsigned cpus, u64 seed) : cpus_(cpus), random_(seed) {}

    // Power-on: the bootstrap processor's turn.
    void reset(u64 seed);

    unsigned current() const { return current_; }
    // The machine's instruction count at which the present turn ends, kNoEnd if it does not.
    u64 end() const { return end_; }
    // How many CPUs ran when the turn began, at least 1.
    unsigned sharing() const { return sharing_; }

    // Begins a turn at the instruction count `now`. `ready`: a bit per CPU that can run, not 0. Another CPU
    // than the last one is chosen if there is one.
    void begin(u64 now, u32 ready);
    // The running CPU gives up the rest of its turn, after the instruction that makes the count `now`.
    void yield(u64 now) {
        if (end_ != kNoEnd && now < end_) end_ = now;
    }
    // Another CPU can run now.
    void wake(u64 now) {
        if (end_ == kNoEnd && cpus_ > 1) end_ = now + draw_length();
    }

    void visit(Archive& archive);

  private:
    u64 draw();
    u64 draw_length();

    unsigned cpus_;
    unsigned current_ = 0;
    unsigned sharing_ = 1;
    u64 end_ = kNoEnd;
    u64 random_;
};

}  // namespace orrery
