// F2XM1, FYL2X, FYL2XP1 (Intel SDM vol. 2, under these names, with their tables of special operands; vol.
// 1, 8.3.9).
#include "emulator/core/cpu/x87/float80_wide.h"

namespace orrery::f80 {

namespace {

// 2^x - 1 for |x| < 1: with y = x ln 2, y + y^2/2! + y^3/3! …; y^28/29! < 2^-117.
Wide exp2m1_series(const Wide& x) {
    constexpr int kTerms = 28;
    static constexpr auto kReciprocals = [] {
        std::array<Wide, kTerms + 1> table{};
        for (u64 n = 1; n <= kTerms; ++n) table[n] = reciprocal(n);
        return table;
    }();
    const Wide y = x * kLn2;
    Wide sum = kWideOne;
    for (unsigned n = kTerms; n >= 2; --n) sum = kWideOne + y * kReciprocals[n] * sum;
    return y * sum;
}

// ln((1 + s) / (1 - s)) / 2 = s + s^3/3 + s^5/5 …, |s| <= 0.1716: s^46 < 2^-116.
Wide artanh(const Wide& s) {
    constexpr int kTerms = 23;
    static constexpr auto kReciprocals = [] {
        std::array<Wide, kTerms + 1> table{};
        for (u64 n = 0; n <= kTerms; ++n) table[n] = reciprocal(2 * n + 1);
        return table;
    }();
    const Wide square = s * s;
    Wide sum = kReciprocals[kTerms];
    for (int n = kTerms - 1; n >= 0; --n) sum = kReciprocals[static_cast<unsigned>(n)] + square * sum;
    return s * sum;
}

struct Log {
    Wide value;
    bool exact;
};

// log2 of a positive number.
Log log2(Wide x) {
    i32 power = x.exponent;
    x.exponent = 0;
    if (x.significand == kWideOne.significand)
        return {wide_integer(power < 0, static_cast<u128>(power < 0 ? -power : power), 0), true};
    // Into 1/sqrt 2 … sqrt 2, so that nothing cancels between the power and the rest.
    if (static_cast<u64>(x.significand >> 64) > 0xb504'f333'f9de'6484) {
        x.exponent = -1;
        ++power;
    }
    const Wide rest = kTwoLog2E * artanh((x - kWideOne) / (x + kWideOne));
    return {wide_integer(power < 0, static_cast<u128>(power < 0 ? -power : power), 0) + rest, false};
}

// What the two logarithms have in common; true if `result` is the answer.
bool screened(Float80 y, Float80 x, Kind ky, Kind kx, Result& result) {
    if (ky == Kind::Unsupported || kx == Kind::Unsupported) {
        result = invalid();
        return true;
    }
    if (is_nan(ky) || is_nan(kx)) {
        result = propagate(x, y);
        return true;
    }
    return false;
}

u16 denormal_flag(Kind a, Kind b) {
    return a == Kind::Denormal || b == Kind::Denormal ? kDenormal : u16{0};
}

}  // namespace

Result exp2m1(Float80 x, u16 control) {
    const Kind kind = classify(x);
    if (kind == Kind::Unsupported) return invalid();
    if (is_nan(kind)) return propagate(x);
    const bool sign = is_negative(x);
    if (kind == Kind::Zero) return zero(sign);
    if (kind == Kind::Infinity) return sign ? make(true, kBias, kIntegerBit) : infinity(false);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const Unpacked u = unpack(x);
    if (u.exponent >= kBias) {
        if (u.exponent == kBias && u.significand == kIntegerBit)
            return make(sign, sign ? kBias - 1 : kBias, kIntegerBit, kPrecision);
        // Undefined in the manual: the operand stays.
        return {x.significand, x.sign_exponent, kPrecision};
    }
    return finish(exp2m1_series(wide(u)), control, flags);
}

Result ylog2x(Float80 y, Float80 x, u16 control) {
    const Kind kx = classify(x), ky = classify(y);
    Result result;
    if (screened(y, x, ky, kx, result)) return result;
    const bool sy = is_negative(y);
    if (kx != Kind::Zero && is_negative(x)) return invalid();
    const bool x_is_one = kx == Kind::Normal && x.sign_exponent == kBias && x.significand == kIntegerBit;
    if (kx == Kind::Zero) {
        if (ky == Kind::Zero) return invalid();
        return infinity(!sy, ky == Kind::Infinity ? 0 : kZeroDivide);
    }
    if (kx == Kind::Infinity && ky == Kind::Zero) return invalid();
    if (x_is_one && ky == Kind::Infinity) return invalid();
    const u16 flags = denormal_flag(kx, ky);
    if (blocked(flags, control)) return {0, 0, flags};
    if (kx == Kind::Infinity) return infinity(sy, flags);
    const bool below_one = x.sign_exponent < kBias;
    if (ky == Kind::Infinity) return infinity(sy != below_one, flags);
    if (ky == Kind::Zero) return zero(sy != below_one, flags);
    if (x_is_one) return zero(sy, flags);
    const Log log = log2(wide(unpack(x)));
    return finish(wide(unpack(y)) * log.value, control, flags, log.exact);
}

Result ylog2xp1(Float80 y, Float80 x, u16 control) {
    const Kind kx = classify(x), ky = classify(y);
    Result result;
    if (screened(y, x, ky, kx, result)) return result;
    const bool sx = is_negative(x), sign = is_negative(y) != sx;
    if (kx == Kind::Infinity && (sx || ky == Kind::Zero)) return invalid();
    if (kx == Kind::Zero && ky == Kind::Infinity) return invalid();
    const u16 flags = denormal_flag(kx, ky);
    if (blocked(flags, control)) return {0, 0, flags};
    if (kx == Kind::Infinity) return infinity(sign, flags);
    if (kx == Kind::Zero) return zero(sign, flags);
    if (ky == Kind::Infinity) return infinity(sign, flags);
    if (ky == Kind::Zero) return zero(sign, flags);
    const Unpacked u = unpack(x);
    // x <= -1: undefined in the manual; the operand stays.
    if (sx && u.exponent >= kBias)
        return {x.significand, x.sign_exponent, static_cast<u16>(flags | kPrecision)};
    const Wide wx = wide(u), wy = wide(unpack(y));
    if (u.exponent < kBias - 2) {
        // ln(1 + x) = 2 artanh(x / (2 + x))
        const Wide two{false, 1, kWideOne.significand};
        return finish(wy * kTwoLog2E * artanh(wx / (two + wx)), control, flags);
    }
    const Log log = log2(kWideOne + wx);
    return finish(wy * log.value, control, flags, log.exact);
}

}  // namespace orrery::f80
