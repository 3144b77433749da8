// A stretch of the event log, as it is kept: columns of differences, compressed, with an index by which events are
// counted without decoding them.
//
// What counting needs (kinds, and how far each event is from the one before it in instructions) stays plain, with an
// entry for every kGroup events; the rest (time, place, and the fields of event::What by their lists) is delta-coded
// column by column and compressed with zstd.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "emulator/core/observe/events.h"

namespace orrery {

inline constexpr size_t kEventKinds = static_cast<size_t>(EventKind::Count);

// How many events of each kind, by EventKind.
using EventCounts = std::array<u64, kEventKinds>;

class EventChunk {
  public:
    // `events`: at most kMost, at least one, by instruction count.
    explicit EventChunk(std::span<const Event> events);

    static constexpr size_t kMost = 4096;

    size_t size() const { return kinds_.size(); }
    u64 first_instructions() const { return groups_.front().instructions; }
    Moment last() const { return last_; }
    // All of them.
    const EventCounts& totals() const { return totals_; }
    // How many events there are before an instruction count; their kinds are added to `counts`.
    size_t count_before(u64 instructions, EventCounts& counts) const;
    // The first event of `kinds` (bits) at or after `index`, or size(); the last one before `index`, or size().
    size_t next(size_t index, u32 kinds) const;
    size_t previous(size_t index, u32 kinds) const;

    std::vector<Event> decode() const;
    size_t bytes() const;  // in memory

  private:
    static constexpr size_t kGroup = 64;
    struct Group {
        u64 instructions;                     // of its first event
        u32 at;                               // in steps_, of the event after that one
        std::array<u16, kEventKinds> before;  // events of each kind in the groups before
    };
    std::vector<u8> kinds_;
    std::vector<u8> steps_;  // varints: instructions since the event before, but for each group's first
    std::vector<Group> groups_;
    std::vector<u8> packed_;
    size_t plain_size_ = 0;  // of what is packed
    EventCounts totals_{};
    Moment last_;
};

}  // namespace orrery
