#include "emulator/core/timing/cost_model.h"

#include "emulator/isa/row.h"

namespace orrery {

namespace {

// Cycles that an instruction of the class adds to a stretch of ordinary code: for cheap ones their share of
// the issue width, rounded to whole ticks; for dear ones their latency, which out-of-order execution hides
// only in part. After the Intel Optimization Reference Manual, appendix D, for the Skylake client core.
u32 class_cost(Timing timing) {
    switch (timing) {
        case Timing::Mul:
            return 2;
        case Timing::Div:
            return 24;
        case Timing::Atomic:
        case Timing::Xchg:
            return 4;
        case Timing::ShiftCarry:
        case Timing::ShiftDouble:
            return 2;
        case Timing::Call:
        case Timing::Ret:
        case Timing::Loop:
            return 2;
        case Timing::FarBranch:
        case Timing::Interrupt:
            return 50;
        case Timing::String:
            return 3;
        case Timing::Enter:
            return 8;
        case Timing::Io:
            return 200;
        case Timing::System:
            return 30;
        case Timing::Serializing:
        case Timing::Cpuid:
            return 100;
        case Timing::Tsc:
            return 20;
        case Timing::Fence:
            return 4;
        case Timing::VecMul:
        case Timing::FpAdd:
        case Timing::FpMul:
        case Timing::FpConv:
        case Timing::FpRound:
            return 2;
        case Timing::FpHorizontal:
        case Timing::VecHorizontal:
            return 3;
        case Timing::FpDiv:
            return 8;
        case Timing::FpSqrt:
            return 10;
        case Timing::FpDot:
        case Timing::VecString:
            return 6;
        case Timing::Mxcsr:
            return 5;
        case Timing::X87Add:
        case Timing::X87Mul:
        case Timing::X87Cmp:
        case Timing::X87Conv:
            return 2;
        case Timing::X87Div:
            return 10;
        case Timing::X87Sqrt:
            return 14;
        case Timing::X87Round:
            return 10;
        case Timing::X87Bcd:
            return 80;
        case Timing::X87Trig:
            return 60;
        case Timing::X87Control:
            return 4;
        case Timing::X87State:
            return 60;
        default:
            return 1;
    }
}

}  // namespace

u32 TableCostModel::instruction(const Insn& insn) const {
    u32 cost = class_cost(insn.row->timing);
    // A read-modify-write waits for its load and its store's forwarding.
    if (insn.operand_count > 0 && insn.operands[0].is_memory() &&
        insn.operands[0].access == Access::ReadWrite) {
        cost += 1;
        if (insn.lock) cost += 12;
    }
    return cost;
}

}  // namespace orrery
