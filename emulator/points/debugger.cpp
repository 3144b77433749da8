// Runs and steps, made of the machine's events: a stop asked for in a Breakpoint or Instruction event leaves
// the machine before the instruction, in any other after the one that made the event.
#include "emulator/points/debugger.h"

#include "emulator/points/armed_points.h"
#include "emulator/points/flow.h"

namespace orrery {
namespace {

constexpr u64 kStackSpan = u64{1} << 20;  // further up is another task's stack

bool is_at(const Event& event, u64 address) {
    const auto* reached = event.get<event::Breakpoint>();
    return reached != nullptr && reached->linear == address;
}

}  // namespace

StopCause Debugger::cause_of(StopReason reason) {
    switch (reason) {
        case StopReason::Budget:
            return StopCause::Limit;
        case StopReason::Requested:
            return StopCause::Requested;
        case StopReason::Idle:
            return StopCause::Idle;
        default:
            return StopCause::Ended;
    }
}

StopCause Debugger::run_watching(const RunLimits& limits, u32 kinds, std::optional<u64> place,
                                 const Wanted& wanted) {
    stopped_at_ = 0;
    watch_hit_.reset();
    ArmedPoints armed(machine_.observers());
    for (const Breakpoint& point : breakpoints_.all())
        if (point.enabled) armed.code(point.address);
    for (const Watchpoint& point : watchpoints_.all())
        if (point.enabled) armed.data(point.range);
    if (place) armed.code(*place);
    if (armed.empty() && kinds == 0) return cause_of(machine_.run(limits));

    const u64 begin = machine_.moment().instructions, begin_rip = machine_.cpu().rip();
    bool done = false;
    // Whether to stop.
    const auto look = [&](const Event& event) {
        if (event.kind() == EventKind::DataAccess) {
            Watchpoint* hit = watch_hit_ ? nullptr : watchpoints_.hit_by(event);
            if (hit == nullptr) return false;
            ++hit->hits;
            watch_hit_ = WatchHit{hit->id, event};
            return true;
        }
        const auto* reached = event.get<event::Breakpoint>();
        const bool is_code = reached != nullptr || event.kind() == EventKind::Instruction;
        // Where one stands does not count, or one would never leave.
        if (is_code && event.moment.instructions == begin && machine_.cpu(event.cpu).rip() == begin_rip)
            return false;
        Breakpoint* hit = reached != nullptr ? breakpoints_.at(reached->linear) : nullptr;
        if (hit != nullptr) {
            ++hit->hits;
            stopped_at_ = hit->id;
        } else {
            done = wanted && wanted(event);
        }
        return hit != nullptr || done;
    };
    StopReason reason;
    {
        if (!armed.empty())
            kinds |= Observers::bit(EventKind::Breakpoint) | Observers::bit(EventKind::DataAccess);
        const Subscription watch(machine_.observers(), kinds, [&](const Event& event) {
            if (look(event)) machine_.request_stop();
        });
        reason = machine_.run(limits);
    }
    // Where a limit came first, the next run would take the instruction for one that it stands at.
    const Cpu& cpu = machine_.cpu();
    if (reason == StopReason::Budget && machine_.observers().points().code_at(linear_rip(cpu))) {
        Event event;
        event.cpu = static_cast<u8>(cpu.id);
        event.moment = machine_.moment();
        event.rip = cpu.rip();
        event.what = event::Breakpoint{linear_rip(cpu)};
        look(event);
    }
    if (machine_.ended()) return StopCause::Ended;
    if (stopped_at_ != 0) return StopCause::Breakpoint;
    if (watch_hit_) return StopCause::Watchpoint;
    return done ? StopCause::Done : cause_of(reason);
}

StopCause Debugger::run(const RunLimits& limits) {
    return run_watching(limits, 0, std::nullopt, nullptr);
}

StopCause Debugger::run_to(u64 address, const RunLimits& limits) {
    return run_watching(limits, 0, address, [address](const Event& event) { return is_at(event, address); });
}

StopCause Debugger::step() {
    if (watchpoints_.any_enabled()) {
        RunLimits limits;
        limits.instructions = machine_.moment().instructions + 1;
        const StopCause cause = run_watching(limits, 0, std::nullopt, nullptr);
        return cause == StopCause::Limit ? StopCause::Done : cause;
    }
    stopped_at_ = 0;
    watch_hit_.reset();
    const bool alive = machine_.step();
    return alive || !machine_.ended() ? StopCause::Done : StopCause::Ended;
}

Debugger::Frame Debugger::present_frame() const {
    const Cpu& cpu = machine_.cpu();
    return {cpu.cpl, cpu.gpr[kRsp], cpu.cr3};
}

// In ring 0 every task has a stack of its own, and may run in whatever address space was there before it.
bool Debugger::Frame::holds(const Cpu& cpu) const {
    return cpu.cpl == ring && cpu.gpr[kRsp] - stack < kStackSpan &&
           (ring == 0 || ((cpu.cr3 ^ space) & pte::kAddress) == 0);
}

bool Debugger::resumes(const std::optional<Unfinished>& step) const {
    return step && step->at == machine_.moment() && step->rip == machine_.cpu().rip();
}

StopCause Debugger::keep(std::optional<Unfinished>& step, Unfinished unfinished, StopCause cause) {
    step.reset();
    if (cause != StopCause::Limit && cause != StopCause::Idle) return cause;
    unfinished.at = machine_.moment();
    unfinished.rip = machine_.cpu().rip();
    step = unfinished;
    return cause;
}

// The same place in a deeper call, or in another process, is not the end of this one.
StopCause Debugger::run_to_frame(const RunLimits& limits, u64 place, const Frame& frame) {
    return run_watching(limits, 0, place, [this, place, &frame](const Event& event) {
        return is_at(event, place) && frame.holds(machine_.cpu(event.cpu));
    });
}

StopCause Debugger::step_over(const RunLimits& limits) {
    Unfinished step{present_frame(), 0, {}, 0};
    if (resumes(over_)) {
        step = *over_;
    } else {
        over_.reset();
        const FlowHere here = flow_at_rip(machine_, machine_.cpu());
        if (!is_call(here.flow) && !here.repeats) return this->step();
        step.place = linear_rip(machine_.cpu()) + here.length;
    }
    return keep(over_, step, run_to_frame(limits, step.place, step.frame));
}

// One instruction after the other, to a call in the function or to where its return has led.
StopCause Debugger::run_to_call_or_return(const RunLimits& limits, const Frame& frame, bool& returned) {
    const Cpu& cpu = machine_.cpu();
    // Before a return instruction of this frame or an outer one.
    const auto at_return = [&] { return frame.holds(cpu) && is_return(flow_at_rip(machine_, cpu).flow); };
    // A return from the kernel to the program ends the kernel's frame, wherever its stack is.
    const auto is_outside = [&] { return cpu.gpr[kRsp] - frame.stack - 1 < kStackSpan || cpu.cpl == 3; };
    bool armed = at_return();
    const auto look = [&](const Event& event) {
        if (event.kind() != EventKind::Instruction || event.cpu != cpu.id) return false;
        returned = armed && is_outside();
        armed = at_return();
        return returned || (cpu.cpl == frame.ring && is_call(flow_at_rip(machine_, cpu).flow));
    };
    const StopCause cause = run_watching(limits, Observers::bit(EventKind::Instruction), std::nullopt, look);
    if (cause != StopCause::Limit || !armed || !is_outside()) return cause;
    returned = true;
    return StopCause::Done;
}

StopCause Debugger::step_out(const RunLimits& limits) {
    Unfinished step{present_frame(), 0, {}, 0};
    if (resumes(out_)) step = *out_;
    for (;;) {
        const Cpu& cpu = machine_.cpu();
        const FlowHere here = flow_at_rip(machine_, cpu);
        if (step.place == 0 && is_call(here.flow) && cpu.cpl == step.frame.ring) {
            step.place = linear_rip(cpu) + here.length;
            step.call_stack = cpu.gpr[kRsp];
        }
        bool returned = false;
        StopCause cause;
        if (step.place != 0) {
            cause = run_to_frame(limits, step.place, {step.frame.ring, step.call_stack, step.frame.space});
            if (cause == StopCause::Done) step.place = 0;
        } else {
            cause = run_to_call_or_return(limits, step.frame, returned);
        }
        if (returned || cause != StopCause::Done) return keep(out_, step, cause);
    }
}

StopCause Debugger::next_ring_crossing(const RunLimits& limits) {
    return run_watching(limits, Observers::bit(EventKind::RingEnter) | Observers::bit(EventKind::RingLeave),
                        std::nullopt, [](const Event& event) {
                            return event.kind() == EventKind::RingEnter ||
                                   event.kind() == EventKind::RingLeave;
                        });
}

}  // namespace orrery
