// The Op in front of an instruction whose memory operand is not a plain 64-bit address: legacy segmentation
// with its limit and type checks, 16- and 32-bit offsets, and address-size prefixes in 64-bit mode (SDM vol.
// 2, 2.1.5 and 2.2.1; vol. 3A, 5.3). Leaves the linear address in kSlotAddress.
//
// Its fields: base, index, scale, disp, segment as in any memory operand; imm: bytes accessed; a: kWrites.
#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

constexpr u8 kWrites = 1;

template <unsigned width>
u64 offset_of(const Cpu* c, const Op* op) {
    const u64 sum =
        reg<u64>(c, op->base) + (reg<u64>(c, op->index) << op->scale) + static_cast<u64>(op->disp);
    return width == 2 ? sum & 0xffff : sum & 0xffff'ffff;
}

template <unsigned width>
void checked_address(Cpu* c, const Op* op) {
    c->address_slot = checked_linear_legacy(c, op, op->segment, offset_of<width>(c, op),
                                            static_cast<unsigned>(op->imm), (op->a & kWrites) != 0);
    ORRERY_NEXT(c, op);
}

// Legacy modes without an access (INVLPG, hints), and 32-bit addresses of 64-bit mode.
template <unsigned width, bool legacy>
void based_address(Cpu* c, const Op* op) {
    const u64 linear = offset_of<width>(c, op) + c->seg_base[op->segment];
    c->address_slot = legacy ? linear & 0xffff'ffff : linear;
    ORRERY_NEXT(c, op);
}

}  // namespace

void lower_address(const Insn& insn, Op& op) {
    op.length = insn.length & 15;
    op.base = op.index = kSlotZero;
    op.segment = static_cast<u8>(insn.segment);
    op.disp = insn.disp;
    op.scale = insn.scale_log2;
    op.imm = 0;
    op.a = 0;
    if (insn.base == kRipRegister) {
        op.base = kSlotBlockRip;
        op.disp += op.offset + insn.length;
    } else if (insn.base != kNoRegister) {
        op.base = static_cast<u8>(insn.base * 8);
    }
    if (insn.index != kNoRegister) op.index = static_cast<u8>(insn.index * 8);

    const Operand& operand = *insn.memory();
    op.imm = operand.size;
    if (operand.access == Access::Write || operand.access == Access::ReadWrite) op.a = kWrites;
    const bool narrow = insn.asize == 2;
    if (insn.mode_bits == 64) {
        op.fn = based_address<4, false>;
    } else if (operand.access == Access::AddressOnly) {
        op.fn = narrow ? based_address<2, true> : based_address<4, true>;
    } else {
        op.fn = narrow ? checked_address<2> : checked_address<4>;
    }
}

}  // namespace orrery
