// The x87's 80-bit arithmetic in software: every function is a pure function of its operands and the control
// word, so that results are the same on any host (Intel SDM vol. 1, chapters 4 and 8).
//
// An operation returns its result and the bits of the status word it gives: exceptions (masked or not), and
// C1 where it says whether the result was rounded up in magnitude. Where an exception that is found before
// the operation (#IA, #D, #Z) is unmasked, there is no result: `blocked(flags, control)`. Where #O or #U is
// unmasked, a result for a register has its exponent moved by 24576, and one for memory does not exist.
// Values pass in two registers.
#pragma once

#include "emulator/core/cpu/state/state.h"
#include "emulator/isa/types.h"

namespace orrery::f80 {

// Status word (SDM vol. 1, figure 8-4). The six exceptions have the same places in the control word.
inline constexpr u16 kInvalid = 1, kDenormal = 2, kZeroDivide = 4, kOverflow = 8, kUnderflow = 16,
                     kPrecision = 32, kExceptions = 0x3f, kStackFault = 0x40, kErrorSummary = 0x80,
                     kC0 = 0x100, kC1 = 0x200, kC2 = 0x400, kC3 = 0x4000, kBusy = 0x8000, kTop = 7 << 11,
                     kConditions = kC0 | kC1 | kC2 | kC3;

// Control word: precision and rounding.
inline constexpr u16 kPrecisionMask = 0x300, kExtended = 0x300, kRoundingMask = 0xc00;
enum class Rounding : u8 { Nearest, Down, Up, Zero };
inline Rounding rounding(u16 control) {
    return static_cast<Rounding>((control >> 10) & 3);
}

inline constexpr int kBias = 0x3fff;
inline constexpr u64 kIntegerBit = u64{1} << 63;
inline constexpr u64 kQuietBit = u64{1} << 62;

struct Result {
    u64 significand = 0;
    u16 sign_exponent = 0;
    u16 flags = 0;
};
inline Float80 value(Result r) {
    return {r.significand, r.sign_exponent};
}

// A result in a memory format: an integer, or the bits of a float or double.
struct Bits {
    u64 bits = 0;
    u16 flags = 0;
};

// What kind of number the 80 bits are (SDM vol. 1, tables 4-3 and 8-3).
enum class Kind : u8 {
    Zero,
    Denormal,  // and pseudo-denormal
    Normal,
    Infinity,
    QuietNan,
    SignalingNan,
    Unsupported,  // unnormal, pseudo-infinity, pseudo-NaN: #IA wherever it is used
};
Kind classify(Float80 a);
inline bool is_negative(Float80 a) {
    return a.sign_exponent >> 15;
}
inline bool is_nan(Kind k) {
    return k == Kind::QuietNan || k == Kind::SignalingNan;
}

// True if an unmasked exception of `flags` keeps the operation from giving a result at all.
inline bool blocked(u16 flags, u16 control) {
    return (flags & ~control & (kInvalid | kDenormal | kZeroDivide)) != 0;
}

inline constexpr Float80 kDefaultNan{0xc000'0000'0000'0000, 0xffff};
inline constexpr Float80 kOne{kIntegerBit, 0x3fff};
inline constexpr Float80 kZero{0, 0};

// FADD FSUB FMUL FDIV FSQRT: rounded to the control word's precision.
Result add(Float80 a, Float80 b, u16 control);
Result sub(Float80 a, Float80 b, u16 control);
Result mul(Float80 a, Float80 b, u16 control);
Result div(Float80 a, Float80 b, u16 control);
Result sqrt(Float80 a, u16 control);

// The rest gives 64-bit significands whatever the precision control says.
Result round_to_integer(Float80 a, u16 control);     // FRNDINT
Result scale(Float80 a, Float80 b, u16 control);     // FSCALE: a * 2^trunc(b)
Result extract_exponent(Float80 a, u16 control);     // FXTRACT's two results; flags are those of the
Result extract_significand(Float80 a, u16 control);  // instruction in both
Result remainder(Float80 a, Float80 b, u16 control, bool ieee);  // FPREM; FPREM1 (ieee). Flags have C0-C3
// C0, C2, C3 as FCOM gives them. `quiet`: only signaling NaNs are invalid (FUCOM).
u16 compare(Float80 a, Float80 b, bool quiet);
// C0-C3 as FXAM gives them for a register that is not empty.
u16 examine(Float80 a);

// FLD of a float or double: a signaling NaN becomes quiet (#IA). Of these flags only #IA keeps the value from
// being loaded; #D, unmasked too, does not.
Result from_f32(u32 bits);
Result from_f64(u64 bits);
// The same as an operand of arithmetic: a NaN stays as it is. #D in flags for a denormal (which it is no
// longer).
Result operand_f32(u32 bits);
Result operand_f64(u64 bits);
Float80 from_i64(i64 value);
Float80 from_bcd(u64 digits, u16 top);  // FBLD: digits 0-15; digits 16, 17 and the sign

// Stores. #IA gives the indefinite of the format.
Bits to_f32(Float80 a, u16 control);
Bits to_f64(Float80 a, u16 control);
// To a signed integer of `size` bytes (2, 4, 8), rounded by the control word, or toward zero (FISTTP).
Bits to_int(Float80 a, u16 control, unsigned size, bool truncate);
struct Bcd {
    u64 digits = 0;
    u16 top = 0;
    u16 flags = 0;
};
Bcd to_bcd(Float80 a, u16 control);

// Transcendentals: within 0.51 units in the last place, rounded by the control word (float80_wide.h).
Result exp2m1(Float80 x, u16 control);               // F2XM1
Result ylog2x(Float80 y, Float80 x, u16 control);    // FYL2X
Result ylog2xp1(Float80 y, Float80 x, u16 control);  // FYL2XP1
Result arctan(Float80 y, Float80 x, u16 control);    // FPATAN
enum class Trig : u8 { Sin, Cos, Tan };
// FSIN FCOS FPTAN. C2 in flags: the operand is 2^63 or more in magnitude, and there is no result.
Result trig(Float80 x, u16 control, Trig which);

// --- for the other float80 files ---

// A finite number other than zero: (-1)^sign * significand / 2^63 * 2^(exponent - kBias); the top bit is set.
struct Unpacked {
    bool sign;
    i32 exponent;
    u64 significand;
};
inline bool is_normal(Float80 a) {
    return ((a.sign_exponent + 1) & 0x7fff) > 1 && (a.significand & kIntegerBit) != 0;
}
Unpacked unpack(Float80 a);  // of a Denormal or Normal

// Rounds hi + lo / 2^64 (top bit of hi set) and packs it; adds what that raises to `flags`.
Result round_pack(bool sign, i32 exponent, u64 hi, u64 lo, u16 control, u16 flags = 0);
// #IA with the default NaN; the given NaN operand made quiet (table 4-7 for two).
Result invalid(u16 flags = 0);
Result propagate(Float80 a);
Result propagate(Float80 a, Float80 b);
Result make(bool sign, i32 exponent, u64 significand, u16 flags = 0);
inline Result infinity(bool sign, u16 flags = 0) {
    return make(sign, 0x7fff, kIntegerBit, flags);
}
inline Result zero(bool sign, u16 flags = 0) {
    return make(sign, 0, 0, flags);
}
// Whether to add one to a magnitude whose dropped part is `fraction` / 2^64.
bool rounds_up(Rounding mode, bool sign, bool odd, u64 fraction);
// hi:lo shifted right, what falls off kept as a sticky bit 0. Any count >= 0.
struct Pair {
    u64 hi, lo;
};
Pair shift_right_sticky(u64 hi, u64 lo, i32 count);

}  // namespace orrery::f80
