#include "tests/isa/random_values.h"

#include <cstring>

namespace orrery::testing {

u64 random_integer(Rng& rng) {
    switch (rng.below(8)) {
        case 0:
            return rng.below(5);
        case 1:
            return 0 - rng.below(5);
        case 2: {  // near a power of two
            u64 power = u64{1} << rng.below(64);
            return power + rng.below(3) - 1;
        }
        case 3:  // all ones above or below some bit
            return rng.one_in(2) ? ~u64{0} << rng.below(64) : ~u64{0} >> rng.below(64);
        case 4:  // a repeated byte
            return (rng.next() & 0xff) * 0x0101010101010101;
        case 5:
            return rng.next() >> rng.below(64);
        default:
            return rng.next();
    }
}

// Exponent and fraction of an IEEE number with the given field widths.
static u64 random_ieee(Rng& rng, unsigned exponent_bits, unsigned fraction_bits) {
    const u64 exponent_max = (u64{1} << exponent_bits) - 1;
    const u64 bias = exponent_max >> 1;
    const u64 fraction_mask = (u64{1} << fraction_bits) - 1;
    u64 exponent = 0, fraction = 0;
    switch (rng.below(12)) {
        case 0:  // zero
            break;
        case 1:  // denormal
            fraction = (rng.next() & fraction_mask) >> rng.below(fraction_bits);
            break;
        case 2:  // infinity
            exponent = exponent_max;
            break;
        case 3:  // NaN, quiet or signalling
            exponent = exponent_max;
            fraction = rng.next() & fraction_mask;
            if (fraction == 0) fraction = 1;
            break;
        case 4:  // near the largest or the smallest normal
            exponent = rng.one_in(2) ? exponent_max - 1 - rng.below(3) : 1 + rng.below(3);
            fraction = rng.one_in(2) ? fraction_mask : rng.next() & fraction_mask;
            break;
        case 5:  // a small integer or half of one
            exponent = bias + rng.below(6);
            fraction = (rng.next() << (fraction_bits - 5)) & fraction_mask;
            break;
        case 6:  // near the limits of the integer types
            exponent = bias + 5 + rng.below(62);
            fraction = rng.one_in(2) ? 0 : fraction_mask - rng.below(2);
            break;
        case 7:
            exponent = rng.below(exponent_max + 1);
            fraction = rng.next() & fraction_mask;
            break;
        default:  // an everyday number
            exponent = bias - 8 + rng.below(40);
            fraction = rng.next() & fraction_mask;
            break;
    }
    return rng.below(2) << (exponent_bits + fraction_bits) | exponent << fraction_bits | fraction;
}

u32 random_float(Rng& rng) {
    return static_cast<u32>(random_ieee(rng, 8, 23));
}
u64 random_double(Rng& rng) {
    return random_ieee(rng, 11, 52);
}

void random_extended(Rng& rng, u8* bytes) {
    u64 significand;
    u16 exponent;
    switch (rng.below(12)) {
        case 0:  // zero
            exponent = 0;
            significand = 0;
            break;
        case 1:  // denormal or pseudo-denormal
            exponent = 0;
            significand = rng.next() >> rng.below(64);
            break;
        case 2:  // infinity
            exponent = 0x7fff;
            significand = u64{1} << 63;
            break;
        case 3:  // NaN
            exponent = 0x7fff;
            significand = rng.next() | u64{1} << 63;
            break;
        case 4:  // what a float or double would be
            exponent = static_cast<u16>(0x3fff - 20 + rng.below(60));
            significand =
                (rng.next() & (rng.one_in(2) ? 0xffffff0000000000 : 0xfffffffffffff800)) | u64{1} << 63;
            break;
        case 5:  // any exponent
            exponent = static_cast<u16>(1 + rng.below(0x7ffe));
            significand = rng.next() | u64{1} << 63;
            break;
        case 6:  // near the limits
            exponent = static_cast<u16>(rng.one_in(2) ? 0x7ffe - rng.below(3) : 1 + rng.below(3));
            significand = rng.one_in(2) ? ~u64{0} : u64{1} << 63;
            break;
        case 7:  // an integer
            exponent = static_cast<u16>(0x3fff + rng.below(66));
            significand = u64{1} << 63 | rng.next() << 58;
            break;
        case 8:  // unnormal and the like: unsupported since the 387
            exponent = static_cast<u16>(rng.below(0x8000));
            significand = rng.one_in(4) ? rng.next() & ~(u64{1} << 63) : rng.next() | u64{1} << 63;
            break;
        default:
            exponent = static_cast<u16>(0x3fff - 8 + rng.below(24));
            significand = rng.next() | u64{1} << 63;
            break;
    }
    if (rng.one_in(2)) exponent |= 0x8000;
    std::memcpy(bytes, &significand, 8);
    std::memcpy(bytes + 8, &exponent, 2);
}

void random_lanes(Rng& rng, u8* bytes, std::size_t size) {
    switch (rng.below(4)) {
        case 0:
            for (std::size_t i = 0; i + 4 <= size; i += 4) {
                u32 v = random_float(rng);
                std::memcpy(bytes + i, &v, 4);
            }
            break;
        case 1:
            for (std::size_t i = 0; i + 8 <= size; i += 8) {
                u64 v = random_double(rng);
                std::memcpy(bytes + i, &v, 8);
            }
            break;
        default: {
            const std::size_t lane = std::size_t{1} << rng.below(4);
            for (std::size_t i = 0; i + lane <= size; i += lane) {
                u64 v = random_integer(rng);
                std::memcpy(bytes + i, &v, lane);
            }
        }
    }
}

void random_fx(Rng& rng, FxImage& fx) {
    // Most of the time every exception is masked; rounding, precision, FTZ and DAZ vary.
    const u64 masks = rng.one_in(8) ? rng.below(64) : 0x3f;
    fx.mxcsr = static_cast<u32>(masks << 7 | rng.below(4) << 13 | (rng.one_in(4) ? 1u << 15 : 0) |
                                (rng.one_in(4) ? 1u << 6 : 0) | (rng.one_in(4) ? rng.below(64) : 0));
    const u64 x87_masks = rng.one_in(8) ? rng.below(64) : 0x3f;
    static constexpr u16 kPrecision[] = {0, 2, 3, 3};
    fx.control = static_cast<u16>(x87_masks | 0x40 | kPrecision[rng.below(4)] << 8 | rng.below(4) << 10);
    // No exception is pending: a flag set here has its mask set too.
    const u64 flags = rng.one_in(4) ? rng.below(128) & (x87_masks | 0x40) : 0;
    fx.status = static_cast<u16>(flags | rng.below(8) << 11 | (rng.next() & 0x4700));
    // Registers filled from the top of the stack, or any.
    const unsigned top = (fx.status >> 11) & 7;
    const u64 filled = rng.below(9);
    for (unsigned i = 0; i < filled; ++i) fx.tags = static_cast<u8>(fx.tags | 1u << ((top + i) & 7));
    if (rng.one_in(8)) fx.tags = rng.byte();
    for (auto& st : fx.st) {
        random_extended(rng, st);
        if (rng.one_in(8)) {  // as MMX leaves it
            st[8] = st[9] = 0xff;
            random_lanes(rng, st, 8);
        }
    }
    for (auto& xmm : fx.xmm) random_lanes(rng, xmm, 16);
    // Operands that nearly or wholly agree.
    if (rng.one_in(4)) {
        std::size_t from = rng.below(16), to = rng.below(16);
        std::memcpy(fx.xmm[to], fx.xmm[from], 16);
        if (rng.one_in(2)) fx.xmm[to][rng.below(16)] ^= static_cast<u8>(1u << rng.below(8));
    }
}

}  // namespace orrery::testing
