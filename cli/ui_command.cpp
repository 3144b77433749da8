#include "cli/ui_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "cli/inspection.h"
#include "cli/own_files.h"
#include "cli/replay.h"
#include "ui/app.h"
#include "ui/script.h"

namespace orrery {

void UiOptions::declare(CLI::App& app) {
    guest.declare(app);
    record.declare(app);
    replay.declare(app);
    app.add_flag("--headless", headless, "Draw in memory: no display is needed");
    declare_window(app);
}

void UiOptions::declare_window(CLI::App& app) {
    app.add_option("--history", history, "Memory for going back in time")->capture_default_str();
    app.add_option("--script", script, "Play this script (docs/debugger-scripts.md)");
    app.add_option("--screenshot", screenshot, "Write the window to this PNG file at the script's end");
    app.add_option("--size", size, "Width and height in pixels")->capture_default_str();
    app.add_option("--scale", scale, "Size of text and windows")
        ->check(CLI::Range(0.5, 4.0))
        ->capture_default_str();
}

bool has_display() {
    return std::getenv("DISPLAY") != nullptr || std::getenv("WAYLAND_DISPLAY") != nullptr;
}

int run_ui(const UiOptions& options) {
    AppOptions app;
    GuestOptions guest = options.guest;
    guest.display_shown = true;
    if (options.replay.path.empty()) {
        app.session.machine = guest.machine_config();
        app.session.images = guest.boot_images();
        app.session.kernel_path = app.session.images.kernel;
        app.session.record = [&options, images = app.session.images](Machine& machine) {
            return options.record.start(machine, images, options.guest);
        };
    } else {
        app.session.replay = std::make_shared<const Recording>(open_recording(options.replay.path));
        app.session.replay_run = checked_run(*app.session.replay, options.run);
        app.session.image_directories = image_directories();
        if (!options.to.empty()) app.session.begin_at = parse_instructions(options.to);
    }
    try {
        app.session.history = parse_memory_size(options.history);
    } catch (const UsageError&) {
        throw UsageError("--history " + options.history + ": not a size (try 512M or 2G)");
    }
    app.session.source_root = source_directory();
    app.headless = options.headless;
    app.script = options.script;
    app.screenshot = options.screenshot;
    app.scale = static_cast<float>(options.scale);
    char rest = 0;
    if (std::sscanf(options.size.c_str(), "%dx%d%c", &app.width, &app.height, &rest) != 2 ||
        app.width < 320 || app.height < 200 || app.width > 16384 || app.height > 16384)
        throw UsageError("--size " + options.size + ": not a size (try 1920x1080)");
    if (!options.headless && !has_display())
        throw UsageError(
            "there is no display here (DISPLAY is not set): use run --headless, or ui --headless --script");
    if (!options.screenshot.empty() && !std::ofstream(options.screenshot, std::ios::app))
        throw UsageError("--screenshot " + options.screenshot + ": cannot be written");
    try {
        run_window(app);
    } catch (const ScriptError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return error.expectation ? 1 : 2;
    }
    return 0;
}

}  // namespace orrery
