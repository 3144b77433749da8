// FSIN, FCOS, FPTAN, FPATAN (Intel SDM vol. 2, under these names; vol. 1, 8.3.8).
//
// Operands are reduced by the value of pi that the manual names, 66 bits long: results are those of the exact
// functions at the operand so reduced, as on hardware (sin of the 64-bit pi is -2^-64).
#include "emulator/core/cpu/x87/float80_wide.h"

namespace orrery::f80 {

namespace {

// 1 - z/(2*3) (1 - z/(4*5) (…)) and 1 - z/(1*2) (1 - z/(3*4) (…)), z = r^2 <= 0.617: the 14th term is below
// 2^-110.
constexpr int kTerms = 14;
template <int first>
constexpr auto kReciprocals = [] {
    std::array<Wide, kTerms + 1> table{};
    for (u64 n = 1; n <= kTerms; ++n) table[n] = reciprocal((2 * n - 2 + first) * (2 * n - 1 + first));
    return table;
}();

template <int first>
Wide alternating(const Wide& square) {
    Wide sum = kWideOne;
    for (unsigned n = kTerms; n >= 1; --n) sum = kWideOne - square * kReciprocals<first>[n] * sum;
    return sum;
}
Wide sine(const Wide& r) {
    return r * alternating<2>(r * r);
}
Wide cosine(const Wide& r) {
    return alternating<1>(r * r);
}

struct Reduced {
    unsigned quadrant;
    Wide rest;  // within pi/4
};
// |x| < 2^63 as a multiple of pi/2 and a rest: exact, in integers of unit 2^-65.
Reduced reduce(Unpacked u) {
    const i32 exponent = u.exponent - kBias;
    if (exponent < -1) return {0, {false, exponent, join(u.significand, 0)}};
    constexpr u128 kHalfPi65 = join(3, 0x243f'6a88'85a3'08d3);  // pi/2 * 2^65
    const u128 x = static_cast<u128>(u.significand) << (exponent + 2);
    unsigned quadrant = static_cast<unsigned>(x / kHalfPi65);
    u128 rest = x % kHalfPi65;
    bool negative = false;
    if (rest > kHalfPi65 / 2) {
        rest = kHalfPi65 - rest;
        negative = true;
        ++quadrant;
    }
    return {quadrant, wide_integer(negative, rest, -65)};
}

// arctan(r) for |r| <= 1/16: r - r^3/3 + …; r^30 = 2^-120.
Wide arctan_series(const Wide& r) {
    constexpr int kLast = 15;
    static constexpr auto kOdd = [] {
        std::array<Wide, kLast + 1> table{};
        for (u64 n = 0; n <= kLast; ++n) table[n] = reciprocal(2 * n + 1);
        return table;
    }();
    const Wide square = r * r;
    Wide sum = kOdd[kLast];
    for (int n = kLast - 1; n >= 0; --n) sum = kOdd[static_cast<unsigned>(n)] - square * sum;
    return r * sum;
}

// arctan(i / 8)
constexpr Wide kArctanEighths[9] = {
    {},
    wide(false, -4, 0xfeadd4d5617b6e32, 0xc897989f3e888ef8),
    wide(false, -3, 0xfadbafc96406eb15, 0x6dc79ef5f7a217e6),
    wide(false, -2, 0xb7b0ca0f26f78473, 0x8aa32122dcfe4483),
    wide(false, -2, 0xed63382b0dda7b45, 0x6fe445ecbc3a8d03),
    wide(false, -1, 0x8f005d5ef7f59f9b, 0x5c835e1665c43748),
    wide(false, -1, 0xa4bc7d1934f70924, 0x19a87f2a457dac9f),
    wide(false, -1, 0xb8053e2bc2319e73, 0xcb2da55210a4443d),
    kQuarterPi,
};

// arctan(n / d) for 0 < n <= d, as arctan(i/8) + arctan((8n - id) / (8d + in)).
Wide arctan_ratio(const Wide& n, const Wide& d) {
    const i32 distance = d.exponent - n.exponent;
    unsigned i = 0;
    if (distance < 5) {
        const u64 above = static_cast<u64>(n.significand >> 72), below = static_cast<u64>(d.significand >> 72)
                                                                         << distance;
        i = static_cast<unsigned>((8 * above + below / 2) / below);
    }
    if (i == 0) return arctan_series(n / d);
    const Wide step = wide_integer(false, i, 0), eight{false, 3, kWideOne.significand};
    return kArctanEighths[i] + arctan_series((eight * n - step * d) / (eight * d + step * n));
}

Wide with_sign(Wide w, bool negative) {
    w.negative = negative;
    return w;
}

}  // namespace

Result trig(Float80 x, u16 control, Trig which) {
    const Kind kind = classify(x);
    if (kind == Kind::Unsupported || kind == Kind::Infinity) return invalid();
    if (is_nan(kind)) return propagate(x);
    const bool sign = is_negative(x);
    if (kind == Kind::Zero) return which == Trig::Cos ? make(false, kBias, kIntegerBit) : zero(sign);
    const u16 flags = kind == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const Unpacked u = unpack(x);
    if (u.exponent >= kBias + 63) return {x.significand, x.sign_exponent, kC2};
    const Reduced r = reduce(u);
    const bool odd = (r.quadrant & 1) != 0;
    Wide result;
    bool flip = false;
    switch (which) {
        case Trig::Sin:
            result = odd ? cosine(r.rest) : sine(r.rest);
            flip = ((r.quadrant & 2) != 0) != sign;
            break;
        case Trig::Cos:
            result = odd ? sine(r.rest) : cosine(r.rest);
            flip = ((r.quadrant + 1) & 2) != 0;
            break;
        case Trig::Tan:
            result = odd ? cosine(r.rest) / sine(r.rest) : sine(r.rest) / cosine(r.rest);
            flip = odd != sign;
            break;
    }
    return finish(flip ? negate(result) : result, control, flags);
}

Result arctan(Float80 y, Float80 x, u16 control) {
    const Kind kx = classify(x), ky = classify(y);
    if (kx == Kind::Unsupported || ky == Kind::Unsupported) return invalid();
    if (is_nan(kx) || is_nan(ky)) return propagate(x, y);
    const u16 flags = kx == Kind::Denormal || ky == Kind::Denormal ? kDenormal : u16{0};
    if (blocked(flags, control)) return {0, 0, flags};
    const bool sx = is_negative(x), sy = is_negative(y);
    if (ky == Kind::Infinity) {
        if (kx != Kind::Infinity) return finish(with_sign(kHalfPi, sy), control, flags);
        return finish(with_sign(sx ? kThreeQuartersPi : kQuarterPi, sy), control, flags);
    }
    if (kx == Kind::Infinity || ky == Kind::Zero)
        return sx ? finish(with_sign(kPi, sy), control, flags) : zero(sy, flags);
    if (kx == Kind::Zero) return finish(with_sign(kHalfPi, sy), control, flags);
    const Wide wx = with_sign(wide(unpack(x)), false), wy = with_sign(wide(unpack(y)), false);
    const bool steep =
        wy.exponent > wx.exponent || (wy.exponent == wx.exponent && wy.significand > wx.significand);
    Wide angle = steep ? kHalfPi - arctan_ratio(wx, wy) : arctan_ratio(wy, wx);
    if (sx) angle = kPi - angle;
    return finish(with_sign(angle, sy), control, flags);
}

}  // namespace orrery::f80
