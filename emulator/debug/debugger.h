// Running a machine as a person debugs it: to a breakpoint, one instruction, over a call, out of a function,
// to the next ring crossing.
//
// All of it is watching: the machine's state at any instruction count is the same however one got there.
// Stops are at instruction boundaries; at a breakpoint, before its instruction.
#pragma once

#include <functional>
#include <string>

#include "emulator/debug/breakpoints.h"
#include "emulator/machine/machine.h"

namespace orrery {

enum class StopCause : u8 {
    Done,        // the step asked for is made
    Breakpoint,  // breakpoint() says which
    Limit,       // the instruction or time limit was reached first
    Requested,   // Machine::request_stop()
    Idle,        // the guest is halted, and the limit in time was reached
    Ended,       // power-off, reset, debug exit, triple fault: Machine::ended()
};

class Debugger {
  public:
    explicit Debugger(Machine& machine) : machine_(machine) {}

    BreakpointSet& breakpoints() { return breakpoints_; }
    const BreakpointSet& breakpoints() const { return breakpoints_; }
    // The id of the breakpoint of the last stop, 0 if it was another cause.
    unsigned stopped_at() const { return stopped_at_; }

    // On to a breakpoint or a limit. Without breakpoints at full speed. One at the present RIP does not
    // count.
    StopCause run(const RunLimits& limits);

    // One instruction, or the delivery of an event.
    StopCause step();
    // As step, but a CALL, INT, SYSCALL or repeated string instruction runs to its end: to the instruction
    // after it, in the same frame. Breakpoints on the way stop it.
    StopCause step_over(const RunLimits& limits);
    // Until the present function has returned to its caller.
    StopCause step_out(const RunLimits& limits);
    // To the first instruction after the next change between ring 3 and ring 0, at full speed.
    StopCause next_ring_crossing(const RunLimits& limits);
    // As run, but stops at `address` too.
    StopCause run_to(u64 address, const RunLimits& limits);

  private:
    // Runs and looks before each instruction whether `wanted` holds. Empty: breakpoints only.
    StopCause run_watching(const RunLimits& limits, const std::function<bool(const Event&)>& wanted);
    StopCause run_events(const RunLimits& limits, u32 kinds, const std::function<bool(const Event&)>& wanted);
    static StopCause cause_of(StopReason reason);

    Machine& machine_;
    BreakpointSet breakpoints_;
    unsigned stopped_at_ = 0;
};

}  // namespace orrery
