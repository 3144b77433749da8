// The time bar: a run from its start to its end as far as it is known, with what happened on the way, where
// the machine is, and the other runs that branch off.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/inspect/models/context.h"

namespace orrery {

// What happened in a part of a run.
struct TimelineBin {
    u64 crossings = 0;   // from ring 3 to ring 0
    u64 faults = 0;      // exceptions
    u64 interrupts = 0;  // delivered
};

struct TimelineRunRow {
    unsigned number = 0;
    unsigned parent = 0;
    Moment fork;  // where it leaves its parent
    Moment end;
    size_t inputs = 0;  // of its own, after the fork
    bool present = false;
};

struct TimelineModel {
    Moment start, now, end;
    unsigned run = 0;
    bool in_past = false;
    u64 bin_begin = 0;  // instructions
    u64 bin_width = 1;  // instructions
    std::vector<TimelineBin> bins;
    std::vector<u64>
        inputs;  // instruction counts at which the present run's inputs entered, without repetitions
    std::vector<TimelineRunRow> runs;
    size_t snapshots = 0;
    u64 history_bytes = 0;  // what they take
    u64 event_bytes = 0;    // what the event log takes
    std::string problem;
};

struct TimelineParameters {
    size_t rows = 24;  // of the text: bins are put together
};

// At most so many bins.
TimelineModel timeline_model(const ModelContext& context, size_t bins = 1024);
std::string to_text(const TimelineModel& model, const TimelineParameters& parameters = {});
Json to_json(const TimelineModel& model);

}  // namespace orrery
