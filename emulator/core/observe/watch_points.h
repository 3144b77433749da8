// Places that somebody watches: instructions by linear address, and ranges of data by linear or physical
// address. For the debugger; the guest's own debug registers are another thing (cpu/state/debug_registers.h).
//
// The CPUs tell of them by events (EventKind::Breakpoint, EventKind::DataAccess), by the same means as for
// debug registers: a page with a watched instruction runs one instruction at a time and is never entered by a
// link, a page with watched data stays out of the fast table for the accesses that are watched. Nothing else
// becomes slower, and while nothing is watched nothing does. The machine's state never depends on it.
#pragma once

#include <functional>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

struct Event;

// A range of memory of which reads, writes or both are to be told.
struct DataPoint {
    u64 address = 0;  // linear, in whatever address space; or physical (RAM only)
    u64 size = 1;     // bytes; the range does not wrap around
    bool physical = false;
    bool reads = false;
    bool writes = true;
    bool operator==(const DataPoint&) const = default;

    // Whether an EventKind::DataAccess tells of an access to this range.
    bool matches(const Event& event) const;
};

class WatchPoints {
  public:
    // What is added twice is to be removed twice.
    void add_code(u64 linear);
    void remove_code(u64 linear);
    void add_data(const DataPoint& point);
    void remove_data(const DataPoint& point);

    bool any_code() const { return !code_.empty(); }
    bool any_data() const { return !data_.empty(); }
    bool code_at(u64 linear) const;
    // `linear`: any address of the page.
    bool code_on_page(u64 linear) const;
    // Which accesses to this page are watched anywhere in it. Any address of the page, and its physical one.
    struct Kinds {
        bool reads = false, writes = false;
    };
    Kinds data_on_page(u64 linear, u64 physical) const;
    // Whether an access that lies within a page is watched.
    bool data_at(u64 linear, u64 physical, u64 size, bool write) const;
    // The same for a write to memory that is not made through a linear address: by a device, or a page walk.
    bool physical_write_at(u64 physical, u64 size) const;

    // Called after each change: what is kept of pages on fast paths is void.
    void on_change(std::function<void()> hook) { changed_ = std::move(hook); }

  private:
    void changed() const {
        if (changed_) changed_();
    }

    std::vector<u64> code_;  // sorted
    std::vector<DataPoint> data_;
    std::function<void()> changed_;
};

}  // namespace orrery
