#include "cli/end_signals.h"

#include <cerrno>

#include "cli/terminal.h"
#include "emulator/machine/output_file.h"

namespace orrery {

namespace {

// Between two looks: some milliseconds of host time; and virtual time, for a guest that is idle.
constexpr u64 kInstructions = 2'000'000;
constexpr Ticks kTicks = 100'000'000;

volatile std::sig_atomic_t noted = 0;

void note(int number) {
    const int error = errno;
    RawTerminal::put_back();
    noted = number;
    errno = error;
}

}  // namespace

EndSignals::EndSignals() : handled_{{{SIGINT, {}}, {SIGTERM, {}}, {SIGHUP, {}}, {SIGPIPE, {}}}} {
    noted = 0;
    for (Handled& signal : handled_) {
        struct sigaction action {};
        action.sa_handler = signal.number == SIGPIPE ? SIG_IGN : note;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        sigaction(signal.number, nullptr, &signal.before);
        if (signal.before.sa_handler != SIG_IGN) sigaction(signal.number, &action, nullptr);
    }
}

EndSignals::~EndSignals() {
    put_back();
}

void EndSignals::put_back() {
    for (const Handled& signal : handled_) sigaction(signal.number, &signal.before, nullptr);
}

bool EndSignals::caught() {
    return noted != 0;
}

void EndSignals::finish(const StdoutSink* output) {
    put_back();
    if (noted != 0) raise(noted);
    if (output == nullptr || output->good()) return;
    if (output->error() == EPIPE) raise(SIGPIPE);
    output->check();
}

StopAtEnd::StopAtEnd(Machine& machine, const StdoutSink* output) : machine_(machine), output_(output) {
    look_later();
    machine_.add_companion(this);
}

StopAtEnd::~StopAtEnd() {
    machine_.remove_companion(this);
}

void StopAtEnd::look_later() {
    const Moment now = machine_.moment();
    next_ = {now.instructions + kInstructions, now.ticks + kTicks};
}

void StopAtEnd::reached() {
    look_later();
    if (EndSignals::caught() || (output_ != nullptr && !output_->good())) machine_.request_stop();
}

}  // namespace orrery
