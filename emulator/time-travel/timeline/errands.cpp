// Runs and steps forwards, made of the machine's events: a stop asked for in a Breakpoint or Instruction event
// leaves the machine before the instruction, in any other after the one that made the event.
#include "emulator/time-travel/timeline/errands.h"

#include <algorithm>

#include "emulator/points/flow.h"
#include "emulator/time-travel/timeline/quiet_guest.h"

namespace orrery {
namespace {

using Why = Arrival::Why;

constexpr u64 kFrameSpan = u64{1} << 20;  // further up is another task's stack
constexpr u64 kReturnSpan = 2048;         // what a return may pop of arguments; the kernel's stacks are pages

// A function's frame. Its task may be put on another CPU meanwhile.
struct Frame {
    explicit Frame(const Cpu& cpu) : ring(cpu.cpl), stack(cpu.gpr[kRsp]), space(cpu.cr3) {}
    // Whether a CPU stands in it, or in one that it was called from.
    bool holds(const Cpu& cpu) const { return is_within(cpu, kFrameSpan); }
    // Whether a CPU has come back to it from a call.
    bool is_back(const Cpu& cpu) const { return is_within(cpu, kReturnSpan); }
    // In ring 0 every task has a stack of its own, and may run in whatever address space was there before it.
    bool is_within(const Cpu& cpu, u64 span) const {
        return cpu.cpl == ring && cpu.gpr[kRsp] - stack < span &&
               (ring == 0 || ((cpu.cr3 ^ space) & pte::kAddress) == 0);
    }
    unsigned ring;
    u64 stack;  // RSP
    u64 space;  // CR3
};

// What a slice of the machine means where nothing was arrived at.
Arrival after_slice(const Machine& machine, StopReason reason) {
    Arrival arrival;
    arrival.cpu = machine.cpu().id;
    arrival.machine = reason;
    arrival.why = reason == StopReason::Requested ? Why::Requested : Why::UnderWay;
    return arrival;
}

Arrival at_event(const Event& event, const StopPoints& points) {
    Arrival arrival;
    arrival.why = Why::Done;
    arrival.cpu = event.cpu;
    arrival.event = event;
    arrival.machine = StopReason::Requested;
    if (const StopPoint* point = reached_by(points, event)) {
        arrival.why = Why::Point;
        arrival.point = *point;
    }
    return arrival;
}

// To a match or a point.
class SearchErrand : public Errand {
  public:
    SearchErrand(TimeMachine& time, const GuestOs& os, Query query, const StopPoints& points,
                 std::function<bool(const Event&)> only = nullptr)
        : machine_(time.machine()), points_(points), search_(time, os, std::move(query), points) {
        search_.only(std::move(only));
    }
    Arrival go_on(const RunLimits& slice) override {
        const Search::Outcome outcome = search_.forwards(slice);
        return outcome.match ? at_event(*outcome.match, points_) : after_slice(machine_, outcome.reason);
    }
    void set_points(const StopPoints& points) override {
        points_ = points;
        search_.set_points(points);
    }

  private:
    Machine& machine_;
    StopPoints points_;
    Search search_;
};

// To the end of a call: the same place in a deeper one, or in another process, is not.
std::unique_ptr<SearchErrand> to_frame(TimeMachine& time, const GuestOs& os, const StopPoints& points,
                                       u64 place, const Frame& frame) {
    Machine& machine = time.machine();
    return std::make_unique<SearchErrand>(
        time, os, code_query(place), points,
        [&machine, frame](const Event& event) { return frame.is_back(machine.cpu(event.cpu)); });
}

// One instruction of a CPU, or of whichever runs.
class StepErrand : public Errand {
  public:
    StepErrand(TimeMachine& time, std::optional<unsigned> cpu, const StopPoints& points)
        : time_(time), machine_(time.machine()), points_(points), cpu_(cpu), from_(executed()) {}

