// orrery ui: the debugger's window, or a script that plays it without a display.
#pragma once

#include <string>

#include "emulator/cli/guest_options.h"

namespace CLI {
class App;
}

namespace orrery {

struct UiOptions {
    GuestOptions guest;
    bool headless = false;
    std::string script;
    std::string screenshot;
    std::string size = "1920x1080";
    double scale = 1.0;

    void declare(CLI::App& app);
};

// Returns the exit status: 0, or 1 where a script's expectation failed. Throws UsageError, BootError.
int run_ui(const UiOptions& options);

// Whether a window could be opened here.
bool has_display();

}  // namespace orrery
