// Flag instructions, decimal adjustment, BOUND, NOP, UD (SDM vol. 2).
#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/run/stretch.h"

namespace orrery {

namespace {

void nop(Cpu* c, const Op* op) {
    ORRERY_NEXT(c, op);
}
// A CPU that spins gives its turn away.
void pause(Cpu* c, const Op* op) {
    if (c->env.cpu_count > 1 && c->env.interleaver->end() != Interleaver::kNoEnd) {
        c->env.interleaver->yield(instruction_number(c, op) + 1);
        leave_after(c, op);
    }
    ORRERY_NEXT(c, op);
}
void ud(Cpu* c, const Op* op) {
    raise(c, op, Vector::UD);
}

void clc(Cpu* c, const Op* op) {
    c->lf.set_cf(false);
    ORRERY_NEXT(c, op);
}
void stc(Cpu* c, const Op* op) {
    c->lf.set_cf(true);
    ORRERY_NEXT(c, op);
}
void cmc(Cpu* c, const Op* op) {
    c->lf.set_cf(!c->lf.cf());
    ORRERY_NEXT(c, op);
}
void cld(Cpu* c, const Op* op) {
    c->eflags &= ~rflags::kDf;
    ORRERY_NEXT(c, op);
}
void std(Cpu* c, const Op* op) {
    c->eflags |= rflags::kDf;
    ORRERY_NEXT(c, op);
}

constexpr u8 kAh = kRax * 8 + 1;

void lahf(Cpu* c, const Op* op) {
    set_reg<u8>(c, kAh, static_cast<u8>((c->lf.get() & 0xff) | rflags::kReservedOne));
    ORRERY_NEXT(c, op);
}
void sahf(Cpu* c, const Op* op) {
    constexpr u32 kept = rflags::kOf;
    c->lf.set((c->lf.get() & kept) | (reg<u8>(c, kAh) & rflags::kArithmetic & 0xff));
    ORRERY_NEXT(c, op);
}
void salc(Cpu* c, const Op* op) {
    set_reg<u8>(c, kRax * 8, c->lf.cf() ? 0xff : 0);
    ORRERY_NEXT(c, op);
}

// AL's flags, with CF and AF as given and OF cleared.
void set_decimal_flags(Cpu* c, u8 al, bool carry, bool adjust) {
    c->lf.set_result<u8>(al, carry, false);
    if (adjust) c->lf.aux |= 8;
}

// AAA and AAS. The undefined flags follow AL.
template <bool subtract>
void ascii_adjust(Cpu* c, const Op* op) {
    const bool adjust = (reg<u8>(c, kRax * 8) & 15) > 9 || c->lf.af();
    u16 ax = reg<u16>(c, kRax * 8);
    if (adjust) ax = static_cast<u16>(subtract ? ax - 0x106 : ax + 0x106);
    ax &= 0xff0f;
    set_reg<u16>(c, kRax * 8, ax);
    set_decimal_flags(c, static_cast<u8>(ax), adjust, adjust);
    ORRERY_NEXT(c, op);
}

template <bool subtract>
void decimal_adjust(Cpu* c, const Op* op) {
    const u8 old = reg<u8>(c, kRax * 8);
    const bool old_carry = c->lf.cf();
    u8 al = old;
    bool carry = false;
    const bool adjust = (old & 15) > 9 || c->lf.af();
    if (adjust) {
        carry = old_carry || (subtract ? al < 6 : al > 0xf9);
        al = static_cast<u8>(subtract ? al - 6 : al + 6);
    }
    if (old > 0x99 || old_carry) {
        al = static_cast<u8>(subtract ? al - 0x60 : al + 0x60);
        carry = true;
    }
    set_reg<u8>(c, kRax * 8, al);
    set_decimal_flags(c, al, carry, adjust);
    ORRERY_NEXT(c, op);
}

void aam(Cpu* c, const Op* op) {
    const u8 base = static_cast<u8>(op->imm);
    if (base == 0) raise(c, op, Vector::DE);
    const u8 al = reg<u8>(c, kRax * 8);
    set_reg<u8>(c, kAh, static_cast<u8>(al / base));
    set_reg<u8>(c, kRax * 8, static_cast<u8>(al % base));
    set_decimal_flags(c, static_cast<u8>(al % base), false, false);
    ORRERY_NEXT(c, op);
}
void aad(Cpu* c, const Op* op) {
    const u8 value = static_cast<u8>(reg<u8>(c, kRax * 8) + reg<u8>(c, kAh) * static_cast<u8>(op->imm));
    set_reg<u16>(c, kRax * 8, value);
    set_decimal_flags(c, value, false, false);
    ORRERY_NEXT(c, op);
}

template <typename T>
void bound(Cpu* c, const Op* op) {
    using S = std::make_signed_t<T>;
    const u64 linear = address<false>(c, op);
    const S lower_bound = static_cast<S>(load<T>(c, op, linear));
    const S upper_bound = static_cast<S>(load<T>(c, op, linear + sizeof(T)));
    const S index = static_cast<S>(reg<T>(c, op->a));
    if (index < lower_bound || index > upper_bound) raise(c, op, Vector::BR);
    ORRERY_NEXT(c, op);
}

}  // namespace

#define ORRERY_SELECT(name, handler)               \
    void select_##name(const Insn&, u32, Op& op) { \
        op.fn = handler;                           \
    }
ORRERY_SELECT(ud, ud)
ORRERY_SELECT(clc, clc)
ORRERY_SELECT(stc, stc)
ORRERY_SELECT(cmc, cmc)
ORRERY_SELECT(cld, cld)
ORRERY_SELECT(std, std)
ORRERY_SELECT(lahf, lahf)
ORRERY_SELECT(sahf, sahf)
ORRERY_SELECT(salc, salc)
ORRERY_SELECT(aaa, ascii_adjust<false>)
ORRERY_SELECT(aas, ascii_adjust<true>)
ORRERY_SELECT(daa, decimal_adjust<false>)
ORRERY_SELECT(das, decimal_adjust<true>)
ORRERY_SELECT(aam, aam)
ORRERY_SELECT(aad, aad)
ORRERY_SELECT(nop, nop)
ORRERY_SELECT(pause, pause)
#undef ORRERY_SELECT

void select_bound(const Insn& insn, u32, Op& op) {
    op.accesses = 2;
    op.fn = insn.opsize == 2 ? bound<u16> : bound<u32>;
}

}  // namespace orrery
