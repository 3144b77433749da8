#include "ui/script.h"

#include <fmt/format.h>
#include <imgui.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "emulator/inspect/models/windows.h"
#include "ui/guest_keys.h"

namespace orrery {

namespace {

constexpr u64 kScriptSlice = 2'000'000;      // instructions between two looks
constexpr u64 kBudget = 4'000'000'000;       // for any one line
constexpr u64 kQuietInstructions = 200'000;  // a slice of virtual time with fewer: the guest only ticks
constexpr u64 kKeySlice = 2'000'000;         // between keys
constexpr unsigned kQuietSlices =
    10;  // longer than the time-outs by which programs tell an Escape from a key

constexpr const char* kVerbs[] = {"boot",
                                  "run",
                                  "type",
                                  "wait",
                                  "syscall",
                                  "crossing",
                                  "step",
                                  "over",
                                  "out",
                                  "break",
                                  "run-to",
                                  "continue",
                                  "watch",
                                  "select",
                                  "task",
                                  "code",
                                  "layout",
                                  "focus",
                                  "click",
                                  "expect",
                                  "screenshot",
                                  "keys",
                                  "press",
                                  "mouse",
                                  "back",
                                  "back-over",
                                  "back-out",
                                  "run-back",
                                  "previous-crossing",
                                  "goto",
                                  "bookmark",
                                  "go-bookmark",
                                  "enter-run",
                                  "poke",
                                  "set",
                                  "hash",
                                  "drag",
                                  "chord"};

std::string unescape(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case 'n':
                out += '\n';
                break;
            case 't':
                out += '\t';
                break;
            case 'e':
                out += '\x1b';
                break;
            case 'x':
                if (i + 2 < text.size()) {
                    out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
                    i += 2;
                }
                break;
            default:
                out += text[i];
        }
    }
    return out;
}

u64 count_of(const std::string& text, u64 otherwise) {
    return text.empty() ? otherwise : std::stoull(text);
}

}  // namespace

std::vector<ScriptLine> read_script(const std::string& path) {
    std::ifstream file(path);
    if (!file) throw ScriptError("--script " + path + ": cannot be read", false);
    std::vector<ScriptLine> lines;
    std::string text;
    for (unsigned number = 1; std::getline(file, text); ++number) {
        std::istringstream words(text);
        ScriptLine line;
        line.number = number;
        if (!(words >> line.verb) || line.verb[0] == '#') continue;
        std::getline(words >> std::ws, line.rest);
        if (std::find(std::begin(kVerbs), std::end(kVerbs), line.verb) == std::end(kVerbs))
            throw ScriptError(fmt::format("{}:{}: there is no command {}", path, number, line.verb), false);
        lines.push_back(std::move(line));
    }
    return lines;
}

void ScriptRunner::fail(const ScriptLine& line, const std::string& why, bool expectation) {
    throw ScriptError(fmt::format("{}:{}: {}", path_, line.number, why), expectation);
}

bool ScriptRunner::shows(const std::string& text) {
    return session_.console().find(text, wait_from_) != std::string::npos;
}

bool ScriptRunner::waits(const std::string&) {
    return quiet_ >= kQuietSlices && !session_.console().empty();
}

void ScriptRunner::run_until(const ScriptLine& line, bool (ScriptRunner::*reached)(const std::string&),
                             const std::string& text) {
    const u64 limit = session_.machine().moment().instructions + kBudget;
    quiet_ = 0;
    session_.command({Verb::Run, {}, 0});
    while (!(this->*reached)(text)) {
        const u64 before = session_.machine().moment().instructions;
        session_.advance(kScriptSlice);
        pump_terminal();
        if (!session_.running()) {
            if ((this->*reached)(text)) return;
            fail(line, "the guest stopped: " + session_.status(), true);
        }
        const u64 executed = session_.machine().moment().instructions - before;
        quiet_ = executed < kQuietInstructions ? quiet_ + 1 : 0;
        if (session_.machine().moment().instructions > limit)
            fail(line, "not reached within 4,000,000,000 instructions", true);
    }
    session_.command({Verb::Pause, {}, 0});
}

