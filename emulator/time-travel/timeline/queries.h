// Running to the next match of a query, or back to the last one: "the next system call of task 7", "the last
// write to this address".
//
// A match is an event of the machine. Where it leads: forwards to the boundary after it; backwards, for what
// Probe::lands_before() says, to the boundary right before the instruction that makes it (as gdb goes back to
// a watchpoint), else to the same boundary as forwards. An instruction that is about to run (a breakpoint, a
// context switch) is before it both ways. The one that the machine stands at does not count.
#pragma once

#include <functional>
#include <optional>

#include "emulator/time-travel/timeline/probe.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

class Search {
  public:
    // Both must outlive it. Throws QueryError.
    Search(TimeMachine& time, const GuestOs& os, Query query);

    // Runs on to the next match and stops there. Nothing: a limit, a stop that somebody asked for, or the
    // machine's end came before.
    std::optional<Event> forwards(const RunLimits& limits);

    // Goes back to the last match before now. Nothing: there is none, and the machine is where history
    // begins; or `interrupted` (asked now and then) said so, and it is anywhere. `worth` as in
    // TimeMachine::backwards(). Throws TimeError where there is no way back.
    std::optional<Event> backwards(const std::function<bool()>& interrupted = nullptr,
                                   const TimeMachine::Worth& worth = nullptr);
    // The same, and leaves the machine anywhere: for who wants the event alone.
    std::optional<Event> find_last(const std::function<bool()>& interrupted = nullptr,
                                   const TimeMachine::Worth& worth = nullptr);

    // Told, in find_last(), of each match, while the machine is within the instruction that makes it. The
    // last one told of is the one that is found, but for Query::What::SystemReturn.
    void on_match(std::function<void(const Event&)> hook) { match_hook_ = std::move(hook); }
    // Goes to where a match leads to when one goes back to it.
    void land(const Event& match);

    const Probe& probe() const { return probe_; }

  private:
    struct Position {
        Moment moment;
        u64 rip;
        bool operator==(const Position&) const = default;
    };
    // An event that may be a match: of a return to a program, whether it ends a call is known once the task's
    // last entry or return before is.
    struct Open {
        Event event;
        u64 task;
    };
    Position position() const;
    void look_through(Moment until);
    void look_up_to(const Position& now);
    void note(const Event& event, Probe::Answer answer, u64 task);
    bool settle(std::vector<Open> later);
    bool was_in_call(u64 task, Moment before);

    TimeMachine& time_;
    Machine& machine_;
    Probe probe_;
    std::function<void(const Event&)> match_hook_;
    std::optional<Event> last_;  // match of the stretch being looked through, or of later ones
    std::vector<Open> open_;     // in order, all later than last_
};

// Goes to a boundary by its moment and RIP: more than one can have the same moment.
void arrive(TimeMachine& time, Moment moment, u64 rip);

}  // namespace orrery
