// orrery ui: the debugger's window, or a script that plays it without a display.
#pragma once

#include <optional>
#include <string>

#include "cli/guest_options.h"
#include "cli/record_options.h"
#include "cli/subject.h"

namespace CLI {
class App;
}

namespace orrery {

struct UiOptions {
    GuestOptions guest;
    RecordOptions record;
    ReplayOption replay;
    std::string to;  // of a replay: the instruction count to begin at
    std::optional<unsigned> run;
    std::string history = "1G";
    bool headless = false;
    std::string script;
    std::string screenshot;
    std::string size = "1920x1080";
    double scale = 1.0;

    void declare(CLI::App& app);
    // Those of how the window is to be, which replay --ui has too.
    void declare_window(CLI::App& app);
};

// Returns the exit status: 0, or 1 where a script's expectation failed. Throws UsageError, BootError.
int run_ui(const UiOptions& options);

// Whether a window could be opened here.
bool has_display();

}  // namespace orrery
