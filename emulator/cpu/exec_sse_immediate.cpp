// Operations whose immediate the host wants at compile time too: ROUNDxx, DPPx, MPSADBW; and PTEST (SDM vol. 2).
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
#define ORRERY_BY_IMMEDIATE(name, shape, bits)                                                               \
    template <unsigned imm>                                                                                  \
    struct One_##name {                                                                                      \
        static Xmm run(Xmm a, Xmm b) {                                                                       \
            asm volatile(#name " %2, %1, %0" : "+x"(a) : "x"(b), "i"(imm));                                  \
            return a;                                                                                        \
        }                                                                                                    \
    };                                                                                                       \
    struct Do_##name : shape {                                                                               \
        static constexpr auto kTable =                                                                       \
            make_table<One_##name>(std::make_integer_sequence<unsigned, (bits) + 1>{});                      \
        static Xmm run(Xmm a, Xmm b, i32 imm) { return kTable[imm & (bits)].run(a, b); }                     \
    }
ORRERY_BY_IMMEDIATE(roundps, PackedFp, 15);
ORRERY_BY_IMMEDIATE(roundpd, PackedFp, 15);
ORRERY_BY_IMMEDIATE(roundss, ScalarFp4, 15);
ORRERY_BY_IMMEDIATE(roundsd, ScalarFp8, 15);
ORRERY_BY_IMMEDIATE(dpps, PackedFp, 255);
ORRERY_BY_IMMEDIATE(dppd, PackedFp, 255);
ORRERY_BY_IMMEDIATE(mpsadbw, Packed, 7);
#undef ORRERY_BY_IMMEDIATE

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
ORRERY_SELECT(dpps);
ORRERY_SELECT(dppd);
ORRERY_SELECT(mpsadbw);
#undef ORRERY_SELECT

void select_ptest(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return test<form>; });
}

}  // namespace orrery
