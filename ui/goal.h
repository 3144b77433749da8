// What a session that runs is on its way to.
#pragma once

#include <string>
#include <variant>

#include "emulator/time-travel/timeline/probe.h"
#include "ui/command.h"

namespace orrery {

namespace goal {

struct None {};
using command::Go;
struct Place {
    u64 address = 0;
    std::string text;  // as it was asked for
    bool back = false;
};
struct Match {
    Query query;
    bool back = false;
};
struct Instructions {
    u64 count = 0;
};
struct Syscall {
    std::string name;  // empty: any
    std::string data;  // the call's text must hold it
};
// To a shell that waits for a command; then to what it does with one.
struct Shell {};

}  // namespace goal

using Goal = std::variant<goal::None, goal::Go, goal::Place, goal::Match, goal::Instructions, goal::Syscall,
                          goal::Shell>;

}  // namespace orrery
