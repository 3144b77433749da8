// What a session that runs is on its way to.
#pragma once

#include <string>
#include <variant>

#include "ui/command.h"

namespace orrery {

// Whether the guest waits for input, told by how little it does: slices of virtual time, one after the other,
// in which it only ticked.
class QuietGuest {
  public:
    // A slice has run. `whole`: as long as slices are, and not ended early by a limit in instructions.
    void ran(u64 instructions, bool whole) { quiet_ = whole && instructions < kTicking ? quiet_ + 1 : 0; }
    bool waits() const { return quiet_ >= kSlices; }

  private:
    static constexpr u64 kTicking = 200'000;  // instructions
    // Longer than the time-outs by which programs tell an Escape from a key.
    static constexpr unsigned kSlices = 10;
    unsigned quiet_ = 0;
};

namespace goal {

struct None {};
// Steps that are made at once are none of these.
using command::Go;
struct Place {
    u64 address = 0;
    std::string text;  // as it was asked for
};
struct Instructions {
    u64 count = 0;
};
struct Syscall {
    std::string name;  // empty: any
    std::string data;  // the call's text must hold it
};
// To a shell that waits for a command; then to what it does with one.
struct Shell {
    QuietGuest guest;
};

}  // namespace goal

using Goal = std::variant<goal::None, goal::Go, goal::Place, goal::Instructions, goal::Syscall, goal::Shell>;

}  // namespace orrery
