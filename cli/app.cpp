#include "cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <new>

#include "cli/diff_command.h"
#include "cli/replay.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/strace.h"
#include "cli/ui_command.h"
#include "devices/image_file.h"
#include "emulator/machine/boot/boot_error.h"

namespace orrery {

namespace {

// The words after "--" are the guest's command: CLI11 never sees them.
std::vector<std::string> split_command(std::vector<std::string>& words) {
    auto dashes = std::find(words.begin(), words.end(), "--");
    if (dashes == words.end()) return {};
    std::vector<std::string> command(dashes + 1, words.end());
    if (command.empty()) throw UsageError("no command after --");
    words.erase(dashes, words.end());
    return command;
}

int dispatch(std::vector<std::string> words) {
    const std::vector<std::string> command = split_command(words);

    CLI::App app("Orrery: an x86-64 PC to see inside of.", "orrery");
    app.require_subcommand(0, 1);
    RunOptions run;
    CLI::App* run_command = app.add_subcommand("run", "Boot a guest; with -- COMMAND run that command in it");
    run.guest.declare(*run_command);
    run.gdb.declare(*run_command);
    run.record.declare(*run_command);
    run_command->add_flag("--headless", run.headless, "No window: the terminal is the console");
    run_command->add_option("--stats", run.stats, "Write what the run did to this file, as JSON");

    run_command->add_option("--save-snapshot", run.save_snapshot,
                            "Write the machine's state to this file when the run stops (see --max-insns)");
    run_command->add_option("--load-snapshot", run.load_snapshot,
                            "Go on from this file instead of booting; the other options as when it was made");

    ShowOptions show;
    CLI::App* show_command =
        app.add_subcommand("show", "Print a window of the debugger at one moment of a run");
    show.declare(*show_command);
    StraceOptions strace;
    CLI::App* strace_command = app.add_subcommand("strace", "Trace the system calls of the command after --");
    strace.declare(*strace_command);

    ReplayOptions replay;
    CLI::App* replay_command = app.add_subcommand("replay", "Compute a recorded run again");
    replay.declare(*replay_command);
    VerifyOptions verify;
    CLI::App* verify_command =
        app.add_subcommand("verify", "Compute a recorded run again and compare the chain of its hashes");
    verify.declare(*verify_command);
    DiffOptions diff;
    CLI::App* diff_command = app.add_subcommand("diff", "Find where two recorded runs part");
    diff.declare(*diff_command);

    UiOptions ui;
    CLI::App* ui_command = app.add_subcommand("ui", "Open the debugger");
    ui.declare(*ui_command);

    // Options without a subcommand are run's.
    if (!words.empty() && words[0].starts_with("-") && words[0] != "-h" && words[0] != "--help")
        words.insert(words.begin(), "run");
    if (words.empty()) words = {"run"};
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        throw UsageError(error.what());
    }
    run.guest.command = show.guest.command = strace.guest.command = command;
    if (ui_command->parsed()) {
        if (!command.empty()) throw UsageError("ui takes no command after --: type it into the console");
        return run_ui(ui);
    }
    if (show_command->parsed()) return run_show(show);
    if (strace_command->parsed()) return run_strace(strace);
    if (replay_command->parsed() || verify_command->parsed() || diff_command->parsed()) {
        if (!command.empty()) throw UsageError("a recording has its own command: leave out --");
        if (diff_command->parsed()) return run_diff(diff);
        return replay_command->parsed() ? run_replay(replay) : run_verify(verify);
    }
    if (run.headless || !command.empty() || run.gdb.wanted() || !has_display()) return run_headless(run);
    if (!run.stats.empty() || !run.save_snapshot.empty() || !run.load_snapshot.empty())
        throw UsageError("--stats and snapshots need --headless or a command after --");
    ui.guest = run.guest;
    ui.record = run.record;
    return run_ui(ui);
}

}  // namespace

int run_app(int argc, char** argv) {
    try {
        return dispatch(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const UsageError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const BootError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const TestDeviceError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const DiskError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const RecordingError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return error.damaged ? kExitDamaged : kExitUsage;
    } catch (const ArchiveError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const GdbServerError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return kExitUsage;
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "orrery: the host has not enough memory for this machine (try a smaller -m)\n");
        return kExitOwnFault;
    } catch (const std::exception& error) {
        fmt::print(stderr, "orrery: internal error: {}\n", error.what());
        return kExitOwnFault;
    }
}

}  // namespace orrery
