// Running a machine as a person debugs it: to a breakpoint or watchpoint, one instruction, over a call, out
// of a function, to the next ring crossing.
//
// All of it is watching: the machine's state at any instruction count is the same however one got there.
// Stops are at instruction boundaries; at a breakpoint before its instruction, at a watchpoint after the
// access. The machine runs at full speed but for pages with a breakpoint or watched data
// (core/observe/watch_points.h).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "emulator/machine/machine.h"
#include "emulator/points/breakpoints.h"
#include "emulator/points/watchpoints.h"

namespace orrery {

enum class StopCause : u8 {
    Done,        // the step asked for is made
    Breakpoint,  // stopped_at() says which
    Watchpoint,  // stopped_at_watch() says which
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
    WatchpointSet& watchpoints() { return watchpoints_; }
    const WatchpointSet& watchpoints() const { return watchpoints_; }
    // The id of the breakpoint of the last stop, 0 if it was another cause.
    unsigned stopped_at() const { return stopped_at_; }
    // The watchpoint of the last stop and its access (the instruction's first one that matches).
    const std::optional<WatchHit>& stopped_at_watch() const { return watch_hit_; }

    // On to a breakpoint, a watchpoint or a limit. A breakpoint at the present RIP does not count.
    StopCause run(const RunLimits& limits);

    // One instruction, or the delivery of an event.
    StopCause step();
    // As step, but a CALL, INT, SYSCALL or repeated string instruction runs to its end: to the instruction
    // after it, in the same frame. Breakpoints on the way stop it. After a Limit or Idle the same call again
    // goes on with the step that was begun.
    StopCause step_over(const RunLimits& limits);
    // Until the present function has returned to its caller. Likewise.
    StopCause step_out(const RunLimits& limits);
    // To the first instruction after the next change between ring 3 and ring 0.
    StopCause next_ring_crossing(const RunLimits& limits);
    // As run, but stops at `address` (linear) too.
    StopCause run_to(u64 address, const RunLimits& limits);

  private:
    // A function's frame. Its task may be put on another CPU meanwhile.
    struct Frame {
        unsigned ring;
        u64 stack;  // RSP
        u64 space;  // CR3
        // Whether a CPU stands in it, or in one that it was called from.
        bool holds(const Cpu& cpu) const;
    };
    // A step that a limit interrupted.
    struct Unfinished {
        Frame frame;
        u64 place;  // step_over: where it ends; step_out: where the call being run ends, 0: none
        Moment at;
        u64 rip;
        u64 call_stack = 0;  // step_out: RSP of that call
    };
    using Wanted = std::function<bool(const Event&)>;

    // Runs, telling `wanted` of events of `kinds`; done where it returns true. `place`: a temporary
    // breakpoint, of which it is told too.
    StopCause run_watching(const RunLimits& limits, u32 kinds, std::optional<u64> place,
                           const Wanted& wanted);
    StopCause run_to_frame(const RunLimits& limits, u64 place, const Frame& frame);
    StopCause run_to_call_or_return(const RunLimits& limits, const Frame& frame, bool& returned);
    Frame present_frame() const;
    bool resumes(const std::optional<Unfinished>& step) const;
    StopCause keep(std::optional<Unfinished>& step, Unfinished unfinished, StopCause cause);
    static StopCause cause_of(StopReason reason);

    Machine& machine_;
    BreakpointSet breakpoints_;
    WatchpointSet watchpoints_;
    unsigned stopped_at_ = 0;
    std::optional<WatchHit> watch_hit_;
    std::optional<Unfinished> over_, out_;
};

}  // namespace orrery
