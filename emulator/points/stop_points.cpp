#include "emulator/points/stop_points.h"

namespace orrery {

bool StopPoint::reached_by(const Event& event) const {
    if (data) return data->matches(event);
    const auto* reached = event.get<event::Breakpoint>();
    return reached != nullptr && reached->linear == code;
}

void arm(ArmedPoints& armed, const StopPoints& points) {
    for (const StopPoint& point : points) {
        if (point.data)
            armed.data(*point.data);
        else
            armed.code(point.code);
    }
}

const StopPoint* reached_by(const StopPoints& points, const Event& event) {
    for (const StopPoint& point : points)
        if (point.reached_by(event)) return &point;
    return nullptr;
}

StopPoints stop_points(const BreakpointSet& breakpoints, const WatchpointSet& watchpoints) {
    StopPoints points;
    for (const Breakpoint& point : breakpoints.all())
        if (point.enabled) points.push_back({point.id, point.address});
    for (const Watchpoint& point : watchpoints.all())
        if (point.enabled) points.push_back({point.id, 0, point.range});
    return points;
}

}  // namespace orrery
