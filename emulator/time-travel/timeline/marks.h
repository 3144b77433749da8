// What happened when along a run, for a time bar: how many crossings from user to kernel, faults and
// interrupts there were in each of a fixed number of bins.
//
// Bounded memory: when a run outgrows its bins, two become one. What is executed again after going back is
// not counted again. Every run of a TimeMachine has bins of its own, which begin as those of the run it
// branched from.
#pragma once

#include <vector>

#include "emulator/machine/machine.h"

namespace orrery {

struct MarkBin {
    u32 crossings = 0;   // from ring 3 to ring 0
    u32 faults = 0;      // exceptions
    u32 interrupts = 0;  // delivered
};

class TimelineMarks {
  public:
    static constexpr size_t kBins = 1024;

    // Counts from the machine's present moment on, for run 0. The machine must outlive this.
    explicit TimelineMarks(Machine& machine);
    ~TimelineMarks();
    TimelineMarks(const TimelineMarks&) = delete;
    TimelineMarks& operator=(const TimelineMarks&) = delete;

    // The machine was put to another moment of the same run.
    void moved();
    // A new run, the next in number, leaves the present one at `fork` and becomes the present one.
    void branch(Moment fork);
    // Another run becomes the present one.
    void enter(unsigned run);

    // Of the present run: bin i holds the instructions from begin() + i * width() on.
    const std::vector<MarkBin>& bins() const { return runs_[run_].bins; }
    u64 width() const { return runs_[run_].width; }
    u64 begin() const { return begin_; }

  private:
    struct Run {
        std::vector<MarkBin> bins;  // as many as were needed
        u64 width = 4096;           // instructions
        Moment known;               // what comes up to here has been counted
        Moment latest;              // of the last event counted
        MarkBin& at(u64 instructions);
    };
    void on_event(const Event& event);

    Machine& machine_;
    u64 begin_;
    std::vector<Run> runs_;
    unsigned run_ = 0;
    Observers::Id subscription_ = 0;
};

}  // namespace orrery
