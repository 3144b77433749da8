// Counting by bins that grow.
#include "emulator/time-travel/timeline/marks.h"

#include <algorithm>

namespace orrery {

TimelineMarks::TimelineMarks(Machine& machine) : machine_(machine), begin_(machine.moment().instructions) {
    runs_.emplace_back();
    const u32 kinds = Observers::bit(EventKind::RingEnter) | Observers::bit(EventKind::Exception) |
                      Observers::bit(EventKind::Interrupt);
    subscription_ = machine_.observers().subscribe(kinds, [this](const Event& event) { on_event(event); });
}

TimelineMarks::~TimelineMarks() {
    machine_.observers().unsubscribe(subscription_);
}

MarkBin& TimelineMarks::Run::at(u64 instructions) {
    while (instructions / width >= kBins) {
        for (size_t i = 0; i < bins.size(); ++i) {
            const MarkBin bin = bins[i];
            if (i % 2 == 0) {
                bins[i / 2] = bin;
                continue;
            }
            bins[i / 2].crossings += bin.crossings;
            bins[i / 2].faults += bin.faults;
            bins[i / 2].interrupts += bin.interrupts;
        }
        bins.resize((bins.size() + 1) / 2);
        width *= 2;
    }
    const size_t index = static_cast<size_t>(instructions / width);
    if (bins.size() <= index) bins.resize(index + 1);
    return bins[index];
}

void TimelineMarks::on_event(const Event& event) {
    Run& run = runs_[run_];
    if (event.moment <= run.known && run.known != Moment{}) return;
    run.latest = event.moment;
    MarkBin& bin = run.at(event.moment.instructions - begin_);
    if (event.kind() == EventKind::RingEnter) {
        ++bin.crossings;
    } else if (event.kind() == EventKind::Exception) {
        ++bin.faults;
    } else {
        ++bin.interrupts;
    }
}

void TimelineMarks::moved() {
    Run& run = runs_[run_];
    run.known = std::max(run.known, run.latest);
}

void TimelineMarks::branch(Moment fork) {
    moved();
    Run run = runs_[run_];
    const u64 offset = fork.instructions - begin_;
    // The bin in which the fork lies keeps what the run before had in it: bins are no finer.
    if (!run.bins.empty() && run.bins.size() > offset / run.width + 1)
        run.bins.resize(offset / run.width + 1);
    // An event at the fork itself, of the new run, is still to come.
    run.known = {fork.instructions, fork.ticks == 0 ? 0 : fork.ticks - 1};
    run.latest = run.known;
    runs_.push_back(std::move(run));
    run_ = static_cast<unsigned>(runs_.size() - 1);
}

void TimelineMarks::enter(unsigned run) {
    moved();
    if (run < runs_.size()) run_ = run;
}

}  // namespace orrery
