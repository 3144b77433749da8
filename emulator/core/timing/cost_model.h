// Core models without a memory of their own.
#pragma once

#include "emulator/core/timing/core_model.h"

namespace orrery {

// --clock cycles: a table by instruction class (throughput of a Skylake-like core for code with the usual
// dependencies), a second-level TLB hit, and each step of a walk as a cache access.
class TableCostModel : public CoreModel {
  public:
    u32 instruction(const Insn& insn) const override;
    u32 string_iteration() const override { return 1; }
    u32 l2_tlb_hit() override { return 7; }
    u32 walk(unsigned steps) override { return 5 * steps; }
    u32 uncached(Uncached access) override;
};

// --clock icount: one instruction, one tick.
class InstructionCountModel : public CoreModel {
  public:
    u32 instruction(const Insn&) const override { return 1; }
    u32 string_iteration() const override { return 0; }
    u32 l2_tlb_hit() override { return 0; }
    u32 walk(unsigned) override { return 0; }
    u32 uncached(Uncached) override { return 0; }
};

}  // namespace orrery
