#include "emulator/core/cpu/vector/fma.h"

#include <utility>

namespace orrery {

namespace {

using namespace soft;

// Room for the sum's carry above, and for guard bits below the 106 of a product.
constexpr int kTop = 124;

struct Term {
    bool sign;
    int exponent;
    u128 significand;  // leading bit at kTop, or zero
};

Term normalized(bool sign, int exponent, u128 significand) {
    const int shift = kTop + 1 - bit_length(significand);
    return {sign, exponent - shift, significand << shift};
}

// Shifts right; what is lost stays visible in the lowest bit.
u128 shift_sticky(u128 value, int shift) {
    if (shift > kTop) return value != 0;
    const u128 lost = value & ((u128{1} << shift) - 1);
    return value >> shift | (lost != 0 ? 1 : 0);
}

template <typename F>
Rounded zero(bool sign) {
    return {sign ? F::kSign : 0, 0};
}

template <typename F>
Rounded add(Term a, Term b, u32 guest_mxcsr) {
    if (a.significand == 0) std::swap(a, b);
    if (a.significand == 0) {
        const bool down = rounding_mode(guest_mxcsr) == RoundingMode::Down;
        return zero<F>(a.sign == b.sign ? a.sign : down);
    }
    if (b.significand == 0) return round<F>(a.sign, a.exponent, a.significand, guest_mxcsr);
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand))
        std::swap(a, b);
    const u128 smaller = shift_sticky(b.significand, a.exponent - b.exponent);
    if (a.sign == b.sign) return round<F>(a.sign, a.exponent, a.significand + smaller, guest_mxcsr);
    if (a.significand == smaller) return zero<F>(rounding_mode(guest_mxcsr) == RoundingMode::Down);
    return round<F>(a.sign, a.exponent, a.significand - smaller, guest_mxcsr);
}

template <typename F>
Rounded fused_multiply_add(u64 x, u64 y, u64 z, FmaSigns signs, u32 guest_mxcsr) {
    for (u64 operand : {x, y, z}) {
        if (!is_nan<F>(operand)) continue;
        const bool invalid = is_signaling<F>(x) || is_signaling<F>(y) || is_signaling<F>(z);
        return {operand | F::kQuiet, invalid ? mxcsr::kIe : 0};
    }
    u32 denormal = 0;
    for (u64* operand : {&x, &y, &z}) {
        if (!is_denormal<F>(*operand)) continue;
        if ((guest_mxcsr & mxcsr::kDaz) != 0) {
            *operand &= F::kSign;
        } else {
            denormal = mxcsr::kDe;
        }
    }
    const bool product_sign = ((x ^ y) & F::kSign) != 0, addend_sign = (z & F::kSign) != 0;
    const bool p = product_sign != signs.negate_product, a = addend_sign != signs.negate_addend;
    auto is_zero = [](u64 operand) { return (operand & ~F::kSign) == 0; };
    const bool infinite = is_infinite<F>(x) || is_infinite<F>(y);
    if (infinite && (is_zero(x) || is_zero(y))) return {F::kIndefinite, mxcsr::kIe};
    if (infinite && is_infinite<F>(z) && p != a) return {F::kIndefinite, mxcsr::kIe};
    if (infinite) return {F::kInfinity | (p ? F::kSign : 0), denormal};
    if (is_infinite<F>(z)) return {F::kInfinity | (a ? F::kSign : 0), denormal};
    if (stops_before(denormal, guest_mxcsr)) return {0, denormal};

    const Finite fx = unpack<F>(x), fy = unpack<F>(y), fz = unpack<F>(z);
    const u128 product = static_cast<u128>(fx.significand) * fy.significand;
    Rounded result = add<F>(normalized(p, fx.exponent + fy.exponent, product),
                            normalized(a, fz.exponent, fz.significand), guest_mxcsr);
    result.flags |= denormal;
    return result;
}

}  // namespace

soft::Rounded fused_multiply_add_32(u32 x, u32 y, u32 z, FmaSigns signs, u32 guest_mxcsr) {
    return fused_multiply_add<Single>(x, y, z, signs, guest_mxcsr);
}
soft::Rounded fused_multiply_add_64(u64 x, u64 y, u64 z, FmaSigns signs, u32 guest_mxcsr) {
    return fused_multiply_add<Double>(x, y, z, signs, guest_mxcsr);
}

}  // namespace orrery
