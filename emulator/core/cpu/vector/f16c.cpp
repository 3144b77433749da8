// VCVTPH2PS and VCVTPS2PH (SDM vol. 2; vol. 1, 14.4), in integers: few programs use them, and few hosts lack
// them.
//
// Neither looks at FTZ. A half-precision denormal is neither flushed nor reported; a single-precision one is
// as MXCSR.DAZ says.
#include <cstring>

#include "emulator/core/cpu/vector/soft_float.h"
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace avx;
using namespace soft;

namespace {

constexpr i32 kRoundByMxcsr = 4;  // of the immediate
constexpr int kNarrowing = Single::kFraction - Half::kFraction;

u32 widen(u16 half, u32& flags) {
    const u32 sign = (half & Half::kSign) != 0 ? Single::kSign : 0;
    const u32 fraction = half & Half::kFractionMask;
    if (is_nan<Half>(half)) {
        if (is_signaling<Half>(half)) flags |= mxcsr::kIe;
        return static_cast<u32>(sign | Single::kInfinity | Single::kQuiet | fraction << kNarrowing);
    }
    if (is_infinite<Half>(half)) return static_cast<u32>(sign | Single::kInfinity);
    const Finite number = unpack<Half>(half);
    if (number.significand == 0) return sign;
    return static_cast<u32>(
        round<Single>(number.sign, number.exponent, number.significand, mxcsr::kMasks).bits);
}

u16 narrow(u32 single, u32 guest_mxcsr, u32& flags) {
    const u16 sign = (single & Single::kSign) != 0 ? Half::kSign : 0;
    if (is_nan<Single>(single)) {
        if (is_signaling<Single>(single)) flags |= mxcsr::kIe;
        const u32 payload = (single & Single::kFractionMask) >> kNarrowing;
        return static_cast<u16>(sign | Half::kInfinity | Half::kQuiet | payload);
    }
    if (is_infinite<Single>(single)) return static_cast<u16>(sign | Half::kInfinity);
    const Finite number = unpack<Single>(single);
    if (number.significand == 0) return sign;
    if (is_denormal<Single>(single)) {
        if ((guest_mxcsr & mxcsr::kDaz) != 0) return sign;
        flags |= mxcsr::kDe;
        if (stops_before(mxcsr::kDe, guest_mxcsr)) return sign;
    }
    const Rounded result =
        round<Half>(number.sign, number.exponent, number.significand, guest_mxcsr & ~mxcsr::kFtz);
    flags |= result.flags;
    return static_cast<u16>(result.bits);
}

// Where an exception is unmasked it is raised here, before anything has changed.
void raise_unmasked(Cpu* c, const Op* op, u32 flags) {
    if ((flags & ~(c->mxcsr >> 7)) == 0) return;
    begin_fp_check(c);
    end_fp_check(c, op, flags);
}

[[gnu::noinline]] void cvtph2ps(Cpu* c, const Op* op) {
    const bool wide = (op->imm & kWide) != 0;
    Xmm packed;
    if ((op->imm & kMemory) == 0) {
        packed = lower(c, op->base);
    } else {
        const u64 linear = avx::address_of(c, op);
        packed = wide ? sse::load_xmm<false>(c, op, linear) : sse::from_low(load<u64>(c, op, linear));
    }
    u16 halves[8];
    std::memcpy(halves, &packed, sizeof halves);
    u32 singles[8] = {};
    u32 flags = 0;
    for (unsigned i = 0; i < (wide ? 8 : 4); ++i) singles[i] = widen(halves[i], flags);
    raise_unmasked(c, op, flags);
    c->mxcsr |= flags;
    std::memcpy(c->xmm[op->a].q, singles, sizeof singles);
}

[[gnu::noinline]] void cvtps2ph(Cpu* c, const Op* op) {
    const bool wide = (op->imm & kWide) != 0, memory = (op->imm & kMemory) != 0;
    u32 control = c->mxcsr;
    if ((op->imm & kRoundByMxcsr) == 0)
        control = (control & ~mxcsr::kRounding) | static_cast<u32>(op->imm & 3) << 13;
    u32 singles[8];
    std::memcpy(singles, c->xmm[memory ? op->a : op->b].q, sizeof singles);
    u16 halves[16] = {};
    u32 flags = 0;
    for (unsigned i = 0; i < (wide ? 8 : 4); ++i) halves[i] = narrow(singles[i], control, flags);
    if (!memory) {
        raise_unmasked(c, op, flags);
        std::memcpy(c->xmm[op->a].q, halves, sizeof halves);
    } else {
        const u64 linear = avx::address_of(c, op);
        // A fault of the store comes first.
        if ((flags & ~(c->mxcsr >> 7)) != 0) check_writable(c, op, linear, wide ? 16 : 8);
        raise_unmasked(c, op, flags);
        Xmm packed;
        std::memcpy(&packed, halves, sizeof packed);
        if (wide) {
            sse::store_xmm<false>(c, op, linear, packed);
        } else {
            store<u64>(c, op, linear, sse::low_of(packed));
        }
    }
    c->mxcsr |= flags;
}

void op_vcvtph2ps(Cpu* c, const Op* op) {
    cvtph2ps(c, op);
    ORRERY_NEXT(c, op);
}
void op_vcvtps2ph(Cpu* c, const Op* op) {
    cvtps2ph(c, op);
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_vcvtph2ps(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    prepare(insn, op);
    op.fn = op_vcvtph2ps;
}
void select_vcvtps2ph(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    prepare(insn, op);
    op.fn = op_vcvtps2ph;
}

}  // namespace orrery
