// MMX registers: the significands of the x87's physical registers (SDM vol. 1, 9.2 and 9.5; vol. 3A, table
// 12-1).
//
// Every MMX instruction but EMMS marks all registers as in use and sets TOP to 0; one that writes a register
// also fills its sign and exponent with ones. A pending x87 exception is reported first.
#pragma once

#include "emulator/core/cpu/vector/sse.h"

namespace orrery::mmx {

using sse::Form;
using sse::from_low;
using sse::low_of;
using sse::Xmm;

inline u64 mm(const Cpu* c, u8 number) {
    return c->x87.reg[number].significand;
}
// The transition from x87 to MMX operation.
inline void enter(Cpu* c) {
    c->x87.empty = 0;
    c->x87.status &= static_cast<u16>(~0x3800);
}
inline void set_mm(Cpu* c, u8 number, u64 value) {
    c->x87.reg[number].significand = value;
    c->x87.reg[number].sign_exponent = 0xffff;
    enter(c);
}

// The second operand: an MMX register, or memory of type T, zero-extended.
template <Form form, typename T = u64>
inline u64 source(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        return mm(c, op->b);
    } else {
        return load<T>(c, op, sse::address_of<form>(c, op));
    }
}

template <typename Pick>
Handler by_form(const Insn& insn, const Op& op, Pick pick) {
    if (!insn.has_memory()) return pick.template operator()<Form::Register>();
    return full_address(op) ? pick.template operator()<Form::MemoryFull>()
                            : pick.template operator()<Form::Memory>();
}

}  // namespace orrery::mmx
