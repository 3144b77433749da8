// The session on its way: a slice of running at a time, towards what was asked for.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "emulator/guestos/syscalls/syscall_table.h"
#include "emulator/time-travel/timeline/quiet_guest.h"
#include "ui/session.h"

namespace orrery {

namespace {

using command::Motion;

constexpr const char* kSerial = "uart16550.0";
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

std::string done_text(const command::Go& go, const Cpu& cpu) {
    switch (go.motion) {
        case Motion::Step:
            return go.back ? "Stepped one instruction back" : "Stepped one instruction";
        case Motion::Over:
            return go.back ? "Stepped back" : "Stopped";
        case Motion::Out:
            return go.back ? "Where this function was called" : "Stopped";
        case Motion::Crossing:
            return go.back ? "The ring crossing before"
                           : fmt::format("Crossed into ring {}", static_cast<unsigned>(cpu.cpl));
        default:
            return "Stopped";
    }
}

}  // namespace

// A name of a call, and what its text must hold: the tracer has seen the event before us, and decoded it.
going::Match Session::to_syscall(const goal::Syscall& wanted) const {
    going::Match match;
    match.query.what = Query::What::SystemCall;
    match.query.number = syscall_number(wanted.name);
    if (wanted.data.empty()) return match;
    match.only = [this, data = wanted.data](const Event&) {
        const auto records = tracer_->log().records();
        if (records.empty()) return false;
        const auto& texts = records.back().call.texts;
        return std::any_of(texts.begin(), texts.end(),
                           [&](const auto& text) { return text && text->find(data) != std::string::npos; });
    };
    return match;
}

Journey Session::journey() const {
    const auto go = [this](const command::Go& to) -> Journey {
        switch (to.motion) {
            case Motion::Step:
                return {going::Step{}, to.back, cpu_};
            case Motion::Over:
                return {going::Over{}, to.back, cpu_};
            case Motion::Out:
                return {going::Out{}, to.back, cpu_};
            case Motion::Crossing:
                return {going::Match{}, to.back, cpu_};
            default:
                return {going::Run{}, to.back};
        }
    };
    return std::visit(Cases{go,
                            [](const goal::Place& place) -> Journey {
                                return {going::Place{place.address}, place.back};
                            },
                            [this](const goal::Match& match) -> Journey {
                                return {going::Match{match.query}, match.back, cpu_};
                            },
                            [this](const goal::Syscall& call) -> Journey { return {to_syscall(call)}; },
                            [this](const goal::Shell&) -> Journey {
                                return {going::Waiting{[this] { return !console().empty(); }}};
                            },
                            [](const auto&) -> Journey { return {going::Run{}}; }},
                      goal_);
}

// The symbols, and what was given by name, go where the kernel lies at this moment.
void Session::follow_kernel() const {
    if (slide_->follow()) breakpoints_.resolve_again(kernel_.get());
}

// Until a kernel that places itself at random has done so, nothing can be met that was given by name.
bool Session::awaits_kernel() const {
    const goal::Go* go = std::get_if<goal::Go>(&goal_);
    const goal::Place* place = std::get_if<goal::Place>(&goal_);
    const bool may_wait =
        go != nullptr ? go->motion == Motion::Run : place != nullptr && is_name(place->text);
    if (slide_->known() || !may_wait) return false;
    const auto& all = breakpoints_.all();
    return std::all_of(all.begin(), all.end(), [](const Breakpoint& each) { return is_name(each.text); });
}

Arrival Session::run_to_kernel(const RunLimits& limits) {
    Arrival arrival;
    arrival.machine = slide_->reach(limits);
    breakpoints_.resolve_again(kernel_.get());
    if (goal::Place* place = std::get_if<goal::Place>(&goal_))
        place->address = resolve_place(place->text, kernel_.get());
    if (machine_->ended()) arrival.why = Arrival::Why::HistoryEnd;
    if (arrival.machine == StopReason::Requested) arrival.why = Arrival::Why::Requested;
    return arrival;
}

Arrival Session::run_slice(const RunLimits& limits) {
    follow_kernel();
    if (!searches() && awaits_kernel()) return run_to_kernel(limits);
    navigation_->stop_at(stop_points(breakpoints_, watchpoints_));
    if (!under_way_) navigation_->begin(journey());
    under_way_ = true;
    RunLimits slice = limits;
    const goal::Instructions* count = std::get_if<goal::Instructions>(&goal_);
    if (count != nullptr) slice.instructions = std::min(slice.instructions, count->count);
    Arrival arrival = navigation_->go_on(slice);
    if (count != nullptr && arrival.why == Arrival::Why::UnderWay &&
        machine_->moment().instructions >= count->count)
        arrival.why = Arrival::Why::Done;
    return arrival;
}

bool Session::searches() const {
    return std::visit(
        Cases{[](const goal::Go& go) { return go.back; }, [](const goal::Place& place) { return place.back; },
              [](const goal::Match& match) { return match.back; }, [](const auto&) { return false; }},
        goal_);
}

// All the way back.
void Session::search() {
    try {
        finish(run_slice({}));
    } catch (const std::exception& error) {
        stop(error.what());
    }
}

void Session::advance(u64 instructions) {
    if (!running()) return;
    if (searches()) return search();
    const Moment before = machine_->moment();
    RunLimits limits;
    limits.instructions = before.instructions + instructions;
    limits.ticks = before.ticks + QuietGuest::kSlice;
    const auto began = std::chrono::steady_clock::now();
    Arrival arrival;
    try {
        arrival = run_slice(limits);
    } catch (const std::exception& error) {  // a query that cannot be answered
        return stop(error.what());
    }
    const Moment now = machine_->moment();
    speed_.ran(now.instructions - before.instructions, std::chrono::steady_clock::now() - began);
    advanced_ = now.ticks - before.ticks;
    idle_ = arrival.why == Arrival::Why::UnderWay && arrival.machine == StopReason::Idle;
    if (std::holds_alternative<goal::Shell>(goal_) && arrival.why == Arrival::Why::Done)
        type_into_shell();
    else
        finish(arrival);
}

void Session::type_into_shell() {
    machine_->input(kSerial, {kWatchedCommand, kWatchedCommand + std::strlen(kWatchedCommand)});
    goal_ = goal::Syscall{"write", kWatchedData};
    under_way_ = false;
    status_ = "Typed \"echo hi\"; running to the shell's write()";
}

void Session::finish(const Arrival& arrival) {
    if (arrival.why == Arrival::Why::UnderWay) return;
    const std::string text = text_of(arrival);
    // A hit on the way back is not a new one.
    if (arrival.point && !searches()) {
        if (Breakpoint* hit = arrival.point->data ? nullptr : breakpoints_.at(arrival.point->code))
            ++hit->hits;
        if (Watchpoint* hit = watchpoints_.hit_by(*arrival.event)) ++hit->hits;
    }
    stop(text);
}

// Why it stopped, as the status says it.
std::string Session::text_of(const Arrival& arrival) const {
    const goal::Go* go = std::get_if<goal::Go>(&goal_);
    const bool back = searches();
    switch (arrival.why) {
        case Arrival::Why::Point: {
            if (back && go != nullptr && go->motion == Motion::Run) return "The last breakpoint before";
            if (arrival.point->data) return "Watchpoint";
            const Breakpoint* hit = breakpoints_.at(arrival.point->code);
            return "Breakpoint" + (hit != nullptr ? " " + hit->text : "");
        }
        case Arrival::Why::Stopped:
            return "Stopped looking";
        case Arrival::Why::HistoryBegin:
            return go != nullptr && go->motion == Motion::Run
                       ? "No breakpoint before: this is where time begins"
                       : "This is where time begins";
        case Arrival::Why::HistoryEnd:
            return ended() ? ended_text() : "The recording's end";
        case Arrival::Why::Done:
            if (ended()) return ended_text();
            if (go != nullptr) return done_text(*go, machine_->cpu());
            return std::visit(
                Cases{[](const goal::Place&) { return "Reached"; },
                      [](const goal::Match& match) { return match.back ? "The last one before" : "Found"; },
                      [](const goal::Syscall&) { return "At a system call, just inside the kernel"; },
                      [](const auto&) { return "Stopped"; }},
                goal_);
        case Arrival::Why::None:
            if (go == nullptr) return "There is none before";
            return go->motion == Motion::Out ? "The call of this function is too long ago"
                                             : "No ring crossing before";
        default:
            return "Stopped";
    }
}

}  // namespace orrery
