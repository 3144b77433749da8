#include "ui/commands.h"

#include <algorithm>

#include "ui/script_words.h"

namespace orrery {

namespace {

using command::Motion;

template <Motion motion, bool back = false>
void go(Ui& ui) {
    ui.send(command::Go{motion, back});
}
template <typename What>
void send(Ui& ui) {
    ui.send(What{});
}
template <bool Ui::*shown>
void show(Ui& ui) {
    ui.*shown = true;
}

// clang-format off
const CommandRow kCommands[] = {
    // Forwards.
    {.name = "Run", .keys = "F5", .bar = Bar::Forwards, .button = "Run", .shown = When::Paused,
     .when = When::Paused, .help = "let the machine run", .invoke = go<Motion::Run>, .script = "continue"},
    {.name = "Pause", .keys = "F5", .bar = Bar::Forwards, .button = "Pause", .shown = When::Running,
     .when = When::Running, .help = "stop the machine where it is", .invoke = send<command::Pause>},
    {.name = "Restart the machine", .bar = Bar::Forwards, .button = "Restart", .shown = When::Ended,
     .help = "power on again", .invoke = send<command::Restart>},
    {.name = "Step", .keys = "F11", .bar = Bar::Forwards, .button = "Step", .when = When::Paused,
     .help = "one instruction", .invoke = go<Motion::Step>, .script = "step [N]", .play = play::step},
    {.name = "Step over a call", .keys = "F10", .bar = Bar::Forwards, .button = "Over", .when = When::Paused,
     .help = "one instruction, a call to its end", .invoke = go<Motion::Over>, .script = "over"},
    {.name = "Step out of the function", .keys = "Shift+F11", .bar = Bar::Forwards, .button = "Out",
     .when = When::Paused, .help = "to the end of the function", .invoke = go<Motion::Out>, .script = "out"},
    {.name = "Next ring crossing", .keys = ".", .bar = Bar::Forwards, .button = "Next crossing",
     .when = When::NotEnded, .help = "to the next change between user and kernel",
     .invoke = go<Motion::Crossing>, .script = "crossing"},
    // And back.
    {.name = "Run back", .keys = "Alt+F5", .bar = Bar::Back, .button = "◀◀", .when = When::AtRest,
     .help = "to the last breakpoint before, else to the start", .invoke = go<Motion::Run, true>,
     .script = "run-back"},
    {.name = "Step back", .keys = "Alt+F11", .bar = Bar::Back, .button = "◀ Step", .when = When::AtRest,
     .help = "one instruction back", .invoke = go<Motion::Step, true>, .script = "back [N]",
     .play = play::back},
    {.name = "Step back over a call", .keys = "Alt+F10", .bar = Bar::Back, .button = "◀ Over",
     .when = When::AtRest, .help = "one instruction back, over a call to where it was made",
     .invoke = go<Motion::Over, true>, .script = "back-over"},
    {.name = "Step back out of the function", .keys = "Alt+Shift+F11", .bar = Bar::Back, .button = "◀ Out",
     .when = When::AtRest, .help = "to where this function was called", .invoke = go<Motion::Out, true>,
     .script = "back-out"},
    {.name = "Previous ring crossing", .keys = ",", .bar = Bar::Back, .button = "◀ Crossing",
     .when = When::AtRest, .help = "to the change between user and kernel before",
     .invoke = go<Motion::Crossing, true>, .script = "previous-crossing"},
    {.name = "Watch a system call", .bar = Bar::First, .button = "Watch a system call",
     .when = When::NotEnded, .help = "waits for the shell, types \"echo hi\" into it and stops as its write() enters the kernel",
     .invoke = send<command::WatchSyscall>, .script = "watch"},
    // To places and moments.
    {.name = "Bookmark this moment", .keys = "M", .help = "remember this moment",
     .invoke = send<command::AddBookmark>, .script = "bookmark [NOTE]", .play = play::bookmark},
    {.name = "Go to an instruction count, a cycle or an address", .keys = "Ctrl+G", .guest_first = true,
     .help = "go to an instruction count, a cycle or an address", .invoke = show<&Ui::show_go_to>,
     .script = "goto [cycle] N", .play = play::go_to},
    {.script = "go-bookmark N", .play = play::go_bookmark},
    {.script = "enter-run N", .play = play::enter_run},
    {.script = "break PLACE", .play = play::add_breakpoint},
    {.script = "run-to PLACE", .play = play::run_to},
    {.script = "back-to PLACE", .play = play::back_to},
    {.script = "next QUERY", .play = play::next},
    {.script = "previous QUERY", .play = play::previous},
    {.script = "syscall [NAME]", .play = play::syscall},
    {.script = "cpu [N]", .play = play::cpu},
    // The machine by hand.
    {.name = "State hash", .help = "work out the hash of the machine's whole state",
     .invoke = send<command::Hash>, .script = "hash NAME", .play = play::hash},
    {.script = "poke ADDRESS BYTES", .play = play::poke},
    {.script = "set REGISTER VALUE", .play = play::set},
    // The window itself.
    {.name = "Help", .keys = "F1", .bar = Bar::Last, .button = "Help", .help = "keys, and what the windows show",
     .invoke = [](Ui& ui) { ui.show_help = !ui.show_help; }},
    {.name = "Palette", .keys = "Ctrl+P", .guest_first = true, .help = "every window and command by name",
     .invoke = show<&Ui::show_palette>},
    {.name = "Larger", .keys = "Ctrl++|Ctrl+=|Ctrl+Keypad +", .help = "larger text and windows",
     .invoke = [](Ui& ui) { ui.new_scale = std::min(3.0f, ui.scale * 1.15f); }},
    {.name = "Smaller", .keys = "Ctrl+-|Ctrl+Keypad -", .help = "smaller text and windows",
     .invoke = [](Ui& ui) { ui.new_scale = std::max(0.6f, ui.scale / 1.15f); }},
    {.script = "select ADDRESS", .play = play::select},
    {.script = "task PID", .play = play::task},
    {.script = "code PLACE", .play = play::code},
    {.script = "layout NAME", .play = play::layout},
    {.script = "focus WINDOW", .play = play::focus},
    // What a script does instead of a person.
    {.script = "boot", .play = play::boot},
    {.script = "run [N]", .play = play::run},
    {.script = "type TEXT", .play = play::type},
    {.script = "keys TEXT", .play = play::keys},
    {.script = "press KEYS", .play = play::press},
    {.script = "mouse RIGHT DOWN [BUTTONS [WHEEL]]", .play = play::mouse},
    {.script = "click X Y", .play = play::click},
    {.script = "drag X Y X Y", .play = play::drag},
    {.script = "chord KEYS", .play = play::chord},
    {.script = "wait TEXT", .play = play::wait},
    {.script = "expect WINDOW TEXT", .play = play::expect},
    {.script = "screenshot FILE", .play = play::screenshot},
};
// clang-format on

}  // namespace

bool holds(When when, RunState state) {
    switch (when) {
        case When::Always:
            return true;
        case When::Running:
            return state == RunState::Running;
        case When::Paused:
            return state == RunState::Paused;
        case When::AtRest:
            return state != RunState::Running;
        case When::NotEnded:
            return state != RunState::Ended;
        case When::Ended:
            return state == RunState::Ended;
    }
    return false;
}

std::string CommandRow::key() const {
    const std::string all = keys == nullptr ? "" : keys;
    return all.substr(0, all.find('|'));
}

std::string CommandRow::word() const {
    const std::string all = script == nullptr ? "" : script;
    return all.substr(0, all.find(' '));
}

std::span<const CommandRow> commands() {
    return kCommands;
}

const CommandRow* find_word(const std::string& word) {
    for (const CommandRow& row : kCommands)
        if (!word.empty() && row.word() == word) return &row;
    return nullptr;
}

}  // namespace orrery
