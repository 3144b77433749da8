// What happened along a run: the events of a machine, kept so that any of them, or how many there were between two
// moments, can be had at once.
//
// Events are numbered from 0 in each run. What is executed again after going back is in the log already and is not
// logged again. Every run of a TimeMachine has a log of its own, which shares what it has in common with that of the run
// it branched from. Memory is bounded: where the limit is reached, the oldest events are forgotten.
#pragma once

#include <deque>
#include <optional>

#include "emulator/machine/machine.h"
#include "emulator/time-travel/timeline/event_chunk.h"

namespace orrery {

class EventLog {
  public:
    static constexpr u32 kLogged = kLoggedKinds;
    static constexpr u64 kLimit = u64{256} << 20;

    // Logs from the machine's present moment on, for run 0. The machine must outlive this. `limit`: bytes, of all runs
    // together; some more while a chunk is open.
    explicit EventLog(Machine& machine, u64 limit = kLimit, u32 kinds = kLogged);
    ~EventLog();
    EventLog(const EventLog&) = delete;
    EventLog& operator=(const EventLog&) = delete;

    // The machine was put to another moment of the same run.
    void moved();
    // A new run, the next in number, leaves the present one at `fork` and becomes the present one.
    void branch(Moment fork);
    // Another run becomes the present one.
    void enter(unsigned run);

    // The rest is of the present run: from begin() (of its numbers; 0 where nothing is forgotten) up to end().
    u64 begin() const;
    u64 end() const;
    Event at(u64 number) const;
    // The first event at or after an instruction count; end() if there is none.
    u64 first_from(u64 instructions) const;
    // The first event of `kinds` at or after `number`, the last one before it.
    std::optional<u64> next(u64 number, u32 kinds) const;
    std::optional<u64> previous(u64 number, u32 kinds) const;
    // How many events of each kind there were in each of `columns` equal parts of the instructions [from, to).
    std::vector<EventCounts> counts(u64 from, u64 to, size_t columns) const;
    // The instruction count at which logging began, and that of the last event (or the same).
    u64 first_instructions() const { return begin_; }
    u64 last_instructions() const;

    u64 bytes() const { return bytes_; }

  private:
    struct Kept {
        std::shared_ptr<const EventChunk> chunk;  // null where it is forgotten
        u64 from = 0;                             // number of its first event
        u64 first_instructions = 0;
        EventCounts before{};  // events of the run before it
    };
    struct Run {
        std::deque<Kept> closed;
        size_t forgotten = 0;     // so many at the front
        std::vector<Event> open;  // the events after those
        EventCounts closed_counts{};
        u64 closed_events = 0;
        Moment known;  // what comes up to here is in the log
        bool repeats = false;
        Moment latest() const;
    };
    void on_event(const Event& event);
    bool is_known(const Run& run, const Event& event) const;
    void close(Run& run);
    void forget();
    // How many events of the closed chunks there are before an instruction count; their kinds are added to `counts`.
    u64 closed_before(const Run& run, u64 instructions, EventCounts& counts) const;
    // The closed chunk that holds a number; closed.size() where it is open.
    size_t chunk_of(const Run& run, u64 number) const;
    const std::vector<Event>& decoded(const std::shared_ptr<const EventChunk>& chunk) const;

    Machine& machine_;
    u64 limit_;
    u64 begin_;
    std::deque<Run> runs_;
    unsigned run_ = 0;
    u64 bytes_ = 0;
    Observers::Id subscription_ = 0;
    // The last chunk that somebody looked into.
    mutable std::shared_ptr<const EventChunk> looked_into_;
    mutable std::vector<Event> looked_at_;
};

}  // namespace orrery