// The terminal sees what was printed, and answers what the guest asked it (where the cursor is).
void ScriptRunner::pump_terminal() {
    feed_terminal(ui_, session_.take_console());
    std::vector<Command> others;
    for (Command& command : std::exchange(ui_.commands, {}))
        if (command.verb == Verb::Type)
            session_.command(command);
        else
            others.push_back(std::move(command));
    ui_.commands = std::move(others);
}

void ScriptRunner::finish_activity(const ScriptLine& line) {
    const u64 limit = session_.machine().moment().instructions + kBudget;
    unsigned idle = 0;
    while (session_.running()) {
        session_.advance(kScriptSlice);
        pump_terminal();
        idle = session_.idle() ? idle + 1 : 0;
        if (session_.machine().moment().instructions > limit || idle > 1000)
            fail(line, "not reached: " + session_.status(), true);
    }
}

void ScriptRunner::refresh() {
    if (!ui_.frame || ui_.frame->moment != session_.machine().moment()) ui_.previous = ui_.frame;
    ui_.frame = session_.frame(ui_.selection);
    pump_terminal();
    for (unsigned i = 0; i < 3; ++i) {  // Dear ImGui needs a frame to lay out, and one to scroll
        canvas_.events(ui_, 0);
        canvas_.draw(ui_);
        for (const Command& command : std::exchange(ui_.commands, {})) session_.command(command);
        if (ui_.selection_changed) {
            ui_.selection_changed = false;
            ui_.frame = session_.frame(ui_.selection);
        }
    }
}

void ScriptRunner::run_for(const ScriptLine& line, u64 instructions) {
    const u64 until = session_.machine().moment().instructions + instructions;
    session_.command({Verb::Run, {}, 0});
    for (unsigned slices = 0; slices < 4 && session_.machine().moment().instructions < until; ++slices) {
        session_.advance(until - session_.machine().moment().instructions);
        pump_terminal();
        if (!session_.running()) fail(line, "the guest stopped: " + session_.status(), true);
    }
    session_.command({Verb::Pause, {}, 0});
}

// The keyboard's buffer is short: eight bytes at a time, as fast as somebody types who types fast.
void ScriptRunner::type_keys(const ScriptLine& line, const std::string& bytes) {
    for (size_t at = 1; at < bytes.size();) {
        // Never within a key's code.
        size_t end = at;
        while (end < bytes.size() && end - at < 8) {
            while (bytes[end] == '\xe0' || bytes[end] == '\xf0') ++end;
            ++end;
        }
        session_.command({Verb::Keyboard, bytes[0] + bytes.substr(at, end - at), 0});
        run_for(line, kKeySlice);
        at = end;
    }
}

void ScriptRunner::expect(const ScriptLine& line) {
    std::istringstream words(line.rest);
    std::string window, text;
    words >> window;
    std::getline(words >> std::ws, text);
    if (window == "status") {
        if (session_.status().find(text) == std::string::npos)
            fail(line, fmt::format("the status is \"{}\"", session_.status()), true);
        return;
    }
    if (window == "screen") {
        pump_terminal();
        if (ui_.terminal.text().find(text) == std::string::npos)
            fail(line, "the screen shows:\n" + ui_.terminal.text(), true);
        return;
    }
    std::vector<std::string> arguments;
    if (window == "page-walk") arguments = {ui_.selection.walk_address};
    if (window == "address-space") arguments = {std::to_string(ui_.selection.pid)};
    if (window == "memory") arguments = {ui_.selection.memory_address};
    const RenderedWindow rendered = find_window(window).render(session_.context(), arguments);
    if (rendered.text.find(text) == std::string::npos)
        fail(line, fmt::format("{} does not show \"{}\"; it shows:\n{}", window, text, rendered.text), true);
}

