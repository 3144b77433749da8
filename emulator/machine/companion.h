// Who rides along with a run: plays logged inputs, takes snapshots, writes a recording's chain of hashes.
//
// Machine::run() stops for a companion where it asks, at an instruction boundary like any other stop, and
// then goes on; whoever called run() notices nothing. A companion changes the machine's state by
// Machine::input() only.
#pragma once

#include "emulator/core/observe/events.h"
#include "emulator/isa/types.h"

namespace orrery {

class Companion {
  public:
    virtual ~Companion() = default;

    // Where reached() is to be called next: at the first boundary where as many instructions are complete, or
    // as much virtual time has passed, whichever is first (~0: never).
    struct Waypoint {
        u64 instructions = ~u64{0};
        u64 ticks = ~u64{0};
    };
    // Looked at when a run begins, and after each reached(). One that lies in the past is reached at once.
    virtual Waypoint next() const = 0;
    virtual void reached() = 0;
    // Around each Machine::run().
    virtual void run_begins() {}
    virtual void run_ends() {}
};

}  // namespace orrery
