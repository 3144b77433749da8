// FRNDINT, FSCALE, FXTRACT, FPREM, FPREM1, FCOM and FXAM on the 80-bit format. Intel SDM vol. 2, under these
// names.
#include <algorithm>
#include <bit>

#include "emulator/core/cpu/x87/float80.h"

namespace orrery::f80 {

namespace {
__extension__ using u128 = unsigned __int128;

// These instructions know no precision control.
inline u16 extended(u16 control) {
    return control | kExtended;
}
inline Result with_sign(Float80 a, u16 flags) {
    return {a.significand, a.sign_exponent, flags};
}
}  // namespace

Result round_to_integer(Float80 a, u16 control) {
    const Kind kind = classify(a);
    if (kind == Kind::Unsupported) return invalid();
    if (is_nan(kind)) return propagate(a);
    if (kind == Kind::Infinity || kind == Kind::Zero) return with_sign(a, 0);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const Unpacked u = unpack(a);
    const i32 shift = kBias + 63 - u.exponent;
    if (shift <= 0) return with_sign(a, 0);
    const Pair p = shift_right_sticky(u.significand, 0, shift);
    const bool up = rounds_up(rounding(control), u.sign, (p.hi & 1) != 0, p.lo);
    Float80 result = from_i64(static_cast<i64>(p.hi + up));  // at most 2^63
    result.sign_exponent =
        static_cast<u16>((result.sign_exponent & 0x7fff) | static_cast<unsigned>(u.sign) << 15);
    return with_sign(result, static_cast<u16>(flags | (p.lo != 0 ? kPrecision : 0) | (up ? kC1 : 0)));
}

Result scale(Float80 a, Float80 b, u16 control) {
    const Kind ka = classify(a), kb = classify(b);
    if (ka == Kind::Unsupported || kb == Kind::Unsupported) return invalid();
    if (is_nan(ka) || is_nan(kb)) return propagate(a, b);
    const bool sign = is_negative(a);
    if (kb == Kind::Infinity) {
        const bool shrinks = is_negative(b);
        if (ka == (shrinks ? Kind::Infinity : Kind::Zero)) return invalid();
    }
    const u16 flags = ka == Kind::Denormal || kb == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    if (kb == Kind::Infinity) return is_negative(b) ? zero(sign, flags) : infinity(sign, flags);
    if (ka == Kind::Infinity || ka == Kind::Zero) return with_sign(a, flags);
    i32 power = 0;
    if (kb == Kind::Normal) {
        const i32 shift = kBias + 63 - (b.sign_exponent & 0x7fff);
        // 2^16 takes any number out of range, also with a moved exponent.
        if (shift < 47)
            power = 1 << 17;
        else if (shift < 64)
            power = static_cast<i32>(b.significand >> shift);
        power = std::min(power, 1 << 17);
        if (is_negative(b)) power = -power;
    }
    const Unpacked u = unpack(a);
    return round_pack(sign, u.exponent + power, u.significand, 0, extended(control), flags);
}

Result extract_exponent(Float80 a, u16 control) {
    const Kind kind = classify(a);
    if (kind == Kind::Unsupported) return invalid();
    if (is_nan(kind)) return propagate(a);
    if (kind == Kind::Infinity) return infinity(false);
    if (kind == Kind::Zero) return infinity(true, kZeroDivide);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    return with_sign(from_i64(unpack(a).exponent - kBias), flags);
}

Result extract_significand(Float80 a, u16 control) {
    const Kind kind = classify(a);
    if (kind == Kind::Unsupported) return invalid();
    if (is_nan(kind)) return propagate(a);
    if (kind == Kind::Infinity) return with_sign(a, 0);
    if (kind == Kind::Zero) return with_sign(a, kZeroDivide);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    return make(is_negative(a), kBias, unpack(a).significand, flags);
}

Result remainder(Float80 a, Float80 b, u16 control, bool ieee) {
    const Kind ka = classify(a), kb = classify(b);
    if (ka == Kind::Unsupported || kb == Kind::Unsupported) return invalid();
    if (is_nan(ka) || is_nan(kb)) return propagate(a, b);
    if (ka == Kind::Infinity || kb == Kind::Zero) return invalid();
    const u16 flags = ka == Kind::Denormal || kb == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const u16 wide = extended(control);
    if (ka == Kind::Zero) return with_sign(a, flags);
    const Unpacked x = unpack(a);
    if (kb == Kind::Infinity) return round_pack(x.sign, x.exponent, x.significand, 0, wide, flags);
    const Unpacked y = unpack(b);
    const i32 distance = x.exponent - y.exponent;

    u64 quotient = 0, rest = x.significand;
    i32 exponent = x.exponent;
    bool sign = x.sign;
    u16 conditions = 0;
    if (distance >= 64) {
        // Only a part of the reduction, and C2 says so (FPREM: N is between 32 and 63).
        const i32 part = (distance & 31) | 32;
        rest = static_cast<u64>((static_cast<u128>(x.significand) << part) % y.significand);
        exponent = x.exponent - part;
        conditions = kC2;
    } else {
        if (distance >= 0) {
            const u128 shifted = static_cast<u128>(x.significand) << distance;
            quotient = static_cast<u64>(shifted / y.significand);
            rest = static_cast<u64>(shifted % y.significand);
            exponent = y.exponent;
        }
        if (ieee && distance >= -1) {
            // To the nearest multiple: one further if more than half of the divisor is left.
            const u64 half_test = distance >= 0 ? rest : x.significand;
            bool further, above_half;
            if (distance >= 0) {
                const u64 complement = y.significand - rest;
                above_half = half_test > complement;
                further = above_half || (half_test == complement && (quotient & 1) != 0);
                if (further) rest = complement;
            } else {
                above_half = x.significand > y.significand;
                further = above_half;
                // y - x in units of x's last place; 2y - x < 2^64 since x > y.
                if (further) rest = 2 * y.significand - x.significand;
            }
            if (further) {
                sign = !sign;
                ++quotient;
            }
        }
        conditions = static_cast<u16>(((quotient & 1) != 0 ? kC1 : 0) | ((quotient & 2) != 0 ? kC3 : 0) |
                                      ((quotient & 4) != 0 ? kC0 : 0));
    }
    if (rest == 0) return zero(x.sign, flags | conditions);
    const int leading = std::countl_zero(rest);
    // Exact: nothing rounds, so that C1 is free for the quotient.
    return round_pack(sign, exponent - leading, rest << leading, 0, wide, flags | conditions);
}

u16 compare(Float80 a, Float80 b, bool quiet) {
    const Kind ka = classify(a), kb = classify(b);
    constexpr u16 kUnordered = kC0 | kC2 | kC3;
    if (ka == Kind::Unsupported || kb == Kind::Unsupported) return kUnordered | kInvalid;
    if (is_nan(ka) || is_nan(kb)) {
        const bool signals = !quiet || ka == Kind::SignalingNan || kb == Kind::SignalingNan;
        return kUnordered | (signals ? kInvalid : u16{0});
    }
    const u16 flags = ka == Kind::Denormal || kb == Kind::Denormal ? kDenormal : u16{0};
    if (ka == Kind::Zero && kb == Kind::Zero) return flags | kC3;
    const bool sa = is_negative(a), sb = is_negative(b);
    if (sa != sb) {
        // Zeros have been dealt with only where both are.
        return flags | (sa ? kC0 : u16{0});
    }
    // A pseudo-denormal is worth what the normal number of exponent 1 is.
    const auto rank = [](Float80 v) {
        unsigned exponent = v.sign_exponent & 0x7fff;
        if (exponent == 0 && (v.significand & kIntegerBit) != 0) exponent = 1;
        return static_cast<u128>(exponent) << 64 | v.significand;
    };
    const u128 ra = rank(a), rb = rank(b);
    if (ra == rb) return flags | kC3;
    return flags | ((ra < rb) != sa ? kC0 : u16{0});
}

// SDM vol. 2, FXAM, table 3-21.
u16 examine(Float80 a) {
    const u16 sign = is_negative(a) ? kC1 : u16{0};
    switch (classify(a)) {
        case Kind::Unsupported:
            return sign;
        case Kind::QuietNan:
        case Kind::SignalingNan:
            return sign | kC0;
        case Kind::Normal:
            return sign | kC2;
        case Kind::Infinity:
            return sign | kC2 | kC0;
        case Kind::Zero:
            return sign | kC3;
        default:
            return sign | kC3 | kC2;
    }
}

}  // namespace orrery::f80