    // First to where it is this CPU's turn, then over the instruction.
    Arrival go_on(const RunLimits& slice) override {
        std::optional<Event> hit;
        const bool waits_for_turn = cpu_ && machine_.cpu_count() > 1;
        ArmedPoints armed(machine_.observers());
        for (const StopPoint& point : points_)
            if (point.data || waits_for_turn) arm(armed, {point});
        const u32 kinds = armed.empty() ? 0 : kPointEvents;
        const Subscription watch(machine_.observers(), kinds, [&](const Event& event) {
            // The instruction that is stepped may have a breakpoint of its own.
            if (event.kind() == EventKind::Breakpoint && is_stepped(event)) return;
            if (!hit && reached_by(points_, event) != nullptr) hit = event;
            if (hit) machine_.request_stop();
        });
        bool arrived = !waits_for_turn;
        StopReason reason = StopReason::Budget;
        if (!arrived) {
            const Subscription turn(machine_.observers(), Observers::bit(EventKind::Instruction),
                                    [&](const Event& event) {
                                        arrived = arrived || (is_stepped(event) && !hit);
                                        if (arrived) machine_.request_stop();
                                    });
            reason = time_.run(slice);
        }
        if (arrived && !machine_.ended())
            reason = time_.run({machine_.moment().instructions + 1, slice.ticks});
        if (hit) return at_event(*hit, points_);
        Arrival arrival = after_slice(machine_, reason);
        if (executed() == from_) return arrival;
        arrival.why = Why::Done;
        if (cpu_) arrival.cpu = *cpu_;
        return arrival;
    }
    void set_points(const StopPoints& points) override { points_ = points; }

  private:
    bool is_stepped(const Event& event) const { return !cpu_ || event.cpu == *cpu_; }
    u64 executed() const {
        return cpu_ ? machine_.cpu(*cpu_).own_instructions() : machine_.moment().instructions;
    }

    TimeMachine& time_;
    Machine& machine_;
    StopPoints points_;
    std::optional<unsigned> cpu_;
    u64 from_;
};

// Until the present function has returned: from instruction to instruction, calls in it at full speed.
class OutErrand : public Errand {
  public:
    OutErrand(TimeMachine& time, const GuestOs& os, std::optional<unsigned> cpu, const StopPoints& points)
        : time_(time),
          os_(os),
          machine_(time.machine()),
          points_(points),
          cpu_(cpu.value_or(machine_.cpu().id)),
          frame_(machine_.cpu(cpu_)) {
        set_out();
    }

    Arrival go_on(const RunLimits& slice) override {
        for (;;) {
            const Cpu& cpu = machine_.cpu(cpu_);
            const FlowHere here = flow_at_rip(machine_, cpu);
            if (!call_ && is_call(here.flow) && cpu.cpl == frame_.ring) {
                Frame caller = frame_;
                caller.stack = cpu.gpr[kRsp];
                call_ = to_frame(time_, os_, points_, linear_rip(cpu) + here.length, caller);
            }
            if (!call_) {
                const Arrival arrival = to_call_or_return(slice);
                if (returned_ || arrival.why != Why::Done) return arrival;
                continue;
            }
            const Arrival arrival = call_->go_on(slice);
            if (arrival.why != Why::Done) return arrival;
            call_.reset();
            cpu_ = arrival.cpu;
            set_out();
        }
    }
    void set_points(const StopPoints& points) override {
        points_ = points;
        if (call_) call_->set_points(points);
    }

  private:
    // From where the machine stands, one instruction after the other.
    void set_out() {
        begin_ = position_of(machine_);
        at_return_ = is_at_return(machine_.cpu(cpu_));
    }
    // Before a return instruction of this frame or an outer one.
    bool is_at_return(const Cpu& cpu) {
        return frame_.holds(cpu) && is_return(flow_at_rip(machine_, cpu).flow);
    }
    // A return from the kernel to the program ends the kernel's frame, wherever its stack is.
    bool is_outside(const Cpu& cpu) const {
        return cpu.gpr[kRsp] - frame_.stack - 1 < kFrameSpan || cpu.cpl == 3;
    }

    // One instruction after the other, to a call in the function or to where its return has led.
    Arrival to_call_or_return(const RunLimits& slice) {
        const Cpu& cpu = machine_.cpu(cpu_);
        bool done = false;
        std::optional<Event> hit;
        StopReason reason;
        {
            ArmedPoints armed(machine_.observers());
            arm(armed, points_);
            const u32 kinds = Observers::bit(EventKind::Instruction) | (points_.empty() ? 0 : kPointEvents);
            const Subscription watch(machine_.observers(), kinds, [&](const Event& event) {
                const bool is_code = event.kind() != EventKind::DataAccess;
                // Where one stands does not count.
                if (is_code && Position{event.moment, event.cpu, event.rip} == begin_) return;
                if (reached_by(points_, event) != nullptr) {
                    if (!hit) hit = event;
                } else if (event.kind() == EventKind::Instruction && event.cpu == cpu_ && !done) {
                    returned_ = at_return_ && is_outside(cpu);
                    at_return_ = is_at_return(cpu);
                    done = returned_ || (cpu.cpl == frame_.ring && is_call(flow_at_rip(machine_, cpu).flow));
                }
                if (hit || done) machine_.request_stop();
            });
            reason = time_.run(slice);
        }
        Arrival arrival = after_slice(machine_, reason);
        if (hit) {
            returned_ = false;
            return at_event(*hit, points_);
        }
        if (!done) return arrival;
        arrival.why = Why::Done;
        arrival.cpu = cpu_;
        return arrival;
    }

