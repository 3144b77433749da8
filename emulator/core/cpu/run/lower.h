// From a decoded instruction to its Op: operands first, the same way for all (lower), then the handler (the
// row's selector).
//
// lower() fills in
//   a, b      the first and second register operand, in operand order: byte offset of a general register,
//   number of
//             any other register
//   base      the third one, where there is no memory operand
//   imm       Insn::imm as 32 bits; disp also holds all 64 where there is no memory operand
//   base, index, scale, segment, disp    the memory operand
//   length, accesses (1 for each memory operand that is read or written)
// and a selector sets fn, changes `accesses` where the instruction makes others (PUSH, CALL…; string
// instructions count their own: 0), and may use the fields it does not need otherwise.
#pragma once

#include "emulator/core/cpu/run/op.h"
#include "emulator/isa/decoder.h"

namespace orrery {

// True if the memory operand needs address<true> (memory.h).
inline bool full_address(const Op& op) {
    return op.base != kSlotAddress && (op.index != kSlotZero || op.segment >= kFs);
}

// True if the address needs an Op in front that applies legacy segmentation or a narrower address size.
bool needs_address_op(const Insn& insn);

void lower(const Insn& insn, Op& op);
// The Op in front: leaves the linear address in kSlotAddress, or raises #GP(0) or #SS(0).
void lower_address(const Insn& insn, Op& op);

// The selector of the instruction table's row `row_id`.
Selector selector_of(u16 row_id);

inline CpuMode mode_of(u32 key) {
    return static_cast<CpuMode>(key & key::kModeMask);
}

// The register slot of an operand.
inline u8 slot_of(const Operand& operand) {
    if (operand.kind != OperandKind::Gpr) return operand.reg;
    return static_cast<u8>(operand.high8 ? (operand.reg - 4) * 8 + 1 : operand.reg * 8);
}

}  // namespace orrery
