#include "emulator/time-travel/timeline/event_log.h"

#include <algorithm>
#include <stdexcept>

namespace orrery {

namespace {

void add(EventCounts& to, const EventCounts& more) {
    for (size_t kind = 0; kind < kEventKinds; ++kind) to[kind] += more[kind];
}

// How many of `events` lie before an instruction count.
size_t open_before(const std::vector<Event>& events, u64 instructions) {
    return static_cast<size_t>(
        std::partition_point(events.begin(), events.end(),
                             [&](const Event& event) { return event.moment.instructions < instructions; }) -
        events.begin());
}

}  // namespace

EventLog::EventLog(Machine& machine, u64 limit, u32 kinds)
    : machine_(machine), limit_(limit), begin_(machine.moment().instructions) {
    runs_.emplace_back();
    subscription_ = machine_.observers().subscribe(kinds, [this](const Event& event) { on_event(event); });
}

EventLog::~EventLog() {
    machine_.observers().unsubscribe(subscription_);
}

Moment EventLog::Run::latest() const {
    if (!open.empty()) return open.back().moment;
    return closed.empty() || !closed.back().chunk ? Moment{} : closed.back().chunk->last();
}

// More than one event can have the moment of the last one that is known.
bool EventLog::is_known(const Run& run, const Event& event) const {
    if (!run.repeats || event.moment > run.known) return false;
    if (event.moment < run.known) return true;
    const std::vector<Event>& tail =
        run.open.empty() && !run.closed.empty() ? decoded(run.closed.back().chunk) : run.open;
    for (auto at = tail.rbegin(); at != tail.rend() && at->moment == event.moment; ++at)
        if (*at == event) return true;
    return false;
}

void EventLog::on_event(const Event& event) {
    Run& run = runs_[run_];
    if (is_known(run, event)) return;
    run.open.push_back(event);
    if (run.open.size() == EventChunk::kMost) close(run);
}

void EventLog::close(Run& run) {
    Kept kept{std::make_shared<const EventChunk>(run.open), run.closed_events,
              run.open.front().moment.instructions, run.closed_counts};
    bytes_ += kept.chunk->bytes() + sizeof kept;
    run.closed_events += run.open.size();
    add(run.closed_counts, kept.chunk->totals());
    run.closed.push_back(std::move(kept));
    run.open.clear();
    forget();
}

// From the run that has most. What runs share they let go together.
void EventLog::forget() {
    const auto kept = [](const Run& run) { return run.closed.size() - run.forgotten; };
    while (bytes_ > limit_) {
        const Run& run = *std::max_element(runs_.begin(), runs_.end(),
                                           [&](const Run& a, const Run& b) { return kept(a) < kept(b); });
        if (kept(run) <= 1) return;
        const std::shared_ptr<const EventChunk> oldest = run.closed[run.forgotten].chunk;
        for (Run& each : runs_)
            if (each.forgotten < each.closed.size() && each.closed[each.forgotten].chunk == oldest)
                each.closed[each.forgotten++].chunk.reset();
        bytes_ -= oldest->bytes();
    }
}

void EventLog::moved() {
    Run& run = runs_[run_];
    if (const Moment latest = run.latest(); latest != Moment{}) {
        run.known = std::max(run.known, latest);
        run.repeats = true;
    }
}

void EventLog::branch(Moment fork) {
    moved();
    const Run& parent = runs_[run_];
    Run run;
    // An event at the fork itself, of the new run, is still to come.
    const auto keep = [&](const std::vector<Event>& events) {
        for (const Event& event : events)
            if (event.moment < fork) run.open.push_back(event);
    };
    for (size_t i = 0; i < parent.closed.size(); ++i) {
        const Kept& kept = parent.closed[i];
        if (kept.first_instructions > fork.instructions) break;
        // Of one that is forgotten it is not known what lies before a fork within it. Another one follows it.
        if (!kept.chunk && parent.closed[i + 1].first_instructions > fork.instructions) break;
        if (kept.chunk && kept.chunk->last() >= fork) {
            keep(decoded(kept.chunk));
            break;
        }
        run.closed.push_back(kept);
        if (!kept.chunk) ++run.forgotten;
        run.closed_events = kept.from + (kept.chunk ? kept.chunk->size() : EventChunk::kMost);
        run.closed_counts = kept.before;
        if (kept.chunk) add(run.closed_counts, kept.chunk->totals());
    }
    if (run.closed.size() == parent.closed.size()) keep(parent.open);
    run.known = run.latest();
    run.repeats = run.known != Moment{};
    runs_.push_back(std::move(run));
    run_ = static_cast<unsigned>(runs_.size() - 1);
}

void EventLog::enter(unsigned run) {
    moved();
    if (run < runs_.size()) run_ = run;
}

u64 EventLog::begin() const {
    const Run& run = runs_[run_];
    return run.forgotten < run.closed.size() ? run.closed[run.forgotten].from : run.closed_events;
}

u64 EventLog::end() const {
    return runs_[run_].closed_events + runs_[run_].open.size();
}

u64 EventLog::last_instructions() const {
    return std::max(begin_, runs_[run_].latest().instructions);
}

size_t EventLog::chunk_of(const Run& run, u64 number) const {
    if (number >= run.closed_events) return run.closed.size();
    const auto after = std::partition_point(run.closed.begin(), run.closed.end(),
                                            [&](const Kept& kept) { return kept.from <= number; });
    return static_cast<size_t>(after - run.closed.begin()) - 1;
}

const std::vector<Event>& EventLog::decoded(const std::shared_ptr<const EventChunk>& chunk) const {
    if (looked_into_ != chunk) {
        looked_at_ = chunk->decode();
        looked_into_ = chunk;
    }
    return looked_at_;
}

Event EventLog::at(u64 number) const {
    const Run& run = runs_[run_];
    if (number < begin() || number >= end()) throw std::out_of_range("no such event in the log");
    const size_t index = chunk_of(run, number);
    if (index == run.closed.size()) return run.open[number - run.closed_events];
    return decoded(run.closed[index].chunk)[number - run.closed[index].from];
}

u64 EventLog::closed_before(const Run& run, u64 instructions, EventCounts& counts) const {
    const auto after = std::partition_point(run.closed.begin(), run.closed.end(), [&](const Kept& kept) {
        return kept.first_instructions < instructions;
    });
    if (after == run.closed.begin()) return 0;
    const Kept& kept = *(after - 1);
    add(counts, kept.before);
    return kept.from + (kept.chunk ? kept.chunk->count_before(instructions, counts) : 0);
}

u64 EventLog::first_from(u64 instructions) const {
    const Run& run = runs_[run_];
    EventCounts ignored{};
    const u64 closed = closed_before(run, instructions, ignored);
    if (closed < run.closed_events) return std::max(begin(), closed);
    return run.closed_events + open_before(run.open, instructions);
}

std::optional<u64> EventLog::next(u64 number, u32 kinds) const {
    const Run& run = runs_[run_];
    number = std::max(number, begin());
    for (size_t index = chunk_of(run, number); index < run.closed.size(); ++index) {
        const Kept& kept = run.closed[index];
        const size_t found = kept.chunk->next(number - kept.from, kinds);
        if (found < kept.chunk->size()) return kept.from + found;
        number = kept.from + kept.chunk->size();
    }
    for (; number < end(); ++number)
        if ((kinds >> run.open[number - run.closed_events].what.index() & 1) != 0) return number;
    return std::nullopt;
}

std::optional<u64> EventLog::previous(u64 number, u32 kinds) const {
    const Run& run = runs_[run_];
    number = std::min(number, end());
    while (number > run.closed_events) {
        --number;
        if ((kinds >> run.open[number - run.closed_events].what.index() & 1) != 0) return number;
    }
    while (number > begin()) {
        const Kept& kept = run.closed[chunk_of(run, number - 1)];
        const size_t found = kept.chunk->previous(number - kept.from, kinds);
        if (found < kept.chunk->size()) return kept.from + found;
        number = kept.from;
    }
    return std::nullopt;
}

std::vector<EventCounts> EventLog::counts(u64 from, u64 to, size_t columns) const {
    std::vector<EventCounts> result(columns);
    if (columns == 0 || to <= from) return result;
    const Run& run = runs_[run_];
    EventCounts before{};
    closed_before(run, from, before);
    size_t open = open_before(run.open, from);
    // The end of column i, from + (to - from) * (i + 1) / columns, without overflow.
    const u64 width = (to - from) / columns, rest = (to - from) % columns;
    for (size_t i = 0; i < columns; ++i) {
        const u64 edge = from + width * (i + 1) + rest * (i + 1) / columns;
        EventCounts until{};
        closed_before(run, edge, until);
        for (size_t kind = 0; kind < kEventKinds; ++kind) result[i][kind] = until[kind] - before[kind];
        before = until;
        for (; open < run.open.size() && run.open[open].moment.instructions < edge; ++open)
            ++result[i][run.open[open].what.index()];
    }
    return result;
}

}  // namespace orrery