void ScriptRunner::execute(const ScriptLine& line) {
    const std::string& verb = line.verb;
    auto command = [&](Verb what, const std::string& text = {}) { session_.command({what, text, 0}); };
    if (execute_time(line)) return;
    if (verb == "boot" || (verb == "run" && line.rest.empty())) {
        run_until(line, &ScriptRunner::waits, {});
    } else if (verb == "run") {
        const u64 until = session_.machine().moment().instructions + count_of(line.rest, 0);
        command(Verb::Run);
        while (session_.running() && session_.machine().moment().instructions < until)
            session_.advance(std::min(kScriptSlice, until - session_.machine().moment().instructions));
        command(Verb::Pause);
    } else if (verb == "type") {
        wait_from_ = session_.console().size();
        command(Verb::Type, unescape(line.rest));
    } else if (verb == "keys") {
        wait_from_ = session_.console().size();
        type_keys(line, typed_input(unescape(line.rest)));
    } else if (verb == "press") {
        const std::string keys = chord_input(line.rest);
        if (keys.empty()) fail(line, line.rest + ": no such keys on a keyboard");
        type_keys(line, keys);
    } else if (verb == "mouse") {
        std::istringstream words(line.rest);
        int right = 0, down = 0, wheel = 0;
        unsigned buttons = 0;
        if (!(words >> right >> down)) fail(line, "mouse RIGHT DOWN [BUTTONS [WHEEL]]");
        words >> buttons >> wheel;
        command(Verb::Keyboard, mouse_input(right, down, wheel, buttons));
        run_for(line, kKeySlice);
    } else if (verb == "wait") {
        run_until(line, &ScriptRunner::shows, unescape(line.rest));
    } else if (verb == "syscall") {
        command(Verb::UntilSyscall, line.rest);
        finish_activity(line);
    } else if (verb == "crossing") {
        command(Verb::NextCrossing);
        finish_activity(line);
    } else if (verb == "step") {
        for (u64 i = count_of(line.rest, 1); i > 0; --i) command(Verb::Step);
    } else if (verb == "over" || verb == "out" || verb == "continue" || verb == "watch") {
        command(verb == "over"    ? Verb::StepOver
                : verb == "out"   ? Verb::StepOut
                : verb == "watch" ? Verb::WatchSyscall
                                  : Verb::Run);
        finish_activity(line);
    } else if (verb == "break" || verb == "run-to") {
        command(verb == "break" ? Verb::AddBreakpoint : Verb::RunTo, line.rest);
        const std::string error = session_.frame(ui_.selection)->breakpoint_error;
        if (!error.empty()) fail(line, error);
        if (verb == "run-to") finish_activity(line);
    } else if (verb == "select") {
        ui_.select_address(line.rest);
    } else if (verb == "task") {
        ui_.select_pid(std::stoi(line.rest));
    } else if (verb == "code") {
        ui_.selection.code_address = line.rest;
    } else if (verb == "layout") {
        ui_.preset = line.rest;
        ui_.relayout = true;
    } else if (verb == "focus") {
        ui_.focus_request = line.rest;
    } else if (verb == "click" || verb == "drag") {
        execute_mouse(line);
    } else if (verb == "chord") {
        execute_chord(line);
    } else if (verb == "expect") {
        expect(line);
    } else if (verb == "screenshot") {
        refresh();
        canvas_.save_png(line.rest);
    }
}

void ScriptRunner::run(const std::vector<ScriptLine>& lines) {
    refresh();
    for (const ScriptLine& line : lines) {
        try {
            execute(line);
        } catch (const ShowError& error) {
            fail(line, error.what());
        } catch (const std::logic_error&) {
            fail(line, line.rest + " is not a number");
        }
        refresh();
    }
}

}  // namespace orrery
