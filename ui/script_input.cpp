// Scripts' words for what a person types, points at and looks at.
#include <fmt/format.h>

#include <cctype>
#include <sstream>

#include "emulator/inspect/models/windows.h"
#include "ui/guest_keys.h"
#include "ui/keys.h"
#include "ui/layout.h"
#include "ui/script_words.h"

namespace orrery::play {

namespace {

constexpr u64 kKeySlice = 2'000'000;  // instructions between keys

// The keyboard's buffer is short: eight bytes at a time, as fast as somebody types who types fast.
void type_keys(ScriptRunner& runner, const ScriptLine& line, const std::string& bytes) {
    for (size_t at = 1; at < bytes.size();) {
        // Never within a key's code.
        size_t end = at;
        while (end < bytes.size() && end - at < 8) {
            while (bytes[end] == '\xe0' || bytes[end] == '\xf0') ++end;
            ++end;
        }
        runner.session().command(command::Keyboard{bytes[0] + bytes.substr(at, end - at)});
        runner.run_for(line, kKeySlice);
        at = end;
    }
}

void button(ScriptRunner& runner, int x, int y, bool down) {
    runner.ui().scripted_mouse = {static_cast<float>(x), static_cast<float>(y), down};
    runner.refresh();
}

void press_and_release(ScriptRunner& runner, const ScriptLine& line, int x, int y, int to_x, int to_y) {
    button(runner, x, y, false);
    button(runner, x, y, true);
    button(runner, to_x, to_y, true);
    button(runner, to_x, to_y, false);
    runner.ui().scripted_mouse.reset();
    runner.finish(line);
}

// What the window of this name has for arguments of its text twin.
std::vector<std::string> twin_arguments(const std::string& window, const Selection& selection) {
    const std::vector<std::string> task =
        selection.task ? std::vector{std::to_string(*selection.task)} : std::vector<std::string>{};
    std::vector<std::string> arguments;
    if (window == "address-space") return {std::to_string(selection.pid)};
    if (window == "disassembly" && !selection.code_address.empty()) arguments = {selection.code_address};
    if (window == "page-walk") arguments = {selection.walk_address};
    if (window == "memory") arguments = {selection.memory_address, "256"};
    if (!arguments.empty()) arguments.insert(arguments.end(), task.begin(), task.end());
    return arguments;
}

}  // namespace

void type(ScriptRunner& runner, const ScriptLine& line) {
    runner.mark_console();
    runner.session().command(command::Type{unescape(line.rest)});
}

void keys(ScriptRunner& runner, const ScriptLine& line) {
    runner.mark_console();
    type_keys(runner, line, typed_input(unescape(line.rest)));
}

void press(ScriptRunner& runner, const ScriptLine& line) {
    const std::string keys = chord_input(line.rest);
    if (keys.empty()) runner.fail(line, line.rest + ": no such keys on a keyboard");
    type_keys(runner, line, keys);
}

void mouse(ScriptRunner& runner, const ScriptLine& line) {
    std::istringstream words(line.rest);
    int right = 0, down = 0, wheel = 0;
    unsigned buttons = 0;
    if (!(words >> right >> down)) runner.fail(line, "mouse RIGHT DOWN [BUTTONS [WHEEL]]");
    words >> buttons >> wheel;
    runner.session().command(command::Keyboard{mouse_input(right, down, wheel, buttons)});
    runner.run_for(line, kKeySlice);
}

void click(ScriptRunner& runner, const ScriptLine& line) {
    std::istringstream words(line.rest);
    int x = 0, y = 0;
    if (!(words >> x >> y)) runner.fail(line, "click X Y");
    press_and_release(runner, line, x, y, x, y);
}

void drag(ScriptRunner& runner, const ScriptLine& line) {
    std::istringstream words(line.rest);
    int x = 0, y = 0, to_x = 0, to_y = 0;
    if (!(words >> x >> y >> to_x >> to_y)) runner.fail(line, "drag X Y X Y");
    press_and_release(runner, line, x, y, to_x, to_y);
}

// Keys of the host's keyboard, for the debugger: a character comes as text too.
void chord(ScriptRunner& runner, const ScriptLine& line) {
    const std::optional<SDL_Keysym> key = parse_chord(line.rest);
    if (!key) runner.fail(line, line.rest + ": no such key");
    SDL_Event event{};
    event.type = SDL_KEYDOWN;
    event.key.keysym = *key;
    handle_key_event(runner.ui(), event);
    if (key->mod == 0 && key->sym >= ' ' && key->sym < 127) {
        event = {};
        event.type = SDL_TEXTINPUT;
        event.text.text[0] = static_cast<char>(key->sym);
        handle_key_event(runner.ui(), event);
    }
    runner.refresh();
    runner.finish(line);
}

// An address as it is typed into a field: of the task that was chosen, if one was.
void select(ScriptRunner& runner, const ScriptLine& line) {
    runner.ui().select_address(line.rest, runner.ui().selection.task);
}

void task(ScriptRunner& runner, const ScriptLine& line) {
    runner.ui().select_pid(static_cast<int>(script_number(line.rest, 0x7fffffff)));
}

void code(ScriptRunner& runner, const ScriptLine& line) {
    runner.ui().selection.code_address = line.rest;
}

void layout(ScriptRunner& runner, const ScriptLine& line) {
    if (!choose_layout(runner.ui(), line.rest)) runner.fail(line, "no layout is called " + line.rest);
}

void focus(ScriptRunner& runner, const ScriptLine& line) {
    if (!show_view(runner.ui(), line.rest)) runner.fail(line, "no window is called " + line.rest);
}

void expect(ScriptRunner& runner, const ScriptLine& line) {
    Session& session = runner.session();
    std::istringstream words(line.rest);
    std::string window, text;
    words >> window;
    std::getline(words >> std::ws, text);
    if (window == "status") {
        if (session.status().find(text) == std::string::npos)
            runner.fail(line, fmt::format("the status is \"{}\"", session.status()), true);
        return;
    }
    if (window == "screen") {
        runner.pump_terminal();
        if (runner.ui().terminal.text().find(text) == std::string::npos)
            runner.fail(line, "the screen shows:\n" + runner.ui().terminal.text(), true);
        return;
    }
    const RenderedWindow rendered =
        find_window(window).render(session.context(), twin_arguments(window, runner.ui().selection));
    if (rendered.text.find(text) == std::string::npos)
        runner.fail(line, fmt::format("{} does not show \"{}\"; it shows:\n{}", window, text, rendered.text),
                    true);
}

void screenshot(ScriptRunner& runner, const ScriptLine& line) {
    runner.refresh();
    runner.canvas().save_png(line.rest);
}

}  // namespace orrery::play
