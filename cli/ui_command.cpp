#include "cli/ui_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/inspection.h"
#include "cli/number_options.h"
#include "cli/own_files.h"
#include "cli/replay.h"
#include "ui/app.h"
#include "ui/script.h"

namespace orrery {

namespace {

constexpr u64 kLargestWindow = 16384;  // pixels, each way

}  // namespace

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
    add_fraction(app, "--scale", scale, "Size of text and windows", 0.5, 4.0);
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
        app.session.plain_output = guest.has_command();
        app.session.record = [&options, images = app.session.images](Machine& machine) {
            return options.record.start(machine, images, options.guest);
        };
    } else {
        app.session.replay = std::make_shared<const Recording>(open_recording(options.replay.path));
        app.session.replay_run = checked_run(*app.session.replay, options.run);
        app.session.image_directories = image_directories();
        if (!options.to.empty()) app.session.begin_at = parse_instructions(options.to);
    }
    app.session.history = parse_history(options.history);
    app.session.source_root = source_directory();
    app.headless = options.headless;
    app.script = options.script;
    app.screenshot = options.screenshot;
    app.scale = static_cast<float>(options.scale);
    const std::optional<WidthAndHeight> size = parse_width_and_height(options.size, kLargestWindow);
    if (!size || size->width < 320 || size->height < 200)
        throw UsageError("--size " + options.size + ": not a size (try 1920x1080)");
    app.width = static_cast<int>(size->width);
    app.height = static_cast<int>(size->height);
    if (!options.headless && !has_display())
        throw UsageError(
            "there is no display here (DISPLAY is not set): use run --headless, or ui --headless --script");
    if (!options.screenshot.empty()) check_output("--screenshot", options.screenshot);
    try {
        run_window(app);
    } catch (const ScriptError& error) {
        fmt::print(stderr, "orrery: {}\n", error.what());
        return error.expectation ? 1 : 2;
    }
    return 0;
}

}  // namespace orrery
