// What kind of control flow the instruction at a CPU's RIP is: what stepping over and out need to know.
#pragma once

#include "emulator/machine/machine.h"

namespace orrery {

enum class Flow : u8 {
    Plain,   // goes on within the function, by a jump or not
    Call,    // CALL, INT n, SYSCALL, SYSENTER: comes back to the instruction after it
    Repeat,  // a repeated string instruction
    Return,  // RET, IRET, SYSRET, SYSEXIT
};

struct FlowHere {
    Flow flow = Flow::Plain;
    unsigned length = 0;  // of the instruction in bytes; 0: none can be decoded there
};

FlowHere flow_at_rip(Machine& machine, const Cpu& cpu);

// RIP as a linear address.
u64 linear_rip(const Cpu& cpu);

}  // namespace orrery
