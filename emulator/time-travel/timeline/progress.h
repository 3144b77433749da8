// How far a search through a run has come, for whoever waits for it, and the way to end it.
#pragma once

#include <exception>
#include <functional>

#include "emulator/core/observe/events.h"

namespace orrery {

struct Progress {
    Moment at;       // where the machine is meanwhile
    u64 looked = 0;  // instructions looked through …
    u64 total = 0;   // … of so many; 0: nobody knows of how many
};
// Thrown out of a search, between two instructions, where it is not to go on. The machine is then anywhere.
class SearchStopped : public std::exception {
  public:
    const char* what() const noexcept override { return "stopped looking"; }
};

// Asked now and then: whether to go on.
using GoOn = std::function<bool(const Progress&)>;

}  // namespace orrery
