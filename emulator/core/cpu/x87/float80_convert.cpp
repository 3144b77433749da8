// Between the 80-bit format and what instructions load and store: float, double, integers, packed BCD. Intel
// SDM vol. 1, 4.2, 4.7, 4.8 and tables 8-10 (FBSTP, FIST) of vol. 2.
#include <bit>

#include "emulator/core/cpu/x87/float80.h"

namespace orrery::f80 {

namespace {

// An interchange format of `fraction` stored significand bits and exponents below `maximum` (all ones).
struct Format {
    unsigned fraction;
    int maximum;
    constexpr int bias() const { return maximum / 2; }
    constexpr unsigned sign_shift() const {
        return fraction + static_cast<unsigned>(std::bit_width(static_cast<unsigned>(maximum)));
    }
};
constexpr Format kSingle{23, 0xff}, kDouble{52, 0x7ff};

inline Result widen(Format f, u64 bits) {
    const u64 fraction_mask = (u64{1} << f.fraction) - 1;
    const u64 fraction = bits & fraction_mask;
    const int exponent = static_cast<int>(bits >> f.fraction) & f.maximum;
    const bool sign = bits >> f.sign_shift() & 1;
    const u64 aligned = fraction << (63 - f.fraction);
    if (__builtin_expect(exponent != 0 && exponent != f.maximum, 1))
        return make(sign, exponent - f.bias() + kBias, aligned | kIntegerBit);
    if (exponent == f.maximum) {
        if (fraction == 0) return infinity(sign);
        return make(sign, 0x7fff, aligned | kIntegerBit);
    }
    if (fraction == 0) return zero(sign);
    const int leading = std::countl_zero(aligned);
    return make(sign, 1 - f.bias() + kBias - leading, aligned << leading, kDenormal);
}

inline Result load(Result widened) {
    if (__builtin_expect((widened.sign_exponent & 0x7fff) != 0x7fff, 1)) return widened;
    if (widened.significand == kIntegerBit) return widened;
    return propagate(value(widened));
}

Bits store_finite(Format f, Unpacked u, u16 control) {
    const unsigned dropped = 63 - f.fraction;
    const u64 sign_bit = static_cast<u64>(u.sign) << f.sign_shift();
    const Rounding mode = rounding(control);
    const i32 exponent = u.exponent - kBias + f.bias();

    // As if the exponent had no limits.
    const u64 unit = u64{1} << dropped;
    u64 rounded = u.significand & ~(unit - 1);
    const u64 fraction = u.significand << (64 - dropped);
    const bool up = rounds_up(mode, u.sign, (rounded & unit) != 0, fraction);
    i32 rounded_exponent = exponent;
    if (up) {
        rounded += unit;
        if (rounded == 0) {
            rounded = kIntegerBit;
            ++rounded_exponent;
        }
    }
    const u16 precision = static_cast<u16>((fraction != 0 ? kPrecision : 0) | (up ? kC1 : 0));
    if (rounded_exponent >= f.maximum) {
        const bool to_infinity =
            mode == Rounding::Nearest || mode == (u.sign ? Rounding::Down : Rounding::Up);
        const u64 infinite = static_cast<u64>(f.maximum) << f.fraction;
        // Unmasked, nothing is stored, and so nothing rounded.
        if ((control & kOverflow) == 0) return {0, kOverflow};
        return {sign_bit | (to_infinity ? infinite : infinite - 1),
                static_cast<u16>(kOverflow | kPrecision | (to_infinity ? kC1 : 0))};
    }
    if (exponent >= 1) {
        return {sign_bit | static_cast<u64>(rounded_exponent) << f.fraction | (rounded << 1 >> (dropped + 1)),
                precision};
    }
    const bool tiny = rounded_exponent < 1;
    if (tiny && (control & kUnderflow) == 0) return {0, kUnderflow};
    const Pair p = shift_right_sticky(u.significand, 0, 1 - exponent);
    const u64 kept = p.hi >> dropped;
    const u64 rest = p.hi << (64 - dropped) | static_cast<u64>(p.lo != 0);
    const bool away = rounds_up(mode, u.sign, (kept & 1) != 0, rest);
    u16 flags = static_cast<u16>((rest != 0 ? kPrecision : 0) | (away ? kC1 : 0));
    if (tiny && rest != 0) flags |= kUnderflow;
    return {sign_bit | (kept + away), flags};  // a carry makes the least normal number
}

Bits store(Format f, Float80 a, u16 control) {
    if (__builtin_expect(is_normal(a), 1)) return store_finite(f, unpack(a), control);
    const u64 sign_bit = static_cast<u64>(is_negative(a)) << f.sign_shift();
    const u64 infinite = static_cast<u64>(f.maximum) << f.fraction;
    switch (classify(a)) {
        case Kind::Zero:
            return {sign_bit, 0};
        case Kind::Infinity:
            return {sign_bit | infinite, 0};
        case Kind::Denormal:
            return store_finite(f, unpack(a), control);
        case Kind::Unsupported:
            return {(u64{1} << f.sign_shift()) | infinite | u64{1} << (f.fraction - 1), kInvalid};
        default: {
            const Result quiet = propagate(a);
            return {sign_bit | infinite | (quiet.significand << 1 >> (64 - f.fraction)), quiet.flags};
        }
    }
}

// |a| as an integer, rounded; `overflow` if it does not fit in 64 bits.
struct Magnitude {
    u64 value = 0;
    bool overflow = false;
    u16 flags = 0;
};
Magnitude to_magnitude(Float80 a, Rounding mode) {
    const Kind kind = classify(a);
    if (kind == Kind::Zero) return {};
    if (kind != Kind::Normal && kind != Kind::Denormal) return {0, true, 0};
    const Unpacked u = unpack(a);
    const i32 shift = kBias + 63 - u.exponent;  // 0: the significand is the integer
    if (shift < 0) return {0, true, 0};
    const Pair p = shift_right_sticky(u.significand, 0, shift);
    const bool up = rounds_up(mode, u.sign, (p.hi & 1) != 0, p.lo);
    if (up && p.hi == ~u64{0}) return {0, true, 0};
    return {p.hi + up, false, static_cast<u16>((p.lo != 0 ? kPrecision : 0) | (up ? kC1 : 0))};
}

}  // namespace

Result from_f32(u32 bits) {
    return load(widen(kSingle, bits));
}

Result from_f64(u64 bits) {
    return load(widen(kDouble, bits));
}

Result operand_f32(u32 bits) {
    return widen(kSingle, bits);
}

Result operand_f64(u64 bits) {
    return widen(kDouble, bits);
}

Float80 from_i64(i64 value) {
    if (value == 0) return kZero;
    const bool sign = value < 0;
    const u64 magnitude = sign ? 0 - static_cast<u64>(value) : static_cast<u64>(value);
    const int leading = std::countl_zero(magnitude);
    return {magnitude << leading, static_cast<u16>(static_cast<unsigned>(sign) << 15 |
                                                   static_cast<unsigned>(kBias + 63 - leading))};
}

Bits to_f32(Float80 a, u16 control) {
    return store(kSingle, a, control);
}

Bits to_f64(Float80 a, u16 control) {
    return store(kDouble, a, control);
}

Bits to_int(Float80 a, u16 control, unsigned size, bool truncate) {
    const u64 indefinite = u64{1} << (size * 8 - 1);
    const Magnitude m = to_magnitude(a, truncate ? Rounding::Zero : rounding(control));
    const bool sign = is_negative(a);
    if (m.overflow || m.value > indefinite - (sign ? 0 : 1)) return {indefinite, kInvalid};
    return {sign ? 0 - m.value : m.value, m.flags};
}

// Digits above 9 are undefined in the manual; here each counts as its value. The sum is below 2^64.
Float80 from_bcd(u64 digits, u16 top) {
    u64 magnitude = static_cast<u64>(top >> 4 & 15) * 10 + (top & 15);
    for (int i = 15; i >= 0; --i) magnitude = magnitude * 10 + (digits >> (4 * i) & 15);
    Float80 result = from_i64(static_cast<i64>(magnitude));
    result.sign_exponent |= top & 0x8000;
    return result;
}

Bcd to_bcd(Float80 a, u16 control) {
    const Magnitude m = to_magnitude(a, rounding(control));
    if (m.overflow || m.value > 999'999'999'999'999'999) return {0xc000'0000'0000'0000, 0xffff, kInvalid};
    Bcd result;
    u64 rest = m.value;
    for (int i = 0; i < 16; ++i, rest /= 10) result.digits |= rest % 10 << (4 * i);
    result.top = static_cast<u16>((is_negative(a) ? 0x8000 : 0) | rest / 10 << 4 | rest % 10);
    result.flags = m.flags;
    return result;
}

}  // namespace orrery::f80