    TimeMachine& time_;
    const GuestOs& os_;
    Machine& machine_;
    StopPoints points_;
    unsigned cpu_;
    Frame frame_;
    Position begin_;          // where it set out, of the function's own instructions
    bool at_return_ = false;  // the last of them is a return
    bool returned_ = false;
    std::unique_ptr<SearchErrand> call_;  // a call in the function, under way
};

// To where the guest waits, told slice by slice of virtual time.
class WaitErrand : public Errand {
  public:
    WaitErrand(TimeMachine& time, const GuestOs& os, const StopPoints& points, std::function<bool()> too)
        : machine_(time.machine()), run_(time, os, code_query(std::nullopt), points), too_(std::move(too)) {
        next();
    }

    Arrival go_on(const RunLimits& slice) override {
        for (;;) {
            Arrival arrival = run_.go_on({slice.instructions, std::min(slice.ticks, end_)});
            if (arrival.why != Why::UnderWay || machine_.ended()) return arrival;
            const Moment now = machine_.moment();
            if (now.ticks >= end_) {
                guest_.ran(now.instructions - begin_, true);
                next();
                if (guest_.waits() && (!too_ || too_())) arrival.why = Why::Done;
            }
            const bool over = now.ticks >= slice.ticks || machine_.spent() >= slice.instructions;
            if (over || arrival.why == Why::Done) return arrival;
        }
    }
    void set_points(const StopPoints& points) override { run_.set_points(points); }

  private:
    void next() {
        begin_ = machine_.moment().instructions;
        end_ = machine_.moment().ticks + QuietGuest::kSlice;
    }

    Machine& machine_;
    SearchErrand run_;
    std::function<bool()> too_;
    QuietGuest guest_;
    u64 begin_ = 0;  // of the slice of virtual time: instructions …
    Ticks end_ = 0;  // … and its end
};

std::unique_ptr<Errand> over(TimeMachine& time, const GuestOs& os, std::optional<unsigned> chosen,
                             const StopPoints& points) {
    Machine& machine = time.machine();
    const Cpu& cpu = machine.cpu(chosen.value_or(machine.cpu().id));
    const FlowHere here = flow_at_rip(machine, cpu);
    if (!is_call(here.flow) && !here.repeats) return std::make_unique<StepErrand>(time, chosen, points);
    return to_frame(time, os, points, linear_rip(cpu) + here.length, Frame(cpu));
}

}  // namespace

std::unique_ptr<Errand> make_errand(TimeMachine& time, const GuestOs& os, const Journey& journey,
                                    const StopPoints& points) {
    struct Maker {
        std::unique_ptr<Errand> operator()(const going::Run&) const {
            return std::make_unique<SearchErrand>(time, os, code_query(std::nullopt), points);
        }
        std::unique_ptr<Errand> operator()(const going::Step&) const {
            return std::make_unique<StepErrand>(time, cpu, points);
        }
        std::unique_ptr<Errand> operator()(const going::Over&) const { return over(time, os, cpu, points); }
        std::unique_ptr<Errand> operator()(const going::Out&) const {
            return std::make_unique<OutErrand>(time, os, cpu, points);
        }
        std::unique_ptr<Errand> operator()(const going::Place& place) const {
            return std::make_unique<SearchErrand>(time, os, code_query(place.linear), points);
        }
        std::unique_ptr<Errand> operator()(const going::Match& match) const {
            Query query = match.query;
            if (!query.cpu) query.cpu = cpu;
            return std::make_unique<SearchErrand>(time, os, query, points, match.only);
        }
        std::unique_ptr<Errand> operator()(const going::Waiting& waiting) const {
            return std::make_unique<WaitErrand>(time, os, points, waiting.too);
        }
        TimeMachine& time;
        const GuestOs& os;
        std::optional<unsigned> cpu;
        const StopPoints& points;
    };
    return std::visit(Maker{time, os, journey.cpu, points}, journey.to);
}

}  // namespace orrery
