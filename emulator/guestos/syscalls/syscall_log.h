// System calls as they happened: a bounded log of decoded calls, signals and exits, and totals by call.
//
// The log has a position, which is its end until the machine goes back. What lies behind the position then is
// kept: the machine comes by again, and the records get the ids that they had.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/guestos/syscalls/syscall_decode.h"

namespace orrery {

struct SyscallRecord {
    enum class Kind : u8 { Call, Note };  // a note: a signal's delivery, a task's end
    u64 id = 0;                           // counts up from 1
    Kind kind = Kind::Call;
    u64 task =
        0;        // tells its task from others: the pid, or where its page tables are while that is not known
    int pid = 0;  // of the thread; 0: not known
    int tgid = 0;
    std::string comm;
    Moment begin;
    Moment end;  // of a finished call
    bool finished = false;
    DecodedCall entry;  // as known at the entry
    DecodedCall call;   // as known now
    i64 result = 0;
    std::string result_text;
    bool failed = false;
    u64 cpu_ticks = 0;  // virtual time during which the task had the CPU
    u64 page_walks = 0;
    u64 page_faults = 0;
    std::string note;  // "--- SIGCHLD {…} ---", "+++ exited with 0 +++"
};

struct SyscallTotals {
    u64 calls = 0;
    u64 errors = 0;
    u64 cpu_ticks = 0;
    u64 ticks = 0;  // from entry to return
};

// Records in a row, oldest first.
class SyscallRange {
  public:
    using Iterator = std::deque<SyscallRecord>::const_iterator;
    SyscallRange(const Iterator& first, const Iterator& last) : first_(first), last_(last) {}

    Iterator begin() const { return first_; }
    Iterator end() const { return last_; }
    auto rbegin() const { return std::make_reverse_iterator(last_); }
    auto rend() const { return std::make_reverse_iterator(first_); }
    size_t size() const { return static_cast<size_t>(last_ - first_); }
    bool empty() const { return first_ == last_; }
    const SyscallRecord& front() const { return *first_; }
    const SyscallRecord& back() const { return *std::prev(last_); }

  private:
    Iterator first_, last_;
};

class SyscallLog {
  public:
    explicit SyscallLog(size_t capacity = 10000) : capacity_(capacity) {}

    // The new record lives until `capacity` further ones have come. One that is known already, since the
    // machine has been here before, stays as it is.
    SyscallRecord& add(SyscallRecord record);
    // Puts a finished record in the place of the one with its id.
    void finish(const SyscallRecord& record);
    // nullptr if it is no longer held.
    SyscallRecord* find(u64 id);
    void count(const SyscallRecord& finished);

    // Those up to the position, oldest first.
    SyscallRange records() const {
        const size_t held = records_.empty() ? 0 : static_cast<size_t>(next_id_ - records_.front().id);
        return {records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(held)};
    }
    // Whether a call of records() has returned by now: one whose end is known may still lie ahead.
    bool finished(const SyscallRecord& record) const {
        return record.finished && !ahead_.contains(record.id);
    }
    u64 dropped() const { return records_.empty() ? next_id_ - 1 : records_.front().id - 1; }
    const std::map<std::string, SyscallTotals>& totals() const { return totals_; }

    // A position, to be gone back (or on) to. `open`: calls that have not returned there.
    struct Position {
        u64 next_id = 1;
        std::vector<u64> open;
        std::map<std::string, SyscallTotals> totals;
    };
    Position position(std::vector<u64> open) const { return {next_id_, std::move(open), totals_}; }
    void rewind(const Position& position);
    // From here on things go another way than they did: forgets what lies behind the position.
    void cut();

  private:
    size_t capacity_;
    u64 next_id_ = 1;
    std::deque<SyscallRecord> records_;  // ids without gaps
    std::set<u64> ahead_;                // ids of calls whose known end lies behind the position
    std::map<std::string, SyscallTotals> totals_;
};

// Told of every step, in the order in which it happens. References hold during the call only.
class SyscallListener {
  public:
    virtual ~SyscallListener() = default;
    virtual void entered(const SyscallRecord& record) = 0;
    virtual void finished(const SyscallRecord& record) = 0;
    virtual void noted(const SyscallRecord& record) = 0;
};

}  // namespace orrery
