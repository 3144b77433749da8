// FSIN, FCOS, FSINCOS, FPTAN, FPATAN, FYL2X, FYL2XP1 (Intel SDM vol. 2). F2XM1 is with the operations on
// ST(0) alone.
#include "emulator/core/cpu/x87/forms.h"

namespace orrery {

using namespace x87;

namespace {

constexpr u16 kDefined = f80::kC1 | f80::kC2;

// FSIN and FCOS: C2 leaves the operand alone (it is too large).
template <f80::Trig which>
void op_trig(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned place = top(s);
    if (is_empty(s, place)) {
        if (underflow(c, op, kDefined)) write(s, place, f80::kDefaultNan);
    } else {
        const Result r = f80::trig(s.reg[place], s.control, which);
        put(c, op, place, r, kDefined);
    }
    ORRERY_NEXT(c, op);
}

// Those with two results: `first` takes ST(0)'s place, `second` is pushed.
void put_two(Cpu* c, const Op* op, Result first, Result second) {
    X87State& s = c->x87;
    const bool written = put(c, op, top(s), first, kDefined);
    if (written && (first.flags & f80::kC2) == 0) push(s, f80::value(second));
}

// Whether ST(0) is there and a register free; otherwise deals with the stack fault.
bool room(Cpu* c, const Op* op) {
    X87State& s = c->x87;
    const unsigned place = top(s);
    const bool empty = is_empty(s, place);
    if (!empty && is_empty(s, physical(s, 7))) return true;
    s.status &= static_cast<u16>(~f80::kC2);
    if (empty ? underflow(c, op) : overflow(c, op)) {
        write(s, place, f80::kDefaultNan);
        push(s, f80::kDefaultNan);
    }
    return false;
}

// The tangent, then 1; a NaN is pushed once more instead of the 1.
void op_fptan(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    if (room(c, op)) {
        const X87State& s = c->x87;
        const Result tangent = f80::trig(s.reg[top(s)], s.control, f80::Trig::Tan);
        const bool nan = f80::is_nan(f80::classify(f80::value(tangent)));
        put_two(c, op, tangent, nan ? tangent : Result{f80::kOne.significand, f80::kOne.sign_exponent, 0});
    }
    ORRERY_NEXT(c, op);
}

// The sine, then the cosine. What either raises is raised; C1 tells of the cosine.
void op_fsincos(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    if (room(c, op)) {
        const X87State& s = c->x87;
        const Float80 x = s.reg[top(s)];
        Result sine = f80::trig(x, s.control, f80::Trig::Sin);
        const Result cosine = f80::trig(x, s.control, f80::Trig::Cos);
        sine.flags = static_cast<u16>((sine.flags & ~f80::kC1) | cosine.flags);
        put_two(c, op, sine, cosine);
    }
    ORRERY_NEXT(c, op);
}

// ST(1) = function(ST(1), ST(0)), and pops; op->disp: the function.
using Function = Result (*)(Float80, Float80, u16);
void op_two_pop(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    note_instruction(c, op);
    X87State& s = c->x87;
    const unsigned x = top(s), y = physical(s, 1);
    if (is_empty(s, x) || is_empty(s, y)) {
        if (underflow(c, op)) {
            write(s, y, f80::kDefaultNan);
            pop(s);
        }
    } else if (put(c, op, y, reinterpret_cast<Function>(op->disp)(s.reg[y], s.reg[x], s.control))) {
        pop(s);
    }
    ORRERY_NEXT(c, op);
}

void select_two_pop(const Insn& insn, u32 key, Op& op, Function function) {
    if (prepare(insn, key, op)) return;
    op.disp = static_cast<i64>(reinterpret_cast<u64>(function));
    op.fn = op_two_pop;
}

}  // namespace

void select_fsin(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_trig<f80::Trig::Sin>;
}
void select_fcos(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_trig<f80::Trig::Cos>;
}
void select_fptan(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fptan;
}
void select_fsincos(const Insn& insn, u32 key, Op& op) {
    if (!prepare(insn, key, op)) op.fn = op_fsincos;
}
void select_fpatan(const Insn& insn, u32 key, Op& op) {
    select_two_pop(insn, key, op, f80::arctan);
}
void select_fyl2x(const Insn& insn, u32 key, Op& op) {
    select_two_pop(insn, key, op, f80::ylog2x);
}
void select_fyl2xp1(const Insn& insn, u32 key, Op& op) {
    select_two_pop(insn, key, op, f80::ylog2xp1);
}

}  // namespace orrery
