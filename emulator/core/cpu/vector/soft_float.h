// Binary floating point worked out in integers, for what the host may not have: rounding of an exact value to
// a format, with the flags that MXCSR would get (IEEE 754-2019, 4 and 7; SDM vol. 1, 4.9 and 11.5).
//
// Tininess is found after rounding. Unmasked overflow and underflow report precision by the result with an
// unbounded exponent (SDM vol. 1, 4.9.1.4 and 4.9.1.5); the value returned then means nothing.
#pragma once

#include <bit>

#include "emulator/core/cpu/vector/fp_env.h"

namespace orrery::soft {

using u128 = unsigned __int128;

template <unsigned fraction, unsigned exponent>
struct Format {
    static constexpr int kFraction = fraction, kPrecision = fraction + 1;
    static constexpr int kBias = (1 << (exponent - 1)) - 1, kLowest = 1 - kBias;
    static constexpr u64 kSpecial = (u64{1} << exponent) - 1;  // exponent field of infinities and NaNs
    static constexpr u64 kFractionMask = (u64{1} << fraction) - 1;
    static constexpr u64 kSign = u64{1} << (fraction + exponent);
    static constexpr u64 kInfinity = kSpecial << fraction;
    static constexpr u64 kQuiet = u64{1} << (fraction - 1);
    static constexpr u64 kIndefinite = kSign | kInfinity | kQuiet;  // the default NaN
};
using Half = Format<10, 5>;
using Single = Format<23, 8>;
using Double = Format<52, 11>;

template <typename F>
constexpr bool is_nan(u64 bits) {
    return (bits & ~F::kSign) > F::kInfinity;
}
template <typename F>
constexpr bool is_signaling(u64 bits) {
    return is_nan<F>(bits) && (bits & F::kQuiet) == 0;
}
template <typename F>
constexpr bool is_infinite(u64 bits) {
    return (bits & ~F::kSign) == F::kInfinity;
}
template <typename F>
constexpr bool is_denormal(u64 bits) {
    return (bits & F::kInfinity) == 0 && (bits & F::kFractionMask) != 0;
}

// A finite number: significand * 2^exponent.
struct Finite {
    bool sign;
    int exponent;
    u64 significand;
};

template <typename F>
constexpr Finite unpack(u64 bits) {
    const int field = static_cast<int>((bits & F::kInfinity) >> F::kFraction);
    Finite number{(bits & F::kSign) != 0, F::kLowest - F::kFraction, bits & F::kFractionMask};
    if (field != 0) {
        number.significand |= F::kFractionMask + 1;
        number.exponent += field - 1;
    }
    return number;
}

struct Rounded {
    u64 bits;
    u32 flags;
};

enum class RoundingMode : u8 { Nearest, Down, Up, Zero };  // MXCSR.RC's order

inline RoundingMode rounding_mode(u32 guest_mxcsr) {
    return static_cast<RoundingMode>((guest_mxcsr & mxcsr::kRounding) >> 13);
}

inline int bit_length(u128 value) {
    const u64 upper = static_cast<u64>(value >> 64);
    return upper != 0 ? 64 + std::bit_width(upper) : std::bit_width(static_cast<u64>(value));
}

// value / 2^shift as an integer, rounded; value < 2^126.
inline u128 shift_rounding(u128 value, int shift, bool sign, RoundingMode mode, bool& inexact) {
    inexact = false;
    if (shift <= 0) return value << -shift;
    if (shift > 127) {  // less than a quarter
        value = value != 0;
        shift = 2;
    }
    const u128 quotient = value >> shift, rest = value & ((u128{1} << shift) - 1);
    const u128 half = u128{1} << (shift - 1);
    inexact = rest != 0;
    bool up = false;
    switch (mode) {
        case RoundingMode::Nearest:
            up = rest > half || (rest == half && (quotient & 1) != 0);
            break;
        case RoundingMode::Down:
            up = sign && inexact;
            break;
        case RoundingMode::Up:
            up = !sign && inexact;
            break;
        case RoundingMode::Zero:
            break;
    }
    return quotient + (up ? 1 : 0);
}

// significand * 2^exponent (not zero, significand below 2^126) in format F under `guest_mxcsr`'s RC, FTZ and
// masks.
template <typename F>
Rounded round(bool sign, int exponent, u128 significand, u32 guest_mxcsr) {
    const RoundingMode mode = rounding_mode(guest_mxcsr);
    const u64 sign_bit = sign ? F::kSign : 0;
    const u32 masks = guest_mxcsr >> 7;
    const int shift = bit_length(significand) - F::kPrecision;
    bool inexact;
    const u128 unbounded = shift_rounding(significand, shift, sign, mode, inexact);
    const u32 precision = inexact ? mxcsr::kPe : 0;
    const int top = exponent + shift + bit_length(unbounded) - 1;  // exponent of the leading bit
    if (top > F::kBias) {
        const bool to_infinity =
            mode == RoundingMode::Nearest || mode == (sign ? RoundingMode::Down : RoundingMode::Up);
        const u32 flags = mxcsr::kOe | ((masks & mxcsr::kOe) != 0 ? mxcsr::kPe : precision);
        return {sign_bit | (to_infinity ? F::kInfinity : F::kInfinity - 1), flags};
    }
    if (top < F::kLowest) {
        if ((masks & mxcsr::kUe) == 0) return {sign_bit, mxcsr::kUe | precision};
        if ((guest_mxcsr & mxcsr::kFtz) != 0) return {sign_bit, mxcsr::kUe | mxcsr::kPe};
        const u128 bits =
            shift_rounding(significand, F::kLowest - F::kFraction - exponent, sign, mode, inexact);
        return {sign_bit | static_cast<u64>(bits), inexact ? mxcsr::kUe | mxcsr::kPe : 0};
    }
    const u64 field = static_cast<u64>(top + F::kBias) << F::kFraction;
    return {sign_bit | field | (static_cast<u64>(unbounded) & F::kFractionMask), precision};
}

// What a lane reports if an exception that is found before computing is unmasked (SDM vol. 1, 11.5.2).
inline bool stops_before(u32 flags, u32 guest_mxcsr) {
    return (flags & mxcsr::kBeforeComputing & ~(guest_mxcsr >> 7)) != 0;
}

}  // namespace orrery::soft
