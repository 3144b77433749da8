// Operations whose immediate the host wants at compile time too: ROUNDxx, DPPx, MPSADBW; and PTEST (SDM vol.
// 2).
#include <array>
#include <utility>

#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

struct Operation {
    Xmm (*run)(Xmm, Xmm);
};

// F<0>::run, F<1>::run…
template <template <unsigned> class F, unsigned... imm>
constexpr std::array<Operation, sizeof...(imm)> make_table(std::integer_sequence<unsigned, imm...>) {
    return {Operation{F<imm>::run}...};
}

// `host` is done by one function per value of the immediate's bits that count.
#define ORRERY_BY_IMMEDIATE(name, shape, bits, ...)                                      \
    template <unsigned imm>                                                              \
    struct One_##name {                                                                  \
        static Xmm run(Xmm a, Xmm b) {                                                   \
            asm volatile(#name " %2, %1, %0" : "+x"(a) : "x"(b), "i"(imm));              \
            return a;                                                                    \
        }                                                                                \
    };                                                                                   \
    struct Do_##name : shape {                                                           \
        static constexpr auto kTable =                                                   \
            make_table<One_##name>(std::make_integer_sequence<unsigned, (bits) + 1>{});  \
        static Xmm run(Xmm a, Xmm b, i32 imm) { return kTable[imm & (bits)].run(a, b); } \
        __VA_ARGS__                                                                      \
    }
ORRERY_BY_IMMEDIATE(roundps, PackedFp, 15, );
ORRERY_BY_IMMEDIATE(roundpd, PackedFp, 15, );
ORRERY_BY_IMMEDIATE(roundss, ScalarFp4, 15, );
ORRERY_BY_IMMEDIATE(roundsd, ScalarFp8, 15, );
ORRERY_BY_IMMEDIATE(dpps, PackedFp, 255, );
ORRERY_BY_IMMEDIATE(dppd, PackedFp, 255, );
ORRERY_BY_IMMEDIATE(mpsadbw, Packed, 7, static constexpr unsigned kUpperShift = 3;);
#undef ORRERY_BY_IMMEDIATE

// DPPS and DPPD multiply, then add once or twice, and report exceptions after each step (SDM vol. 2, DPPS). A
// product that imm 7:4 does not ask for is 0 * 0.
#define ORRERY_STEP(name, ...)                                               \
    struct Step_##name : PackedFp {                                          \
        static constexpr Arithmetic kArithmetic{LaneOperation::__VA_ARGS__}; \
        static Xmm run(Xmm a, Xmm b, i32) {                                  \
            asm volatile(#name " %1, %0" : "+x"(a) : "x"(b));                \
            return a;                                                        \
        }                                                                    \
    }
ORRERY_STEP(mulps, Mul, 4, 4);
ORRERY_STEP(mulpd, Mul, 8, 2);
ORRERY_STEP(haddps, Add, 4, 4, LaneOrder::Horizontal);
ORRERY_STEP(haddpd, Add, 8, 2, LaneOrder::Horizontal);
#undef ORRERY_STEP

template <bool wide>
Xmm wanted_factors(unsigned imm) {
    if constexpr (wide)
        return _mm_set_epi64x(-static_cast<i64>(imm >> 5 & 1), -static_cast<i64>(imm >> 4 & 1));
    return _mm_set_epi32(-static_cast<i32>(imm >> 7 & 1), -static_cast<i32>(imm >> 6 & 1),
                         -static_cast<i32>(imm >> 5 & 1), -static_cast<i32>(imm >> 4 & 1));
}

template <typename F, bool wide, Form form>
void dot_product_checked(Cpu* c, const Op* op) {
    const Xmm b = source<form, F::kBytes, F::kAligned>(c, op);
    Xmm& a = xmm(c, op->a);
    const Xmm wanted = wanted_factors<wide>(static_cast<unsigned>(op->imm));
    const Xmm x = _mm_and_si128(a, wanted), y = _mm_and_si128(b, wanted);
    // Each step raises, or leaves its masked flags; the result is then the host's.
    if constexpr (wide) {
        const Xmm products = run_checked<Step_mulpd>(c, op, x, y);
        (void)run_checked<Step_haddpd>(c, op, products, products);
    } else {
        const Xmm products = run_checked<Step_mulps>(c, op, x, y);
        const Xmm sums = run_checked<Step_haddps>(c, op, products, products);
        (void)run_checked<Step_haddps>(c, op, sums, sums);
    }
    a = F::run(a, b, op->imm);
    ORRERY_NEXT(c, op);
}

