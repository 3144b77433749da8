// orrery show: the text twin of one window, at one moment of a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/guest_options.h"
#include "cli/subject.h"

namespace CLI {
class App;
}

namespace orrery {

struct ShowOptions {
    GuestOptions guest;
    ReplayOption replay;
    std::string window;
    std::vector<std::string> arguments;
    std::optional<unsigned> vcpu;
    std::string at;  // empty: when the guest has come up and waits
    std::string format = "text";

    void declare(CLI::App& app);
};

// Boots, runs to the moment and prints the window to stdout. The exit status. Throws UsageError and
// BootError.
int run_show(const ShowOptions& options);

}  // namespace orrery
