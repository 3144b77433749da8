// The machine that a command looks at: booted as its options say, or made again from a recording (--replay).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/guest_options.h"
#include "emulator/time-travel/record/replay_machine.h"
#include "emulator/time-travel/timeline/player.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace CLI {
class App;
}

namespace orrery {

// Opens a recording, with the notes that the user should have on stderr (it is cut short). Throws
// RecordingError.
Recording open_recording(const std::string& path);

struct ReplayOption {
    std::string path;  // empty: boot

    // Declares --replay, which goes with none of the options declared before it on `app` (GuestOptions).
    void declare(CLI::App& app);
};

class Subject {
  public:
    // Throws UsageError, RecordingError, BootError.
    Subject(const GuestOptions& guest, const ReplayOption& replay, OutputSink* console);
    ~Subject();
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;

    Machine& machine();
    // The kernel's file.
    const std::string& kernel() const;
    // Lets `time`, made where the run begins, play what is recorded, with its bookmarks.
    void give_to(TimeMachine& time);
    // After --, when it booted.
    const std::vector<std::string>& command() const;
    // The end of the recording; nothing for a machine that boots.
    std::optional<Moment> end() const;
    // To the end of the recording, or by `limits`.
    StopReason run(const RunLimits& limits);
    // The process's exit status after run(), as the recorded one's.
    int status(StopReason reason);

  private:
    std::unique_ptr<ReplayMachine> replay_;
    std::vector<LoggedInput> inputs_;
    std::unique_ptr<Player> player_;
    std::unique_ptr<Machine> machine_;
    std::string kernel_;
    std::vector<std::string> command_;
};

}  // namespace orrery
