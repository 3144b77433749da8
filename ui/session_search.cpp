// The session's looks at the past: the last place at which something holds, found by running stretches of it
// again.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/points/flow.h"
#include "ui/session.h"

namespace orrery {

namespace {

using command::Motion;

// How far back the caller of a function is looked for, in instructions: each window costs more.
constexpr u64 kWindows[] = {20'000, 400'000, 8'000'000, 40'000'000};
constexpr u64 kStackSpan = u64{1} << 20;  // further away is another task's stack

// Where a CPU stands, as far as a frame is concerned.
struct Stand {
    explicit Stand(const Cpu& cpu)
        : id(cpu.id), ring(cpu.cpl), rip(cpu.rip()), stack(cpu.gpr[kRsp]), space(cpu.cr3) {}
    bool same_space(const Cpu& cpu) const { return ((cpu.cr3 ^ space) & pte::kAddress) == 0; }
    unsigned id;
    unsigned ring;
    u64 rip, stack, space;
};

// Addresses of what may be the call that came back to `next`, by the bytes before it.
std::vector<u64> calls_before(Machine& machine, const Cpu& cpu, u64 next) {
    std::vector<u64> found;
    for (const u64 length : {5, 2, 3, 6, 7, 4, 8}) {
        const std::optional<Insn> insn = insn_at(machine, cpu, next - length);
        if (insn && insn->length == length && is_call(insn->row->flow)) found.push_back(next - length);
    }
    return found;
}

// Runs as far as `until`; what it stopped for.
StopCause run_as_far(Machine& machine, Moment until, const std::function<StopCause(const RunLimits&)>& next) {
    RunLimits limits;
    limits.instructions = until.instructions;
    StopCause cause = next(limits);
    if ((cause == StopCause::Limit || cause == StopCause::Idle) && machine.moment() < until) {
        limits.instructions = ~u64{0};
        limits.ticks = until.ticks;
        cause = next(limits);
    }
    return cause;
}

}  // namespace

// The last moment before this one at which `next` stops for a cause that is wanted. The machine is then
// anywhere.
std::optional<Moment> Session::last_stop(const Next& next, const Wanted& wanted) {
    const Moment from = time_->now();
    std::optional<Moment> last;
    time_->backwards(from, [&](Moment, Moment until) {
        while (!interrupted_ && machine_->moment() < until) {
            const StopCause cause = run_as_far(*machine_, until, next);
            if (cause == StopCause::Ended || machine_->moment() >= from) break;
            if (wanted(cause)) last = machine_->moment();
            if (cause == StopCause::Limit || cause == StopCause::Idle) break;
        }
        return last.has_value() || interrupted_;
    });
    return last;
}

// Hits on the way are not new ones.
std::optional<Moment> Session::last_breakpoint() {
    const std::vector<Breakpoint> before = debugger_->breakpoints().all();
    const auto hit = [](StopCause cause) {
        return cause == StopCause::Breakpoint || cause == StopCause::Watchpoint;
    };
    const std::optional<Moment> found =
        last_stop([this](const RunLimits& limits) { return debugger_->run(limits); }, hit);
    for (const Breakpoint& breakpoint : before)
        if (Breakpoint* now = debugger_->breakpoints().at(breakpoint.address)) now->hits = breakpoint.hits;
    return found;
}

// One instruction back; where that is the end of a call, back to the call.
std::optional<Moment> Session::call_before() {
    const Moment from = time_->now();
    const Stand here(machine_->cpu());
    if (!time_->step_back()) return std::nullopt;
    const Cpu& cpu = machine_->cpu(here.id);
    const Flow flow = flow_at_rip(*machine_, cpu).flow;
    const bool returned = is_return(flow) && (cpu.cpl != here.ring || cpu.gpr[kRsp] < here.stack);
    const Moment before = time_->now();
    if (!returned) return before;
    // An interrupt came back to where it had come; all else to behind the instruction that called.
    const bool interrupt = flow == Flow::InterruptReturn;
    std::vector<u64> places = calls_before(*machine_, cpu, here.rip);
    if (interrupt) places.insert(places.begin(), here.rip);
    for (const u64 place : places) {
        time_->seek(from);
        bool there = false;
        const std::optional<Moment> found = last_stop(
            [&](const RunLimits& limits) {
                const StopCause cause = debugger_->run_to(place, limits);
                const Cpu& at = machine_->cpu(here.id);
                there = at.rip() == place && at.gpr[kRsp] == here.stack && at.cpl == here.ring &&
                        here.same_space(at);
                return cause;
            },
            [&](StopCause) { return there; });
        if (interrupted_) return from;
        if (!found || place != here.rip) {
            if (found) return found;
            continue;
        }
        time_->seek(*found);
        return call_before();
    }
    return before;
}

// The call of the function that the CPU is in, looked for in the last `window` instructions: of the calls
// there, the last one whose frame is still open. A task in the kernel came by an instruction of its program.
std::optional<Moment> Session::caller(u64 window) {
    struct Call {
        Moment moment;
        u64 stack;
    };
    const Moment from = time_->now();
    const Stand here(machine_->cpu());
    std::vector<Call> open;
    std::optional<Moment> program;
    std::optional<Stand> before;
    Moment before_moment;
    time_->seek_instructions(from.instructions > window ? from.instructions - window : 0);
    const auto look = [&](const Cpu& cpu, Moment moment) {
        if (cpu.id != here.id || !here.same_space(cpu)) return;
        if (cpu.cpl == 3 && here.ring == 0) {
            open.clear();
            program = moment;
            return;
        }
        const Stand now(cpu);
        if (cpu.cpl != here.ring || now.stack - here.stack + kStackSpan > 2 * kStackSpan) return;
        while (!open.empty() && now.stack > open.back().stack - 8) open.pop_back();
        // A call leaves the address of the instruction behind it on the stack, and goes elsewhere.
        u64 back = 0;
        if (before && now.stack == before->stack - 8 &&
            machine_->peek(cpu.id, now.stack, &back, sizeof back) == sizeof back && back > before->rip &&
            back <= before->rip + 8 && (now.rip <= before->rip || now.rip >= back))
            open.push_back({before_moment, before->stack});
        before = now;
        before_moment = moment;
    };
    const u32 id = machine_->observers().subscribe(
        Observers::bit(EventKind::Instruction),
        [&](const Event& event) { look(machine_->cpu(event.cpu), event.moment); });
    run_to_moment(*machine_, from);  // a seek might leave part of it out
    machine_->observers().unsubscribe(id);
    look(machine_->cpu(here.id), from);
    if (!open.empty()) return open.back().moment;
    return program;
}

void Session::search(command::Motion motion) {
    const Moment from = time_->now();
    std::optional<Moment> found;
    std::string there, none;
    try {
        if (motion == Motion::Over) {
            found = call_before();
            there = "Stepped back";
            none = "This is where time begins";
        } else if (motion == Motion::Out) {
            for (const u64 window : kWindows) {
                found = caller(window);
                if (found || interrupted_ || window >= from.instructions) break;
            }
            there = "Where this function was called";
            none = "The call of this function is too long ago";
        } else if (motion == Motion::Run) {
            found = last_breakpoint();
            there = "The last breakpoint before";
            none = "No breakpoint before: this is where time begins";
        } else {
            found =
                last_stop([this](const RunLimits& limits) { return debugger_->next_ring_crossing(limits); },
                          [](StopCause cause) { return cause == StopCause::Done; });
            there = "The ring crossing before";
            none = "No ring crossing before";
        }
        if (interrupted_)
            seek(from, "Stopped looking");
        else if (found)
            seek(*found, there);
        else
            seek(motion == Motion::Run ? time_->start() : from, none);
    } catch (const std::exception& error) {
        stop(error.what());
    }
}

}  // namespace orrery
