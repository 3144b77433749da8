// Snapshots along a machine's run. Each holds the small state whole, and of memory only the pages that
// changed since the one before; the other pages it shares. So a snapshot costs what was written since the
// last.
//
// What they hold stays within a budget of bytes. Where it is passed, snapshots go: the further back, the
// wider the distance between those that stay. The first one always stays.
#pragma once

#include <memory>
#include <vector>

#include "emulator/machine/machine.h"
#include "emulator/time-travel/timeline/page_store.h"

namespace orrery {

class History {
  public:
    // `budget` in bytes.
    History(Machine& machine, u64 budget);

    // What belongs to a snapshot beside the machine's state.
    struct Mark {
        Moment moment;
        unsigned run = 0;           // of TimeMachine::runs()
        size_t played = 0;          // how many of its inputs had entered
        std::vector<size_t> tapes;  // where the consoles' tapes were
        std::shared_ptr<const void> rider;
        u64 host_nanoseconds = 0;  // how long the machine had run up to there: what thinning goes by
    };

    // Takes one of the machine as it is.
    void take(Mark mark);
    // Puts the machine back (or on) to one. Throws ArchiveError where a disk that is written in place has
    // changed.
    void restore(size_t index);

    size_t count() const { return snapshots_.size(); }
    const Mark& mark(size_t index) const { return snapshots_[index].mark; }
    // Whether a page of RAM (by physical address) may have been written between the snapshot before this one
    // and this.
    bool wrote(size_t index, u64 physical) const;
    // What all of it takes, in bytes.
    u64 bytes() const;

  private:
    struct WrittenPage {
        u32 memory;
        u64 page;
        auto operator<=>(const WrittenPage&) const = default;  // NOLINT(modernize-use-nullptr): see Moment
    };
    struct Snapshot {
        u64 id;
        u64 before;  // id of the one that the machine came from
        Mark mark;
        std::vector<u8> state;
        std::vector<PageMap> maps;
        std::vector<WrittenPage> written;  // since `before`, sorted
        u64 bytes() const;
    };
    void thin();
    void remove(size_t index);

    Machine& machine_;
    u64 budget_;
    PageStore store_;
    std::vector<PagedMemory*> memories_;  // in the order of the visit
    std::vector<PageMap> maps_;           // of the snapshot that the machine was last at
    std::vector<Snapshot> snapshots_;
    u64 last_ = 0;  // its id
    u64 next_id_ = 1;
    u64 small_bytes_ = 0;  // of all snapshots, beside pages
};

}  // namespace orrery
