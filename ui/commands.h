// The one table of commands. It makes the key map, the help (F1), the palette (Ctrl+P), the buttons of the bar
// and the language of scripts (docs/debugger-scripts.md).
//
// To add a command: a row in commands.cpp, and its handler. What the machine is to do is a structure of
// command.h and Session::perform(); what the window does is a function of Ui; what only a script can ask for
// is a function in script_words.h.
#pragma once

#include <span>
#include <string>

#include "ui/windows.h"

namespace orrery {

class ScriptRunner;
struct ScriptLine;

// In which states of the machine a command makes sense.
enum class When : u8 {
    Always,
    Running,
    Paused,
    AtRest,    // paused or ended: the past of a machine that has ended can be visited too
    NotEnded,  // running or paused
    Ended,
};
bool holds(When when, RunState state);

// Where on the bar its button is; First is for those who see Orrery for the first time.
enum class Bar : u8 { None, Forwards, Back, First, Last };

struct CommandRow {
    // In the palette and the help; nullptr: it needs a value, so that it is not there.
    const char* name = nullptr;
    // "Alt+F11", "."; further ones after a '|'. Keys without Ctrl that type a character, and those with
    // `guest_first`, are the guest's while what one types goes to the guest.
    const char* keys = nullptr;
    bool guest_first = false;
    Bar bar = Bar::None;
    const char* button = nullptr;  // its text
    When shown = When::Always;     // the button is there
    When when = When::Always;      // the command is to be had
    const char* help = nullptr;    // what it does, one line
    void (*invoke)(Ui& ui) = nullptr;
    // In scripts: the word and what may follow it, "step [N]"; nullptr: not to be had there.
    const char* script = nullptr;
    // nullptr: as `invoke`, and until the machine has stopped.
    void (*play)(ScriptRunner& runner, const ScriptLine& line) = nullptr;

    // Its first key, as shown; "" if there is none.
    std::string key() const;
    // The word of scripts, alone; "" if there is none.
    std::string word() const;
};

std::span<const CommandRow> commands();
// nullptr: there is none.
const CommandRow* find_word(const std::string& word);

}  // namespace orrery
