// RCPPS, RCPSS, RSQRTPS, RSQRTSS.
//
// The manual bounds the relative error by 1.5 * 2^-12 and leaves the value open, and processors differ (SDM
// vol. 2, RCPPS). Here it is the exact result rounded to nearest with 13 significant bits (ties up), by
// integer arithmetic: the same on every host. As the manual requires: denormals count as zeros of their sign,
// tiny results are zeros, no flag is raised, and rounding mode, FTZ and DAZ do not matter.
#include <smmintrin.h>

#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

constexpr u32 kSign = 0x8000'0000, kExponent = 0x7f80'0000, kFraction = 0x007f'ffff, kQuiet = 0x0040'0000;
constexpr u32 kDefaultNan = 0xffc0'0000;

// A float of 13 significant bits: `significand` in [2^12, 2^13], `exponent` that of the leading bit's place
// 2^12.
u32 pack13(u32 sign, i32 exponent, u32 significand) {
    if (significand == 1u << 13) {
        significand = 1u << 12;
        ++exponent;
    }
    if (exponent < -126) return sign;
    return sign | static_cast<u32>(exponent + 127) << 23 | (significand & 0xfff) << 11;
}

u32 reciprocal(u32 x) {
    const u32 sign = x & kSign;
    if ((x & ~kSign) > kExponent) return x | kQuiet;
    if ((x & kExponent) == 0) return sign | kExponent;
    if ((x & kExponent) == kExponent) return sign;
    // x = n * 2^(e - 23), n in [2^23, 2^24); 1/x = (2^36 / n) * 2^(-e - 13), the quotient in (2^12, 2^13].
    const u64 n = (x & kFraction) | 1u << 23;
    const i32 e = static_cast<i32>(x >> 23 & 255) - 127;
    const u32 quotient = static_cast<u32>(((u64{1} << 37) / n + 1) / 2);
    return pack13(sign, -e - 1, quotient);
}

u32 reciprocal_root(u32 x) {
    if ((x & ~kSign) > kExponent) return x | kQuiet;
    if ((x & kExponent) == 0) return (x & kSign) | kExponent;
    if ((x & kSign) != 0) return kDefaultNan;
    if (x == kExponent) return 0;
    // x = n * 2^(2h - 23), n in [2^23, 2^25); 1/sqrt(x) = sqrt(2^49 / n) * 2^(-h - 13), the root in (2^12,
    // 2^13].
    u64 n = (x & kFraction) | 1u << 23;
    i32 e = static_cast<i32>(x >> 23 & 255) - 127;
    if ((e & 1) != 0) {
        n <<= 1;
        --e;
    }
    // The largest q whose lower neighbour's midpoint is not above the root: (2q - 1)^2 * n <= 4 * 2^49.
    u64 q = 1u << 12;
    for (u64 bit = 1u << 12; bit != 0; bit >>= 1) {
        const u64 odd = 2 * (q + bit) - 1;
        if (q + bit <= 1u << 13 && odd * odd * n <= u64{1} << 51) q += bit;
    }
    return pack13(0, -e / 2 - 1, static_cast<u32>(q));
}

template <u32 (*estimate)(u32)>
u64 estimate_two(u64 pair) {
    return static_cast<u64>(estimate(static_cast<u32>(pair >> 32))) << 32 | estimate(static_cast<u32>(pair));
}

template <u32 (*estimate)(u32)>
struct FourEstimates : Packed {
    static Xmm run(Xmm, Xmm b, i32) {
        const u64 upper = estimate_two<estimate>(low_of(_mm_unpackhi_epi64(b, b)));
        return _mm_set_epi64x(static_cast<i64>(upper), static_cast<i64>(estimate_two<estimate>(low_of(b))));
    }
};

template <u32 (*estimate)(u32)>
struct OneEstimate : Shape<4, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) {
        return _mm_insert_epi32(a, static_cast<i32>(estimate(static_cast<u32>(low_of(b)))), 0);
    }
};

}  // namespace

void select_rcpps(const Insn& insn, u32 key, Op& op) {
    select_combine<FourEstimates<reciprocal>>(insn, key, op);
}
void select_rcpss(const Insn& insn, u32 key, Op& op) {
    select_combine<OneEstimate<reciprocal>>(insn, key, op);
}
void select_rsqrtps(const Insn& insn, u32 key, Op& op) {
    select_combine<FourEstimates<reciprocal_root>>(insn, key, op);
}
void select_rsqrtss(const Insn& insn, u32 key, Op& op) {
    select_combine<OneEstimate<reciprocal_root>>(insn, key, op);
}

}  // namespace orrery