// VEX: both halves take each step together.
template <typename F, bool wide>
void dot_product_checked_vex(Cpu* c, const Op* op) {
    const avx::Ymm b = avx::any_source<F>(c, op), a = avx::ymm(c, op->b);
    const Xmm wanted = wanted_factors<wide>(static_cast<unsigned>(op->imm));
    const avx::Ymm x{_mm_and_si128(a.low, wanted), _mm_and_si128(a.high, wanted)};
    const avx::Ymm y{_mm_and_si128(b.low, wanted), _mm_and_si128(b.high, wanted)};
    if constexpr (wide) {
        const avx::Ymm products = avx::run_checked<Step_mulpd>(c, op, x, y);
        (void)avx::run_checked<Step_haddpd>(c, op, products, products);
    } else {
        const avx::Ymm products = avx::run_checked<Step_mulps>(c, op, x, y);
        const avx::Ymm sums = avx::run_checked<Step_haddps>(c, op, products, products);
        (void)avx::run_checked<Step_haddps>(c, op, sums, sums);
    }
    const bool ymm = (op->imm & avx::kWide) != 0;
    avx::set_ymm(
        c, op->a,
        {F::run(a.low, b.low, op->imm), ymm ? F::run(a.high, b.high, op->imm) : _mm_setzero_si128()});
    ORRERY_NEXT(c, op);
}

template <typename F, bool wide>
void select_dot_product(const Insn& insn, u32 key, Op& op) {
    if (insn.vex) {
        avx::select_combine<F>(insn, key, op);
        if (op.fn == avx::combine_checked<F>) op.fn = dot_product_checked_vex<F, wide>;
        return;
    }
    if (trap_sse(key, op)) return;
    op.fn = by_form<true>(insn, key, op, []<Form form, bool checked>() -> Handler {
        return checked ? dot_product_checked<F, wide, form> : combine<F, form, false>;
    });
}

// The operands of VPTEST.
struct AnyTest : Shape<16, false, false> {};

// ZF: a & b is zero. CF: ~a & b is zero. The others are cleared.
void set_test_flags(Cpu* c, bool carry, bool zero) {
    c->lf.set((carry ? rflags::kCf : 0) | (zero ? rflags::kZf : 0));
}

template <Form form>
void test(Cpu* c, const Op* op) {
    const Xmm b = source<form, 16, true>(c, op);
    bool carry, zero;
    asm("ptest %3, %2" : "=@ccc"(carry), "=@ccz"(zero) : "x"(xmm(c, op->a)), "x"(b));
    set_test_flags(c, carry, zero);
    ORRERY_NEXT(c, op);
}

// VEX: VPTEST, and VTESTPS and VTESTPD with the sign bits of `mask` only. op->b is the second source where it
// is a register.
template <u64 mask>
void test_vex(Cpu* c, const Op* op) {
    const avx::Ymm b = avx::any_source<AnyTest>(c, op), a = avx::ymm(c, op->a);
    const Xmm wanted = _mm_set1_epi64x(static_cast<i64>(mask));
    Xmm both = _mm_and_si128(a.low, b.low), only = _mm_andnot_si128(a.low, b.low);
    if ((op->imm & avx::kWide) != 0) {
        both = _mm_or_si128(both, _mm_and_si128(a.high, b.high));
        only = _mm_or_si128(only, _mm_andnot_si128(a.high, b.high));
    }
    const Xmm zero = _mm_setzero_si128();
    auto none = [=](Xmm x) {
        return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(x, wanted), zero)) == 0xffff;
    };
    set_test_flags(c, none(only), none(both));
    ORRERY_NEXT(c, op);
}

template <u64 mask>
void select_test_vex(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    avx::prepare(insn, op);
    op.fn = test_vex<mask>;
}

}  // namespace

#define ORRERY_SELECT(name)                                 \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        select_combine<Do_##name>(insn, key, op);           \
    }                                                       \
    void select_##name(const Insn& insn, u32 key, Op& op)
ORRERY_SELECT(roundps);
ORRERY_SELECT(roundpd);
ORRERY_SELECT(roundss);
ORRERY_SELECT(roundsd);
ORRERY_SELECT(mpsadbw);
#undef ORRERY_SELECT

void select_dpps(const Insn& insn, u32 key, Op& op) {
    select_dot_product<Do_dpps, false>(insn, key, op);
}
void select_dppd(const Insn& insn, u32 key, Op& op) {
    select_dot_product<Do_dppd, true>(insn, key, op);
}

void select_vtestps(const Insn& insn, u32 key, Op& op) {
    select_test_vex<0x8000'0000'8000'0000>(insn, key, op);
}
void select_vtestpd(const Insn& insn, u32 key, Op& op) {
    select_test_vex<u64{1} << 63>(insn, key, op);
}
void select_ptest(const Insn& insn, u32 key, Op& op) {
    if (insn.vex) return select_test_vex<~u64{0}>(insn, key, op);
    if (trap_sse(key, op)) return;
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return test<form>; });
}

}  // namespace orrery
