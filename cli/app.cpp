#include "cli/app.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "cli/diff_command.h"
#include "cli/replay.h"
#include "cli/run.h"
#include "cli/show.h"
#include "cli/strace.h"
#include "cli/ui_command.h"
#include "devices/image_file.h"
#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/output_file.h"
#include "emulator/machine/version.h"

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
    app.set_version_flag("--version", "orrery " + program_version(), "Print version and build");
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
    if (!words.empty() && words[0].starts_with("-") && words[0] != "-h" && words[0] != "--help" &&
        words[0] != "--version")
        words.insert(words.begin(), "run");
    if (words.empty()) words = {"run"};
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::Success& answer) {  // --help, --version
        return app.exit(answer);
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

namespace {

// What is opened later must not get the number of a stream that was closed, and the guest's output with it:
// these places are taken by what can be neither read nor written.
void take_closed_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(stream, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int report(const std::exception& error, int status) {
    fmt::print(stderr, "orrery: {}\n", error.what());
    return status;
}

int run_words(std::vector<std::string> words) {
    try {
        return dispatch(std::move(words));
    } catch (const UsageError& error) {
        return report(error, kExitUsage);
    } catch (const ConfigError& error) {
        return report(error, kExitUsage);
    } catch (const BootError& error) {
        return report(error, kExitUsage);
    } catch (const TestDeviceError& error) {
        return report(error, kExitUsage);
    } catch (const DiskError& error) {
        return report(error, kExitUsage);
    } catch (const RecordingError& error) {
        return report(error, error.damaged ? kExitDamaged : kExitUsage);
    } catch (const ArchiveError& error) {
        return report(error, kExitUsage);
    } catch (const GdbServerError& error) {
        return report(error, kExitUsage);
    } catch (const OutputError& error) {
        return report(error, kExitOwnFault);
    } catch (const std::bad_alloc&) {
        fmt::print(stderr, "orrery: the host has not enough memory for this machine (try a smaller -m)\n");
        return kExitOwnFault;
    } catch (const std::exception& error) {
        // {fmt} throws where standard output cannot be written: said below.
        if (std::ferror(stdout) == 0) fmt::print(stderr, "orrery: internal error: {}\n", error.what());
        return kExitOwnFault;
    }
}

}  // namespace

int run_app(int argc, char** argv) {
    take_closed_streams();
    const int status = run_words(std::vector<std::string>(argv + 1, argv + argc));
    errno = 0;
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
    fmt::print(stderr, "orrery: standard output cannot be written{}{}\n", errno != 0 ? ": " : "",
               errno != 0 ? std::strerror(errno) : "");
    return status == 0 ? kExitOwnFault : status;
}

}  // namespace orrery
