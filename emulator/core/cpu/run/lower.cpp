#include "emulator/core/cpu/run/lower.h"

#include "emulator/isa/row.h"

namespace orrery {

// Of masked elements and of POP the handler works out the addresses itself.
bool needs_address_op(const Insn& insn) {
    const Operand* memory = insn.memory();
    if (memory == nullptr || insn.row->has(row_words::Masked | row_words::AfterPop)) return false;
    if (memory->size == 0) return false;  // LEA: an address, but no segment
    return insn.mode_bits != 64 || insn.asize != 8;
}

void lower(const Insn& insn, Op& op) {
    op.length = insn.length & 15;
    op.imm = static_cast<i32>(insn.imm);
    op.base = op.index = kSlotZero;
    op.segment = static_cast<u8>(insn.segment);
    unsigned registers = 0, accesses = 0;
    bool memory = false;
    u8 third = kSlotZero;
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        const Operand& operand = insn.operands[i];
        switch (operand.kind) {
            case OperandKind::Gpr:
            case OperandKind::Xmm:
            case OperandKind::Mmx:
            case OperandKind::St:
            case OperandKind::Segment:
            case OperandKind::Control:
            case OperandKind::Debug:
                if (registers == 0) op.a = slot_of(operand);
                if (registers == 1) op.b = slot_of(operand);
                if (registers == 2) third = slot_of(operand);
                ++registers;
                break;
            case OperandKind::Memory:
                memory = true;
                if (operand.access != Access::AddressOnly) ++accesses;
                break;
            default:
                break;
        }
    }
    op.accesses = accesses & 15;
    if (!memory) {
        op.disp = insn.imm;
        op.base = third;
        return;
    }
    if (needs_address_op(insn)) {
        op.base = kSlotAddress;
        return;
    }
    op.disp = insn.disp;
    op.scale = insn.scale_log2;
    if (insn.base == kRipRegister) {
        op.base = kSlotBlockRip;
        op.disp += op.offset + insn.length;
    } else if (insn.base != kNoRegister) {
        op.base = static_cast<u8>(insn.base * 8);
    }
    if (insn.index != kNoRegister && insn.vsib == 0) op.index = static_cast<u8>(insn.index * 8);
}

}  // namespace orrery
