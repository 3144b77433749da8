// Floating-point comparisons: CMPccPS/PD/SS/SD, COMISx, UCOMISx (SDM vol. 2).
#include "emulator/cpu/exec_sse.h"

namespace orrery {

using namespace sse;

namespace {

// One operation per predicate; legacy encodings have eight, and ignore the immediate's upper bits.
#define ORRERY_COMPARE(name, host, shape)                                        \
    template <unsigned predicate>                                                \
    struct name : shape {                                                        \
        static Xmm run(Xmm a, Xmm b, i32) {                                      \
            asm volatile(host " %2, %1, %0" : "+x"(a) : "x"(b), "i"(predicate)); \
            return a;                                                            \
        }                                                                        \
    }
ORRERY_COMPARE(Cmpps, "cmpps", PackedFp);
ORRERY_COMPARE(Cmppd, "cmppd", PackedFp);
ORRERY_COMPARE(Cmpss, "cmpss", ScalarFp4);
ORRERY_COMPARE(Cmpsd, "cmpsd", ScalarFp8);
#undef ORRERY_COMPARE

template <template <unsigned> class F>
void select_compare(const Insn& insn, u32 key, Op& op) {
    switch (op.imm & 7) {
        case 0:
            return select_combine<F<0>>(insn, key, op);
        case 1:
            return select_combine<F<1>>(insn, key, op);
        case 2:
            return select_combine<F<2>>(insn, key, op);
        case 3:
            return select_combine<F<3>>(insn, key, op);
        case 4:
            return select_combine<F<4>>(insn, key, op);
        case 5:
            return select_combine<F<5>>(insn, key, op);
        case 6:
            return select_combine<F<6>>(insn, key, op);
        default:
            return select_combine<F<7>>(insn, key, op);
    }
}

// Comparisons to EFLAGS: run() gives ZF, PF and CF at their places; the other three are cleared.
#define ORRERY_COMPARE_FLAGS(name, shape)                                                                    \
    struct Do_##name : shape {                                                                               \
        static u32 run(Xmm a, Xmm b) {                                                                       \
            bool carry, zero, parity;                                                                        \
            asm volatile(#name " %4, %3" : "=@ccc"(carry), "=@ccz"(zero), "=@ccp"(parity) : "x"(a), "x"(b)); \
            return (carry ? rflags::kCf : 0) | (zero ? rflags::kZf : 0) | (parity ? rflags::kPf : 0);        \
        }                                                                                                    \
    }
ORRERY_COMPARE_FLAGS(comiss, ScalarFp4);
ORRERY_COMPARE_FLAGS(comisd, ScalarFp8);
ORRERY_COMPARE_FLAGS(ucomiss, ScalarFp4);
ORRERY_COMPARE_FLAGS(ucomisd, ScalarFp8);
#undef ORRERY_COMPARE_FLAGS

template <typename F, Form form, bool checked>
void compare_to_flags(Cpu* c, const Op* op) {
    const Xmm b = source<form, F::kBytes, F::kAligned>(c, op);
    const Xmm a = xmm(c, op->a);
    u32 flags = 0;
    if constexpr (checked) {
        flags = with_fp_checks(c, op, [&] { return F::run(a, b); });
    } else {
        flags = F::run(a, b);
    }
    c->lf.set(flags);
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_to_flags(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_form<true>(insn, key, op, []<Form form, bool checked>() -> Handler {
        return compare_to_flags<F, form, checked>;
    });
}

}  // namespace

void select_cmpps(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpps>(insn, key, op);
}
void select_cmppd(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmppd>(insn, key, op);
}
void select_cmpss(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpss>(insn, key, op);
}
void select_cmpsd_xmm(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpsd>(insn, key, op);
}
void select_comiss(const Insn& insn, u32 key, Op& op) {
    select_to_flags<Do_comiss>(insn, key, op);
}
void select_comisd(const Insn& insn, u32 key, Op& op) {
    select_to_flags<Do_comisd>(insn, key, op);
}
void select_ucomiss(const Insn& insn, u32 key, Op& op) {
    select_to_flags<Do_ucomiss>(insn, key, op);
}
void select_ucomisd(const Insn& insn, u32 key, Op& op) {
    select_to_flags<Do_ucomisd>(insn, key, op);
}

}  // namespace orrery
