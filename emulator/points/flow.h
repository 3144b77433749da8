// What kind of control flow the instruction at a CPU's RIP is: what stepping over and out need to know.
#pragma once

#include <optional>

#include "emulator/isa/effects.h"
#include "emulator/machine/machine.h"

namespace orrery {

struct FlowHere {
    Flow flow = Flow::Next;
    bool repeats = false;  // a repeated string instruction
    unsigned length = 0;   // of the instruction in bytes; 0: none can be decoded there
};

FlowHere flow_at_rip(Machine& machine, const Cpu& cpu);

// The instruction at a linear address, as the CPU would decode it in its present mode; none if it would not.
std::optional<Insn> insn_at(Machine& machine, const Cpu& cpu, u64 linear);

// RIP as a linear address.
u64 linear_rip(const Cpu& cpu);

}  // namespace orrery
