// orrery strace: a command's system calls as strace prints them, seen from outside of its machine.
#pragma once

#include <string>

#include "cli/guest_options.h"
#include "cli/subject.h"

namespace CLI {
class App;
}

namespace orrery {

struct StraceOptions {
    GuestOptions guest;
    ReplayOption replay;
    bool summary = false;  // -c
    std::string output;    // -o FILE; empty: stderr

    void declare(CLI::App& app);
};

// Runs the command in the guest: its output to stdout, the trace to stderr or a file. The exit status is the
// command's. Throws UsageError and BootError.
int run_strace(const StraceOptions& options);

}  // namespace orrery
