// orrery replay and orrery verify: a recording computed again.
#pragma once

#include <optional>
#include <string>

#include "cli/gdb_options.h"
#include "cli/ui_command.h"

namespace CLI {
class App;
}

namespace orrery {

// The number of a recording's run: `wanted`, or the one that was present at its end. Throws UsageError.
unsigned checked_run(const Recording& recording, std::optional<unsigned> wanted);
// --to. Throws UsageError.
u64 parse_instructions(const std::string& text);

struct ReplayOptions {
    std::string path;
    std::string to;         // --to: a moment; empty: the end
    std::string stats;      // --stats: where to, empty: nowhere
    bool headless = false;  // what it is anyway
    GdbOptions gdb;         // --gdb: gdb runs it, with the window's --history
    bool ui = false;        // in the debugger's window, as `window` says
    UiOptions window;
    std::optional<unsigned>
        run;  // --run: of a recording with branches; else the one that was present at the end

    void declare(CLI::App& app);
};

// Prints what the guest printed. The exit status of the recorded run, or 0 where it is stopped before its
// end. Throws UsageError, RecordingError.
int run_replay(const ReplayOptions& options);

struct VerifyOptions {
    std::string path;
    std::optional<unsigned> run;  // else all of them

    void declare(CLI::App& app);
};

// 0: every hash of the chain is as it was; 1: the first that is not has been printed.
int run_verify(const VerifyOptions& options);

}  // namespace orrery
