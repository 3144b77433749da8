// Where two recorded runs part: the first event that is not the same, and the first instruction.
//
// Both are computed again side by side, a stretch at a time. The states compared are those of the CPUs and of
// memory, and the moment; what the seed makes by itself (whose turn comes next, the generator's numbers) is a
// difference only once it has an effect. In the first stretch that is not equal time goes back, and shorter
// and shorter ones are compared, at last single instructions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/time-travel/record/replay_machine.h"

namespace orrery {

// What a run executed, and what of it the user is to see.
struct DiffStep {
    unsigned cpu = 0;
    u64 rip = 0;
    u8 cpl = 0;
    std::string instruction;  // as text; empty: none was executed (the run has ended, or waits)
    Moment after;
};

struct RegisterDifference {
    std::string name;  // "cpu0.rax"
    u64 a = 0, b = 0;  // low 64 bits
};

struct RunsDifference {
    // Whether states are the same up to the end of both.
    bool same = false;
    // In the first event that differs; nothing: that run made none, but an input, or ended.
    bool events_differ = false;
    std::optional<Event> event_a, event_b;
    // An input of one run that the other does not have, before any event that differs.
    std::optional<LoggedInput> input_a, input_b;
    // Up to here the states are the same, and not behind the next instruction.
    std::optional<u64> instructions;
    bool from_the_start = false;
    DiffStep step_a, step_b;
    std::vector<RegisterDifference> registers;
    std::vector<std::string> components;  // whose hashes differ behind it
    u64 events = 0;                       // that are the same
    Moment end_a, end_b;                  // of the runs
};

// The machines stand at their beginnings.
RunsDifference find_difference(ReplayMachine& a, ReplayMachine& b);

// What differs between the two descriptions, a line each: "seed: 1, 2".
std::vector<std::string> describe_differences(const RecordedMachine& a, const RecordedMachine& b);

// "page fault (#PF) at 0x401000, error code 0x4": for people.
std::string event_text(const Event& event);

}  // namespace orrery
