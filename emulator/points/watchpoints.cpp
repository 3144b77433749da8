#include "emulator/points/watchpoints.h"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

unsigned WatchpointSet::add(const DataPoint& range, std::string text) {
    if (range.size == 0 || range.size > kLongest || range.address + (range.size - 1) < range.address)
        throw BreakpointError(fmt::format("{}: 1 to {} bytes can be watched", text, kLongest));
    if (!range.reads && !range.writes)
        throw BreakpointError(fmt::format("{}: neither reads nor writes are to be watched", text));
    for (const Watchpoint& other : watchpoints_)
        if (other.range == range)
            throw BreakpointError(fmt::format("{} is watched already ({})", text, other.text));
    watchpoints_.push_back({next_, range, std::move(text), true, 0});
    return next_++;
}

bool WatchpointSet::remove(unsigned id) {
    return std::erase_if(watchpoints_, [id](const Watchpoint& point) { return point.id == id; }) != 0;
}

bool WatchpointSet::enable(unsigned id, bool enabled) {
    for (Watchpoint& point : watchpoints_) {
        if (point.id != id) continue;
        point.enabled = enabled;
        return true;
    }
    return false;
}

Watchpoint* WatchpointSet::hit_by(const Event& event) {
    for (Watchpoint& point : watchpoints_)
        if (point.enabled && point.range.matches(event)) return &point;
    return nullptr;
}

bool WatchpointSet::any_enabled() const {
    return std::any_of(watchpoints_.begin(), watchpoints_.end(),
                       [](const Watchpoint& point) { return point.enabled; });
}

}  // namespace orrery
