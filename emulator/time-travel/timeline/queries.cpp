#include "emulator/time-travel/timeline/queries.h"

#include <algorithm>

#include "emulator/points/armed_points.h"

namespace orrery {
namespace {

void arm(ArmedPoints& armed, const Probe& probe) {
    for (const u64 linear : probe.code()) armed.code(linear);
    for (const DataPoint& point : probe.data()) armed.data(point);
}

}  // namespace

Search::Search(TimeMachine& time, const GuestOs& os, Query query)
    : time_(time), machine_(time.machine()), probe_(time.machine(), os, std::move(query)) {}

Search::Position Search::position() const {
    return {machine_.moment(), machine_.cpu().rip()};
}

std::optional<Event> Search::forwards(const RunLimits& limits) {
    const Position begin = position();
    probe_.reset();
    for (;;) {
        std::optional<Open> found;
        Probe::Answer answer = Probe::Answer::No;
        {
            ArmedPoints armed(machine_.observers());
            arm(armed, probe_);
            const Subscription watch(machine_.observers(), probe_.kinds(), [&](const Event& event) {
                if (event.kind() == EventKind::Breakpoint && Position{event.moment, event.rip} == begin)
                    return;
                const Probe::Answer now = probe_.look(event);
                if (found || now == Probe::Answer::No) return;
                answer = now;
                found = Open{event, probe_.task_of_last()};
                machine_.request_stop();
            });
            machine_.run(limits);
        }
        if (!found) return std::nullopt;
        if (answer == Probe::Answer::Yes) return found->event;
        const bool matches = was_in_call(found->task, begin.moment);
        land(found->event);
        if (matches) return found->event;
    }
}

// Whether a task was, before a moment, in a call that is looked for. The machine is then anywhere.
bool Search::was_in_call(u64 task, Moment before) {
    Probe past = probe_;
    bool matches = false;
    time_.backwards(before, [&](Moment, Moment until) {
        past.reset();
        const Subscription watch(machine_.observers(), past.kinds(),
                                 [&](const Event& event) { past.look(event); });
        while (machine_.run({until.instructions, kNever}) == StopReason::Requested) {
        }
        if (const std::optional<bool> was = past.is_in_call(task)) matches = *was;
        return past.is_in_call(task).has_value();
    });
    return matches;
}

void Search::note(const Event& event, Probe::Answer answer, u64 task) {
    if (answer == Probe::Answer::IfEntered) {
        open_.push_back({event, task});
        return;
    }
    last_ = event;
    if (match_hook_) match_hook_(event);
}

// A stretch that ends before now: where its matches lead to is before now too.
void Search::look_through(Moment until) {
    ArmedPoints armed(machine_.observers());
    arm(armed, probe_);
    const Subscription watch(machine_.observers(), probe_.kinds(), [&](const Event& event) {
        const Probe::Answer answer = probe_.look(event);
        if (answer != Probe::Answer::No) note(event, answer, probe_.task_of_last());
    });
    const auto run = [this](const RunLimits& limits) {
        while (machine_.run(limits) == StopReason::Requested) {
        }
    };
    run({until.instructions, kNever});
    if (machine_.moment() < until) run({~u64{0}, until.ticks});
}

// The last stretch. Of what leads to the boundary after it, a match counts only if that is not now: so each
// is stopped at. Now is not always the first boundary of its instruction count.
void Search::look_up_to(const Position& now) {
    ArmedPoints armed(machine_.observers());
    arm(armed, probe_);
    std::optional<Open> hit;
    Probe::Answer hit_answer = Probe::Answer::No;
    const Subscription watch(machine_.observers(), probe_.kinds(), [&](const Event& event) {
        const Probe::Answer answer = probe_.look(event);
        if (answer == Probe::Answer::No) return;
        if (probe_.lands_before()) return note(event, answer, probe_.task_of_last());
        hit = Open{event, probe_.task_of_last()};
        hit_answer = answer;
        machine_.request_stop();
    });
    bool arrived = false;
    const auto run = [&](const RunLimits& limits) {
        StopReason reason;
        do {
            hit.reset();
            reason = machine_.run(limits);
            arrived = arrived || position() == now;
            if (hit && !arrived) note(hit->event, hit_answer, hit->task);
        } while (!arrived && reason == StopReason::Requested);
    };
    run({now.moment.instructions, kNever});
    if (arrived) return;
    const Subscription at(machine_.observers(), Observers::bit(EventKind::Instruction),
                          [&](const Event& event) {
                              if (Position{event.moment, event.rip} == now) machine_.request_stop();
                          });
    run({now.moment.instructions + 1, now.moment.ticks});
    if (!arrived) run({now.moment.instructions + 1, kNever});
}

// What was open when later stretches were looked through: the calls of this one tell. True if the last match
// is known.
bool Search::settle(std::vector<Open> later) {
    for (size_t i = later.size(); i-- > 0;) {
        const std::optional<bool> was = probe_.is_in_call(later[i].task);
        if (!was) continue;
        if (*was) {
            last_ = later[i].event;
            // What is open before it does not matter any more.
            open_.clear();
            later.erase(later.begin(), later.begin() + static_cast<std::ptrdiff_t>(i) + 1);
            break;
        }
        later.erase(later.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (last_) std::erase_if(open_, [this](const Open& open) { return open.event.moment < last_->moment; });
    open_.insert(open_.end(), later.begin(), later.end());
    return last_.has_value() && open_.empty();
}

std::optional<Event> Search::find_last(const std::function<bool()>& interrupted,
                                       const TimeMachine::Worth& worth) {
    const Position now = position();
    last_.reset();
    open_.clear();
    bool newest = true, given_up = false;
    time_.backwards(
        now.moment,
        [&](Moment, Moment until) {
            given_up = interrupted && interrupted();
            if (given_up) return true;
            probe_.reset();
            const std::optional<Event> later_match = last_;
            std::vector<Open> later = std::move(open_);
            open_.clear();
            last_.reset();
            if (newest && until == now.moment)
                look_up_to(now);
            else
                look_through(until);
            newest = false;
            if (later_match) {
                last_ = later_match;
                open_.clear();
            }
            return settle(std::move(later));
        },
        worth);
    if (given_up) return std::nullopt;
    return last_;
}

std::optional<Event> Search::backwards(const std::function<bool()>& interrupted,
                                       const TimeMachine::Worth& worth) {
    bool given_up = false;
    const auto asked = [&] {
        given_up = interrupted && interrupted();
        return given_up;
    };
    const std::optional<Event> found = find_last(asked, worth);
    if (found)
        land(*found);
    else if (!given_up)
        time_.seek(time_.start());
    return found;
}

void Search::land(const Event& event) {
    const u64 count = event.moment.instructions;
    time_.seek_instructions(count);
    const bool before = probe_.lands_before();
    if (before && machine_.cpu().id == event.cpu && machine_.cpu().rip() == event.rip) return;
    bool there = false;
    ArmedPoints armed(machine_.observers());
    if (!before) arm(armed, probe_);
    const u32 kinds = before ? Observers::bit(EventKind::Instruction) : probe_.kinds();
    const Subscription watch(machine_.observers(), kinds, [&](const Event& seen) {
        const bool is_it =
            before ? seen.moment.instructions == count && seen.cpu == event.cpu && seen.rip == event.rip
                   : seen == event;
        if (there || !is_it) return;
        there = true;
        machine_.request_stop();
    });
    while (!there && machine_.run({count + (before ? 1 : 2), kNever}) == StopReason::Requested) {
    }
    // Delivered on the way to another instruction, or by a device.
    if (!there) time_.seek_instructions(count);
}

void arrive(TimeMachine& time, Moment moment, u64 rip) {
    time.seek(moment);
    Machine& machine = time.machine();
    if (machine.cpu().rip() == rip) return;
    time.seek_instructions(moment.instructions);
    const Subscription watch(machine.observers(), Observers::bit(EventKind::Instruction),
                             [&](const Event& event) {
                                 if (event.moment == moment && event.rip == rip) machine.request_stop();
                             });
    machine.run({moment.instructions + 1, kNever});
}

}  // namespace orrery
