// Forms shared by the system instructions' handlers. They are rare: one generic handler each, the work in an
// ordinary function, and only the step to the next Op in a template.
//
// Op::imm of an instruction with a register-or-memory operand holds its form: the operand size, and
// kMemoryForm.
#pragma once

#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/run/memory.h"
#include "emulator/isa/row.h"

namespace orrery {

using Work = void (*)(Cpu*, const Op*);

// The block goes on.
template <Work work>
void then_next(Cpu* c, const Op* op) {
    work(c, op);
    ORRERY_NEXT(c, op);
}
// The block ends after the instruction.
template <Work work>
void then_end(Cpu* c, const Op* op) {
    work(c, op);
    c->rip_slot = wrap_rip(c, end_of(c, op));
    ORRERY_LEAVE_BLOCK(c);
}
// The work has set RIP.
template <Work work>
void then_leave(Cpu* c, const Op* op) {
    work(c, op);
    ORRERY_LEAVE_BLOCK(c);
}

// Of rows with privilege Cpl0Late; of the others it is checked before (run/privilege.h).
inline void require_cpl0(Cpu* c, const Op* op) {
    if (c->cpl != 0) raise_error(c, op, Vector::GP, 0);
}

inline bool protected_mode(const Cpu* c) {
    return (c->cr0 & cr0::kPe) != 0;
}
inline unsigned iopl(const Cpu* c) {
    return (c->eflags & rflags::kIopl) >> 12;
}

constexpr i32 kMemoryForm = 0x100;

inline i32 form_of(const Insn& insn) {
    return insn.opsize | (insn.has_memory() ? kMemoryForm : 0);
}
inline bool is_memory_form(const Op* op) {
    return (op->imm & kMemoryForm) != 0;
}
inline unsigned operand_size(const Op* op) {
    return static_cast<unsigned>(op->imm & 0xff);
}

// Linear address of the memory operand, whichever way it is made.
inline u64 operand_address(const Cpu* c, const Op* op) {
    return op->base == kSlotAddress ? address<false>(c, op) : address<true>(c, op);
}
// A word from memory or from register `slot`.
inline u16 word_operand(Cpu* c, const Op* op, u8 slot) {
    return is_memory_form(op) ? load<u16>(c, op, operand_address(c, op)) : reg<u16>(c, slot);
}

inline void set_reg_sized(Cpu* c, u8 slot, u64 value, unsigned size) {
    switch (size) {
        case 1:
            set_reg<u8>(c, slot, static_cast<u8>(value));
            break;
        case 2:
            set_reg<u16>(c, slot, static_cast<u16>(value));
            break;
        case 4:
            set_reg<u32>(c, slot, static_cast<u32>(value));
            break;
        default:
            set_reg<u64>(c, slot, value);
            break;
    }
}

// A selector for an instruction without operands of interest.
#define ORRERY_SYSTEM(name, handler)               \
    void select_##name(const Insn&, u32, Op& op) { \
        op.fn = handler;                           \
    }
// The same for a register-or-memory operand.
#define ORRERY_SYSTEM_FORM(name, handler)               \
    void select_##name(const Insn& insn, u32, Op& op) { \
        op.imm = form_of(insn);                         \
        op.fn = handler;                                \
    }

}  // namespace orrery
