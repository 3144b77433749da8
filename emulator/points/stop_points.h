// The places at which a run stops, as plain data: a debugger's breakpoints and watchpoints, whoever keeps
// them.
#pragma once

#include <optional>
#include <vector>

#include "emulator/points/armed_points.h"
#include "emulator/points/breakpoints.h"
#include "emulator/points/watchpoints.h"

namespace orrery {

struct StopPoint {
    unsigned id = 0;                               // whoever keeps it knows it by this
    u64 code = 0;                                  // linear address of an instruction …
    std::optional<DataPoint> data = std::nullopt;  // … or, if given, a range of memory

    // Whether an event is the arrival at it.
    bool reached_by(const Event& event) const;
};

using StopPoints = std::vector<StopPoint>;

void arm(ArmedPoints& armed, const StopPoints& points);
// The first one that an event is the arrival at, nullptr if it is none's.
const StopPoint* reached_by(const StopPoints& points, const Event& event);
// Those that are enabled.
StopPoints stop_points(const BreakpointSet& breakpoints, const WatchpointSet& watchpoints);

// What an arrival shows by.
inline constexpr u32 kPointEvents =
    Observers::bit(EventKind::Breakpoint) | Observers::bit(EventKind::DataAccess);

}  // namespace orrery
