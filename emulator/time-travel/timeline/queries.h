// The next match of a query along a run, or the last one: "the next system call of task 7", "the last write to
// this address", "the last breakpoint". What Navigation goes by.
//
// A match is an event of the machine. Where it leads: forwards to the boundary after it; backwards, where it
// lies in an instruction (a watched access), to the boundary right before that, as gdb goes back to a
// watchpoint, else to the same boundary as forwards. An instruction that is about to run (a breakpoint, a
// context switch) is before it both ways. The one that the machine stands at does not count.
#pragma once

#include <functional>
#include <optional>

#include "emulator/points/stop_points.h"
#include "emulator/time-travel/timeline/probe.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

// A boundary between two instructions, more than one of which can have the same moment.
struct Position {
    Moment moment;
    unsigned cpu = 0;  // whose turn it is
    u64 rip = 0;       // and where it stands
    bool operator==(const Position&) const = default;
};
Position position_of(const Machine& machine);
// Goes there.
void arrive(TimeMachine& time, const Position& position);
// To the boundary right before an instruction: of those with one instruction count, the last.
void arrive_before(TimeMachine& time, u64 instructions, unsigned cpu, u64 rip);

class Search {
  public:
    // All must outlive it. Throws QueryError. `points`: matches too.
    Search(TimeMachine& time, const GuestOs& os, Query query, StopPoints points = {});

    // Of the query's matches only those count for which this holds, asked while the machine is at them.
    void only(std::function<bool(const Event&)> filter) { filter_ = std::move(filter); }
    // Other points from now on.
    void set_points(StopPoints points) { points_ = std::move(points); }

    // Runs on to the next match and stops there; or as far as the limits, or to where somebody else has it
    // stop. Slice by slice it comes to the same place as at once.
    struct Outcome {
        std::optional<Event> match;
        StopReason reason = StopReason::Requested;  // of the machine
    };
    Outcome forwards(const RunLimits& limits);

    // The last match before now, and leaves the machine anywhere. `worth` as in TimeMachine::backwards().
    // Throws TimeError where there is no way back.
    std::optional<Event> find_last(const TimeMachine::Worth& worth = nullptr);
    // Told, in find_last(), of each match, while the machine is within the instruction that makes it. The
    // last one told of is the one that is found, but for Query::What::SystemReturn.
    void on_match(std::function<void(const Event&)> hook) { match_hook_ = std::move(hook); }
    // Goes to where a match leads to when one goes back to it.
    void land(const Event& match);

  private:
    // An event that may be a match: of a return to a program, whether it ends a call is known once the task's
    // last entry or return before is.
    struct Open {
        Event event;
        u64 task;
    };
    void arm_all(ArmedPoints& armed) const;
    u32 kinds() const { return probe_.kinds() | (points_.empty() ? 0 : kPointEvents); }
    Probe::Answer look(const Event& event);
    void look_through(Moment until);
    void look_up_to(const Position& now);
    void note(const Event& event, Probe::Answer answer, u64 task);
    bool settle(std::vector<Open> later);
    bool was_in_call(u64 task, Moment before);

    TimeMachine& time_;
    Machine& machine_;
    Probe probe_;
    StopPoints points_;
    std::function<bool(const Event&)> filter_;
    std::function<void(const Event&)> match_hook_;
    std::optional<Position> begin_;  // of a search forwards that has found nothing yet
    std::optional<Event> last_;      // match of the stretch being looked through, or of later ones
    std::vector<Open> open_;         // in order, all later than last_
};

}  // namespace orrery
