// Lazy arithmetic flags: CF, PF, AF, ZF, SF and OF are kept as a result and one word of carries, and are
// worked out only when something reads them.
//
// `result` is the last result, sign-extended to 64 bits. `aux` packs what a result alone does not tell:
//   bit 63     CF
//   bit 62     CF ^ OF (the carry into the sign bit)
//   bit 3      AF
//   bits 8-15  parity difference: PF is the even parity of (result ^ aux >> 8) & FFH
//   bit 0      sign difference: SF is bit 63 of result, xor this
// so that adds, subtracts and logic write two words without branches, and any combination of flags (POPF,
// SAHF) can be expressed. Flag meanings: Intel SDM vol. 1, 3.4.3.1.
#pragma once

#include <bit>
#include <type_traits>

#include "emulator/isa/types.h"

namespace orrery {

namespace rflags {
inline constexpr u32 kCf = 1u << 0, kPf = 1u << 2, kAf = 1u << 4, kZf = 1u << 6, kSf = 1u << 7, kTf = 1u << 8,
                     kIf = 1u << 9, kDf = 1u << 10, kOf = 1u << 11, kIopl = 3u << 12, kNt = 1u << 14,
                     kRf = 1u << 16, kVm = 1u << 17, kAc = 1u << 18, kVif = 1u << 19, kVip = 1u << 20,
                     kId = 1u << 21;
inline constexpr u32 kArithmetic = kCf | kPf | kAf | kZf | kSf | kOf;
inline constexpr u32 kReservedOne = 1u << 1;
}  // namespace rflags

struct LazyFlags {
    u64 result = 1;
    u64 aux = 0;

    bool cf() const { return aux >> 63; }
    bool zf() const { return result == 0; }
    bool sf() const { return ((result >> 63) ^ aux) & 1; }
    bool of() const { return ((aux >> 63) ^ (aux >> 62)) & 1; }
    bool af() const { return (aux >> 3) & 1; }
    bool pf() const { return (std::popcount(static_cast<u8>(result ^ (aux >> 8))) & 1) == 0; }

    // The six flags at their places in RFLAGS.
    u32 get() const {
        return (cf() ? rflags::kCf : 0) | (pf() ? rflags::kPf : 0) | (af() ? rflags::kAf : 0) |
               (zf() ? rflags::kZf : 0) | (sf() ? rflags::kSf : 0) | (of() ? rflags::kOf : 0);
    }
    void set(u32 value) {
        const u64 carry = (value & rflags::kCf) != 0, overflow = (value & rflags::kOf) != 0;
        result = (value & rflags::kZf) == 0;
        const u64 parity = result ^ ((value & rflags::kPf) == 0);
        aux = carry << 63 | (carry ^ overflow) << 62 | parity << 8 |
              (static_cast<u64>((value & rflags::kAf) != 0) << 3) | ((value & rflags::kSf) != 0);
    }

    template <typename T>
    static u64 extend(T value) {
        return static_cast<u64>(static_cast<i64>(static_cast<std::make_signed_t<T>>(value)));
    }
    // `carries`: bit i is the carry out of bit i (of a subtraction: the borrow).
    template <typename T>
    static u64 pack_carries(T carries) {
        constexpr unsigned bits = sizeof(T) * 8;
        return static_cast<u64>(carries >> (bits - 2)) << 62 | (carries & 8);
    }

    template <typename T>
    void set_add(T a, T b, T sum) {
        result = extend(sum);
        aux = pack_carries<T>(static_cast<T>((a & b) | ((a | b) & ~sum)));
    }
    template <typename T>
    void set_sub(T a, T b, T difference) {
        result = extend(difference);
        aux = pack_carries<T>(static_cast<T>((~a & b) | (~(a ^ b) & difference)));
    }
    template <typename T>
    void set_logic(T value) {
        result = extend(value);
        aux = 0;
    }
    // Result flags by `value`; CF and OF as given; AF cleared (where the manual leaves it undefined).
    template <typename T>
    void set_result(T value, bool carry, bool overflow) {
        result = extend(value);
        aux = static_cast<u64>(carry) << 63 | static_cast<u64>(carry ^ overflow) << 62;
    }
    // Changes CF and OF alone (rotates, BT, CLC…).
    void set_cf_of(bool carry, bool overflow) {
        aux = (aux & ~(u64{3} << 62)) | static_cast<u64>(carry) << 63 |
              static_cast<u64>(carry ^ overflow) << 62;
    }
    void set_cf(bool carry) { set_cf_of(carry, of()); }
};

// Condition `cc` as in the low nibble of Jcc's opcode (SDM vol. 1, appendix B).
template <unsigned cc>
inline bool condition(const LazyFlags& flags) {
    bool value = false;
    switch (cc >> 1) {
        case 0:
            value = flags.of();
            break;
        case 1:
            value = flags.cf();
            break;
        case 2:
            value = flags.zf();
            break;
        case 3:
            value = flags.cf() || flags.zf();
            break;
        case 4:
            value = flags.sf();
            break;
        case 5:
            value = flags.pf();
            break;
        case 6:
            value = flags.sf() != flags.of();
            break;
        default:
            value = flags.zf() || flags.sf() != flags.of();
            break;
    }
    return value != ((cc & 1) != 0);
}

}  // namespace orrery
