#include "emulator/time-travel/timeline/queries.h"

#include <algorithm>

namespace orrery {
namespace {

// A match is in an instruction that is yet to run, or has run, so that going back to it leads to before it;
// otherwise it leads to the boundary after it.
bool lands_before(const Event& match) {
    return match.kind() == EventKind::Breakpoint || match.kind() == EventKind::DataAccess;
}

// An instruction that is about to run where the machine stands, or stood.
bool is_at(const Event& event, const Position& position) {
    return event.kind() == EventKind::Breakpoint && event.moment == position.moment &&
           event.cpu == position.cpu && event.rip == position.rip;
}

}  // namespace

Position position_of(const Machine& machine) {
    return {machine.moment(), machine.cpu().id, machine.cpu().rip()};
}

void arrive(TimeMachine& time, const Position& position) {
    time.seek(position.moment);
    Machine& machine = time.machine();
    if (position_of(machine) == position) return;
    arrive_before(time, position.moment.instructions, position.cpu, position.rip);
}

void arrive_before(TimeMachine& time, u64 instructions, unsigned cpu, u64 rip) {
    time.seek_instructions(instructions);
    Machine& machine = time.machine();
    if (machine.cpu().id == cpu && machine.cpu().rip() == rip) return;
    bool there = false;
    const Subscription watch(
        machine.observers(), Observers::bit(EventKind::Instruction), [&](const Event& event) {
            if (event.moment.instructions != instructions || event.cpu != cpu || event.rip != rip) return;
            there = true;
            machine.request_stop();
        });
    while (!there && time.run({instructions + 1, kNever}) == StopReason::Requested) {
    }
}

Search::Search(TimeMachine& time, const GuestOs& os, Query query, StopPoints points)
    : time_(time),
      machine_(time.machine()),
      probe_(time.machine(), os, std::move(query)),
      points_(std::move(points)) {}

void Search::arm_all(ArmedPoints& armed) const {
    for (const u64 linear : probe_.code()) armed.code(linear);
    for (const DataPoint& point : probe_.data()) armed.data(point);
    arm(armed, points_);
}

Probe::Answer Search::look(const Event& event) {
    Probe::Answer answer = probe_.look(event);
    if (answer != Probe::Answer::No && filter_ && !filter_(event)) answer = Probe::Answer::No;
    if (answer == Probe::Answer::No && reached_by(points_, event) != nullptr) answer = Probe::Answer::Yes;
    return answer;
}

Search::Outcome Search::forwards(const RunLimits& limits) {
    if (!begin_) {
        begin_ = position_of(machine_);
        probe_.reset();
    }
    const Position begin = *begin_;
    for (;;) {
        std::optional<Open> found;
        Probe::Answer answer = Probe::Answer::No;
        Outcome outcome;
        {
            ArmedPoints armed(machine_.observers());
            arm_all(armed);
            const Subscription watch(machine_.observers(), kinds(), [&](const Event& event) {
                if (is_at(event, begin)) return;
                const Probe::Answer now = look(event);
                if (found || now == Probe::Answer::No) return;
                answer = now;
                found = Open{event, probe_.task_of_last()};
                machine_.request_stop();
            });
            outcome.reason = time_.run(limits);
        }
        if (!found) return outcome;
        bool matches = answer == Probe::Answer::Yes;
        if (!matches) {
            matches = was_in_call(found->task, begin.moment);
            land(found->event);
        }
        if (!matches) continue;
        begin_.reset();
        outcome.match = found->event;
        return outcome;
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
        time_.run_through({until.instructions, kNever});
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
    arm_all(armed);
    const Subscription watch(machine_.observers(), kinds(), [&](const Event& event) {
        const Probe::Answer answer = look(event);
        if (answer != Probe::Answer::No) note(event, answer, probe_.task_of_last());
    });
    time_.run_through({until.instructions, kNever});
    if (machine_.moment() < until) time_.run_through({~u64{0}, until.ticks});
}

// The last stretch. Of what leads to the boundary after it, a match counts only if that is not now: so each
// is stopped at. Now is not always the first boundary of its instruction count.
void Search::look_up_to(const Position& now) {
    ArmedPoints armed(machine_.observers());
    arm_all(armed);
    std::optional<Open> hit;
    Probe::Answer hit_answer = Probe::Answer::No;
    const Subscription watch(machine_.observers(), kinds(), [&](const Event& event) {
        const Probe::Answer answer = look(event);
        if (answer == Probe::Answer::No || is_at(event, now)) return;
        if (lands_before(event)) return note(event, answer, probe_.task_of_last());
        hit = Open{event, probe_.task_of_last()};
        hit_answer = answer;
        machine_.request_stop();
    });
    bool arrived = false;
    const auto run = [&](const RunLimits& limits) {
        StopReason reason;
        do {
            hit.reset();
            reason = time_.run(limits);
            arrived = arrived || position_of(machine_) == now;
            if (hit && !arrived) note(hit->event, hit_answer, hit->task);
        } while (!arrived && reason == StopReason::Requested);
    };
    run({now.moment.instructions, kNever});
    if (arrived) return;
    const Subscription at(machine_.observers(), Observers::bit(EventKind::Instruction),
                          [&](const Event& event) {
                              const Position here{event.moment, event.cpu, event.rip};
                              if (here == now) machine_.request_stop();
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

std::optional<Event> Search::find_last(const TimeMachine::Worth& worth) {
    const Position now = position_of(machine_);
    last_.reset();
    open_.clear();
    bool newest = true;
    time_.backwards(
        now.moment,
        [&](Moment, Moment until) {
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
    return last_;
}

void Search::land(const Event& event) {
    const u64 count = event.moment.instructions;
    if (lands_before(event)) {
        arrive_before(time_, count, event.cpu, event.rip);
        // Made on the way to another instruction, or by a device.
        if (machine_.cpu().id != event.cpu || machine_.cpu().rip() != event.rip)
            time_.seek_instructions(count);
        return;
    }
    time_.seek_instructions(count);
    bool there = false;
    ArmedPoints armed(machine_.observers());
    arm_all(armed);
    const Subscription watch(machine_.observers(), probe_.kinds(), [&](const Event& seen) {
        if (there || seen != event) return;
        there = true;
        machine_.request_stop();
    });
    while (!there && time_.run({count + 2, kNever}) == StopReason::Requested) {
    }
    if (!there) time_.seek_instructions(count);
}

}  // namespace orrery
