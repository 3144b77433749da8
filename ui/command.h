// What a key, a button, a window or a script can ask of a session: a command is one of these structures. By
// which key, name and word they are asked for is in the table of commands (commands.h).
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "emulator/isa/types.h"

namespace orrery {

namespace command {

// On through time, or back through it.
enum class Motion : u8 {
    Run,       // back: to the last hit of a breakpoint or watchpoint, else to the start
    Step,      // one instruction
    Over,      // one instruction, a call to its end
    Out,       // to the end of the function; back: to its call
    Crossing,  // to the next change between ring 3 and ring 0
};
struct Go {
    Motion motion;
    bool back = false;
};
struct Pause {};
struct RunTo {
    std::string place;  // a symbol, FILE:LINE, an address
    bool back = false;
};
// To the next match of a query (time-travel/timeline/query_text.h), or the last one.
struct Find {
    std::string query;
    bool back = false;
};
// Whose steps and functions are meant, and whose registers are shown; none: those of whichever CPU runs.
struct ChooseCpu {
    std::optional<unsigned> cpu;
};
struct RunToSyscall {
    std::string name;  // empty: any
};
// Waits until the shell waits, types a command into it and stops at its write().
struct WatchSyscall {};
struct SeekInstructions {
    u64 count = 0;  // beyond the end of what is known it runs there
};
struct SeekTicks {
    u64 tick = 0;
};
struct Restart {};

struct AddBreakpoint {
    std::string place;
};
struct RemoveBreakpoint {
    unsigned id = 0;
};

// Of the present moment.
struct AddBookmark {
    std::string note;
};
struct RenameBookmark {
    size_t index = 0;
    std::string note;
};
struct RemoveBookmark {
    size_t index = 0;
};
struct GoToBookmark {
    size_t index = 0;
};
struct EnterRun {
    unsigned run = 0;
};

// What the guest gets: bytes for its console; what its keyboard and mouse send (guest_keys.h).
struct Type {
    std::string bytes;
};
struct Keyboard {
    std::string input;
};
// Written by hand, as an input.
struct PokeMemory {
    u64 address = 0;  // linear
    std::string hex_bytes;
    std::optional<int> task;  // whose address it is; none: that of whatever the CPU runs
};
struct SetRegister {
    std::string name;
    u64 value = 0;
};
// Works out the state's hash.
struct Hash {};

}  // namespace command

using Command =
    std::variant<command::Go, command::Pause, command::RunTo, command::Find, command::ChooseCpu,
                 command::RunToSyscall, command::WatchSyscall, command::SeekInstructions, command::SeekTicks,
                 command::Restart, command::AddBreakpoint, command::RemoveBreakpoint, command::AddBookmark,
                 command::RenameBookmark, command::RemoveBookmark, command::GoToBookmark, command::EnterRun,
                 command::Type, command::Keyboard, command::PokeMemory, command::SetRegister, command::Hash>;

}  // namespace orrery
