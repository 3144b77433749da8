// What gdb asks a machine to do, forwards and backwards, and why it stopped: navigation in gdb's words.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <tuple>

#include "emulator/time-travel/timeline/navigation.h"

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
    explicit GdbExecution(TimeMachine& time) : machine_(time.machine()), navigation_(time) {}
    GdbExecution(const GdbExecution&) = delete;
    GdbExecution& operator=(const GdbExecution&) = delete;

    // `type`: '0' software and '1' hardware breakpoint (which are the same), '2' write, '3' read, '4' access
    // watchpoint, on `length` linear bytes. insert(): false where there cannot be one; a second time does
    // nothing. remove(): false where there is none.
    bool insert(char type, u64 address, u64 length);
    bool remove(char type, u64 address, u64 length);
    void clear();

    // Asked now and then while it goes back: whether it is to go on.
    void watch(GoOn go_on) { navigation_.watch(std::move(go_on)); }
    // Begins to run on, or one instruction of one CPU; the others run as it is their turn.
    void begin_run() { navigation_.begin({going::Run{}}); }
    void begin_step(unsigned cpu) { navigation_.begin({going::Step{}, false, cpu}); }
    // The same backwards.
    void begin_run_back() { navigation_.begin({going::Run{}, true}); }
    void begin_step_back(unsigned cpu) { navigation_.begin({going::Step{}, true, cpu}); }
    // A slice of what was begun; backwards all of it. Throws TimeError where there is no way back.
    GdbStop go(const RunLimits& slice);

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
    void tell_points();

    Machine& machine_;
    std::set<Point> points_;
    Navigation navigation_;
};

}  // namespace orrery
