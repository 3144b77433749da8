// What the x87 handlers share: the register stack, exceptions, and the pointers to the last instruction
// (Intel SDM vol. 1, 8.1 and 8.4-8.6).
//
// An instruction goes in this order: #NM (decided by the selector), a pending exception (#MF), memory faults,
// then the numeric exceptions. Nothing is changed before the memory access that may fault.
//
// Pointers. Every instruction but the control ones sets the instruction pointer; one with a memory operand
// also the data pointer (8.1.8). FCS and FDS are always 0, as CPUID.(7,0):EBX[13] says. The opcode is kept
// only for an instruction with an unmasked exception (8.1.9.1, fopcode compatibility off): Op::imm has it.
#pragma once

#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/x87/float80.h"
#include "emulator/core/cpu/x87/fpu_trap.h"

namespace orrery::x87 {

using f80::Result;

inline unsigned top(const X87State& s) {
    return s.status >> 11 & 7;
}
inline void set_top(X87State& s, unsigned value) {
    s.status = static_cast<u16>((s.status & ~f80::kTop) | (value & 7) << 11);
}
// ST(i)'s place among the physical registers.
inline unsigned physical(const X87State& s, unsigned i) {
    return (top(s) + i) & 7;
}
inline bool is_empty(const X87State& s, unsigned place) {
    return s.empty >> place & 1;
}
inline void write(X87State& s, unsigned place, Float80 value) {
    s.reg[place] = value;
    s.empty = static_cast<u8>(s.empty & ~(1u << place));
}
inline void pop(X87State& s) {
    s.empty = static_cast<u8>(s.empty | 1u << top(s));
    set_top(s, top(s) + 1);
}
inline void push(X87State& s, Float80 value) {
    set_top(s, top(s) - 1);
    write(s, top(s), value);
}

// ES and B follow from the exceptions and their masks.
inline void update_summary(X87State& s) {
    s.status &= static_cast<u16>(~(f80::kErrorSummary | f80::kBusy));
    if ((s.status & ~s.control & f80::kExceptions) != 0) s.status |= f80::kErrorSummary | f80::kBusy;
}

inline void note_instruction(Cpu* c, const Op* op) {
    c->x87.last_ip = rip_of(c, op);
}
inline void note_operand(Cpu* c, const Op* op, u64 linear) {
    c->x87.last_ip = rip_of(c, op);
    c->x87.last_dp = linear - c->seg_base[op->segment];
}

// Adds what an operation gave to the status word; `conditions` are the condition bits that it defines.
inline void give(Cpu* c, const Op* op, u16 flags, u16 conditions = f80::kC1) {
    X87State& s = c->x87;
    const u16 taken = f80::kExceptions | f80::kStackFault;
    s.status = static_cast<u16>((s.status & ~conditions) | (flags & (taken | conditions)));
    if (__builtin_expect((flags & ~s.control & f80::kExceptions) != 0, 0)) {
        if ((s.status & f80::kErrorSummary) == 0) c->ignne = false;
        s.status |= f80::kErrorSummary | f80::kBusy;
        s.last_opcode = op->imm & 0x7ff;
    }
}

// Stack faults (8.5.1.1). True if #IA is masked, and the instruction is to go on with default NaNs.
inline bool underflow(Cpu* c, const Op* op, u16 conditions = f80::kC1) {
    give(c, op, f80::kInvalid | f80::kStackFault, conditions);
    return (c->x87.control & f80::kInvalid) != 0;
}
inline bool overflow(Cpu* c, const Op* op) {
    give(c, op, f80::kInvalid | f80::kStackFault | f80::kC1);
    return (c->x87.control & f80::kInvalid) != 0;
}

// Writes a result unless an unmasked exception keeps it. True if it was written.
inline bool put(Cpu* c, const Op* op, unsigned place, Result r, u16 conditions = f80::kC1) {
    const bool kept = f80::blocked(r.flags, c->x87.control);
    give(c, op, r.flags, conditions);
    if (kept) return false;
    write(c->x87, place, f80::value(r));
    return true;
}

// #AC for what is wider than a register (SDM vol. 3A, table 6-7); load() and store() check the rest
// themselves. An address that is not canonical is left to the access, which faults before.
inline void check_aligned(Cpu* c, const Op* op, u64 linear, unsigned alignment) {
    if (__builtin_expect(c->fast != c->empty_table || (linear & (alignment - 1)) == 0, 1)) return;
    const bool canonical = is_canonical(c, linear);
    if (canonical || !c->long_mode()) raise_error(c, op, Vector::AC, 0);
}

// Memory formats of operands.
enum class Format : u8 { F32, F64, I16, I32, I64 };
template <Format format>
struct FormatType;
template <>
struct FormatType<Format::F32> {
    using type = u32;
};
template <>
struct FormatType<Format::F64> {
    using type = u64;
};
template <>
struct FormatType<Format::I16> {
    using type = u16;
};
template <>
struct FormatType<Format::I32> {
    using type = u32;
};
template <>
struct FormatType<Format::I64> {
    using type = u64;
};
template <Format format>
using Raw = typename FormatType<format>::type;

// As an operand of arithmetic (float80.h, operand_f32).
template <Format format>
inline Result operand(Raw<format> raw) {
    if constexpr (format == Format::F32) {
        return f80::operand_f32(raw);
    } else if constexpr (format == Format::F64) {
        return f80::operand_f64(raw);
    } else {
        const Float80 v = f80::from_i64(static_cast<std::make_signed_t<Raw<format>>>(raw));
        return {v.significand, v.sign_exponent, 0};
    }
}

// #NM, or the opcode into Op::imm: what every selector does first. True if the instruction cannot run.
inline bool prepare(const Insn& insn, u32 key, Op& op) {
    if (trap_x87(key, op)) return true;
    op.imm = (insn.opcode & 7) << 8 | insn.modrm;
    return false;
}

// The handler for a float or integer operand of the instruction's size.
template <typename Pick>
Handler by_float_format(const Insn& insn, const Op& op, Pick pick) {
    const bool is_single = insn.operands[0].size == 4;
    return by_address(op, [&]<bool full>() -> Handler {
        return is_single ? pick.template operator()<Format::F32, full>()
                         : pick.template operator()<Format::F64, full>();
    });
}
template <typename Pick>
Handler by_integer_format(const Insn& insn, const Op& op, Pick pick) {
    const unsigned size = insn.operands[0].size;
    return by_address(op, [&]<bool full>() -> Handler {
        return size == 2   ? pick.template operator()<Format::I16, full>()
               : size == 4 ? pick.template operator()<Format::I32, full>()
                           : pick.template operator()<Format::I64, full>();
    });
}

}  // namespace orrery::x87
