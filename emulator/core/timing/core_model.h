// What a CPU's core makes of its instructions, in cycles: one model for each CPU, part of its state.
//
// A cost must depend on the instruction, and on architectural or modelled state, only, never on how instructions
// were grouped into blocks: a run stepped one instruction at a time has the same cycles.
#pragma once

#include "emulator/core/state/archive.h"
#include "emulator/isa/insn.h"

namespace orrery {

class CoreModel {
  public:
    virtual ~CoreModel() = default;
    // Static cost of executing `insn` once; at least 1. Asked once for each decoded instruction.
    virtual u32 instruction(const Insn& insn) const = 0;
    // Each further iteration of a repeated string instruction.
    virtual u32 string_iteration() const = 0;
    // Of an access: a second-level TLB hit, and a page walk of so many steps.
    virtual u32 l2_tlb_hit() = 0;
    virtual u32 walk(unsigned steps) = 0;
    // What it remembers: part of snapshots and of the state hash.
    virtual void visit(Archive&) {}
};

}  // namespace orrery
