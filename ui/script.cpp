#include "ui/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "emulator/inspect/models/windows.h"
#include "emulator/time-travel/timeline/quiet_guest.h"
#include "ui/commands.h"

namespace orrery {

namespace {

using command::Go;
using command::Motion;

constexpr u64 kBudget = 4'000'000'000;  // for any one line
// While a search has nothing left to execute, in slices: longer than any program that waits for its own timer.
constexpr unsigned kIdleSlices = 1000;

}  // namespace

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

u64 script_number(const std::string& text, u64 largest) {
    if (const std::optional<u64> number = parse_number(text, largest)) return *number;
    throw std::invalid_argument(text + " is not a number");
}

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
        if (find_word(line.verb) == nullptr)
            throw ScriptError(fmt::format("{}:{}: there is no command {}", path, number, line.verb), false);
        lines.push_back(std::move(line));
    }
    return lines;
}

void ScriptRunner::fail(const ScriptLine& line, const std::string& why, bool expectation) {
    throw ScriptError(fmt::format("{}:{}: {}", path_, line.number, why), expectation);
}

// `reached`: told how many instructions the last slice took, and whether it was a whole one.
template <typename Reached>
void ScriptRunner::run_until(const ScriptLine& line, const Reached& reached) {
    const u64 limit = session_.machine().moment().instructions + kBudget;
    session_.command(Go{Motion::Run});
    for (bool done = reached(kScriptSlice); !done;) {
        const u64 before = session_.machine().moment().instructions;
        session_.advance(kScriptSlice);
        pump_terminal();
        const u64 now = session_.machine().moment().instructions;
        done = reached(now - before);
        if (!session_.running()) {
            if (done) return;
            fail(line, "the guest stopped: " + session_.status(), true);
        }
        if (now > limit) fail(line, "not reached within 4,000,000,000 instructions", true);
    }
    session_.command(command::Pause{});
}

void ScriptRunner::run_until_quiet(const ScriptLine& line) {
    QuietGuest guest;
    run_until(line, [&](u64 executed) {
        guest.ran(executed, true);
        return guest.waits() && !session_.console().empty();
    });
}

void ScriptRunner::run_until_shown(const ScriptLine& line, const std::string& text) {
    run_until(line, [&](u64) { return session_.console().find(text, wait_from_) != std::string::npos; });
}

void ScriptRunner::pump_terminal() {
    feed_terminal(ui_, session_.take_console());
    std::vector<Command> others;
    for (Command& command : std::exchange(ui_.commands, {}))
        if (std::holds_alternative<command::Type>(command))
            session_.command(command);
        else
            others.push_back(std::move(command));
    ui_.commands = std::move(others);
}

void ScriptRunner::finish(const ScriptLine& line) {
    const u64 limit = session_.machine().moment().instructions + kBudget;
    unsigned idle = 0;
    while (session_.running()) {
        session_.advance(kScriptSlice);
        pump_terminal();
        idle = session_.idle() ? idle + 1 : 0;
        if (session_.machine().moment().instructions > limit || idle > kIdleSlices)
            fail(line, "not reached: " + session_.status(), true);
    }
}

void ScriptRunner::finish(const ScriptLine& line, const Command& command) {
    session_.command(command);
    finish(line);
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
    session_.command(Go{Motion::Run});
    for (unsigned slices = 0; slices < 4 && session_.machine().moment().instructions < until; ++slices) {
        session_.advance(until - session_.machine().moment().instructions);
        pump_terminal();
        if (!session_.running()) fail(line, "the guest stopped: " + session_.status(), true);
    }
    session_.command(command::Pause{});
}

std::string ScriptRunner::remember(const std::string& name, const std::string& hash) {
    const auto [known, added] = hashes_.try_emplace(name, hash);
    return known->second == hash ? "" : known->second;
}

void ScriptRunner::execute(const ScriptLine& line) {
    const CommandRow& row = *find_word(line.verb);
    if (row.play != nullptr) {
        row.play(*this, line);
        return;
    }
    row.invoke(ui_);
    for (const Command& command : std::exchange(ui_.commands, {})) session_.command(command);
    finish(line);
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
