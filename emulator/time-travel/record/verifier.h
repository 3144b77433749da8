// Runs a recording again and compares the chain of hashes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/time-travel/record/replay_machine.h"

namespace orrery {

struct Verification {
    size_t links = 0;  // that are equal
    Moment reached;
    // Where it is not equal: between the last link that is and this one.
    struct Difference {
        Moment equal, differs;  // `differs` is the link's moment, `found` the machine's
        Moment found;
        unsigned cpu = 0;  // whose turn it is at the link
        std::vector<std::string> components;
    };
    std::optional<Difference> difference;
    bool equal() const { return !difference; }
};

// Throws nothing of its own; see ReplayMachine.
Verification verify(ReplayMachine& replay, unsigned run);

}  // namespace orrery
