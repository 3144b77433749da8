#include "emulator/core/timing/cost_model.h"

#include <array>

#include "emulator/isa/row.h"

namespace orrery {

namespace {

// Cycles that an instruction of the class adds to a stretch of ordinary code: for cheap ones their share of
// the issue width, rounded to whole ticks; for dear ones their latency, which out-of-order execution hides
// only in part. After the Intel Optimization Reference Manual, appendix D, for the Skylake client core.
struct ClassCost {
    Timing timing;
    u32 cycles;
};
constexpr ClassCost kClassCosts[] = {
    {Timing::Nop, 1},        {Timing::Mov, 1},           {Timing::MovExtend, 1},
    {Timing::Alu, 1},        {Timing::AluCarry, 1},      {Timing::Lea, 1},
    {Timing::Shift, 1},      {Timing::ShiftCarry, 2},    {Timing::ShiftDouble, 2},
    {Timing::BitTest, 1},    {Timing::BitScan, 1},       {Timing::Mul, 2},
    {Timing::Div, 24},       {Timing::Cmov, 1},          {Timing::Setcc, 1},
    {Timing::Bswap, 1},      {Timing::Xchg, 4},          {Timing::Atomic, 4},
    {Timing::Push, 1},       {Timing::Pop, 1},           {Timing::Branch, 1},
    {Timing::BranchCond, 1}, {Timing::Call, 2},          {Timing::Ret, 2},
    {Timing::Loop, 2},       {Timing::FarBranch, 50},    {Timing::Interrupt, 50},
    {Timing::String, 3},     {Timing::Flags, 1},         {Timing::Bcd, 1},
    {Timing::Enter, 8},      {Timing::Leave, 1},         {Timing::Io, 20},
    {Timing::System, 30},    {Timing::Serializing, 100}, {Timing::Cpuid, 100},
    {Timing::Tsc, 20},       {Timing::Fence, 4},         {Timing::Prefetch, 1},
    {Timing::Crc32, 1},      {Timing::Popcnt, 1},        {Timing::VecMove, 1},
    {Timing::VecLoad, 1},    {Timing::VecStore, 1},      {Timing::VecLogic, 1},
    {Timing::VecAlu, 1},     {Timing::VecMul, 2},        {Timing::VecShift, 1},
    {Timing::VecShuffle, 1}, {Timing::VecSad, 1},        {Timing::VecMovemask, 1},
    {Timing::VecInsert, 1},  {Timing::VecExtract, 1},    {Timing::VecHorizontal, 3},
    {Timing::VecString, 6},  {Timing::VecAes, 1},        {Timing::FpMove, 1},
    {Timing::FpLogic, 1},    {Timing::FpAdd, 2},         {Timing::FpMul, 2},
    {Timing::FpDiv, 8},      {Timing::FpSqrt, 10},       {Timing::FpCmp, 1},
    {Timing::FpRecip, 1},    {Timing::FpRound, 2},       {Timing::FpConv, 2},
    {Timing::FpDot, 6},      {Timing::FpHorizontal, 3},  {Timing::Mxcsr, 5},
    {Timing::X87Move, 1},    {Timing::X87Add, 2},        {Timing::X87Mul, 2},
    {Timing::X87Div, 10},    {Timing::X87Sqrt, 14},      {Timing::X87Cmp, 2},
    {Timing::X87Conv, 2},    {Timing::X87Round, 10},     {Timing::X87Bcd, 80},
    {Timing::X87Trig, 60},   {Timing::X87Control, 4},    {Timing::X87State, 60},
};

// By class; the build fails where one has no cost, or two.
constexpr auto kCosts = [] {
    std::array<u32, static_cast<size_t>(Timing::Count)> costs{};
    for (const auto& [timing, cycles] : kClassCosts) {
        u32& cost = costs[static_cast<size_t>(timing)];
        if (cost != 0) throw "a class with two costs";
        cost = cycles;
    }
    for (const u32 cost : costs)
        if (cost == 0) throw "a class without a cost";
    return costs;
}();

}  // namespace

u32 TableCostModel::instruction(const Insn& insn) const {
    u32 cost = kCosts[static_cast<size_t>(insn.row->timing)];
    // A read-modify-write waits for its load and its store's forwarding.
    if (insn.operand_count > 0 && insn.operands[0].is_memory() &&
        insn.operands[0].access == Access::ReadWrite) {
        cost += 1;
        if (insn.lock) cost += 12;
    }
    return cost;
}

// The way to a device and back, which nothing hides: a read waits for its answer, a write to memory for its place in
// the queue, and ports order everything around them. Of the order of what a local APIC's register and a port of the
// chipset take.
u32 TableCostModel::uncached(Uncached access) {
    switch (access) {
        case Uncached::MemoryRead:
            return 100;
        case Uncached::MemoryWrite:
            return 80;
        case Uncached::PortRead:
        case Uncached::PortWrite:
            break;
    }
    return 180;
}

}  // namespace orrery
