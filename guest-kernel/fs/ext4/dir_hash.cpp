// Half MD4, TEA and the legacy hash over a name, which may count its bytes as signed or unsigned: file systems
// made on machines where char is unsigned have other hashes, and say so in s_flags.
#include "fs/ext4/dir_hash.h"

namespace ext4 {

namespace {

u32 rotate_left(u32 value, u32 bits) {
    return (value << bits) | (value >> (32 - bits));
}

void tea_transform(u32 buf[4], const u32 in[4]) {
    u32 sum = 0;
    u32 b0 = buf[0], b1 = buf[1];
    for (int round = 0; round < 16; round++) {
        sum += 0x9E3779B9u;
        b0 += ((b1 << 4) + in[0]) ^ (b1 + sum) ^ ((b1 >> 5) + in[1]);
        b1 += ((b0 << 4) + in[2]) ^ (b0 + sum) ^ ((b0 >> 5) + in[3]);
    }
    buf[0] += b0;
    buf[1] += b1;
}

// A round: eight steps in which the four values take turns, a word of the name and a shift for each.
struct HalfMd4Round {
    u32 constant;
    u8 order[8];
    u8 shifts[4];
};

template <class Mix>
void half_md4_round(u32 (&v)[4], const u32 in[8], const HalfMd4Round& round, Mix mix) {
    u32 a = v[0], b = v[1], c = v[2], d = v[3];
    for (u32 half = 0; half < 8; half += 4) {
        const auto word = [&](u32 step) { return in[round.order[half + step]] + round.constant; };
        a = rotate_left(a + mix(b, c, d) + word(0), round.shifts[0]);
        d = rotate_left(d + mix(a, b, c) + word(1), round.shifts[1]);
        c = rotate_left(c + mix(d, a, b) + word(2), round.shifts[2]);
        b = rotate_left(b + mix(c, d, a) + word(3), round.shifts[3]);
    }
    v[0] = a, v[1] = b, v[2] = c, v[3] = d;
}

void half_md4_transform(u32 buf[4], const u32 in[8]) {
    constexpr HalfMd4Round kRounds[3] = {{0, {0, 1, 2, 3, 4, 5, 6, 7}, {3, 7, 11, 19}},
                                         {013240474631u, {1, 3, 5, 7, 0, 2, 4, 6}, {3, 5, 9, 13}},
                                         {015666365641u, {3, 7, 2, 6, 1, 5, 0, 4}, {3, 9, 11, 15}}};
    u32 v[4] = {buf[0], buf[1], buf[2], buf[3]};
    half_md4_round(v, in, kRounds[0], [](u32 x, u32 y, u32 z) { return z ^ (x & (y ^ z)); });
    half_md4_round(v, in, kRounds[1], [](u32 x, u32 y, u32 z) { return (x & y) + ((x ^ y) & z); });
    half_md4_round(v, in, kRounds[2], [](u32 x, u32 y, u32 z) { return x ^ y ^ z; });
    for (int i = 0; i < 4; i++) buf[i] += v[i];
}

i32 byte_of(const char* text, u32 i, bool is_signed) {
    return is_signed ? static_cast<signed char>(text[i]) : static_cast<unsigned char>(text[i]);
}

u32 legacy_hash(const char* name, u32 length, bool is_signed) {
    u32 hash0 = 0x12a3fe2d, hash1 = 0x37abe8f9;
    for (u32 i = 0; i < length; i++) {
        u32 hash = hash1 + (hash0 ^ (static_cast<u32>(byte_of(name, i, is_signed)) * 7152373u));
        if (hash & 0x80000000u) hash -= 0x7fffffffu;
        hash1 = hash0;
        hash0 = hash;
    }
    return hash0 << 1;
}

// Up to `count` words of the name, padded with its length.
void name_to_words(const char* text, u32 length, u32* words, u32 count, bool is_signed) {
    u32 pad = length | (length << 8);
    pad |= pad << 16;
    u32 value = pad;
    const u32 used = length > count * 4 ? count * 4 : length;
    u32 left = count;
    for (u32 i = 0; i < used; i++) {
        value = static_cast<u32>(byte_of(text, i, is_signed)) + (value << 8);
        if (i % 4 == 3) {
            *words++ = value;
            value = pad;
            left--;
        }
    }
    if (left > 0) {
        *words++ = value;
        left--;
    }
    while (left-- > 0) *words++ = pad;
}

}  // namespace

u32 dir_hash(const char* name, u32 length, HashVersion version, const u32 seed[4], u32* minor) {
    u32 buf[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    if (seed[0] || seed[1] || seed[2] || seed[3]) {
        for (int i = 0; i < 4; i++) buf[i] = seed[i];
    }
    const bool is_signed = version <= HashVersion::kTea;
    u32 hash = 0, low = 0;
    u32 in[8];
    switch (version) {
        case HashVersion::kLegacy:
        case HashVersion::kLegacyUnsigned:
            hash = legacy_hash(name, length, is_signed);
            break;
        case HashVersion::kHalfMd4:
        case HashVersion::kHalfMd4Unsigned:
            for (u32 at = 0; at < length; at += 32) {
                name_to_words(name + at, length - at, in, 8, is_signed);
                half_md4_transform(buf, in);
            }
            hash = buf[1];
            low = buf[2];
            break;
        case HashVersion::kTea:
        case HashVersion::kTeaUnsigned:
            for (u32 at = 0; at < length; at += 16) {
                name_to_words(name + at, length - at, in, 4, is_signed);
                tea_transform(buf, in);
            }
            hash = buf[0];
            low = buf[1];
            break;
    }
    if (minor) *minor = low;
    hash &= ~1u;
    return hash == 0xfffffffeu ? 0xfffffffcu : hash;
}

}  // namespace ext4
