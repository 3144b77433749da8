#include "emulator/time-travel/record/replay_machine.h"

#include "emulator/machine/snapshot_file.h"

#include <algorithm>

namespace orrery {

ReplayMachine::ReplayMachine(Recording recording, const std::vector<std::string>& directories,
                             OutputSink* console)
    : recording_(std::move(recording)), description_(recorded_machine(recording_)) {
    images_ = find_images(recording_, description_, directories);
    MachineConfig config = description_.config;
    for (size_t i = 0; i < config.disks.size(); ++i) config.disks[i].path = images_.disks[i];
    config.test_devices.fw_cfg_files = images_.fw_cfg_files;
    config.serial_output = console;
    try {
        machine_ = std::make_unique<Machine>(config);
    } catch (const ConfigError&) {
        throw RecordingError(recording_.path + ": is damaged: there is no such machine", true);
    }
    machine_->load(images_.files);
    if (!images_.snapshot.empty()) load_snapshot_file(*machine_, images_.snapshot);
}

std::vector<std::string> ReplayMachine::disk_names() const {
    std::vector<std::string> names;
    for (const RecordedImage& image : description_.images)
        if (image.is_disk()) names.push_back(image.name);
    return names;
}

Moment end_of(const Recording& recording, unsigned run) {
    return recording.runs.at(run).last;
}

std::vector<Bookmark> bookmarks_of(const Recording& recording, unsigned run) {
    std::vector<Bookmark> found;
    Moment until = end_of(recording, run);
    for (;; until = std::min(until, recording.runs[run].fork), run = recording.runs[run].parent) {
        for (const RecordedBookmark& mark : recording.bookmarks)
            if (mark.run == run && mark.moment <= until) found.push_back({0, mark.moment, mark.note});
        if (run == 0) break;
    }
    std::sort(found.begin(), found.end(),
              [](const Bookmark& a, const Bookmark& b) { return a.moment < b.moment; });
    return found;
}

StopReason run_to_moment(Machine& machine, Moment moment) {
    RunLimits limits;
    limits.instructions = moment.instructions;
    StopReason reason = machine.run(limits);
    if (reason != StopReason::Budget) return reason;
    limits = RunLimits{};
    limits.ticks = moment.ticks;
    reason = machine.run(limits);
    return reason == StopReason::Idle ? StopReason::Budget : reason;
}

}  // namespace orrery
