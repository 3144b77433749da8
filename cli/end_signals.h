// Signals that ask the process to end, while something has to be cleaned up first: a terminal, a file.
//
// While an object of this kind lives, SIGINT, SIGTERM and SIGHUP put the terminal back at once (terminal.h) and
// are noted; who runs a machine looks at caught(), comes to an end, and calls finish(). The same signal again
// ends the process there and then. A signal that was ignored stays so (nohup). SIGPIPE is ignored meanwhile:
// StdoutSink notices.
#pragma once

#include <array>
#include <csignal>

#include "emulator/machine/machine.h"

namespace orrery {

class StdoutSink;

class EndSignals {
  public:
    EndSignals();
    ~EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;

    static bool caught();
    // Ends the process by the signal that was caught, so that whoever waits for it learns of that; or, where
    // `output` could not be written, throws OutputError (a closed pipe: by SIGPIPE). Returns if there was none.
    void finish(const StdoutSink* output);

  private:
    struct Handled {
        int number;
        struct sigaction before;
    };
    void put_back();

    std::array<Handled, 4> handled_;
};

// Ends a machine's run soon after a signal, or where output cannot be written any more.
class StopAtEnd : public Companion {
  public:
    // `output`: null for none that is looked at.
    StopAtEnd(Machine& machine, const StdoutSink* output);
    ~StopAtEnd() override;
    StopAtEnd(const StopAtEnd&) = delete;
    StopAtEnd& operator=(const StopAtEnd&) = delete;

    Waypoint next() const override { return next_; }
    void reached() override;
    void run_begins() override { look_later(); }

  private:
    void look_later();

    Machine& machine_;
    const StdoutSink* output_;
    Waypoint next_;
};

}  // namespace orrery
