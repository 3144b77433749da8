// What things cost on the modelled core, in ticks of virtual time. The interpreter asks once per decoded
// instruction and at each TLB miss; whatever a more detailed core model knows enters here.
//
// A cost must depend on the instruction and on architectural or modelled state only, never on how
// instructions were grouped into blocks: a run stepped one instruction at a time has the same cycles.
#pragma once

#include "emulator/isa/insn.h"
#include "emulator/isa/types.h"

namespace orrery {

class CostModel {
  public:
    virtual ~CostModel() = default;
    // Static cost of executing `insn` once; at least 1.
    virtual u32 instruction(const Insn& insn) const = 0;
    // Each further iteration of a repeated string instruction.
    virtual u32 string_iteration() const = 0;
    virtual u32 l2_tlb_hit() const = 0;
    virtual u32 walk(unsigned steps) const = 0;
};

// --clock cycles: a table by instruction class (throughput of a Skylake-like core for code with the usual
// dependencies), a second-level TLB hit, and each step of a walk as a cache access.
class TableCostModel : public CostModel {
  public:
    u32 instruction(const Insn& insn) const override;
    u32 string_iteration() const override { return 1; }
    u32 l2_tlb_hit() const override { return 7; }
    u32 walk(unsigned steps) const override { return 5 * steps; }
};

// --clock icount: one instruction, one tick.
class InstructionCountModel : public CostModel {
  public:
    u32 instruction(const Insn&) const override { return 1; }
    u32 string_iteration() const override { return 0; }
    u32 l2_tlb_hit() const override { return 0; }
    u32 walk(unsigned) const override { return 0; }
};

}  // namespace orrery
