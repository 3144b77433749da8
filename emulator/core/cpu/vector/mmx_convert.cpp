// Conversions between MMX and XMM registers: CVTPI2PS, CVTPI2PD, CVTPS2PI, CVTTPS2PI, CVTPD2PI, CVTTPD2PI
// (SDM vol. 2).
//
// Done by the host's conversions between XMM registers, with zeros in the lanes that do not take part: zeros
// convert without flags. CVTPI2PD from memory makes no transition to MMX operation, and does not look for x87
// exceptions.
#include "emulator/core/cpu/vector/mmx.h"

namespace orrery {

using namespace mmx;

namespace {

#define ORRERY_CONVERSION(name, host)                              \
    struct Do_##name {                                             \
        static Xmm run(Xmm b) {                                    \
            Xmm result;                                            \
            asm volatile(#host " %1, %0" : "=x"(result) : "x"(b)); \
            return result;                                         \
        }                                                          \
    }
ORRERY_CONVERSION(cvtpi2ps, cvtdq2ps);
ORRERY_CONVERSION(cvtpi2pd, cvtdq2pd);
ORRERY_CONVERSION(cvtps2pi, cvtps2dq);
ORRERY_CONVERSION(cvttps2pi, cvttps2dq);
ORRERY_CONVERSION(cvtpd2pi, cvtpd2dq);
ORRERY_CONVERSION(cvttpd2pi, cvttpd2dq);
#undef ORRERY_CONVERSION

template <typename F, bool checked>
Xmm convert(Cpu* c, const Op* op, Xmm b) {
    if constexpr (checked) return with_fp_checks(c, op, [=] { return F::run(b); });
    return F::run(b);
}

// To the low half of an XMM register (two singles), or all of it (two doubles).
template <typename F, bool whole, Form form, bool checked>
void from_mmx(Cpu* c, const Op* op) {
    constexpr bool transition = !whole || form == Form::Register;
    if constexpr (transition) check_x87_pending(c, op);
    const Xmm result = convert<F, checked>(c, op, from_low(source<form>(c, op)));
    if constexpr (whole) {
        sse::xmm(c, op->a) = result;
    } else {
        sse::low(c, op->a) = low_of(result);
    }
    if constexpr (transition) enter(c);
    ORRERY_NEXT(c, op);
}

// From 8 or 16 bytes; 16 in memory must be aligned.
template <typename F, unsigned bytes, Form form, bool checked>
void to_mmx(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    Xmm b = sse::source<form, bytes, bytes == 16>(c, op);
    if constexpr (bytes == 8) b = _mm_move_epi64(b);
    set_mm(c, op->a, low_of(convert<F, checked>(c, op, b)));
    ORRERY_NEXT(c, op);
}

template <typename F, bool whole>
void select_from_mmx(const Insn& insn, u32 key, Op& op) {
    if (trap_sse_mmx(key, op)) return;
    op.fn = sse::by_form<true>(insn, key, op, []<Form form, bool checked>() -> Handler {
        return from_mmx<F, whole, form, checked>;
    });
}
template <typename F, unsigned bytes>
void select_to_mmx(const Insn& insn, u32 key, Op& op) {
    if (trap_sse_mmx(key, op)) return;
    op.fn = sse::by_form<true>(
        insn, key, op, []<Form form, bool checked>() -> Handler { return to_mmx<F, bytes, form, checked>; });
}

}  // namespace

void select_cvtpi2ps(const Insn& insn, u32 key, Op& op) {
    select_from_mmx<Do_cvtpi2ps, false>(insn, key, op);
}
void select_cvtpi2pd(const Insn& insn, u32 key, Op& op) {
    select_from_mmx<Do_cvtpi2pd, true>(insn, key, op);
}
void select_cvtps2pi(const Insn& insn, u32 key, Op& op) {
    select_to_mmx<Do_cvtps2pi, 8>(insn, key, op);
}
void select_cvttps2pi(const Insn& insn, u32 key, Op& op) {
    select_to_mmx<Do_cvttps2pi, 8>(insn, key, op);
}
void select_cvtpd2pi(const Insn& insn, u32 key, Op& op) {
    select_to_mmx<Do_cvtpd2pi, 16>(insn, key, op);
}
void select_cvttpd2pi(const Insn& insn, u32 key, Op& op) {
    select_to_mmx<Do_cvttpd2pi, 16>(insn, key, op);
}

}  // namespace orrery
