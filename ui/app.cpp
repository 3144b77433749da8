#include "ui/app.h"

#include <algorithm>
#include <utility>

#include "ui/canvas.h"
#include "ui/guest_thread.h"
#include "ui/layout.h"
#include "ui/script.h"

namespace orrery {

namespace {

void run_script(const AppOptions& options) {
    const std::vector<ScriptLine> lines =
        options.script.empty() ? std::vector<ScriptLine>{} : read_script(options.script);
    Session session(options.session);
    Canvas canvas(options.headless, options.width, options.height, options.scale);
    Ui ui;
    ui.scale = options.scale;
    ui.terminal.set_newline(session.plain_output());
    ScriptRunner runner(session, canvas, ui, options.script);
    runner.run(lines);
    if (!options.screenshot.empty()) canvas.save_png(options.screenshot);
}

// How many frames Dear ImGui is given to come to rest: after an event, and after new rows.
constexpr unsigned kSettle = 4, kSettleRows = 2;
constexpr Uint64 kFrameMilliseconds = 16;

void take_frame(Ui& ui, const std::shared_ptr<const Frame>& frame) {
    const bool stopped = frame->state != RunState::Running;
    if (stopped && (ui.frame->state == RunState::Running || ui.frame->moment != frame->moment))
        ui.previous = ui.frame;
    ui.frame = frame;
}

// A still screen costs nothing: after the last change events() sleeps until something comes.
void run_interactive(const AppOptions& options) {
    Canvas canvas(false, options.width, options.height, options.scale);
    Ui ui;
    auto session = std::make_unique<Session>(options.session);
    ui.terminal.set_newline(session->plain_output());
    GuestThread guest(std::move(session));
    guest.on_frame([&canvas] { canvas.wake(); });
    if (const std::optional<Command> opening = opening_command(options.session)) guest.send(*opening);
    ui.scale = options.scale;
    const bool display = options.session.machine.display.present;
    if (display) choose_layout(ui, "Display");
    ui.focus_request = display ? "Display" : "Console";
    ui.frame = guest.latest();
    unsigned settle = kSettle;
    while (!ui.quit) {
        const Uint64 began = SDL_GetTicks64();
        if (canvas.events(ui, settle > 0 ? 0 : 1000)) settle = kSettle;
        const std::shared_ptr<const Frame> frame = guest.latest();
        if (frame != ui.frame) {
            settle = std::max(settle, kSettleRows);
            take_frame(ui, frame);
            feed_terminal(ui, guest.take_console());
        }
        if (!canvas.visible()) settle = 0;
        if (settle > 0) {
            --settle;
            canvas.draw(ui);
        }
        for (Command& command : std::exchange(ui.commands, {})) guest.send(std::move(command));
        if (std::exchange(ui.selection_changed, false)) guest.select(ui.selection);
        if (ui.new_scale > 0) {
            ui.scale = std::exchange(ui.new_scale, 0.0f);
            canvas.set_scale(ui.scale);
            ui.relayout = true;
            settle = kSettle;
        }
        // Where the renderer does not wait for the display, frames come no faster all the same.
        const Uint64 taken = SDL_GetTicks64() - began;
        if (settle > 0 && taken < kFrameMilliseconds)
            SDL_Delay(static_cast<Uint32>(kFrameMilliseconds - taken));
    }
}

}  // namespace

std::optional<Command> opening_command(const SessionConfig& session) {
    if (session.replay) return std::nullopt;
    return command::Go{command::Motion::Run};
}

void run_window(const AppOptions& options) {
    if (options.headless || !options.script.empty() || !options.screenshot.empty()) {
        run_script(options);
    } else {
        run_interactive(options);
    }
}

}  // namespace orrery
