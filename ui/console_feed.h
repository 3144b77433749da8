// What a console printed, handed on piece by piece to the terminal that shows it: also when the machine has
// gone back, and its screen is to be made anew.
#pragma once

#include <string>
#include <vector>

#include "emulator/time-travel/timeline/console_tape.h"

namespace orrery {

// A piece of what the console printed.
struct ConsoleChunk {
    std::string text;
    bool from_start = false;  // the screen is to be empty before it: the machine went back
    bool known = false;       // printed before: a terminal's answers to it have been given
};

class ConsoleFeed {
  public:
    ConsoleTape& tape() { return tape_; }

    // All that was printed up to the present moment.
    const std::string& text() const;
    // What was printed since the last call, or what the screen shows if the machine went back. `in_past`: a
    // terminal's answers enter by themselves.
    std::vector<ConsoleChunk> take(bool in_past);
    // Whether take() would give anything.
    bool waiting() const { return from_start_ || tape_.text().size() != taken_; }

    // The machine was put to another moment; to another run; another run begins here.
    void moved() { stale_ = true; }
    void entered_run() { from_start_ = stale_ = true; }
    void branched();

  private:
    ConsoleTape tape_;
    mutable std::string text_;    // the tape's, brought up to date when asked for
    mutable bool stale_ = false;  // not only longer than it was
    size_t taken_ = 0;            // bytes of the tape that were handed out
    size_t answered_ = 0;         // bytes whose answers have been given
    bool from_start_ = false;
};

}  // namespace orrery
