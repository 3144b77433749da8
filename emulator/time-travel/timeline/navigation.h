// Going somewhere in a run: by steps, over calls, out of functions, to a place, a breakpoint or a query's
// match; forwards and backwards; of a chosen CPU, or of whichever runs. The window, gdb and the command line
// all go by this, so the same motion ends at the same moment in each.
//
// Forwards a journey is made in slices, so that whoever drives the machine can look after other things in
// between; all slices come to where one run would. Backwards it is made at once, by running parts of the past
// again; where it is stopped or finds nothing, the machine is back where it was.
//
// All of it is watching: the machine's states are what they would be without. A stop is at an instruction
// boundary; at a breakpoint before its instruction; at a watchpoint after the access, and backwards before
// the instruction that makes it. The breakpoint that the machine stands at does not count.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <variant>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/points/stop_points.h"
#include "emulator/time-travel/timeline/progress.h"
#include "emulator/time-travel/timeline/queries.h"

namespace orrery {

namespace going {

// To a breakpoint or watchpoint; backwards, where there is none, to where history begins.
struct Run {};
// One instruction. Of a chosen CPU: the others run as it is their turn, and backwards it is gone to right
// before the last one that this CPU has completed.
struct Step {};
// The same, a call or a repeated string instruction to its end. Backwards to the call, past breakpoints.
struct Over {};
// Until the function has returned. Backwards to its call, or, in the kernel, to the program's instruction by
// which it was entered, past breakpoints.
struct Out {};
// To before the instruction at a linear address.
struct Place {
    u64 linear = 0;
};
// To a query's match.
struct Match {
    Query query;
    // Of them only where this holds, asked while the machine is there; empty: all.
    std::function<bool(const Event&)> only = nullptr;
};

// Forwards, to where the guest waits for input: it does nothing but tick, and this holds (empty: at once).
struct Waiting {
    std::function<bool()> too = nullptr;
};

}  // namespace going

using Destination = std::variant<going::Run, going::Step, going::Over, going::Out, going::Place, going::Match,
                                 going::Waiting>;

struct Journey {
    Destination to;
    bool back = false;
    // Whose steps and functions are meant; none: those of whichever CPU runs.
    std::optional<unsigned> cpu = std::nullopt;
};

struct Arrival {
    enum class Why : u8 {
        UnderWay,      // the slice is over, and there is more to do
        Done,          // what was asked for
        Point,         // one of stop_at()
        Requested,     // Machine::request_stop(), by somebody else
        Stopped,       // it was not to go on: the machine is where it was
        None,          // there is none such: likewise
        HistoryBegin,  // where what is known of the past begins
        HistoryEnd,    // the machine has ended, or what is recorded of it
    };
    Why why = Why::UnderWay;
    unsigned cpu = 0;                         // whom it is about
    std::optional<StopPoint> point;           // which one
    std::optional<Event> event;               // what it arrived at, of a point or a match
    StopReason machine = StopReason::Budget;  // how the last slice ended
};

// A journey forwards.
class Errand;

class Navigation {
  public:
    // Both must outlive it.
    explicit Navigation(TimeMachine& time, const GuestOs& os = unknown_os());
    ~Navigation();
    Navigation(const Navigation&) = delete;
    Navigation& operator=(const Navigation&) = delete;

    // The points that stop it, also of a journey that is under way.
    void stop_at(StopPoints points);
    // Told of how far it is while it goes back, or a long way by go_to(); false ends that. Null: nobody is.
    void watch(GoOn go_on) { go_on_ = std::move(go_on); }

    // Sets out on a journey; the one before is given up. Throws QueryError.
    void begin(const Journey& journey);
    // On with it: forwards for a slice, backwards to its end. Throws TimeError where there is no way back.
    Arrival go_on(const RunLimits& slice);
    // All of a journey; `limits` forwards.
    Arrival go(const Journey& journey, const RunLimits& limits = {});
    // To an instruction count, or a moment. Done or Stopped.
    Arrival go_to(u64 instructions);
    Arrival go_to(Moment moment);
    // Has something that may look through the past (a model) do so: false where it was stopped.
    bool look(const std::function<void()>& something);

    TimeMachine& time() { return time_; }
    const GuestOs& os() const { return os_; }

  private:
    Arrival arrived(Arrival::Why why) const;
    Arrival back(const Journey& journey);
    Arrival back_to_match(Query query, std::function<bool(const Event&)> only, bool points);
    Arrival back_any();
    Arrival back_one(std::optional<unsigned> cpu);
    Arrival back_over(std::optional<unsigned> cpu);
    Arrival back_out(std::optional<unsigned> cpu);

    TimeMachine& time_;
    Machine& machine_;
    const GuestOs& os_;
    StopPoints points_;
    GoOn go_on_;
    std::optional<Journey> journey_;
    std::unique_ptr<Errand> errand_;
};

}  // namespace orrery
