// Operations whose immediate the host wants at compile time too: ROUNDxx, DPPx, MPSADBW; and PTEST (SDM vol.
// 2).
#include <array>
#include <utility>

#include "emulator/cpu/exec_sse.h"

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
#define ORRERY_BY_IMMEDIATE(name, shape, bits)                                           \
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
    }
ORRERY_BY_IMMEDIATE(roundps, PackedFp, 15);
ORRERY_BY_IMMEDIATE(roundpd, PackedFp, 15);
ORRERY_BY_IMMEDIATE(roundss, ScalarFp4, 15);
ORRERY_BY_IMMEDIATE(roundsd, ScalarFp8, 15);
ORRERY_BY_IMMEDIATE(dpps, PackedFp, 255);
ORRERY_BY_IMMEDIATE(dppd, PackedFp, 255);
ORRERY_BY_IMMEDIATE(mpsadbw, Packed, 7);
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

template <typename F, bool wide>
void select_dot_product(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_form<true>(insn, key, op, []<Form form, bool checked>() -> Handler {
        return checked ? dot_product_checked<F, wide, form> : combine<F, form, false>;
    });
}

// ZF: a & b is zero. CF: ~a & b is zero. The others are cleared.
template <Form form>
void test(Cpu* c, const Op* op) {
    const Xmm b = source<form, 16, true>(c, op);
    bool carry, zero;
    asm("ptest %3, %2" : "=@ccc"(carry), "=@ccz"(zero) : "x"(xmm(c, op->a)), "x"(b));
    c->lf.set((carry ? rflags::kCf : 0) | (zero ? rflags::kZf : 0));
    ORRERY_NEXT(c, op);
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

void select_ptest(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return test<form>; });
}

}  // namespace orrery
