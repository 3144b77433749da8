// MMX arithmetic, comparison, logic, packing, interleaving and shifts, with what SSE, SSE2 and SSSE3 added
// for MMX registers (SDM vol. 1, chapter 9; vol. 2).
//
// Done by the host's 128-bit instructions on the lower half of a register, the host's own MMX registers being
// the C library's x87 registers.
#include "emulator/core/cpu/vector/mmx.h"

namespace orrery {

using namespace mmx;

namespace {

// How the 64-bit operation comes out of the 128-bit one.
enum class Shape : u8 {
    Low,       // the lower half of its result
    High,      // the upper half: interleaving the upper elements
    Joined,    // one operand [a, b] for both: packing and sums of neighbours
    Low4,      // Low, and a memory operand has 4 bytes: interleaving the lower elements
    Control8,  // Low, with the second operand's bytes as indices modulo 8 (PSHUFB)
};

template <typename F, Form form>
void combine(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    u64 b = 0;
    if constexpr (F::kShape == Shape::Low4) {
        b = source<form, u32>(c, op);
    } else {
        b = source<form>(c, op);
    }
    if constexpr (F::kShape == Shape::Control8) b &= 0x8787'8787'8787'8787;
    Xmm first = from_low(mm(c, op->a)), second = from_low(b);
    if constexpr (F::kShape == Shape::Joined) first = second = _mm_unpacklo_epi64(first, second);
    Xmm result = F::run(first, second);
    if constexpr (F::kShape == Shape::High) result = _mm_unpackhi_epi64(result, result);
    set_mm(c, op->a, low_of(result));
    ORRERY_NEXT(c, op);
}

template <typename F>
void shift_immediate(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_mm(c, op->a, low_of(F::run(from_low(mm(c, op->a)), from_low(static_cast<u8>(op->imm)))));
    ORRERY_NEXT(c, op);
}

}  // namespace

// The MMX instruction `name` by the host's `host` with `shape`.
#define ORRERY_MMX_OPERATION(name, host, shape)                                                     \
    namespace {                                                                                     \
    struct Do_##name {                                                                              \
        static constexpr Shape kShape = Shape::shape;                                               \
        static Xmm run(Xmm a, Xmm b) {                                                              \
            asm(#host " %1, %0" : "+x"(a) : "x"(b));                                                \
            return a;                                                                               \
        }                                                                                           \
    };                                                                                              \
    }                                                                                               \
    void select_##name##_mmx(const Insn& insn, u32 key, Op& op) {                                   \
        if (trap_mmx(key, op)) return;                                                              \
        op.fn = by_form(insn, op, []<Form form>() -> Handler { return combine<Do_##name, form>; }); \
    }                                                                                               \
    void select_##name##_mmx(const Insn& insn, u32 key, Op& op)

ORRERY_MMX_OPERATION(paddb, paddb, Low);
ORRERY_MMX_OPERATION(paddw, paddw, Low);
ORRERY_MMX_OPERATION(paddd, paddd, Low);
ORRERY_MMX_OPERATION(paddq, paddq, Low);
ORRERY_MMX_OPERATION(psubb, psubb, Low);
ORRERY_MMX_OPERATION(psubw, psubw, Low);
ORRERY_MMX_OPERATION(psubd, psubd, Low);
ORRERY_MMX_OPERATION(psubq, psubq, Low);

ORRERY_MMX_OPERATION(paddsb, paddsb, Low);
ORRERY_MMX_OPERATION(paddsw, paddsw, Low);
ORRERY_MMX_OPERATION(paddusb, paddusb, Low);
ORRERY_MMX_OPERATION(paddusw, paddusw, Low);
ORRERY_MMX_OPERATION(psubsb, psubsb, Low);
ORRERY_MMX_OPERATION(psubsw, psubsw, Low);
ORRERY_MMX_OPERATION(psubusb, psubusb, Low);
ORRERY_MMX_OPERATION(psubusw, psubusw, Low);

ORRERY_MMX_OPERATION(pavgb, pavgb, Low);
ORRERY_MMX_OPERATION(pavgw, pavgw, Low);
ORRERY_MMX_OPERATION(pminub, pminub, Low);
ORRERY_MMX_OPERATION(pminsw, pminsw, Low);
ORRERY_MMX_OPERATION(pmaxub, pmaxub, Low);
ORRERY_MMX_OPERATION(pmaxsw, pmaxsw, Low);
ORRERY_MMX_OPERATION(psadbw, psadbw, Low);

ORRERY_MMX_OPERATION(pmullw, pmullw, Low);
ORRERY_MMX_OPERATION(pmulhw, pmulhw, Low);
ORRERY_MMX_OPERATION(pmulhuw, pmulhuw, Low);
ORRERY_MMX_OPERATION(pmuludq, pmuludq, Low);
ORRERY_MMX_OPERATION(pmaddwd, pmaddwd, Low);

ORRERY_MMX_OPERATION(pcmpeqb, pcmpeqb, Low);
ORRERY_MMX_OPERATION(pcmpeqw, pcmpeqw, Low);
ORRERY_MMX_OPERATION(pcmpeqd, pcmpeqd, Low);
ORRERY_MMX_OPERATION(pcmpgtb, pcmpgtb, Low);
ORRERY_MMX_OPERATION(pcmpgtw, pcmpgtw, Low);
ORRERY_MMX_OPERATION(pcmpgtd, pcmpgtd, Low);

ORRERY_MMX_OPERATION(pand, pand, Low);
ORRERY_MMX_OPERATION(pandn, pandn, Low);
ORRERY_MMX_OPERATION(por, por, Low);
ORRERY_MMX_OPERATION(pxor, pxor, Low);

ORRERY_MMX_OPERATION(psllw, psllw, Low);
ORRERY_MMX_OPERATION(pslld, pslld, Low);
ORRERY_MMX_OPERATION(psllq, psllq, Low);
ORRERY_MMX_OPERATION(psrlw, psrlw, Low);
ORRERY_MMX_OPERATION(psrld, psrld, Low);
ORRERY_MMX_OPERATION(psrlq, psrlq, Low);
ORRERY_MMX_OPERATION(psraw, psraw, Low);
ORRERY_MMX_OPERATION(psrad, psrad, Low);

ORRERY_MMX_OPERATION(packsswb, packsswb, Joined);
ORRERY_MMX_OPERATION(packssdw, packssdw, Joined);
ORRERY_MMX_OPERATION(packuswb, packuswb, Joined);

ORRERY_MMX_OPERATION(punpcklbw, punpcklbw, Low4);
ORRERY_MMX_OPERATION(punpcklwd, punpcklwd, Low4);
ORRERY_MMX_OPERATION(punpckldq, punpckldq, Low4);
ORRERY_MMX_OPERATION(punpckhbw, punpcklbw, High);
ORRERY_MMX_OPERATION(punpckhwd, punpcklwd, High);
ORRERY_MMX_OPERATION(punpckhdq, punpckldq, High);

// SSSE3.
ORRERY_MMX_OPERATION(pshufb, pshufb, Control8);
ORRERY_MMX_OPERATION(phaddw, phaddw, Joined);
ORRERY_MMX_OPERATION(phaddd, phaddd, Joined);
ORRERY_MMX_OPERATION(phaddsw, phaddsw, Joined);
ORRERY_MMX_OPERATION(phsubw, phsubw, Joined);
ORRERY_MMX_OPERATION(phsubd, phsubd, Joined);
ORRERY_MMX_OPERATION(phsubsw, phsubsw, Joined);
ORRERY_MMX_OPERATION(psignb, psignb, Low);
ORRERY_MMX_OPERATION(psignw, psignw, Low);
ORRERY_MMX_OPERATION(psignd, psignd, Low);
ORRERY_MMX_OPERATION(pabsb, pabsb, Low);
ORRERY_MMX_OPERATION(pabsw, pabsw, Low);
ORRERY_MMX_OPERATION(pabsd, pabsd, Low);
ORRERY_MMX_OPERATION(pmulhrsw, pmulhrsw, Low);
ORRERY_MMX_OPERATION(pmaddubsw, pmaddubsw, Low);

#define ORRERY_MMX_SHIFT(name)                                      \
    void select_##name##_imm_mmx(const Insn&, u32 key, Op& op) {    \
        if (!trap_mmx(key, op)) op.fn = shift_immediate<Do_##name>; \
    }                                                               \
    void select_##name##_imm_mmx(const Insn& insn, u32 key, Op& op)

ORRERY_MMX_SHIFT(psllw);
ORRERY_MMX_SHIFT(pslld);
ORRERY_MMX_SHIFT(psllq);
ORRERY_MMX_SHIFT(psrlw);
ORRERY_MMX_SHIFT(psrld);
ORRERY_MMX_SHIFT(psrlq);
ORRERY_MMX_SHIFT(psraw);
ORRERY_MMX_SHIFT(psrad);

}  // namespace orrery
