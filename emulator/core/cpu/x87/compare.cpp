// FCOM, FUCOM, FICOM, FCOMI, FUCOMI, FTST, FXAM, FCMOVcc (Intel SDM vol. 2).
//
// Where #IA or #D is unmasked, neither condition bits nor ZF, PF and CF change, and nothing is popped, as the
// manual's operation sections have it (AMD's processors set them).
#include "emulator/core/cpu/x87/forms.h"

namespace orrery {

using namespace x87;

namespace {

constexpr u16 kUnordered = f80::kC0 | f80::kC2 | f80::kC3;

// Takes over the outcome of a comparison. True unless an unmasked exception keeps it.
inline bool put_conditions(Cpu* c, const Op* op, u16 flags) {
    if (__builtin_expect(f80::blocked(flags, c->x87.control), 0)) {
        give(c, op, flags & (f80::kExceptions | f80::kStackFault));
        return false;
    }
    give(c, op, flags, f80::kConditions);
    return true;
}
inline void pop_times(X87State& s, unsigned pops) {
    for (unsigned i = 0; i < pops; ++i) pop(s);
}

// C0, C2, C3 to CF, PF, ZF; OF, SF and AF are cleared, whatever happens.
inline void set_flags(Cpu* c, u16 flags, bool kept) {
    if (__builtin_expect(kept, 0)) {
        c->lf.set(c->lf.get() & (rflags::kCf | rflags::kPf | rflags::kZf));
        return;
    }
    c->lf.set(((flags & f80::kC0) != 0 ? rflags::kCf : 0) | ((flags & f80::kC2) != 0 ? rflags::kPf : 0) |
              ((flags & f80::kC3) != 0 ? rflags::kZf : 0));
}

template <Format format, unsigned pops, bool full>
void op_compare_memory(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    const Raw<format> raw = load<Raw<format>>(c, op, linear);
    note_operand(c, op, linear);
    X87State& s = c->x87;
    u16 flags = kUnordered | f80::kInvalid | f80::kStackFault;
    if (__builtin_expect(!is_empty(s, top(s)), 1)) {
        const Result b = operand<format>(raw);
        flags = f80::compare(s.reg[top(s)], f80::value(b), false);
        if ((flags & f80::kInvalid) == 0) flags |= b.flags;
    }
    if (put_conditions(c, op, flags)) pop_times(s, pops);
    ORRERY_NEXT(c, op);
}

// ST(0) with ST(op->b).
template <bool quiet, unsigned pops>
void op_compare_registers(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned a = top(s), b = physical(s, op->b);
    const u16 flags = __builtin_expect((is_empty(s, a) || is_empty(s, b)), 0)
                          ? kUnordered | f80::kInvalid | f80::kStackFault
                          : f80::compare(s.reg[a], s.reg[b], quiet);
    if (put_conditions(c, op, flags)) pop_times(s, pops);
    ORRERY_NEXT(c, op);
}

template <bool quiet, unsigned pops>
void op_compare_flags(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned a = top(s), b = physical(s, op->b);
    const u16 flags = __builtin_expect((is_empty(s, a) || is_empty(s, b)), 0)
                          ? kUnordered | f80::kInvalid | f80::kStackFault
                          : f80::compare(s.reg[a], s.reg[b], quiet);
    const bool kept = f80::blocked(flags, s.control);
    give(c, op, flags & (f80::kExceptions | f80::kStackFault));
    set_flags(c, flags, kept);
    if (!kept) pop_times(s, pops);
    ORRERY_NEXT(c, op);
}

void op_ftst(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const u16 flags = is_empty(s, top(s)) ? kUnordered | f80::kInvalid | f80::kStackFault
                                          : f80::compare(s.reg[top(s)], f80::kZero, false);
    put_conditions(c, op, flags);
    ORRERY_NEXT(c, op);
}

void op_fxam(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const Float80 a = s.reg[top(s)];
    const u16 sign = f80::is_negative(a) ? f80::kC1 : u16{0};
    give(c, op, is_empty(s, top(s)) ? f80::kC3 | f80::kC0 | sign : f80::examine(a), f80::kConditions);
    ORRERY_NEXT(c, op);
}

template <unsigned cc>
void op_fcmov(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned to = top(s), from = physical(s, op->b);
    if (__builtin_expect((is_empty(s, to) || is_empty(s, from)), 0)) {
        if (underflow(c, op)) write(s, to, f80::kDefaultNan);
    } else if (condition<cc>(c->lf)) {
        s.reg[to] = s.reg[from];  // C1 changes with a stack fault only
    }
    ORRERY_NEXT(c, op);
}

template <unsigned pops>
void select_memory_float(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_float_format(insn, op, []<Format format, bool full>() -> Handler {
        return op_compare_memory<format, pops, full>;
    });
}
template <unsigned pops>
void select_memory_integer(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_integer_format(insn, op, []<Format format, bool full>() -> Handler {
        return op_compare_memory<format, pops, full>;
    });
}
template <bool quiet, unsigned pops>
void select_registers(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    if (insn.operand_count == 0) op.b = 1;  // FCOMPP, FUCOMPP
    op.fn = op_compare_registers<quiet, pops>;
}
template <bool quiet, unsigned pops>
void select_flags(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_compare_flags<quiet, pops>;
}

}  // namespace

void select_fcom(const Insn& insn, u32 key, Op& op) {
    select_memory_float<0>(insn, key, op);
}
void select_fcomp(const Insn& insn, u32 key, Op& op) {
    select_memory_float<1>(insn, key, op);
}
void select_ficom(const Insn& insn, u32 key, Op& op) {
    select_memory_integer<0>(insn, key, op);
}
void select_ficomp(const Insn& insn, u32 key, Op& op) {
    select_memory_integer<1>(insn, key, op);
}
void select_fcom_st(const Insn& insn, u32 key, Op& op) {
    select_registers<false, 0>(insn, key, op);
}
void select_fcomp_st(const Insn& insn, u32 key, Op& op) {
    select_registers<false, 1>(insn, key, op);
}
void select_fcompp(const Insn& insn, u32 key, Op& op) {
    select_registers<false, 2>(insn, key, op);
}
void select_fucom(const Insn& insn, u32 key, Op& op) {
    select_registers<true, 0>(insn, key, op);
}
void select_fucomp(const Insn& insn, u32 key, Op& op) {
    select_registers<true, 1>(insn, key, op);
}
void select_fucompp(const Insn& insn, u32 key, Op& op) {
    select_registers<true, 2>(insn, key, op);
}
void select_fcomi(const Insn& insn, u32 key, Op& op) {
    select_flags<false, 0>(insn, key, op);
}
void select_fcomip(const Insn& insn, u32 key, Op& op) {
    select_flags<false, 1>(insn, key, op);
}
void select_fucomi(const Insn& insn, u32 key, Op& op) {
    select_flags<true, 0>(insn, key, op);
}
void select_fucomip(const Insn& insn, u32 key, Op& op) {
    select_flags<true, 1>(insn, key, op);
}
void select_ftst(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_ftst;
}
void select_fxam(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fxam;
}
#define ORRERY_FCMOV(name, condition)                             \
    void select_##name(const Insn& insn, u32 key, Op& op) {       \
        if (!prepare(insn, key, op)) op.fn = op_fcmov<condition>; \
    }
ORRERY_FCMOV(fcmovb, 2)
ORRERY_FCMOV(fcmove, 4)
ORRERY_FCMOV(fcmovbe, 6)
ORRERY_FCMOV(fcmovu, 10)
ORRERY_FCMOV(fcmovnb, 3)
ORRERY_FCMOV(fcmovne, 5)
ORRERY_FCMOV(fcmovnbe, 7)
ORRERY_FCMOV(fcmovnu, 11)

}  // namespace orrery
