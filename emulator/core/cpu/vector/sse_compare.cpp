// Floating-point comparisons: CMPccPS/PD/SS/SD, COMISx, UCOMISx (SDM vol. 2).
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

// One operation per predicate; legacy encodings have eight, and ignore the immediate's upper bits. VEX
// has 32.
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

// Compares by any of VEX's 32 predicates (SDM vol. 2, table 3-1), in one instruction's worth of flags.
//
// Bits 0 to 3: the result where the first operand is less, equal, greater, unordered.
constexpr u8 kTruth[16] = {0b0010, 0b0001, 0b0011, 0b1000, 0b1101, 0b1110, 0b1100, 0b0111,
                           0b1010, 0b1001, 0b1011, 0b0000, 0b0101, 0b0110, 0b0100, 0b1111};
// Whether a quiet NaN raises #IA: predicates 0 to 15; the others do the opposite.
constexpr u32 kSignals = 1u << 1 | 1u << 2 | 1u << 5 | 1u << 6 | 1u << 9 | 1u << 10 | 1u << 13 | 1u << 14;

constexpr bool signals(unsigned predicate) {
    return (kSignals >> (predicate & 15) & 1) != predicate >> 4;
}

// `F` compares lanes by the legacy predicates. A scalar comparison keeps `a`'s other lanes.
template <template <unsigned> class F, typename Whole>
struct AnyPredicate : F<0> {
    static Xmm run(Xmm a, Xmm b, i32 imm) {
        const unsigned predicate = imm & 31;
        if (predicate < 8) return legacy(a, b, predicate);
        const unsigned truth = kTruth[predicate & 15];
        // Flags: of a signalling or a quiet comparison.
        const Xmm unordered = F<3>::run(a, b, 0);
        const Xmm equal = F<0>::run(a, b, 0);
        Xmm less;
        if (signals(predicate)) {
            less = F<1>::run(a, b, 0);
        } else {
            // Without the lanes that a signalling comparison would complain about.
            const Xmm x = _mm_andnot_si128(unordered, a), y = _mm_andnot_si128(unordered, b);
            less = F<1>::run(x, y, 0);
        }
        Xmm result = _mm_setzero_si128();
        const Xmm ones = _mm_cmpeq_epi32(result, result);
        const Xmm greater = _mm_andnot_si128(_mm_or_si128(_mm_or_si128(less, equal), unordered), ones);
        if ((truth & 1) != 0) result = _mm_or_si128(result, less);
        if ((truth & 2) != 0) result = _mm_or_si128(result, equal);
        if ((truth & 4) != 0) result = _mm_or_si128(result, greater);
        if ((truth & 8) != 0) result = _mm_or_si128(result, unordered);
        return Whole::keep(a, result);
    }

    static Xmm legacy(Xmm a, Xmm b, unsigned predicate) {
        switch (predicate) {
            case 0:
                return F<0>::run(a, b, 0);
            case 1:
                return F<1>::run(a, b, 0);
            case 2:
                return F<2>::run(a, b, 0);
            case 3:
                return F<3>::run(a, b, 0);
            case 4:
                return F<4>::run(a, b, 0);
            case 5:
                return F<5>::run(a, b, 0);
            case 6:
                return F<6>::run(a, b, 0);
            default:
                return F<7>::run(a, b, 0);
        }
    }
};

struct AllLanes {
    static Xmm keep(Xmm, Xmm result) { return result; }
};
struct FirstSingle {
    static Xmm keep(Xmm a, Xmm result) {
        return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(a), _mm_castsi128_ps(result)));
    }
};
struct FirstDouble {
    static Xmm keep(Xmm a, Xmm result) {
        return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(a), _mm_castsi128_pd(result)));
    }
};

template <template <unsigned> class F, typename Whole>
void select_compare(const Insn& insn, u32 key, Op& op) {
    if (insn.vex) return select_combine<AnyPredicate<F, Whole>>(insn, key, op);
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
    if (trap_vector(insn, key, op)) return;
    op.fn = by_form<true>(insn, key, op, []<Form form, bool checked>() -> Handler {
        return compare_to_flags<F, form, checked>;
    });
}

}  // namespace

void select_cmpps(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpps, AllLanes>(insn, key, op);
}
void select_cmppd(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmppd, AllLanes>(insn, key, op);
}
void select_cmpss(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpss, FirstSingle>(insn, key, op);
}
void select_cmpsd_xmm(const Insn& insn, u32 key, Op& op) {
    select_compare<Cmpsd, FirstDouble>(insn, key, op);
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
