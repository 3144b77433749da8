// Watchpoints: ranges of the guest's memory whose accesses stop a run, with the text by which they were asked
// for.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/points/breakpoints.h"

namespace orrery {

struct Watchpoint {
    unsigned id = 0;
    DataPoint range;
    std::string text;  // "jiffies", "0xffff888000001000, 8 bytes"
    bool enabled = true;
    u64 hits = 0;
};

// The access that a run was stopped for. The machine stands after its instruction.
struct WatchHit {
    unsigned id = 0;
    Event access;  // EventKind::DataAccess
};

class WatchpointSet {
  public:
    static constexpr u64 kLongest = 1 << 20;  // bytes

    // The new watchpoint's id. Throws BreakpointError: a range that is empty, too long or wraps around,
    // neither reads nor writes, or the same one again.
    unsigned add(const DataPoint& range, std::string text);
    // False if there is none with this id.
    bool remove(unsigned id);
    bool enable(unsigned id, bool enabled);

    // The first enabled one that an access matches, nullptr if none.
    Watchpoint* hit_by(const Event& event);
    bool any_enabled() const;
    const std::vector<Watchpoint>& all() const { return watchpoints_; }  // by id

  private:
    std::vector<Watchpoint> watchpoints_;
    unsigned next_ = 1;
};

}  // namespace orrery
