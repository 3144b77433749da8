// Common shape of the instructions on XMM registers: operands, alignment, and the handlers of the usual form
//   destination = operation(destination, source [, immediate])
//
// An operation is done by the host's instruction of the same name, as inline assembly: intrinsics would let
// the compiler exchange the operands of commutative ones, and with them the NaN that comes out (SDM vol. 1,
// table 4-7). The upper halves of the registers (YMM) stay as they are, as with all legacy SSE instructions.
// The VEX forms of the same rows' semantics are made from the same operations by avx.h.
#pragma once

#include <emmintrin.h>

#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/vector/fp_env.h"
#include "emulator/core/cpu/vector/fp_lanes.h"
#include "emulator/core/cpu/x87/fpu_trap.h"

namespace orrery::sse {

using Xmm = __m128i;

inline Xmm& xmm(Cpu* c, u8 number) {
    return *reinterpret_cast<Xmm*>(c->xmm[number].q);
}
inline u64& low(Cpu* c, u8 number) {
    return c->xmm[number].q[0];
}
inline u64& high(Cpu* c, u8 number) {
    return c->xmm[number].q[1];
}
inline u64 low_of(Xmm value) {
    return static_cast<u64>(_mm_cvtsi128_si64(value));
}
inline Xmm from_low(u64 value) {
    return _mm_cvtsi64_si128(static_cast<i64>(value));
}

// Out of line, so that no local's address escapes from a handler.
Xmm load_xmm_slow(Cpu* c, const Op* op, u64 linear);
void store_xmm_slow(Cpu* c, const Op* op, u64 linear, Xmm value);
[[noreturn]] void raise_misaligned(Cpu* c, const Op* op);

// MASKMOVQ, MASKMOVDQU: stores byte i of upper:lower at [rDI + i] for each bit i of `chosen`. The first and
// the last are checked before anything is stored. Bytes that are not chosen are not accessed and do not fault
// (implementation-specific: SDM vol. 2), unless rDI is not canonical. op->scale holds the width of the
// address in bytes.
void store_masked(Cpu* c, const Op* op, u64 lower, u64 upper, u32 chosen);

// 16 bytes; `aligned`: #GP(0) unless the address is a multiple of 16 (SDM vol. 2, 2.4).
template <bool aligned>
inline Xmm load_xmm(Cpu* c, const Op* op, u64 linear) {
    if constexpr (aligned) {
        if (__builtin_expect((linear & 15) != 0, 0)) raise_misaligned(c, op);
    }
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.read_tag == ((linear + 15) & ~u64{0xfff}), 1))
        return _mm_loadu_si128(reinterpret_cast<const Xmm*>(linear + entry.addend));
    return load_xmm_slow(c, op, linear);
}
template <bool aligned>
inline void store_xmm(Cpu* c, const Op* op, u64 linear, Xmm value) {
    if constexpr (aligned) {
        if (__builtin_expect((linear & 15) != 0, 0)) raise_misaligned(c, op);
    }
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.write_tag == ((linear + 15) & ~u64{0xfff}), 1)) {
        _mm_storeu_si128(reinterpret_cast<Xmm*>(linear + entry.addend), value);
        return;
    }
    store_xmm_slow(c, op, linear, value);
}

enum class Form : u8 { Register, Memory, MemoryFull };

// The linear address of the memory operand.
template <Form form>
inline u64 address_of(const Cpu* c, const Op* op) {
    return address<form == Form::MemoryFull>(c, op);
}

// The second operand: an XMM register (whole), or `bytes` of memory, zero-extended.
template <Form form, unsigned bytes, bool aligned>
inline Xmm source(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) return xmm(c, op->b);
    if constexpr (bytes == 16) return load_xmm<aligned>(c, op, address_of<form>(c, op));
    if constexpr (bytes == 8) return from_low(load<u64>(c, op, address_of<form>(c, op)));
    if constexpr (bytes == 4) return from_low(load<u32>(c, op, address_of<form>(c, op)));
    if constexpr (bytes == 2) return from_low(load<u16>(c, op, address_of<form>(c, op)));
}

// How a 256-bit form is made of two of 128 bits.
enum class Lanes : u8 {
    Each,    // each half from the halves of the sources
    Scalar,  // there is none
    Expand,  // the first kBytes of the source for the lower half, the next for the upper one
    Count,   // one 16-byte source for both: shift counts
    Narrow,  // as Each; both results are 64 bits, and together the lower half
};

