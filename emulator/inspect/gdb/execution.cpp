#include "emulator/inspect/gdb/execution.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr u64 kLongestWatch = 1 << 20;  // bytes

GdbStop::Reason reason_of(Arrival::Why why) {
    switch (why) {
        case Arrival::Why::Done:
            return GdbStop::Reason::Step;
        case Arrival::Why::Stopped:
            return GdbStop::Reason::Interrupt;
        case Arrival::Why::HistoryBegin:
            return GdbStop::Reason::HistoryBegin;
        case Arrival::Why::HistoryEnd:
            return GdbStop::Reason::HistoryEnd;
        default:  // somebody else's request is not gdb's business
            return GdbStop::Reason::None;
    }
}

}  // namespace

bool GdbExecution::insert(char type, u64 address, u64 length) {
    const Point point{type, address, type <= '1' ? 1 : length};
    if (point.length == 0 || point.length > kLongestWatch || address + (point.length - 1) < address)
        return false;
    if (points_.insert(point).second) tell_points();
    return true;
}

bool GdbExecution::remove(char type, u64 address, u64 length) {
    if (points_.erase({type, address, type <= '1' ? 1 : length}) == 0) return false;
    tell_points();
    return true;
}

void GdbExecution::clear() {
    points_.clear();
    tell_points();
}

// A point's id is its type.
void GdbExecution::tell_points() {
    StopPoints points;
    for (const Point& point : points_) {
        StopPoint stop{static_cast<unsigned>(point.type), point.address};
        if (point.type > '1')
            stop.data = DataPoint{point.address, point.length, false, point.type != '2', point.type != '3'};
        points.push_back(stop);
    }
    navigation_.stop_at(std::move(points));
}

GdbStop GdbExecution::here(GdbStop::Reason reason) const {
    GdbStop stop;
    stop.reason = reason;
    stop.cpu = machine_.cpu().id;
    return stop;
}

GdbStop GdbExecution::go(const RunLimits& slice) {
    const Arrival arrival = navigation_.go_on(slice);
    GdbStop stop;
    stop.reason = reason_of(arrival.why);
    stop.cpu = arrival.cpu;
    stop.machine = arrival.machine;
    if (!arrival.point) return stop;
    const StopPoint& point = *arrival.point;
    stop.type = static_cast<char>(point.id);
    stop.reason = point.data ? GdbStop::Reason::Watchpoint : GdbStop::Reason::Breakpoint;
    stop.address = point.code;
    // gdb looks for the address among those of its watchpoints.
    if (point.data)
        stop.address = std::max(point.data->address, arrival.event->get<event::DataAccess>()->linear);
    return stop;
}

}  // namespace orrery
