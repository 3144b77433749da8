// "Who wrote this last?": the instruction, page walk or device that gave a byte of memory the value it has at
// a moment.
#pragma once

#include <optional>
#include <string>

#include "emulator/time-travel/timeline/queries.h"

namespace orrery {

struct Writer {
    enum class Kind : u8 {
        Instruction,
        PageWalk,  // an accessed or dirty bit, for an access of the instruction
        Device,    // DMA, or an input from outside
        Before,    // nobody since history begins: the loader, or nothing at all
    };
    Kind kind = Kind::Before;
    u64 physical = 0;  // the byte in question
    // Of the access; nothing of what follows is known for Before.
    Event access;
    std::string instruction;  // disassembled; "" for a device
    std::string symbol;       // "clear_page+0x12", "" where nothing is known
    std::optional<int> pid;   // of the task that ran
    std::string comm;
    // Number of the call that the task was in; where tasks are not known, the last task with this address
    // space, which a kernel thread may have borrowed.
    std::optional<u64> system_call;
    bool in_call_known = false;  // false: whether it was in one is too long ago to be looked for
};

// The last write to the byte at `physical` (RAM) before the present moment of `time`, which is the present
// moment afterwards. Throws QueryError where there is no memory, and
// TimeError where there is no way back.
Writer who_wrote(TimeMachine& time, const GuestOs& os, u64 physical);
// By linear address, as CPU `cpu` translates it at the present moment. Throws QueryError too where it is not
// mapped.
Writer who_wrote_linear(TimeMachine& time, const GuestOs& os, unsigned cpu, u64 linear);

}  // namespace orrery
