// Conversions between floating-point formats and integers (SDM vol. 1, 10.4.4, 11.4.1.6; vol. 2). Those that
// involve MMX registers are in mmx_convert.cpp.
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

using UnalignedFp8 = Shape<8, false, true, Lanes::Expand>;

ORRERY_SSE_OPERATION(cvtps2pd, UnalignedFp8);
ORRERY_SSE_ARITHMETIC(cvtpd2ps, PackedNarrow, Narrow, 8, 2);
ORRERY_SSE_OPERATION(cvtss2sd, ScalarFp4);
ORRERY_SSE_ARITHMETIC(cvtsd2ss, ScalarFp8, Narrow, 8, 1);
ORRERY_SSE_OPERATION(cvtdq2ps, PackedFp);
ORRERY_SSE_OPERATION(cvtps2dq, PackedFp);
ORRERY_SSE_OPERATION(cvttps2dq, PackedFp);
ORRERY_SSE_OPERATION(cvttpd2dq, PackedNarrow);
ORRERY_SSE_OPERATION(cvtpd2dq, PackedNarrow);
using Unaligned8 = Shape<8, false, false, Lanes::Expand>;
ORRERY_SSE_OPERATION(cvtdq2pd, Unaligned8);

namespace {

// From a general register or an integer in memory.
template <typename T, Form form>
T integer_source(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) return reg<T>(c, op->b);
    return load<T>(c, op, address_of<form>(c, op));
}

#define ORRERY_FROM_INTEGER(name, host32, host64)              \
    struct Do_##name {                                         \
        static Xmm run(Xmm a, u32 b) {                         \
            asm volatile(host32 " %1, %0" : "+x"(a) : "r"(b)); \
            return a;                                          \
        }                                                      \
        static Xmm run(Xmm a, u64 b) {                         \
            asm volatile(host64 " %1, %0" : "+x"(a) : "r"(b)); \
            return a;                                          \
        }                                                      \
    }
ORRERY_FROM_INTEGER(cvtsi2ss, "cvtsi2ssl", "cvtsi2ssq");
ORRERY_FROM_INTEGER(cvtsi2sd, "cvtsi2sdl", "cvtsi2sdq");
#undef ORRERY_FROM_INTEGER

#define ORRERY_TO_INTEGER(name, host, shape)                      \
    struct Do_##name : shape {                                    \
        static u64 run(Xmm b, u32) {                              \
            u32 result;                                           \
            asm volatile(host " %1, %0" : "=r"(result) : "x"(b)); \
            return result;                                        \
        }                                                         \
        static u64 run(Xmm b, u64) {                              \
            u64 result;                                           \
            asm volatile(host " %1, %0" : "=r"(result) : "x"(b)); \
            return result;                                        \
        }                                                         \
    }
ORRERY_TO_INTEGER(cvtss2si, "cvtss2si", ScalarFp4);
ORRERY_TO_INTEGER(cvttss2si, "cvttss2si", ScalarFp4);
ORRERY_TO_INTEGER(cvtsd2si, "cvtsd2si", ScalarFp8);
ORRERY_TO_INTEGER(cvttsd2si, "cvttsd2si", ScalarFp8);
#undef ORRERY_TO_INTEGER

template <typename F, typename T, Form form, bool checked>
void from_integer(Cpu* c, const Op* op) {
    const T value = integer_source<T, form>(c, op);
    Xmm& a = xmm(c, op->a);
    if constexpr (checked) {
        a = with_fp_checks(c, op, [&] { return F::run(a, value); });
    } else {
        a = F::run(a, value);
    }
    ORRERY_NEXT(c, op);
}

template <typename F, typename T, Form form, bool checked>
void to_integer(Cpu* c, const Op* op) {
    const Xmm value = source<form, F::kBytes, F::kAligned>(c, op);
    u64 result = 0;
    if constexpr (checked) {
        result = with_fp_checks(c, op, [&] { return F::run(value, T{}); });
    } else {
        result = F::run(value, T{});
    }
    set_reg<u64>(c, op->a, result);
    ORRERY_NEXT(c, op);
}

// VEX: the upper bits come from another register, and the upper half is cleared.
template <typename F, typename T, bool checked>
void from_integer_vex(Cpu* c, const Op* op) {
    const bool memory = (op->imm & avx::kMemory) != 0;
    const T value = memory ? load<T>(c, op, avx::address_of(c, op)) : reg<T>(c, op->base);
    const Xmm a = xmm(c, op->b);
    if constexpr (checked) {
        xmm(c, op->a) = with_fp_checks(c, op, [=] { return F::run(a, value); });
    } else {
        xmm(c, op->a) = F::run(a, value);
    }
    avx::clear_upper(c, op->a);
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_from_integer(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    const bool wide = insn.operands[insn.operand_count - 1].size == 8;
    if (insn.vex) {
        avx::prepare(insn, op);
        const bool checked = (key & key::kSseUnmasked) != 0;
        op.fn = wide ? (checked ? from_integer_vex<F, u64, true> : from_integer_vex<F, u64, false>)
                     : (checked ? from_integer_vex<F, u32, true> : from_integer_vex<F, u32, false>);
        return;
    }
    op.fn = by_form<true>(insn, key, op, [&]<Form form, bool checked>() -> Handler {
        return wide ? from_integer<F, u64, form, checked> : from_integer<F, u32, form, checked>;
    });
}

template <typename F>
void select_to_integer(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    const bool wide = insn.operands[0].size == 8;
    op.fn = by_form<true>(insn, key, op, [&]<Form form, bool checked>() -> Handler {
        return wide ? to_integer<F, u64, form, checked> : to_integer<F, u32, form, checked>;
    });
}

}  // namespace

void select_cvtsi2ss(const Insn& insn, u32 key, Op& op) {
    select_from_integer<Do_cvtsi2ss>(insn, key, op);
}
void select_cvtsi2sd(const Insn& insn, u32 key, Op& op) {
    select_from_integer<Do_cvtsi2sd>(insn, key, op);
}
void select_cvtss2si(const Insn& insn, u32 key, Op& op) {
    select_to_integer<Do_cvtss2si>(insn, key, op);
}
void select_cvttss2si(const Insn& insn, u32 key, Op& op) {
    select_to_integer<Do_cvttss2si>(insn, key, op);
}
void select_cvtsd2si(const Insn& insn, u32 key, Op& op) {
    select_to_integer<Do_cvtsd2si>(insn, key, op);
}
void select_cvttsd2si(const Insn& insn, u32 key, Op& op) {
    select_to_integer<Do_cvttsd2si>(insn, key, op);
}

}  // namespace orrery
