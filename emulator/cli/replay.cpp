#include "emulator/cli/replay.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>

#include "emulator/cli/run.h"
#include "emulator/cli/stats.h"
#include "emulator/cli/subject.h"
#include "emulator/cli/terminal.h"
#include "emulator/timeline/verifier.h"

namespace orrery {

namespace {

unsigned checked_run(const Recording& recording, std::optional<unsigned> wanted) {
    const unsigned run = wanted.value_or(recording.present);
    if (run >= recording.runs.size())
        throw UsageError(fmt::format("--run {}: {} has {} run{}, numbered from 0", run, recording.path,
                                     recording.runs.size(), recording.runs.size() == 1 ? "" : "s"));
    return run;
}

u64 parse_instructions(const std::string& text) {
    u64 count = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc() || rest != end)
        throw UsageError("--to " + text + ": an instruction count, please");
    return count;
}

}  // namespace

void ReplayOptions::declare(CLI::App& app) {
    app.add_option("recording", path, "The recording")->required();
    app.add_option("--to", to, "Stop at this instruction count instead of the end");
    app.add_flag("--headless", headless, "On the terminal");
    app.add_option("--stats", stats, "Write what the run did to this file, as JSON");
    app.add_option("--run", run, "Of a recording in which time branches: this line of it, from 0");
}

int run_replay(const ReplayOptions& options) {
    StdoutSink output;
    const Recording recording = open_recording(options.path);
    const unsigned run = checked_run(recording, options.run);
    Moment end = end_of(recording, run);
    if (!options.to.empty()) {
        const u64 to = parse_instructions(options.to);
        if (to > end.instructions)
            fmt::print(stderr, "orrery: the recording comes only to instruction {}\n", end.instructions);
        else
            end = {to, 0};
    }
    std::unique_ptr<StatsFile> stats;
    if (!options.stats.empty()) stats = std::make_unique<StatsFile>(options.stats);

    const auto start = std::chrono::steady_clock::now();
    ReplayMachine replay(recording, image_directories(), &output);
    if (stats) stats->watch(replay.machine());
    const std::vector<LoggedInput> inputs = recording.inputs_of(run);
    const Player player(replay.machine(), inputs);
    run_to_moment(replay.machine(), end);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (stats) stats->write(replay.machine(), seconds.count(), replay.disk_names());

    const std::optional<RecordedEnd>& recorded = recording.runs[run].end;
    if (!recorded || end != recorded->moment) return 0;
    if (replay.machine().moment() != recorded->moment) {
        fmt::print(stderr,
                   "orrery: {}: the run ended at instruction {}, and here it comes to {}: see verify\n",
                   options.path, recorded->moment.instructions, replay.machine().moment().instructions);
        return kExitOwnFault;
    }
    return recorded->status;
}

void VerifyOptions::declare(CLI::App& app) {
    app.add_option("recording", path, "The recording")->required();
    app.add_option("--run", run, "Of a recording in which time branches: this line of it only, from 0");
}

int run_verify(const VerifyOptions& options) {
    const Recording recording = open_recording(options.path);
    const unsigned first = options.run ? checked_run(recording, options.run) : 0;
    const unsigned last = options.run ? first : static_cast<unsigned>(recording.runs.size() - 1);
    for (unsigned run = first; run <= last; ++run) {
        ReplayMachine replay(recording, image_directories(), nullptr);
        const Verification found = verify(replay, run);
        const std::string which = first == last ? "" : fmt::format("run {}: ", run);
        if (found.equal()) {
            fmt::print("{}chain equal: {} links, {} instructions\n", which, found.links,
                       found.reached.instructions);
            continue;
        }
        const Verification::Difference& difference = *found.difference;
        std::string components;
        for (const std::string& name : difference.components)
            components += (components.empty() ? "" : ", ") + name;
        fmt::print("{}chain differs at instruction {} (CPU {}, tick {}): {}\n", which,
                   difference.found.instructions, difference.cpu, difference.found.ticks, components);
        if (difference.found != difference.differs)
            fmt::print("{}the recorded run was at instruction {}, tick {}\n", which,
                       difference.differs.instructions, difference.differs.ticks);
        fmt::print("{}the last that is equal is at instruction {}, tick {}: {} links\n", which,
                   difference.equal.instructions, difference.equal.ticks, found.links);
        return 1;
    }
    return 0;
}

}  // namespace orrery