// Traits of an operation: bytes of a memory source, whether it must be aligned, whether it can raise SIMD
// floating-point exceptions; how its 256-bit form goes.
template <unsigned bytes, bool aligned, bool fp, Lanes lanes = bytes == 16 ? Lanes::Each : Lanes::Scalar>
struct Shape {
    static constexpr Lanes kLanes = lanes;
    static constexpr unsigned kBytes = bytes;
    static constexpr bool kAligned = aligned;
    static constexpr bool kFp = fp;
};
using Packed = Shape<16, true, false>;
using PackedFp = Shape<16, true, true>;
using PackedCount = Shape<16, true, false, Lanes::Count>;
using PackedNarrow = Shape<16, true, true, Lanes::Narrow>;
using ScalarFp4 = Shape<4, false, true>;
using ScalarFp8 = Shape<8, false, true>;

// F::run(a, b, immediate) with checks; F::kArithmetic, where it is there, says what it computes, for exact
// flags.
template <typename F>
inline Xmm run_checked(Cpu* c, const Op* op, Xmm a, Xmm b) {
    auto compute = [=] { return F::run(a, b, op->imm); };
    if constexpr (requires { F::kArithmetic; }) {
        return with_fp_checks(c, op, compute,
                              [=](u32) { return precise_fp_flags(c->mxcsr, F::kArithmetic, a, b); });
    } else {
        return with_fp_checks(c, op, compute);
    }
}

// F::run(a, b, immediate) gives the new destination.
template <typename F, Form form, bool checked>
void combine(Cpu* c, const Op* op) {
    const Xmm b = source<form, F::kBytes, F::kAligned>(c, op);
    Xmm& a = xmm(c, op->a);
    if constexpr (checked) {
        a = run_checked<F>(c, op, a, b);
    } else {
        a = F::run(a, b, op->imm);
    }
    ORRERY_NEXT(c, op);
}

// Calls pick.template operator()<Form, checked>().
template <bool fp, typename Pick>
Handler by_form(const Insn& insn, u32 key, const Op& op, Pick pick) {
    const bool checked = fp && (key & key::kSseUnmasked) != 0;
    auto with = [&]<Form form>() -> Handler {
        if constexpr (fp) {
            if (checked) return pick.template operator()<form, true>();
        }
        return pick.template operator()<form, false>();
    };
    if (!insn.has_memory()) return with.template operator()<Form::Register>();
    return full_address(op) ? with.template operator()<Form::MemoryFull>()
                            : with.template operator()<Form::Memory>();
}

}  // namespace orrery::sse

#include "emulator/core/cpu/vector/avx.h"

namespace orrery::sse {

template <typename F>
void select_combine(const Insn& insn, u32 key, Op& op) {
    if (insn.vex) return avx::select_combine<F>(insn, key, op);
    if (trap_sse(key, op)) return;
    op.fn = by_form<F::kFp>(insn, key, op,
                            []<Form form, bool checked>() -> Handler { return combine<F, form, checked>; });
}

}  // namespace orrery::sse

// An operation that is the host instruction `name` with two XMM operands, and its selector. Further members
// may be added.
#define ORRERY_SSE_OPERATION_WITH(name, shape, ...)           \
    namespace {                                               \
    struct Do_##name : shape {                                \
        __VA_ARGS__;                                          \
        static Xmm run(Xmm a, Xmm b, i32) {                   \
            asm volatile(#name " %1, %0" : "+x"(a) : "x"(b)); \
            return a;                                         \
        }                                                     \
    };                                                        \
    }                                                         \
    void select_##name(const Insn& insn, u32 key, Op& op) {   \
        select_combine<Do_##name>(insn, key, op);             \
    }                                                         \
    void select_##name(const Insn& insn, u32 key, Op& op)

#define ORRERY_SSE_OPERATION(name, shape) ORRERY_SSE_OPERATION_WITH(name, shape, )
// The further arguments are those of Arithmetic.
#define ORRERY_SSE_ARITHMETIC(name, shape, ...) \
    ORRERY_SSE_OPERATION_WITH(name, shape,      \
                              static constexpr Arithmetic kArithmetic{LaneOperation::__VA_ARGS__})
