// What each command does, of those that run the machine forwards or give it something; session_time.cpp has
// those that go to other moments.
#include <fmt/format.h>

#include <iterator>
#include <sstream>

#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/machine/input.h"
#include "emulator/time-travel/timeline/query_text.h"
#include "ui/session.h"

namespace orrery {

namespace {

using command::Motion;

const char* beginning_of(Motion motion) {
    switch (motion) {
        case Motion::Over:
            return "Stepping over";
        case Motion::Out:
            return "Running to the end of the function";
        case Motion::Crossing:
            return "Running to the next ring crossing";
        default:
            return "Running";
    }
}

}  // namespace

// Of whichever CPU runs an instruction is stepped at once, either way; all else takes its time.
void Session::perform(const command::Go& go) {
    set_out(go, go.back, beginning_of(go.motion));
    if (go.motion != Motion::Step || cpu_ || !running()) return;
    if (go.back)
        search();
    else
        finish(run_slice({}));
    if (running()) stop("Waits, with nothing to execute");
}

void Session::perform(const command::Pause&) {
    if (running()) stop("Paused");
}

void Session::perform(const command::RunTo& run) {
    try {
        const u64 address = resolve_place(run.place, kernel_.get());
        breakpoint_error_.clear();
        set_out(goal::Place{address, run.place, run.back}, run.back, "Running to " + run.place);
    } catch (const BreakpointError& error) {
        breakpoint_error_ = error.what();
    }
}

void Session::perform(const command::Find& find) {
    std::istringstream text(find.query);
    const std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
    set_out(goal::Match{parse_query(words, kernel_.get()), find.back}, find.back, "Running to " + find.query);
}

void Session::perform(const command::ChooseCpu& choose) {
    if (choose.cpu && *choose.cpu >= machine_->cpu_count()) {
        status_ = fmt::format("There is no CPU {}", *choose.cpu);
        return;
    }
    stop(choose.cpu ? fmt::format("CPU {} is followed", *choose.cpu) : "Whichever CPU runs is followed");
    cpu_ = choose.cpu;
}

void Session::perform(const command::RunToSyscall& run) {
    if (!run.name.empty() && !syscall_number(run.name)) {
        status_ = "No system call is called " + run.name;
        return;
    }
    begin(goal::Syscall{run.name, {}},
          "Running to the next " + (run.name.empty() ? "system call" : run.name + "()"));
}

void Session::perform(const command::WatchSyscall&) {
    begin(goal::Shell{}, "Running until the shell waits for a command");
}

void Session::perform(const command::Restart&) {
    machine_->input(kRestartInput, {});
    stop("Restarted: press Run (F5)");
}

void Session::perform(const command::AddBreakpoint& add) {
    try {
        breakpoints_.add(add.place, kernel_.get());
        breakpoint_error_.clear();
    } catch (const BreakpointError& error) {
        breakpoint_error_ = error.what();
    }
}

void Session::perform(const command::RemoveBreakpoint& remove) {
    breakpoints_.remove(remove.id);
}

void Session::perform(const command::Type& type) {
    if (!ended()) machine_->input("uart16550.0", {type.bytes.begin(), type.bytes.end()});
    idle_ = false;
}

void Session::perform(const command::Keyboard& keyboard) {
    if (!ended() && !keyboard.input.empty())
        machine_->input("i8042", {keyboard.input.begin(), keyboard.input.end()});
    idle_ = false;
}

void Session::perform(const command::Hash&) {
    hash_ = KnownHash{fmt::format("{:016x}", machine_->state_hash()), machine_->moment()};
}

}  // namespace orrery
