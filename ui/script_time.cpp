// Script commands that go to other moments or change the machine by hand, and those of mouse and keys.
#include <fmt/format.h>
#include <sstream>

#include "emulator/inspect/models/windows.h"
#include "ui/guest_keys.h"
#include "ui/keys.h"
#include "ui/script.h"

namespace orrery {

namespace {

struct NamedVerb {
    const char* name;
    Verb verb;
};
constexpr NamedVerb kSearches[] = {{"back-over", Verb::StepOverBack},
                                   {"back-out", Verb::StepOutBack},
                                   {"run-back", Verb::RunBack},
                                   {"previous-crossing", Verb::PreviousCrossing}};

}  // namespace

// False for a command that is none of these. Throws std::logic_error where a number is no number.
bool ScriptRunner::execute_time(const ScriptLine& line) {
    const std::string& verb = line.verb;
    for (const NamedVerb& search : kSearches) {
        if (verb != search.name) continue;
        session_.command({search.verb, {}, 0});
        finish_activity(line);
        return true;
    }
    std::istringstream words(line.rest);
    std::string first, second;
    if (verb == "back") {
        const u64 count = line.rest.empty() ? 1 : script_number(line.rest);
        for (u64 i = 0; i < count; ++i) session_.command({Verb::StepBack, {}, 0});
    } else if (verb == "goto") {
        const std::optional<Command> command = moment_command(line.rest);
        if (!command) fail(line, "goto N, or goto cycle N");
        session_.command(*command);
        finish_activity(line);
    } else if (verb == "bookmark") {
        session_.command({Verb::AddBookmark, line.rest, 0});
    } else if (verb == "go-bookmark") {
        session_.command({Verb::GoToBookmark, {}, script_number(line.rest) - 1});
    } else if (verb == "enter-run") {
        session_.command({Verb::EnterRun, {}, script_number(line.rest)});
    } else if (verb == "poke") {
        if (!(words >> first) || !std::getline(words >> std::ws, second)) fail(line, "poke ADDRESS BYTES");
        session_.command({Verb::PokeMemory, second, parse_address(session_.context(), first)});
    } else if (verb == "set") {
        if (!(words >> first >> second)) fail(line, "set REGISTER VALUE");
        session_.command({Verb::SetRegister, first, parse_address(session_.context(), second)});
    } else if (verb == "hash") {
        compare_hash(line);
    } else {
        return false;
    }
    return true;
}

void ScriptRunner::compare_hash(const ScriptLine& line) {
    const std::string hash = fmt::format("{:016x}", session_.machine().state_hash());
    const auto [known, added] = hashes_.try_emplace(line.rest, hash);
    if (!added && known->second != hash)
        fail(line, fmt::format("{} is {}, but was {}", line.rest, hash, known->second), true);
}

void ScriptRunner::mouse_button(int x, int y, bool down) {
    ui_.scripted_mouse = {static_cast<float>(x), static_cast<float>(y), down};
    refresh();
}

void ScriptRunner::execute_mouse(const ScriptLine& line) {
    std::istringstream words(line.rest);
    int x = 0, y = 0, to_x = 0, to_y = 0;
    if (!(words >> x >> y)) fail(line, line.verb == "click" ? "click X Y" : "drag X Y X Y");
    if (line.verb == "drag" && !(words >> to_x >> to_y)) fail(line, "drag X Y X Y");
    if (line.verb == "click") {
        to_x = x;
        to_y = y;
    }
    mouse_button(x, y, false);
    mouse_button(x, y, true);
    mouse_button(to_x, to_y, true);
    mouse_button(to_x, to_y, false);
    ui_.scripted_mouse.reset();
    finish_activity(line);
}

// Keys of the host's keyboard, for the debugger.
void ScriptRunner::execute_chord(const ScriptLine& line) {
    SDL_Event event{};
    event.type = SDL_KEYDOWN;
    std::string key = line.rest;
    for (size_t plus = key.find('+'); plus != std::string::npos && plus + 1 < key.size();
         plus = key.find('+')) {
        const std::string modifier = key.substr(0, plus);
        const int bit = modifier == "Alt"     ? KMOD_LALT
                        : modifier == "Ctrl"  ? KMOD_LCTRL
                        : modifier == "Shift" ? KMOD_LSHIFT
                                              : 0;
        if (bit == 0) fail(line, modifier + ": no such key");
        event.key.keysym.mod = static_cast<Uint16>(event.key.keysym.mod | bit);
        key.erase(0, plus + 1);
    }
    event.key.keysym.sym = SDL_GetKeyFromName(key.c_str());
    if (event.key.keysym.sym == SDLK_UNKNOWN) fail(line, key + ": no such key");
    handle_key_event(ui_, event);
    if (key.size() == 1 && event.key.keysym.mod == 0) {
        event.type = SDL_TEXTINPUT;
        event.text.text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(key[0])));
        event.text.text[1] = 0;
        handle_key_event(ui_, event);
    }
    refresh();
    finish_activity(line);
}

}  // namespace orrery
