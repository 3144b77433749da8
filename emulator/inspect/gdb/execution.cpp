#include "emulator/inspect/gdb/execution.h"

#include <algorithm>

#include "emulator/points/armed_points.h"

namespace orrery {

namespace {

constexpr u64 kLongestWatch = 1 << 20;  // bytes

constexpr u32 kPointEvents = Observers::bit(EventKind::Breakpoint) | Observers::bit(EventKind::DataAccess);

// On to an instruction count, whoever else asks for stops.
void run_to(Machine& machine, u64 instructions) {
    while (machine.run({instructions, kNever}) == StopReason::Requested) {
    }
}

}  // namespace

DataPoint GdbExecution::data_point(const Point& point) {
    DataPoint data;
    data.address = point.address;
    data.size = point.length;
    data.writes = point.type != '3';
    data.reads = point.type != '2';
    return data;
}

bool GdbExecution::insert(char type, u64 address, u64 length) {
    const Point point{type, address, type <= '1' ? 1 : length};
    if (point.length == 0 || point.length > kLongestWatch || address + (point.length - 1) < address)
        return false;
    if (!points_.insert(point).second) return true;
    if (is_code(point))
        machine_.observers().points().add_code(address);
    else
        machine_.observers().points().add_data(data_point(point));
    return true;
}

void GdbExecution::disarm(const Point& point) {
    if (is_code(point))
        machine_.observers().points().remove_code(point.address);
    else
        machine_.observers().points().remove_data(data_point(point));
}

bool GdbExecution::remove(char type, u64 address, u64 length) {
    const Point point{type, address, type <= '1' ? 1 : length};
    if (points_.erase(point) == 0) return false;
    disarm(point);
    return true;
}

void GdbExecution::clear() {
    for (const Point& point : points_) disarm(point);
    points_.clear();
}

void GdbExecution::begin_step(unsigned cpu) {
    step_cpu_ = cpu;
    step_from_ = machine_.cpu(cpu).own_instructions();
}

GdbStop GdbExecution::here(GdbStop::Reason reason) const {
    GdbStop stop;
    stop.reason = reason;
    stop.cpu = machine_.cpu().id;
    return stop;
}

std::optional<GdbExecution::Hit> GdbExecution::hit_by(const Event& event) const {
    for (const Point& point : points_) {
        const auto* reached = event.get<event::Breakpoint>();
        const bool matches = reached != nullptr ? is_code(point) && point.address == reached->linear
                                                : !is_code(point) && data_point(point).matches(event);
        if (!matches) continue;
        GdbStop stop;
        stop.reason = is_code(point) ? GdbStop::Reason::Breakpoint : GdbStop::Reason::Watchpoint;
        stop.cpu = event.cpu;
        stop.type = point.type;
        // gdb looks for the address among those of its watchpoints.
        const auto* access = event.get<event::DataAccess>();
        stop.address = access == nullptr ? point.address : std::max(point.address, access->linear);
        return Hit{stop, event.moment.instructions, event.rip};
    }
    return std::nullopt;
}

// Where nobody here asked for the stop, it is the end of a recording, or somebody else's business.
GdbStop GdbExecution::after_slice(StopReason reason, const std::optional<Hit>& hit) {
    GdbStop stop = hit ? hit->stop : here(GdbStop::Reason::None);
    stop.machine = reason;
    const bool over = machine_.ended() || (time_.stops_at_end() && !time_.in_past());
    if (!hit && over) stop.reason = GdbStop::Reason::HistoryEnd;
    return stop;
}

GdbStop GdbExecution::run_slice(const RunLimits& slice) {
    std::optional<Hit> hit;
    const Subscription watch(machine_.observers(), kPointEvents, [&](const Event& event) {
        if (!hit) hit = hit_by(event);
        if (hit) machine_.request_stop();
    });
    return after_slice(machine_.run(slice), hit);
}

// First to where it is this CPU's turn, then over the instruction.
GdbStop GdbExecution::step_slice(const RunLimits& slice) {
    const Cpu& stepped = machine_.cpu(*step_cpu_);
    std::optional<Hit> hit;
    const Subscription watch(machine_.observers(), kPointEvents, [&](const Event& event) {
        // The instruction that is stepped may have a breakpoint of its own.
        if (event.kind() == EventKind::Breakpoint && event.cpu == stepped.id) return;
        if (!hit) hit = hit_by(event);
        if (hit) machine_.request_stop();
    });
    bool arrived = false;
    StopReason reason;
    {
        const Subscription turn(machine_.observers(), Observers::bit(EventKind::Instruction),
                                [&](const Event& event) {
                                    arrived = arrived || (event.cpu == stepped.id && !hit);
                                    if (arrived) machine_.request_stop();
                                });
        reason = machine_.run(slice);
    }
    if (arrived && !machine_.ended())
        reason = machine_.run({machine_.moment().instructions + 1, slice.ticks});
    GdbStop stop = after_slice(reason, hit);
    if (hit || stepped.own_instructions() == step_from_) return stop;
    stop.reason = GdbStop::Reason::Step;
    stop.cpu = stepped.id;
    return stop;
}

GdbStop GdbExecution::go(const RunLimits& slice) {
    if (machine_.ended() || (time_.stops_at_end() && !time_.in_past())) {
        GdbStop stop = here(GdbStop::Reason::HistoryEnd);
        stop.machine = machine_.ended().value_or(StopReason::Requested);
        return stop;
    }
    return step_cpu_ ? step_slice(slice) : run_slice(slice);
}

// To the boundary right before an instruction: of those with one instruction count, the last.
void GdbExecution::arrive(u64 instructions, unsigned cpu, u64 rip) {
    time_.seek_instructions(instructions);
    if (machine_.cpu().id == cpu && machine_.cpu().rip() == rip) return;
    bool there = false;
    const Subscription watch(
        machine_.observers(), Observers::bit(EventKind::Instruction), [&](const Event& event) {
            if (event.moment.instructions != instructions || event.cpu != cpu || event.rip != rip) return;
            there = true;
            machine_.request_stop();
        });
    while (!there && machine_.run({instructions + 1, kNever}) == StopReason::Requested) {
    }
}

GdbStop GdbExecution::run_back(const std::function<bool()>& interrupted) {
    std::optional<Hit> last;
    bool given_up = false;
    time_.backwards(time_.now(), [&](Moment, Moment end) {
        given_up = interrupted && interrupted();
        if (given_up) return true;
        const Subscription watch(machine_.observers(), kPointEvents, [&](const Event& event) {
            if (const std::optional<Hit> hit = hit_by(event)) last = hit;
        });
        run_to(machine_, end.instructions);
        return last.has_value();
    });
    if (given_up) return here(GdbStop::Reason::Interrupt);
    if (!last) {
        time_.seek(time_.start());
        return here(GdbStop::Reason::HistoryBegin);
    }
    arrive(last->instructions, last->stop.cpu, last->rip);
    return last->stop;
}

// The other CPUs' turns lie in between: as far back as this one has executed something, then on to the last
// of it.
GdbStop GdbExecution::step_back_alone(unsigned cpu) {
    const Cpu& stepped = machine_.cpu(cpu);
    const u64 own = stepped.own_instructions(), end = time_.now().instructions;
    const u64 start = time_.start().instructions;
    for (u64 distance = 1; stepped.own_instructions() == own; distance *= 8) {
        if (time_.now().instructions <= start) return here(GdbStop::Reason::HistoryBegin);
        time_.seek_instructions(end - std::min(distance, end - start));
    }
    u64 instructions = 0, rip = 0;
    {
        const Subscription watch(machine_.observers(), Observers::bit(EventKind::Instruction),
                                 [&](const Event& event) {
                                     if (event.cpu != cpu || event.moment.instructions >= end) return;
                                     instructions = event.moment.instructions;
                                     rip = event.rip;
                                 });
        run_to(machine_, end);
    }
    arrive(instructions, cpu, rip);
    GdbStop stop = here(GdbStop::Reason::Step);
    stop.cpu = cpu;
    return stop;
}

GdbStop GdbExecution::step_back(unsigned cpu) {
    if (machine_.cpu_count() > 1) return step_back_alone(cpu);
    return here(time_.step_back() ? GdbStop::Reason::Step : GdbStop::Reason::HistoryBegin);
}

}  // namespace orrery
