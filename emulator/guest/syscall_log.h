// System calls as they happened: a bounded log of decoded calls, signals and exits, and totals by call.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "emulator/guest/syscall_decode.h"
#include "emulator/observe/events.h"

namespace orrery {

struct SyscallRecord {
    enum class Kind : u8 { Call, Note };  // a note: a signal's delivery, a task's end
    u64 id = 0;                           // counts up from 1
    Kind kind = Kind::Call;
    int pid = 0;  // of the thread
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

class SyscallLog {
  public:
    explicit SyscallLog(size_t capacity = 10000) : capacity_(capacity) {}

    // The new record lives until `capacity` further ones have come.
    SyscallRecord& add(SyscallRecord record);
    // nullptr if it is no longer held.
    SyscallRecord* find(u64 id);
    void count(const SyscallRecord& finished);

    const std::deque<SyscallRecord>& records() const { return records_; }
    u64 dropped() const { return dropped_; }
    const std::map<std::string, SyscallTotals>& totals() const { return totals_; }

  private:
    size_t capacity_;
    u64 next_id_ = 1;
    u64 dropped_ = 0;
    std::deque<SyscallRecord> records_;
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
