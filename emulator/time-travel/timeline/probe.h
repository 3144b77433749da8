// What can be looked for along a run: a kind of happening, and which of them.
//
// A Query is what somebody asks, plain data; a Probe is the same for one machine: the events and watched
// places by which a happening shows, and whether an event is one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "emulator/machine/machine.h"

namespace orrery {

class GuestOs;

// A query that cannot be answered; what() is one line.
class QueryError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Query {
    enum class What : u8 {
        RingCrossing,
        SystemCall,    // at its entry
        SystemReturn,  // of one to its program
        SystemEdge,    // an entry, or a return by an instruction that may end a call
        PageFault,
        Interrupt,
        ContextSwitch,  // GuestOs::switch_function() is entered
        DeviceAccess,   // by a port or a register in memory
        MemoryAccess,   // to `data`
        Code,           // the instruction at `code` is about to run
    };
    What what = What::RingCrossing;
    std::optional<unsigned> cpu;  // only on this CPU
    std::optional<int> pid;       // only while this task runs; needs GuestOs::tells_who_runs()
    std::optional<u64> number;    // system calls: which one; Interrupt: vector
    std::optional<i64> result;    // SystemReturn: what it returned
    std::optional<u64> address;   // DeviceAccess: a port, or a physical address; PageFault: CR2
    std::string device;           // DeviceAccess: a device's name; empty: any
    std::vector<DataPoint> data;  // MemoryAccess: any of these
    std::vector<u64> code;        // Code: any of these linear addresses
};

// A task as far as it can be told from others: its pid, or its address space where tasks are not known.
u64 task_key(const GuestOs& os, Machine& machine, unsigned cpu);

class Probe {
  public:
    // Both must outlive the probe. Throws QueryError.
    Probe(Machine& machine, const GuestOs& os, Query query);

    // What to subscribe to, and to arm.
    u32 kinds() const { return kinds_; }
    const std::vector<u64>& code() const { return code_; }
    const std::vector<DataPoint>& data() const { return query_.data; }
    // To be told of all these events, in order: whether one is a match.
    enum class Answer : u8 { No, Yes, IfEntered };
    Answer look(const Event& event);
    // IfEntered: a return to a program, of a call only if the last of this task's entries and returns before
    // the first event was an entry that matches.
    u64 task_of_last() const { return task_; }
    // Whether, after the events since reset(), a task is in a call that is looked for. Nothing: it had no
    // event.
    std::optional<bool> is_in_call(u64 task) const;
    // Events from another part of the run follow.
    void reset() { calls_.clear(); }

  private:
    Answer look_at_return(const Event& event);
    bool is_one(const Event& event) const;  // whoever makes it
    bool is_this_cpu(const Event& event) const { return !query_.cpu || event.cpu == *query_.cpu; }
    bool is_this_device(const Event& event) const;
    bool is_this_task(const Event& event) const;

    Machine& machine_;
    const GuestOs& os_;
    Query query_;
    u32 kinds_ = 0;
    std::vector<u64> code_;
    std::map<u64, std::optional<u64>> calls_;  // by task: the call it is in
    u64 task_ = 0;
};

}  // namespace orrery
