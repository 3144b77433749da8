#include "cli/subject.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/own_files.h"
#include "cli/run.h"
#include "emulator/time-travel/record/recording_reader.h"

namespace orrery {

Recording open_recording(const std::string& path) {
    Recording recording = read_recording(path);
    if (recording.cut_short)
        fmt::print(stderr, "orrery: {}: is cut short; the last that is known is instruction {}\n", path,
                   end_of(recording, recording.present).instructions);
    return recording;
}

void ReplayOption::declare(CLI::App& app) {
    const std::vector<CLI::Option*> guest =
        app.get_options([](const CLI::Option* option) { return option->get_name() != "--help"; });
    CLI::Option* replay = app.add_option("--replay", path, "Look at this recording instead of booting");
    for (CLI::Option* option : guest) replay->excludes(option);
}

Subject::Subject(const GuestOptions& guest, const ReplayOption& replay, OutputSink* console) {
    if (!replay.path.empty()) {
        if (guest.has_command()) throw UsageError("--replay: a recording has its own command: leave out --");
        replay_ = std::make_unique<ReplayMachine>(open_recording(replay.path), image_directories(), console);
        inputs_ = replay_->recording().inputs_of(replay_->recording().present);
        player_ = std::make_unique<Player>(replay_->machine(), inputs_);
        command_ = replay_->description().command;
        kernel_ = replay_->kernel();
        return;
    }
    MachineConfig config = guest.machine_config();
    config.serial_output = console;
    const BootImages images = guest.boot_images();
    machine_ = std::make_unique<Machine>(config);
    machine_->load(images);
    kernel_ = images.kernel;
    command_ = guest.command;
}

Subject::~Subject() = default;

Machine& Subject::machine() {
    return replay_ ? replay_->machine() : *machine_;
}

const std::string& Subject::kernel() const {
    return kernel_;
}

const std::vector<std::string>& Subject::command() const {
    return command_;
}

void Subject::give_to(TimeMachine& time) {
    if (!replay_) return;
    player_.reset();
    time.preload(inputs_, *end());
    time.bookmarks() = bookmarks_of(replay_->recording(), replay_->recording().present);
}

std::optional<Moment> Subject::end() const {
    if (!replay_) return std::nullopt;
    return end_of(replay_->recording(), replay_->recording().present);
}

StopReason Subject::run(const RunLimits& limits) {
    return replay_ ? run_to_moment(machine(), *end()) : machine().run(limits);
}

int Subject::status(StopReason reason) {
    if (!replay_) return exit_status(machine(), reason, !command_.empty());
    const std::optional<RecordedEnd>& end = replay_->recording().runs[replay_->recording().present].end;
    return end ? end->status : 0;
}

}  // namespace orrery
