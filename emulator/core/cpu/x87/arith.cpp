// FADD FSUB FMUL FDIV in all their forms, FSQRT, FRNDINT, FSCALE, FXTRACT, FPREM, FPREM1, FABS, FCHS (Intel
// SDM vol. 2).
#include "emulator/core/cpu/x87/forms.h"

namespace orrery {

using namespace x87;

namespace {

enum class Arith : u8 { Add, Mul, Sub, SubReverse, Div, DivReverse };

// `a` is the destination.
template <Arith which>
inline Result apply(Float80 a, Float80 b, u16 control) {
    switch (which) {
        case Arith::Add:
            return f80::add(a, b, control);
        case Arith::Mul:
            return f80::mul(a, b, control);
        case Arith::Sub:
            return f80::sub(a, b, control);
        case Arith::SubReverse:
            return f80::sub(b, a, control);
        case Arith::Div:
            return f80::div(a, b, control);
        default:
            return f80::div(b, a, control);
    }
}

// A denormal float or double has been widened to a normal number: #D, unless something went before it.
Result with_denormal(Result r, u16 control) {
    const bool nan = (r.sign_exponent & 0x7fff) == 0x7fff && r.significand != f80::kIntegerBit;
    if (nan || (r.flags & (f80::kInvalid | f80::kZeroDivide)) != 0) return r;
    if ((control & f80::kDenormal) == 0) return {0, 0, f80::kDenormal};
    r.flags |= f80::kDenormal;
    return r;
}

[[gnu::noinline, gnu::cold]] void underflow_to(Cpu* c, const Op* op, unsigned place, bool pops) {
    if (!underflow(c, op)) return;
    write(c->x87, place, f80::kDefaultNan);
    if (pops) pop(c->x87);
}

template <Arith which, Format format, bool full>
void op_arith_memory(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 linear = address<full>(c, op);
    const Raw<format> raw = load<Raw<format>>(c, op, linear);
    note_operand(c, op, linear);
    X87State& s = c->x87;
    const unsigned place = top(s);
    if (__builtin_expect(is_empty(s, place), 0)) {
        underflow_to(c, op, place, false);
    } else {
        const Result b = operand<format>(raw);
        Result r = apply<which>(s.reg[place], f80::value(b), s.control);
        if (__builtin_expect(b.flags != 0, 0)) r = with_denormal(r, s.control);
        put(c, op, place, r);
    }
    ORRERY_NEXT(c, op);
}

// op->a: destination, op->b: source.
template <Arith which, bool pops>
void op_arith_registers(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned to = physical(s, op->a), from = physical(s, op->b);
    if (__builtin_expect((is_empty(s, to) || is_empty(s, from)), 0)) {
        underflow_to(c, op, to, pops);
    } else {
        const bool written = put(c, op, to, apply<which>(s.reg[to], s.reg[from], s.control));
        if (pops && written) pop(s);
    }
    ORRERY_NEXT(c, op);
}

// ST(0) = function(ST(0)); op->disp: the function.
using Unary = Result (*)(Float80, u16);
void op_unary(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned place = top(s);
    if (__builtin_expect(is_empty(s, place), 0)) {
        underflow_to(c, op, place, false);
    } else {
        put(c, op, place, reinterpret_cast<Unary>(op->disp)(s.reg[place], s.control));
    }
    ORRERY_NEXT(c, op);
}

// FABS and FCHS: any bits at all.
template <bool absolute>
void op_sign(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned place = top(s);
    if (__builtin_expect(is_empty(s, place), 0)) {
        underflow_to(c, op, place, false);
    } else {
        give(c, op, 0);
        u16& sign_exponent = s.reg[place].sign_exponent;
        sign_exponent = absolute ? sign_exponent & 0x7fff : sign_exponent ^ 0x8000;
    }
    ORRERY_NEXT(c, op);
}

void op_fscale(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned place = top(s), other = physical(s, 1);
    if (__builtin_expect((is_empty(s, place) || is_empty(s, other)), 0)) {
        underflow_to(c, op, place, false);
    } else {
        put(c, op, place, f80::scale(s.reg[place], s.reg[other], s.control));
    }
    ORRERY_NEXT(c, op);
}

// FPREM, FPREM1. Where there is no remainder (an invalid operation, a NaN) C0 and C3 stay, C1 and C2 are
// cleared.
template <bool ieee>
void op_remainder(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    constexpr u16 kCleared = f80::kC1 | f80::kC2;
    X87State& s = c->x87;
    const unsigned place = top(s), other = physical(s, 1);
    if (__builtin_expect((is_empty(s, place) || is_empty(s, other)), 0)) {
        if (underflow(c, op, kCleared)) write(s, place, f80::kDefaultNan);
    } else {
        const Result r = f80::remainder(s.reg[place], s.reg[other], s.control, ieee);
        const bool none = f80::blocked(r.flags, s.control) || f80::is_nan(f80::classify(f80::value(r)));
        put(c, op, place, r, none ? kCleared : f80::kConditions);
    }
    ORRERY_NEXT(c, op);
}

// The exponent takes ST(0)'s place, the significand is pushed.
void op_fxtract(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned place = top(s);
    if (is_empty(s, place) || !is_empty(s, physical(s, 7))) {
        if (is_empty(s, place) ? underflow(c, op) : overflow(c, op)) {
            write(s, place, f80::kDefaultNan);
            push(s, f80::kDefaultNan);
        }
    } else {
        const Float80 a = s.reg[place];
        const Result significand = f80::extract_significand(a, s.control);
        if (put(c, op, place, f80::extract_exponent(a, s.control))) push(s, f80::value(significand));
    }
    ORRERY_NEXT(c, op);
}

template <Arith which>
void select_float(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_float_format(
        insn, op, []<Format format, bool full>() -> Handler { return op_arith_memory<which, format, full>; });
}
template <Arith which>
void select_integer(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = by_integer_format(
        insn, op, []<Format format, bool full>() -> Handler { return op_arith_memory<which, format, full>; });
}
template <Arith which, bool pops>
void select_registers(const Insn& insn, u32 key, Op& op) {
    if (prepare(insn, key, op)) return;
    op.fn = op_arith_registers<which, pops>;
}
void select_unary(const Insn& insn, u32 key, Op& op, Unary function) {
    if (prepare(insn, key, op)) return;
    op.disp = static_cast<i64>(reinterpret_cast<u64>(function));
    op.fn = op_unary;
}
}  // namespace

#define ORRERY_X87_ARITH(name, which)                                \
    void select_f##name(const Insn& insn, u32 key, Op& op) {         \
        select_float<which>(insn, key, op);                          \
    }                                                                \
    void select_fi##name(const Insn& insn, u32 key, Op& op) {        \
        select_integer<which>(insn, key, op);                        \
    }                                                                \
    void select_f##name##_st(const Insn& insn, u32 key, Op& op) {    \
        select_registers<which, false>(insn, key, op);               \
    }                                                                \
    void select_f##name##_to_st(const Insn& insn, u32 key, Op& op) { \
        select_registers<which, false>(insn, key, op);               \
    }                                                                \
    void select_f##name##p(const Insn& insn, u32 key, Op& op) {      \
        select_registers<which, true>(insn, key, op);                \
    }
ORRERY_X87_ARITH(add, Arith::Add)
ORRERY_X87_ARITH(mul, Arith::Mul)
ORRERY_X87_ARITH(sub, Arith::Sub)
ORRERY_X87_ARITH(subr, Arith::SubReverse)
ORRERY_X87_ARITH(div, Arith::Div)
ORRERY_X87_ARITH(divr, Arith::DivReverse)
#undef ORRERY_X87_ARITH

void select_fsqrt(const Insn& insn, u32 key, Op& op) {
    select_unary(insn, key, op, f80::sqrt);
}
void select_frndint(const Insn& insn, u32 key, Op& op) {
    select_unary(insn, key, op, f80::round_to_integer);
}
void select_f2xm1(const Insn& insn, u32 key, Op& op) {
    select_unary(insn, key, op, f80::exp2m1);
}
void select_fscale(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fscale;
}
void select_fprem(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_remainder<false>;
}
void select_fprem1(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_remainder<true>;
}
void select_fabs(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_sign<true>;
}
void select_fchs(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_sign<false>;
}
void select_fxtract(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fxtract;
}

}  // namespace orrery
