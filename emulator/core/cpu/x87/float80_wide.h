// Numbers with a 128-bit significand: what the x87's transcendental functions are worked out in. Every
// operation truncates, with an error below 2^-126 of its result; the series below stay within 2^-115 in all,
// so that a result rounded to 64 bits is the correctly rounded one but for a chance of some 2^-50. Integer
// arithmetic only: the same on every host.
#pragma once

#include <array>
#include <bit>
#include <utility>

#include "emulator/core/cpu/x87/float80.h"

namespace orrery::f80 {

__extension__ using u128 = unsigned __int128;

// (-1)^negative * significand / 2^127 * 2^exponent; the top bit is set unless the number is zero.
struct Wide {
    bool negative = false;
    i32 exponent = 0;
    u128 significand = 0;

    constexpr bool is_zero() const { return significand == 0; }
};

constexpr u128 join(u64 hi, u64 lo) {
    return static_cast<u128>(hi) << 64 | lo;
}
constexpr Wide wide(bool negative, i32 exponent, u64 hi, u64 lo) {
    return {negative, exponent, join(hi, lo)};
}
inline constexpr Wide kWideOne = wide(false, 0, u64{1} << 63, 0);
inline constexpr Wide kPi = wide(false, 1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
inline constexpr Wide kHalfPi = wide(false, 0, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
inline constexpr Wide kQuarterPi = wide(false, -1, 0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);
inline constexpr Wide kThreeQuartersPi = wide(false, 1, 0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d);
inline constexpr Wide kLn2 = wide(false, -1, 0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);
inline constexpr Wide kTwoLog2E = wide(false, 1, 0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);  // 2 / ln 2

constexpr int leading_zeros(u128 v) {
    const u64 hi = static_cast<u64>(v >> 64);
    return hi != 0 ? std::countl_zero(hi) : 64 + std::countl_zero(static_cast<u64>(v));
}

// integer * 2^scale
constexpr Wide wide_integer(bool negative, u128 integer, i32 scale) {
    if (integer == 0) return {};
    const int leading = leading_zeros(integer);
    return {negative, 127 - leading + scale, integer << leading};
}

constexpr Wide wide(Unpacked u) {
    return {u.sign, u.exponent - kBias, join(u.significand, 0)};
}

// 1 / n for n >= 1.
constexpr Wide reciprocal(u64 n) {
    if (std::has_single_bit(n)) return {false, -std::countr_zero(n), join(u64{1} << 63, 0)};
    const int bits = std::bit_width(n);
    u128 quotient = 0;
    u64 rest = 1;
    for (int i = 0; i < 127 + bits; ++i) {
        rest <<= 1;
        quotient <<= 1;
        if (rest >= n) {
            rest -= n;
            quotient |= 1;
        }
    }
    return {false, -bits, quotient};
}

inline Wide negate(Wide a) {
    a.negative = !a.negative;
    return a;
}

inline Wide operator*(const Wide& a, const Wide& b) {
    if (a.is_zero() || b.is_zero()) return {};
    const u64 ah = static_cast<u64>(a.significand >> 64), al = static_cast<u64>(a.significand);
    const u64 bh = static_cast<u64>(b.significand >> 64), bl = static_cast<u64>(b.significand);
    const u128 low = static_cast<u128>(al) * bl, mid1 = static_cast<u128>(ah) * bl,
               mid2 = static_cast<u128>(al) * bh;
    const u128 carry = (low >> 64) + static_cast<u64>(mid1) + static_cast<u64>(mid2);
    u128 high = static_cast<u128>(ah) * bh + (mid1 >> 64) + (mid2 >> 64) + (carry >> 64);
    i32 exponent = a.exponent + b.exponent + 1;
    if (static_cast<u64>(high >> 64) >> 63 == 0) {
        high = high << 1 | (static_cast<u64>(carry) >> 63);
        --exponent;
    }
    return {a.negative != b.negative, exponent, high};
}

inline Wide operator+(Wide a, Wide b) {
    if (a.is_zero()) return b;
    if (b.is_zero()) return a;
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.significand < b.significand))
        std::swap(a, b);
    const i32 distance = a.exponent - b.exponent;
    u128 other = distance < 128 ? b.significand >> distance : 0;
    if (a.negative == b.negative) {
        const u128 sum = a.significand + other;
        if (sum < a.significand) return {a.negative, a.exponent + 1, sum >> 1 | join(u64{1} << 63, 0)};
        return {a.negative, a.exponent, sum};
    }
    // What is too small to see still makes the difference smaller: directed rounding depends on it.
    if (other == 0) other = 1;
    const u128 difference = a.significand - other;
    if (difference == 0) return {};
    const int leading = leading_zeros(difference);
    return {a.negative, a.exponent - leading, difference << leading};
}
inline Wide operator-(const Wide& a, const Wide& b) {
    return a + negate(b);
}

// One digit of base 2^64 of rest / d (Knuth, The Art of Computer Programming vol. 2, 4.3.1, algorithm D, for
// a divisor of two digits, where the estimate after its test is exact). rest < d.
inline u64 quotient_digit(u128& rest, u128 d) {
    const u64 dh = static_cast<u64>(d >> 64), dl = static_cast<u64>(d);
    const u64 rh = static_cast<u64>(rest >> 64), rl = static_cast<u64>(rest);
    u64 digit;
    u128 left;  // of the upper digits
    if (rh >= dh) {
        digit = ~u64{0};
        left = static_cast<u128>(rl) + dh;
    } else {
        digit = static_cast<u64>(rest / dh);
        left = rest % dh;
    }
    while (left >> 64 == 0 && static_cast<u128>(digit) * dl > left << 64) {
        --digit;
        left += dh;
    }
    rest =
        (static_cast<u128>(rl) << 64) - static_cast<u128>(digit) * dl - (static_cast<u128>(digit * dh) << 64);
    return digit;
}

// b is not zero.
inline Wide operator/(const Wide& a, const Wide& b) {
    if (a.is_zero()) return {};
    u128 rest = a.significand;
    i32 exponent = a.exponent - b.exponent;
    // The quotient of the significands lies between 1/2 and 2; make it less than 1, and keep the bit that
    // falls off.
    u64 extra = 0;
    if (rest >= b.significand) {
        extra = static_cast<u64>(rest) & 1;
        rest >>= 1;
    } else {
        --exponent;
    }
    const u64 hi = quotient_digit(rest, b.significand);
    const u64 lo = quotient_digit(rest, b.significand);
    u128 quotient = join(hi, lo);
    // extra is worth 2^127 / b < 1 in the last place: within the error allowed, but exact quotients stay
    // exact.
    if (extra != 0 && quotient != ~u128{0}) quotient |= 1;
    return {a.negative != b.negative, exponent, quotient};
}

// Rounds to the 80-bit format by the control word's rounding (these instructions know no precision control).
// A value that is known to be `exact` is rounded as such, but #P, and with it #U, are given all the same, as
// hardware does.
inline Result finish(const Wide& w, u16 control, u16 flags, bool exact = false) {
    u64 lo = static_cast<u64>(w.significand);
    if (!exact) lo |= 1;
    Result r = round_pack(w.negative, w.exponent + kBias, static_cast<u64>(w.significand >> 64), lo,
                          control | kExtended, flags | kPrecision);
    if ((r.sign_exponent & 0x7fff) == 0) r.flags |= kUnderflow;
    return r;
}

}  // namespace orrery::f80
