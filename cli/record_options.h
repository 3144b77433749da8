// --record and --embed: the run as a file.
#pragma once

#include <memory>
#include <string>

#include "cli/guest_options.h"
#include "emulator/time-travel/record/recorder.h"

namespace CLI {
class App;
}

namespace orrery {

struct RecordOptions {
    std::string path;  // empty: nothing is recorded
    bool embed = false;

    void declare(CLI::App& app);

    // Null where nothing is to be recorded. `machine` stands where its run begins; `snapshot`: the file that
    // it went on from, or empty. Throws UsageError, RecordingError.
    std::unique_ptr<Recorder> start(Machine& machine, const BootImages& images, const GuestOptions& guest,
                                    const std::string& snapshot = "") const;
};

}  // namespace orrery
