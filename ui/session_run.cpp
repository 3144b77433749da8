// The session on its way: a slice of running at a time, towards what was asked for.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/points/armed_points.h"
#include "ui/session.h"

namespace orrery {

namespace {

constexpr const char* kSerial = "uart16550.0";
constexpr Ticks kSliceTicks = 16'000'000;
// What "Watch a system call" types, and what the call it waits for writes.
constexpr const char* kWatchedCommand = "echo hi\n";
constexpr const char* kWatchedData = "hi\\n";

// A place given by a name is known only once the kernel's is.
bool is_name(const std::string& place) {
    return place.empty() || place[0] < '0' || place[0] > '9';
}

template <typename... Functions>
struct Cases : Functions... {
    using Functions::operator()...;
};
template <typename... Functions>
Cases(Functions...) -> Cases<Functions...>;

}  // namespace

StopCause Session::run_until_syscall(const goal::Syscall& wanted, const RunLimits& limits) {
    const std::optional<u64> number = syscall_number(wanted.name);
    if (!wanted.name.empty() && !number) return StopCause::Done;
    bool found = false;
    const auto look = [&](const Event& event) {
        if (number && event.get<event::SystemCall>()->number != *number) return;
        if (!wanted.data.empty()) {
            // The tracer has seen the event before us, and decoded it.
            const auto records = tracer_->log().records();
            if (records.empty()) return;
            const auto& texts = records.back().call.texts;
            const bool holds_it = std::any_of(texts.begin(), texts.end(), [&](const auto& text) {
                return text && text->find(wanted.data) != std::string::npos;
            });
            if (!holds_it) return;
        }
        found = true;
        machine_->request_stop();
    };
    const Subscription watch(machine_->observers(), Observers::bit(EventKind::SystemCall), look);
    const StopCause cause = debugger_->run(limits);
    return found ? StopCause::Done : cause;
}

// The symbols, and what was given by name, go where the kernel lies at this moment.
void Session::follow_kernel() const {
    if (slide_->follow()) debugger_->breakpoints().resolve_again(kernel_.get());
}

// Until a kernel that places itself at random has done so, nothing can be met that was given by name.
bool Session::awaits_kernel() const {
    const goal::Go* go = std::get_if<goal::Go>(&goal_);
    const goal::Place* place = std::get_if<goal::Place>(&goal_);
    const bool may_wait =
        go != nullptr ? go->motion == command::Motion::Run : place != nullptr && is_name(place->text);
    if (slide_->known() || !may_wait) return false;
    const auto& all = debugger_->breakpoints().all();
    return std::all_of(all.begin(), all.end(), [](const Breakpoint& each) { return is_name(each.text); });
}

StopCause Session::run_to_kernel(const RunLimits& limits) {
    const StopReason reason = slide_->reach(limits);
    debugger_->breakpoints().resolve_again(kernel_.get());
    if (goal::Place* place = std::get_if<goal::Place>(&goal_))
        place->address = resolve_place(place->text, kernel_.get());
    if (reason == StopReason::Idle) return StopCause::Idle;
    if (reason == StopReason::Requested) return StopCause::Requested;
    return reason == StopReason::Budget ? StopCause::Limit : StopCause::Ended;
}

StopCause Session::run_on(const command::Go& go, const RunLimits& limits) {
    switch (go.motion) {
        case command::Motion::Over:
            return debugger_->step_over(limits);
        case command::Motion::Out:
            return debugger_->step_out(limits);
        case command::Motion::Crossing:
            return debugger_->next_ring_crossing(limits);
        default:
            return debugger_->run(limits);
    }
}

StopCause Session::run_slice(const RunLimits& limits) {
    follow_kernel();
    if (awaits_kernel()) return run_to_kernel(limits);
    return std::visit(
        Cases{[&](const goal::Go& go) { return run_on(go, limits); },
              [&](const goal::Place& place) { return debugger_->run_to(place.address, limits); },
              [&](const goal::Syscall& call) { return run_until_syscall(call, limits); },
              [&](const goal::Instructions& goal) {
                  RunLimits sooner = limits;
                  sooner.instructions = std::min(sooner.instructions, goal.count);
                  const StopCause cause = debugger_->run(sooner);
                  const bool there = machine_->moment().instructions >= goal.count;
                  return cause == StopCause::Limit && there ? StopCause::Done : cause;
              },
              [&](const auto&) { return debugger_->run(limits); }},
        goal_);
}

bool Session::searches() const {
    const goal::Go* go = std::get_if<goal::Go>(&goal_);
    return go != nullptr && go->back;
}

void Session::advance(u64 instructions) {
    if (!running()) return;
    if (searches()) {
        search(std::get<goal::Go>(goal_).motion);
        return;
    }
    const Moment before = machine_->moment();
    RunLimits limits;
    limits.instructions = before.instructions + instructions;
    limits.ticks = before.ticks + kSliceTicks;
    const auto began = std::chrono::steady_clock::now();
    const StopCause cause = run_slice(limits);
    const Moment now = machine_->moment();
    speed_.ran(now.instructions - before.instructions, std::chrono::steady_clock::now() - began);
    advanced_ = now.ticks - before.ticks;
    idle_ = cause == StopCause::Idle;
    if (goal::Shell* shell = std::get_if<goal::Shell>(&goal_)) {
        shell->guest.ran(now.instructions - before.instructions, now.ticks >= limits.ticks);
        if (shell->guest.waits() && !console().empty() && !ended()) type_into_shell();
    }
    finish_slice(cause);
}

void Session::type_into_shell() {
    machine_->input(kSerial, {kWatchedCommand, kWatchedCommand + std::strlen(kWatchedCommand)});
    goal_ = goal::Syscall{"write", kWatchedData};
    status_ = "Typed \"echo hi\"; running to the shell's write()";
}

void Session::finish_slice(StopCause cause) {
    const goal::Go* go = std::get_if<goal::Go>(&goal_);
    switch (cause) {
        case StopCause::Done:
            stop(std::holds_alternative<goal::Syscall>(goal_) ? "At a system call, just inside the kernel"
                 : go != nullptr && go->motion == command::Motion::Crossing
                     ? fmt::format("Crossed into ring {}", static_cast<unsigned>(machine_->cpu().cpl))
                     : "Stopped");
            break;
        case StopCause::Breakpoint: {
            std::string text = "Breakpoint";
            for (const Breakpoint& breakpoint : debugger_->breakpoints().all())
                if (breakpoint.id == debugger_->stopped_at()) text += " " + breakpoint.text;
            const bool to_place = std::holds_alternative<goal::Place>(goal_);
            stop(to_place && debugger_->stopped_at() == 0 ? "Reached" : text);
            break;
        }
        case StopCause::Watchpoint:
            stop("Watchpoint");
            break;
        case StopCause::Ended:
            stop(ended_text());
            break;
        case StopCause::Requested:
            stop("Stopped");
            break;
        case StopCause::Limit:
        case StopCause::Idle:
            break;
    }
}

}  // namespace orrery
