// The journeys backwards: the last place at which something holds, found by running parts of the past again.
#include <algorithm>

#include "emulator/points/flow.h"
#include "emulator/time-travel/timeline/errands.h"
#include "emulator/time-travel/timeline/navigation.h"

namespace orrery {
namespace {

using Why = Arrival::Why;

// How far back the caller of a function is looked for, in instructions: each window costs more.
constexpr u64 kWindows[] = {20'000, 400'000, 8'000'000, 40'000'000};
constexpr u64 kStackSpan = u64{1} << 20;  // further away is another task's stack
// So much of the past is looked at instruction by instruction where others' turns are passed over.
constexpr u64 kClosely = 200'000;

// Where a CPU stands, as far as a frame is concerned.
struct Stand {
    explicit Stand(const Cpu& cpu)
        : id(cpu.id), ring(cpu.cpl), rip(cpu.rip()), stack(cpu.gpr[kRsp]), space(cpu.cr3) {}
    bool same_space(const Cpu& cpu) const { return ((cpu.cr3 ^ space) & pte::kAddress) == 0; }
    bool same_frame(const Cpu& cpu) const {
        return cpu.gpr[kRsp] == stack && cpu.cpl == ring && same_space(cpu);
    }
    unsigned id;
    unsigned ring;
    u64 rip, stack, space;
};

// Addresses of what may be the call that came back to `next`, by the bytes before it.
std::vector<u64> calls_before(Machine& machine, const Cpu& cpu, u64 next) {
    std::vector<u64> found;
    for (const u64 length : {5, 2, 3, 6, 7, 4, 8}) {
        const std::optional<Insn> insn = insn_at(machine, cpu, next - length);
        if (insn && insn->length == length && is_call(insn->row->flow)) found.push_back(next - length);
    }
    return found;
}

// Follows the instructions of a CPU's function and knows which calls are open: the last one of them is the
// function's own. A task in the kernel came by an instruction of its program.
class OpenCalls {
  public:
    OpenCalls(Machine& machine, const Stand& here) : machine_(machine), here_(here) {}

    // Before an instruction, or where the machine stands at the end.
    void look(const Cpu& cpu, const Position& position) {
        if (cpu.id != here_.id || !here_.same_space(cpu)) return;
        if (cpu.cpl == 3 && here_.ring == 0) {
            open_.clear();
            program_ = position;
            return;
        }
        const Stand now(cpu);
        if (cpu.cpl != here_.ring || now.stack - here_.stack + kStackSpan > 2 * kStackSpan) return;
        while (!open_.empty() && now.stack > open_.back().stack - 8) open_.pop_back();
        // A call leaves the address of the instruction behind it on the stack, and goes elsewhere.
        u64 back = 0;
        if (before_ && now.stack == before_->stack - 8 &&
            machine_.peek(cpu.id, now.stack, &back, sizeof back) == sizeof back && back > before_->rip &&
            back <= before_->rip + 8 && (now.rip <= before_->rip || now.rip >= back))
            open_.push_back({before_position_, before_->stack});
        before_ = now;
        before_position_ = position;
    }
    std::optional<Position> last() const { return open_.empty() ? program_ : open_.back().position; }

