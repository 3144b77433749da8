#include "cli/record_options.h"

#include <CLI/CLI.hpp>

namespace orrery {

void RecordOptions::declare(CLI::App& app) {
    app.add_option("--record", path, "Record the run to this file (docs/recordings.md)");
    app.add_flag("--embed", embed, "Put kernel, initrd and disks into the recording too");
}

std::unique_ptr<Recorder> RecordOptions::start(Machine& machine, const BootImages& images,
                                               const GuestOptions& guest, const std::string& snapshot) const {
    if (path.empty() && embed) throw UsageError("--embed goes with --record");
    if (path.empty()) return nullptr;
    RecordingRequest request;
    request.path = path;
    request.embed = embed;
    request.images = images;
    request.command = guest.command;
    request.snapshot = snapshot;
    return std::make_unique<Recorder>(machine, request);
}

}  // namespace orrery
