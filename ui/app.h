// The debugger as a program: a window on a session, or a script that plays one.
#pragma once

#include <optional>
#include <string>

#include "ui/session.h"

namespace orrery {

struct AppOptions {
    SessionConfig session;
    bool headless = false;
    std::string script;      // empty: none
    std::string screenshot;  // at the end of the script; empty: none
    int width = 1920;
    int height = 1080;
    float scale = 1.0f;
};

// What a window that somebody opens begins with: the machine runs; a recording is there to be looked at from
// its start, or from where it was to be opened, on.
std::optional<Command> opening_command(const SessionConfig& session);

// Runs until the window is closed or the script has ended. Throws std::exception kinds with one-line messages
// (ScriptError, BootError, std::runtime_error for a display that is not there).
void run_window(const AppOptions& options);

}  // namespace orrery