  private:
    struct Call {
        Position position;
        u64 stack;
    };
    Machine& machine_;
    Stand here_;
    std::vector<Call> open_;
    std::optional<Position> program_;
    std::optional<Stand> before_;
    Position before_position_;
};

std::vector<u64> own_instructions(const Machine& machine) {
    std::vector<u64> counts;
    for (unsigned id = 0; id < machine.cpu_count(); ++id)
        counts.push_back(machine.cpu(id).own_instructions());
    return counts;
}

// The call of the function that a CPU is in, looked for in the last `window` instructions before `from`.
std::optional<Position> find_caller(TimeMachine& time, const Position& from, const Stand& here, u64 window) {
    Machine& machine = time.machine();
    OpenCalls calls(machine, here);
    time.look_through(0);
    time.seek_instructions(from.moment.instructions - std::min(window, from.moment.instructions));
    time.look_through(from.moment.instructions - time.now().instructions);
    bool arrived = false;
    {
        const Subscription watch(machine.observers(), Observers::bit(EventKind::Instruction),
                                 [&](const Event& event) {
                                     const Position position{event.moment, event.cpu, event.rip};
                                     arrived = arrived || position == from;
                                     if (arrived)
                                         machine.request_stop();
                                     else
                                         calls.look(machine.cpu(event.cpu), position);
                                 });
        // Where it stands need not be the first boundary of its count.
        time.run_through({from.moment.instructions, kNever});
        while (!arrived && !(position_of(machine) == from) &&
               time.run({from.moment.instructions + 1, kNever}) == StopReason::Requested) {
        }
    }
    calls.look(machine.cpu(here.id), from);
    return calls.last();
}

}  // namespace

Arrival Navigation::back(const Journey& journey) {
    const Position origin = position_of(machine_);
    Arrival arrival;
    const bool there = look([&] {
        struct Way {
            Arrival operator()(const going::Run&) const {
                return nav.back_to_match(code_query(std::nullopt), nullptr, true);
            }
            Arrival operator()(const going::Step&) const { return nav.back_one(cpu); }
            Arrival operator()(const going::Over&) const { return nav.back_over(cpu); }
            Arrival operator()(const going::Out&) const { return nav.back_out(cpu); }
            Arrival operator()(const going::Place& place) const {
                return nav.back_to_match(code_query(place.linear), nullptr, true);
            }
            Arrival operator()(const going::Match& match) const {
                Query query = match.query;
                if (!query.cpu) query.cpu = cpu;
                return nav.back_to_match(query, match.only, true);
            }
            Arrival operator()(const going::Waiting&) const { return nav.arrived(Why::None); }
            Navigation& nav;
            std::optional<unsigned> cpu;
        };
        arrival = std::visit(Way{*this, journey.cpu}, journey.to);
        if (arrival.why != Why::None) return;
        if (std::holds_alternative<going::Run>(journey.to)) {
            time_.seek(time_.start());
            arrival = arrived(Why::HistoryBegin);
        } else {
            arrive(time_, origin);
        }
    });
    return there ? arrival : arrived(Why::Stopped);
}

Arrival Navigation::back_to_match(Query query, std::function<bool(const Event&)> only, bool points) {
    Search search(time_, os_, std::move(query), points ? points_ : StopPoints{});
    search.only(std::move(only));
    const std::optional<Event> found = search.find_last();
    if (!found) return arrived(Why::None);
    search.land(*found);
    Arrival arrival = arrived(Why::Done);
    arrival.cpu = found->cpu;
    arrival.event = found;
    if (const StopPoint* point = points ? reached_by(points_, *found) : nullptr) {
        arrival.why = Why::Point;
        arrival.point = *point;
    }
    return arrival;
}

// One instruction back, whoever made it: its turn need not have come yet where the machine then stands.
Arrival Navigation::back_any() {
    const std::vector<u64> before = own_instructions(machine_);
    Arrival arrival = arrived(time_.step_back() ? Why::Done : Why::HistoryBegin);
    const std::vector<u64> now = own_instructions(machine_);
    const auto stepped = std::mismatch(before.begin(), before.end(), now.begin()).first;
    if (stepped != before.end()) arrival.cpu = static_cast<unsigned>(stepped - before.begin());
    return arrival;
}

// Of a chosen one of several CPUs others' turns lie in between: as far back as this one has completed something,
// closer and closer, then instruction by instruction to the last of it.
Arrival Navigation::back_one(std::optional<unsigned> cpu) {
    if (!cpu || machine_.cpu_count() == 1) return back_any();
    const Cpu& stepped = machine_.cpu(*cpu);
    const u64 own = stepped.own_instructions(), start = time_.start().instructions;
    u64 end = time_.now().instructions, begin = end;
    const Position origin = position_of(machine_);
    for (u64 distance = 1; stepped.own_instructions() == own; distance *= 8) {
        if (begin <= start) {
            arrive(time_, origin);
            return arrived(Why::HistoryBegin);
        }
        end = begin;
        begin = end - std::min(distance, end - start);
        time_.seek_instructions(begin);
    }
    while (end - begin > kClosely) {
        const u64 middle = begin + (end - begin) / 2;
        time_.seek_instructions(middle);
        (stepped.own_instructions() == own ? end : begin) = middle;
    }
    time_.seek_instructions(begin);
    u64 instructions = 0, rip = 0;
    {
        const Subscription watch(machine_.observers(), Observers::bit(EventKind::Instruction),
                                 [&](const Event& event) {
                                     if (event.cpu != *cpu || event.moment.instructions >= end) return;
                                     instructions = event.moment.instructions;
                                     rip = event.rip;
                                 });
        time_.run_through({end, kNever});
    }
    arrive_before(time_, instructions, *cpu, rip);
    Arrival arrival = arrived(Why::Done);
    arrival.cpu = *cpu;
    return arrival;
}

// One instruction back; where that is the end of a call, back to the call. What an interrupt came back to is
// where it had come: from there one further back.
Arrival Navigation::back_over(std::optional<unsigned> cpu) {
    for (;;) {
        const Position from = position_of(machine_);
        std::vector<Stand> stands;
        for (unsigned id = 0; id < machine_.cpu_count(); ++id) stands.emplace_back(machine_.cpu(id));
        const Arrival before = back_one(cpu);
        if (before.why != Why::Done) return before;
        const Stand& here = stands[cpu.value_or(before.cpu)];
        const Cpu& came_from = machine_.cpu(here.id);
        const Position behind = position_of(machine_);
        const Flow flow = flow_at_rip(machine_, came_from).flow;
        if (!is_return(flow) || (came_from.cpl == here.ring && came_from.gpr[kRsp] >= here.stack))
            return before;
        std::vector<u64> places = calls_before(machine_, came_from, here.rip);
        const bool interrupt = flow == Flow::InterruptReturn;
        if (interrupt) places.insert(places.begin(), here.rip);
        Arrival found = arrived(Why::None);
        bool interrupted = false;
        for (const u64 place : places) {
            arrive(time_, from);
            found = back_to_match(
                code_query(place),
                [&](const Event& event) { return here.same_frame(machine_.cpu(event.cpu)); }, false);
            interrupted = interrupt && place == here.rip;
            if (found.why == Why::Done) break;
        }
        if (found.why != Why::Done) {
            arrive(time_, behind);
            return before;
        }
        if (!interrupted) return found;
        if (cpu) cpu = found.cpu;
    }
}

Arrival Navigation::back_out(std::optional<unsigned> cpu) {
    const Position from = position_of(machine_);
    const Stand here(machine_.cpu(cpu.value_or(from.cpu)));
    for (const u64 window : kWindows) {
        const std::optional<Position> found = find_caller(time_, from, here, window);
        if (found) {
            arrive(time_, *found);
            Arrival arrival = arrived(Why::Done);
            arrival.cpu = here.id;
            return arrival;
        }
        if (window >= from.moment.instructions) break;
    }
    return arrived(Why::None);
}

}  // namespace orrery
