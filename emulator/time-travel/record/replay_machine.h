// A machine made again from its recording, at the moment where that begins, with its inputs ready to enter.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"
#include "emulator/time-travel/record/image_search.h"
#include "emulator/time-travel/record/recorded_machine.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {

class ReplayMachine {
  public:
    // Throws RecordingError, and what the machine throws for images that it cannot use. `console` gets what
    // the guest prints. `directories`: where images may lie (find_images).
    ReplayMachine(Recording recording, const std::vector<std::string>& directories, OutputSink* console);

    const Recording& recording() const { return recording_; }
    const RecordedMachine& description() const { return description_; }
    Machine& machine() { return *machine_; }
    // Where the kernel's file is now.
    const std::string& kernel() const { return images_.kernel; }
    // The disks' names as they were given.
    std::vector<std::string> disk_names() const;

  private:
    Recording recording_;
    RecordedMachine description_;
    FoundImages images_;
    std::unique_ptr<Machine> machine_;
};

// The last moment known of a run.
Moment end_of(const Recording& recording, unsigned run);

// The bookmarks that a run comes by, as if it were the only one: run 0.
std::vector<Bookmark> bookmarks_of(const Recording& recording, unsigned run);

// Runs the machine to `moment`, or to where it stops by itself before: first to its instruction count, then,
// while CPUs are halted, to its time. What the run says when it ends.
StopReason run_to_moment(Machine& machine, Moment moment);

}  // namespace orrery
