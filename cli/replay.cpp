#include "cli/replay.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "cli/end_signals.h"
#include "cli/number_options.h"
#include "cli/own_files.h"
#include "cli/run.h"
#include "cli/stats.h"
#include "cli/subject.h"
#include "cli/terminal.h"
#include "emulator/time-travel/record/verifier.h"

namespace orrery {

unsigned checked_run(const Recording& recording, std::optional<unsigned> wanted) {
    const unsigned run = wanted.value_or(recording.present);
    if (run >= recording.runs.size())
        throw UsageError(fmt::format("--run {}: {} has {} run{}, numbered from 0", run, recording.path,
                                     recording.runs.size(), recording.runs.size() == 1 ? "" : "s"));
    return run;
}

u64 parse_instructions(const std::string& text) {
    if (const std::optional<u64> count = parse_number(text, kLargestCount)) return *count;
    throw UsageError("--to " + text + ": an instruction count, please");
}

namespace {

// The exit status of the recorded run, if it has an end and the machine is there.
int replayed_status(const Recording& recording, unsigned run, Machine& machine) {
    const std::optional<RecordedEnd>& recorded = recording.runs[run].end;
    return recorded && machine.moment() == recorded->moment ? recorded->status : 0;
}

int replay_with_gdb(const ReplayOptions& options, const Recording& recording, unsigned run) {
    StdoutSink output;
    ConsoleTape tape(&output);
    ReplayMachine replay(recording, image_directories(), &tape);
    GdbOptions how = options.gdb;
    how.history = options.window.history;
    GdbRun gdb(how, replay.machine(), tape, replay.kernel(), false);
    gdb.time().preload(recording.inputs_of(run), end_of(recording, run));
    gdb.time().stop_at_end(true);
    EndSignals signals;
    gdb.run(~u64{0}, false, output);
    const int status = replayed_status(recording, run, replay.machine());
    gdb.exited(status);
    signals.finish(&output);
    return status;
}

}  // namespace

void ReplayOptions::declare(CLI::App& app) {
    app.add_option("recording", path, "The recording")->required();
    app.add_option("--to", to, "Stop at this instruction count instead of the end");
    app.add_flag("--headless", headless, "On the terminal");
    app.add_option("--gdb", gdb.where, "Let gdb attach: a port of this host, or the path of a Unix socket");
    app.add_flag("-S", gdb.stopped, "With --gdb: do not run before a debugger says so");
    app.add_flag("--ui", ui, "In the debugger, at its start or at --to");
    window.declare_window(app);
    app.add_option("--stats", stats, "Write what the run did to this file, as JSON");
    add_number(app, "--run", run, "Of a recording in which time branches: this line of it, from 0");
}

int run_replay(const ReplayOptions& options) {
    if (options.gdb.wanted() &&
        (options.headless || options.ui || !options.to.empty() || !options.stats.empty()))
        throw UsageError("replay: --gdb goes without --headless, --ui, --to and --stats");
    if (options.ui) {
        UiOptions window = options.window;
        window.replay.path = options.path;
        window.to = options.to;
        window.run = options.run;
        window.headless = options.headless;
        return run_ui(window);
    }
    StdoutSink output;
    const Recording recording = open_recording(options.path);
    const unsigned run = checked_run(recording, options.run);
    if (options.gdb.wanted()) return replay_with_gdb(options, recording, run);
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
    EndSignals signals;

    const auto start = std::chrono::steady_clock::now();
    ReplayMachine replay(recording, image_directories(), &output);
    if (stats) stats->watch(replay.machine());
    const std::vector<LoggedInput> inputs = recording.inputs_of(run);
    const Player player(replay.machine(), inputs);
    {
        const StopAtEnd watch(replay.machine(), &output);
        run_to_moment(replay.machine(), end);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (stats) stats->write(replay.machine(), seconds.count(), replay.disk_names());

    signals.finish(&output);

    const std::optional<RecordedEnd>& recorded = recording.runs[run].end;
    if (!recorded || end != recorded->moment) return 0;
    if (replay.machine().moment() != recorded->moment) {
        fmt::print(stderr,
                   "orrery: {}: the run ended at instruction {}, and here it comes to {}: see verify\n",
                   options.path, recorded->moment.instructions, replay.machine().moment().instructions);
        return kExitOwnFault;
    }
    return replayed_status(recording, run, replay.machine());
}

void VerifyOptions::declare(CLI::App& app) {
    app.add_option("recording", path, "The recording")->required();
    add_number(app, "--run", run, "Of a recording in which time branches: this line of it only, from 0");
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
