// Packing, rounding and the five basic operations of the 80-bit format. Intel SDM vol. 1, 4.8, 4.9 and 8.5.
#include "emulator/core/cpu/x87/float80.h"

#include <bit>
#include <utility>

namespace orrery::f80 {

namespace {

__extension__ using u128 = unsigned __int128;

// n / d of 128 by 64 bits; n's upper half is less than d.
struct Quotient {
    u64 quotient, rest;
};
inline Quotient divide(u64 n_hi, u64 n_lo, u64 d) {
    u64 quotient, rest;
    asm("divq %4" : "=a"(quotient), "=d"(rest) : "0"(n_lo), "1"(n_hi), "r"(d) : "cc");
    return {quotient, rest};
}

// How many low bits of the significand precision control drops (SDM vol. 1, table 8-2; the reserved 01 is
// taken as extended).
inline unsigned dropped_bits(u16 control) {
    switch (control & kPrecisionMask) {
        case 0:
            return 40;
        case 0x200:
            return 11;
        default:
            return 0;
    }
}

// What two operands have in common before an operation looks at them. `stop`: `result` is the answer.
struct Screened {
    bool stop = false;
    Kind a = Kind::Normal, b = Kind::Normal;
    Result result;
};
Screened screen(Float80 a, Float80 b) {
    Screened s;
    s.a = classify(a);
    s.b = classify(b);
    if (s.a == Kind::Unsupported || s.b == Kind::Unsupported) {
        s.stop = true;
        s.result = invalid();
    } else if (is_nan(s.a) || is_nan(s.b)) {
        s.stop = true;
        s.result = propagate(a, b);
    }
    return s;
}

inline u16 denormal_flag(const Screened& s) {
    return s.a == Kind::Denormal || s.b == Kind::Denormal ? kDenormal : u16{0};
}

// Sum of two finite numbers other than zero.
inline Result add_finite(Unpacked a, Unpacked b, u16 control, u16 flags) {
    if (a.exponent < b.exponent) std::swap(a, b);
    // Two bits of room above: the top bits are at 125.
    u128 x = static_cast<u128>(a.significand) << 62, y = static_cast<u128>(b.significand) << 62;
    const int distance = a.exponent - b.exponent;
    if (distance != 0) {
        if (distance > 126) {
            y = 1;
        } else {
            const u128 out = y & ((static_cast<u128>(1) << distance) - 1);
            y = y >> distance | static_cast<u128>(out != 0);
        }
    }
    bool sign = a.sign;
    u128 sum;
    if (a.sign == b.sign) {
        sum = x + y;
    } else if (x >= y) {
        sum = x - y;
        if (sum == 0) return zero(rounding(control) == Rounding::Down, flags);
    } else {
        sum = y - x;
        sign = b.sign;
    }
    const u64 upper = static_cast<u64>(sum >> 64);
    const int leading = upper != 0 ? std::countl_zero(upper) : 64 + std::countl_zero(static_cast<u64>(sum));
    sum <<= leading;
    return round_pack(sign, a.exponent + 2 - leading, static_cast<u64>(sum >> 64), static_cast<u64>(sum),
                      control, flags);
}

[[gnu::noinline]] Result add_special(Float80 a, Float80 b, u16 control) {
    const Screened s = screen(a, b);
    if (s.stop) return s.result;
    const bool sa = is_negative(a), sb = is_negative(b);
    if (s.a == Kind::Infinity && s.b == Kind::Infinity && sa != sb) return invalid();
    const u16 flags = denormal_flag(s);
    if (blocked(flags, control)) return {0, 0, flags};
    if (s.a == Kind::Infinity) return infinity(sa, flags);
    if (s.b == Kind::Infinity) return infinity(sb, flags);
    if (s.a == Kind::Zero && s.b == Kind::Zero)
        return zero(sa == sb ? sa : rounding(control) == Rounding::Down, flags);
    if (s.a == Kind::Zero || s.b == Kind::Zero) {
        const Unpacked other = unpack(s.a == Kind::Zero ? b : a);
        return round_pack(other.sign, other.exponent, other.significand, 0, control, flags);
    }
    return add_finite(unpack(a), unpack(b), control, flags);
}

inline Unpacked unpack_normal(Float80 a) {
    return {is_negative(a), a.sign_exponent & 0x7fff, a.significand};
}

inline Result mul_finite(Unpacked a, Unpacked b, u16 control, u16 flags) {
    u128 product = static_cast<u128>(a.significand) * b.significand;
    i32 exponent = a.exponent + b.exponent - kBias + 1;
    if (static_cast<u64>(product >> 64) < kIntegerBit) {
        product <<= 1;
        --exponent;
    }
    return round_pack(a.sign != b.sign, exponent, static_cast<u64>(product >> 64), static_cast<u64>(product),
                      control, flags);
}

inline Result div_finite(Unpacked a, Unpacked b, u16 control, u16 flags) {
    i32 exponent = a.exponent - b.exponent + kBias;
    u64 hi = a.significand, lo = 0;
    if (hi >= b.significand) {
        lo = hi << 63;
        hi >>= 1;
    } else {
        --exponent;
    }
    const Quotient q = divide(hi, lo, b.significand);
    // Of the rest of the quotient only its relation to one half matters.
    u64 tail = 0;
    if (q.rest != 0) {
        const u64 other = b.significand - q.rest;
        tail = q.rest > other ? kIntegerBit | 1 : q.rest == other ? kIntegerBit : 1;
    }
    return round_pack(a.sign != b.sign, exponent, q.quotient, tail, control, flags);
}

[[gnu::noinline]] Result mul_special(Float80 a, Float80 b, u16 control) {
    const Screened s = screen(a, b);
    if (s.stop) return s.result;
    const bool sign = is_negative(a) != is_negative(b);
    const bool infinite = s.a == Kind::Infinity || s.b == Kind::Infinity;
    const bool null = s.a == Kind::Zero || s.b == Kind::Zero;
    if (infinite && null) return invalid();
    const u16 flags = denormal_flag(s);
    if (blocked(flags, control)) return {0, 0, flags};
    if (infinite) return infinity(sign, flags);
    if (null) return zero(sign, flags);
    return mul_finite(unpack(a), unpack(b), control, flags);
}

[[gnu::noinline]] Result div_special(Float80 a, Float80 b, u16 control) {
    const Screened s = screen(a, b);
    if (s.stop) return s.result;
    const bool sign = is_negative(a) != is_negative(b);
    if (s.a == s.b && (s.a == Kind::Infinity || s.a == Kind::Zero)) return invalid();
    // #Z goes before #D: a denormal divided by zero gives #Z alone.
    if (s.b == Kind::Zero) return infinity(sign, s.a == Kind::Infinity ? 0 : kZeroDivide);
    const u16 flags = denormal_flag(s);
    if (blocked(flags, control)) return {0, 0, flags};
    if (s.a == Kind::Infinity) return infinity(sign, flags);
    if (s.b == Kind::Infinity || s.a == Kind::Zero) return zero(sign, flags);
    return div_finite(unpack(a), unpack(b), control, flags);
}

// floor(sqrt(n)) of n >= 2^126, and whether n is more than that square and a half, exactly that, …: the
// root's tail as div_finite's. After P. Zimmermann, "Karatsuba Square Root", with a root of the upper half
// digit by digit.
struct Root {
    u64 root, tail;
};
Root square_root(u128 n) {
    u64 upper = static_cast<u64>(n >> 64), root = 0, rest = 0;
    for (int i = 0; i < 32; ++i) {
        rest = rest << 2 | upper >> 62;
        upper <<= 2;
        const u64 trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    // n = (root^2 + rest) * 2^64 + low; the next 32 bits of the root come from (rest : low's upper half) /
    // 2root.
    const u64 low = static_cast<u64>(n);
    const u128 numerator = static_cast<u128>(rest) << 32 | low >> 32;
    u64 digits = static_cast<u64>(numerator / (2 * root));
    if (digits > 0xffff'ffff) digits = 0xffff'ffff;
    u64 result = (root << 32) + digits;
    while (static_cast<u128>(result) * result > n) --result;
    const u128 left = n - static_cast<u128>(result) * result;  // 0 … 2 * result
    // sqrt(n) > result + 1/2 exactly if left > result (n is an integer, so one half itself never happens).
    return {result, left == 0 ? 0 : left > result ? kIntegerBit | 1 : 1};
}

}  // namespace

Kind classify(Float80 a) {
    const unsigned exponent = a.sign_exponent & 0x7fff;
    if (exponent == 0) return a.significand == 0 ? Kind::Zero : Kind::Denormal;
    if ((a.significand & kIntegerBit) == 0) return Kind::Unsupported;
    if (exponent != 0x7fff) return Kind::Normal;
    if (a.significand == kIntegerBit) return Kind::Infinity;
    return (a.significand & kQuietBit) != 0 ? Kind::QuietNan : Kind::SignalingNan;
}

Unpacked unpack(Float80 a) {
    const i32 exponent = a.sign_exponent & 0x7fff;
    if (exponent != 0) return {is_negative(a), exponent, a.significand};
    const int leading = std::countl_zero(a.significand);
    return {is_negative(a), 1 - leading, a.significand << leading};
}

Result make(bool sign, i32 exponent, u64 significand, u16 flags) {
    return {significand,
            static_cast<u16>(static_cast<unsigned>(sign) << 15 | static_cast<unsigned>(exponent)), flags};
}

Result invalid(u16 flags) {
    return {kDefaultNan.significand, kDefaultNan.sign_exponent, static_cast<u16>(flags | kInvalid)};
}

Result propagate(Float80 a) {
    const u16 flags = classify(a) == Kind::SignalingNan ? kInvalid : u16{0};
    return {a.significand | kQuietBit, a.sign_exponent, flags};
}

// SDM vol. 1, table 4-7, x87 column: a quiet NaN goes before a signaling one; of two alike the larger
// significand wins (with equal ones, the positive).
Result propagate(Float80 a, Float80 b) {
    const Kind ka = classify(a), kb = classify(b);
    const u16 flags = ka == Kind::SignalingNan || kb == Kind::SignalingNan ? kInvalid : u16{0};
    Float80 chosen = a;
    if (!is_nan(ka)) {
        chosen = b;
    } else if (is_nan(kb)) {
        if (ka != kb) {
            chosen = ka == Kind::QuietNan ? a : b;
        } else if (a.significand != b.significand) {
            chosen = a.significand > b.significand ? a : b;
        } else {
            chosen = is_negative(a) ? b : a;
        }
    }
    return {chosen.significand | kQuietBit, chosen.sign_exponent, flags};
}

bool rounds_up(Rounding mode, bool sign, bool odd, u64 fraction) {
    switch (mode) {
        case Rounding::Nearest:
            return fraction > kIntegerBit || (fraction == kIntegerBit && odd);
        case Rounding::Down:
            return sign && fraction != 0;
        case Rounding::Up:
            return !sign && fraction != 0;
        default:
            return false;
    }
}

Pair shift_right_sticky(u64 hi, u64 lo, i32 count) {
    if (count == 0) return {hi, lo};
    if (count >= 128) return {0, static_cast<u64>((hi | lo) != 0)};
    const u128 value = static_cast<u128>(hi) << 64 | lo;
    const u128 out = value & ((static_cast<u128>(1) << count) - 1);
    const u128 kept = value >> count;
    return {static_cast<u64>(kept >> 64), static_cast<u64>(kept) | static_cast<u64>(out != 0)};
}

namespace {

// hi + lo / 2^64 cut to the precision; then perhaps incremented.
struct Cut {
    u64 significand;  // rounded; 0 after a carry out of the top
    bool inexact, up;
};
inline Cut cut(bool sign, u64 hi, u64 lo, u16 control, unsigned dropped) {
    u64 fraction = lo, unit = 1;
    if (dropped != 0) {
        unit = u64{1} << dropped;
        fraction = hi << (64 - dropped) | static_cast<u64>(lo != 0);
        hi &= ~(unit - 1);
    }
    const bool up = rounds_up(rounding(control), sign, (hi & unit) != 0, fraction);
    return {up ? hi + unit : hi, fraction != 0, up};
}

inline u16 precision_flags(const Cut& c) {
    return static_cast<u16>((c.inexact ? kPrecision : 0) | (c.up ? kC1 : 0));
}

// SDM vol. 1, 8.5.4 and 8.5.5: the exponent does not fit.
[[gnu::noinline]] Result round_pack_extreme(bool sign, i32 exponent, u64 hi, u64 lo, u16 control, u16 flags) {
    const unsigned dropped = dropped_bits(control);
    Cut c = cut(sign, hi, lo, control, dropped);
    i32 rounded = exponent;
    if (c.significand == 0) {
        c.significand = kIntegerBit;
        ++rounded;
    }
    if (rounded >= 1 && rounded < 0x7fff) {
        // Tininess is detected after rounding: what rounds up to the least normal number is none (4.9.1.5).
        if (exponent >= 1 || (control & kUnderflow) == 0)
            return make(sign, rounded, c.significand, flags | precision_flags(c));
    }
    if (rounded >= 0x7fff) {
        if ((control & kOverflow) == 0) {
            // Beyond what moving the exponent reaches (only FSCALE gets there): infinity.
            rounded -= 24576;
            if (rounded >= 0x7fff) return infinity(sign, flags | kOverflow | kPrecision | kC1);
            return make(sign, rounded, c.significand, flags | kOverflow | precision_flags(c));
        }
        const Rounding mode = rounding(control);
        const bool to_infinity = mode == Rounding::Nearest || mode == (sign ? Rounding::Down : Rounding::Up);
        flags |= kOverflow | kPrecision;
        if (to_infinity) return infinity(sign, flags | kC1);
        return make(sign, 0x7ffe, ~((u64{1} << dropped) - 1), flags);
    }
    const bool tiny = rounded < 1;
    if (tiny && (control & kUnderflow) == 0) {
        rounded += 24576;
        if (rounded < 1) return zero(sign, flags | kUnderflow | kPrecision);
        return make(sign, rounded, c.significand, flags | kUnderflow | precision_flags(c));
    }
    const Pair p = shift_right_sticky(hi, lo, 1 - exponent);
    const Cut d = cut(sign, p.hi, p.lo, control, dropped);
    flags |= precision_flags(d);
    if (tiny && d.inexact) flags |= kUnderflow;
    return make(sign, d.significand >> 63, d.significand, flags);
}

}  // namespace

Result round_pack(bool sign, i32 exponent, u64 hi, u64 lo, u16 control, u16 flags) {
    // The carry of a rounding may take 7FFEH over the edge.
    if (__builtin_expect(static_cast<u32>(exponent - 1) >= 0x7ffd, 0))
        return round_pack_extreme(sign, exponent, hi, lo, control, flags);
    Cut c = cut(sign, hi, lo, control, dropped_bits(control));
    if (c.significand == 0) {
        c.significand = kIntegerBit;
        ++exponent;
    }
    return make(sign, exponent, c.significand, flags | precision_flags(c));
}

Result add(Float80 a, Float80 b, u16 control) {
    if (__builtin_expect(is_normal(a) && is_normal(b), 1))
        return add_finite(unpack_normal(a), unpack_normal(b), control, 0);
    return add_special(a, b, control);
}

Result sub(Float80 a, Float80 b, u16 control) {
    // A NaN operand keeps its sign.
    const Float80 negated{b.significand, static_cast<u16>(b.sign_exponent ^ 0x8000)};
    if (__builtin_expect(is_normal(a) && is_normal(b), 1))
        return add_finite(unpack_normal(a), unpack_normal(negated), control, 0);
    if (is_nan(classify(b))) return add_special(a, b, control);
    return add_special(a, negated, control);
}

Result mul(Float80 a, Float80 b, u16 control) {
    if (__builtin_expect(is_normal(a) && is_normal(b), 1))
        return mul_finite(unpack_normal(a), unpack_normal(b), control, 0);
    return mul_special(a, b, control);
}

Result div(Float80 a, Float80 b, u16 control) {
    if (__builtin_expect(is_normal(a) && is_normal(b), 1))
        return div_finite(unpack_normal(a), unpack_normal(b), control, 0);
    return div_special(a, b, control);
}

Result sqrt(Float80 a, u16 control) {
    const Kind kind = classify(a);
    if (kind == Kind::Unsupported) return invalid();
    if (is_nan(kind)) return propagate(a);
    if (kind == Kind::Zero) return make(is_negative(a), 0, 0);
    if (is_negative(a)) return invalid();
    if (kind == Kind::Infinity) return infinity(false);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const Unpacked u = unpack(a);
    // significand / 2^63 * 2^e = n / 2^126 * 2^(even e): n has its top bit at 126 or 127.
    const i32 power = u.exponent - kBias;
    const bool odd = (power & 1) != 0;
    const Root r = square_root(static_cast<u128>(u.significand) << (odd ? 64 : 63));
    return round_pack(false, (power - (odd ? 1 : 0)) / 2 + kBias, r.root, r.tail, control, flags);
}

}  // namespace orrery::f80
