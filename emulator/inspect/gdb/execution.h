// What gdb asks a machine to do, forwards and backwards, and why it stopped: the part of the stub that runs
// things.
//
// Forwards a machine runs a slice at a time, so that whoever drives it can look after other things in
// between; all slices of one command stop where one run would. Backwards a command is done at once. Either
// way is watching: the machine's states are what they would be without.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <tuple>

#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

struct GdbStop {
    enum class Reason : u8 {
        None,          // goes on: the slice is over
        Step,          // the step asked for is made
        Breakpoint,    // before the instruction at a breakpoint
        Watchpoint,    // forwards after, backwards before the instruction that makes the access
        Interrupt,     // somebody said so
        HistoryBegin,  // where what is known of the past begins
        HistoryEnd,    // the machine has ended, or what is recorded of it
    };
    Reason reason = Reason::None;
    unsigned cpu = 0;                         // whose thread it is about
    char type = '0';                          // of the breakpoint or watchpoint, as in packet Z
    u64 address = 0;                          // of a watchpoint: what was accessed
    StopReason machine = StopReason::Budget;  // how its last slice ended
};

class GdbExecution {
  public:
    explicit GdbExecution(TimeMachine& time) : time_(time), machine_(time.machine()) {}
    ~GdbExecution() { clear(); }
    GdbExecution(const GdbExecution&) = delete;
    GdbExecution& operator=(const GdbExecution&) = delete;

    // `type`: '0' software and '1' hardware breakpoint (which are the same), '2' write, '3' read, '4' access
    // watchpoint, on `length` linear bytes. insert(): false where there cannot be one; a second time does
    // nothing. remove(): false where there is none.
    bool insert(char type, u64 address, u64 length);
    bool remove(char type, u64 address, u64 length);
    void clear();

    // Begins to run on, or one instruction of one CPU; the others run as it is their turn.
    void begin_run() { step_cpu_.reset(); }
    void begin_step(unsigned cpu);
    // A slice of what was begun.
    GdbStop go(const RunLimits& slice);

    // Back to the last stop before now, or to the beginning. `interrupted` is asked now and then. Both throw
    // TimeError where there is no way back.
    GdbStop run_back(const std::function<bool()>& interrupted);
    // To before this CPU's last instruction.
    GdbStop step_back(unsigned cpu);

    // A stop that is about the CPU whose turn it is.
    GdbStop here(GdbStop::Reason reason) const;

  private:
    struct Point {
        char type;
        u64 address, length;
        bool operator<(const Point& other) const {
            return std::tie(type, address, length) < std::tie(other.type, other.address, other.length);
        }
    };
    // Where a run is stopped for a point.
    struct Hit {
        GdbStop stop;
        u64 instructions, rip;  // the boundary before the instruction
    };

    static bool is_code(const Point& point) { return point.type <= '1'; }
    static DataPoint data_point(const Point& point);
    void disarm(const Point& point);
    std::optional<Hit> hit_by(const Event& event) const;
    GdbStop run_slice(const RunLimits& slice);
    GdbStop step_slice(const RunLimits& slice);
    GdbStop after_slice(StopReason reason, const std::optional<Hit>& hit);
    void arrive(u64 instructions, unsigned cpu, u64 rip);
    GdbStop step_back_alone(unsigned cpu);

    TimeMachine& time_;
    Machine& machine_;
    std::set<Point> points_;
    std::optional<unsigned> step_cpu_;
    u64 step_from_ = 0;  // that CPU's own instructions
};

}  // namespace orrery
