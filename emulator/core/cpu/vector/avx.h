// VEX forms of the operations on XMM registers, over the same kernels: F::run() on 128 bits, once or twice.
//
//   destination = operation(VEX.vvvv or destination, source [, immediate])
//
// A 256-bit operation is done in two halves, so the host needs no AVX. VEX.128 clears the upper half of the
// destination; memory need not be aligned (SDM vol. 2, 2.4). Included by sse.h only.
//
// Fields of the Op, set by prepare(): a destination; b first source; base second source, a register; imm bits
// 7:0 the immediate. The address is always taken in full.
#pragma once

namespace orrery::avx {

using sse::Lanes;
using sse::Xmm;

struct Ymm {
    Xmm low, high;
};

inline Xmm& lower(Cpu* c, u8 number) {
    return sse::xmm(c, number);
}
inline Xmm& upper(Cpu* c, u8 number) {
    return *reinterpret_cast<Xmm*>(c->xmm[number].q + 2);
}
inline Ymm ymm(Cpu* c, u8 number) {
    return {lower(c, number), upper(c, number)};
}
inline void set_ymm(Cpu* c, u8 number, Ymm value) {
    lower(c, number) = value.low;
    upper(c, number) = value.high;
}
// What every write by VEX.128 does to the upper half.
inline void clear_upper(Cpu* c, u8 number) {
    upper(c, number) = _mm_setzero_si128();
}
inline Xmm upper_qword(Xmm value) {
    return _mm_unpackhi_epi64(value, value);
}

void store_ymm_slow(Cpu* c, const Op* op, u64 linear, Xmm low, Xmm high);

// 32 bytes; `aligned`: #GP(0) unless the address is a multiple of 32 (VMOVAPS and the like).
template <bool aligned>
inline Ymm load_ymm(Cpu* c, const Op* op, u64 linear) {
    if constexpr (aligned) {
        if (__builtin_expect((linear & 31) != 0, 0)) sse::raise_misaligned(c, op);
    }
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.read_tag == ((linear + 31) & ~u64{0xfff}), 1)) {
        const Xmm* host = reinterpret_cast<const Xmm*>(linear + entry.addend);
        return {_mm_loadu_si128(host), _mm_loadu_si128(host + 1)};
    }
    const Xmm low = sse::load_xmm_slow(c, op, linear);
    return {low, sse::load_xmm_slow(c, op, linear + 16)};
}
template <bool aligned>
inline void store_ymm(Cpu* c, const Op* op, u64 linear, Ymm value) {
    if constexpr (aligned) {
        if (__builtin_expect((linear & 31) != 0, 0)) sse::raise_misaligned(c, op);
    }
    const FastEntry& entry = fast_entry(c, linear);
    if (__builtin_expect(entry.write_tag == ((linear + 31) & ~u64{0xfff}), 1)) {
        Xmm* host = reinterpret_cast<Xmm*>(linear + entry.addend);
        _mm_storeu_si128(host, value.low);
        _mm_storeu_si128(host + 1, value.high);
        return;
    }
    store_ymm_slow(c, op, linear, value.low, value.high);
}

// Elements of gathers and masked moves, whose alignment is never checked (SDM vol. 2, VMASKMOV, VPGATHERDD).
template <typename T>
inline T load_unchecked(Cpu* c, const Op* op, u64 linear) {
    if (__builtin_expect(c->fast != c->empty_table, 1)) return load<T>(c, op, linear);
    T value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i) value |= static_cast<T>(load<u8>(c, op, linear + i)) << 8 * i;
    return value;
}
template <typename T>
inline void store_unchecked(Cpu* c, const Op* op, u64 linear, T value) {
    if (__builtin_expect(c->fast != c->empty_table, 1)) return store<T>(c, op, linear, value);
    for (unsigned i = 0; i < sizeof(T); ++i) store<u8>(c, op, linear + i, static_cast<u8>(value >> 8 * i));
}

// A segment index whose base is always 0: the address has been worked out by the Op in front.
inline constexpr u8 kFlatSegment = 7;

// Bits of op->imm, for handlers that serve several forms.
inline constexpr i32 kWide = 1 << 16;
inline constexpr i32 kMemory = 1 << 17;

inline void prepare(const Insn& insn, Op& op) {
    op.imm = static_cast<i32>(insn.imm & 255) | (insn.vex_l != 0 ? kWide : 0);
    if (insn.has_memory()) {
        op.imm |= kMemory;
        if (op.base == kSlotAddress) op.segment = kFlatSegment;
        return;
    }
    unsigned registers = 0;
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        const OperandKind kind = insn.operands[i].kind;
        if (kind == OperandKind::Xmm || kind == OperandKind::Gpr) ++registers;
    }
    if (registers == 2) op.base = op.b;
}

inline u64 address_of(const Cpu* c, const Op* op) {
    return address<true>(c, op);
}

// VMOVAPS and the like check the alignment of memory.
template <typename F>
constexpr bool kChecksAlignment = requires {
    F::kVexAligned;
};

// The second source. `wide`: both halves as F wants them (sse::Lanes).
template <typename F, bool wide, bool memory>
inline Ymm source(Cpu* c, const Op* op) {
    constexpr bool aligned = kChecksAlignment<F>;
    if constexpr (!memory) {
        if constexpr (wide && (F::kLanes == Lanes::Each || F::kLanes == Lanes::Narrow))
            return ymm(c, op->base);
        const Xmm low = lower(c, op->base);
        if constexpr (wide && F::kLanes == Lanes::Expand) return {low, _mm_srli_si128(low, F::kBytes)};
        return {low, low};
    } else {
        const u64 linear = address_of(c, op);
        if constexpr (wide && (F::kLanes == Lanes::Each || F::kLanes == Lanes::Narrow))
            return load_ymm<aligned>(c, op, linear);
        constexpr unsigned bytes = wide && F::kLanes == Lanes::Expand ? 2 * F::kBytes : F::kBytes;
        Xmm low = _mm_setzero_si128();
        if constexpr (bytes == 16) low = sse::load_xmm<aligned>(c, op, linear);
        if constexpr (bytes == 8) low = sse::from_low(load<u64>(c, op, linear));
        if constexpr (bytes == 4) low = sse::from_low(load<u32>(c, op, linear));
        if constexpr (bytes == 2) low = sse::from_low(load<u16>(c, op, linear));
        if constexpr (bytes == 1) low = sse::from_low(load<u8>(c, op, linear));
        if constexpr (wide && F::kLanes == Lanes::Expand) return {low, _mm_srli_si128(low, F::kBytes)};
        return {low, low};
    }
}

// The immediate of the upper half: most instructions use the same bits for both.
template <typename F>
inline i32 upper_immediate(i32 imm) {
    if constexpr (requires { F::kUpperShift; }) return imm >> F::kUpperShift;
    return imm;
}

template <typename F, bool wide>
inline Ymm compute(Ymm a, Ymm b, i32 imm) {
    Ymm out{F::run(a.low, b.low, imm), _mm_setzero_si128()};
    if constexpr (wide) {
        const Xmm high = F::run(a.high, b.high, upper_immediate<F>(imm));
        if constexpr (F::kLanes == Lanes::Narrow) {
            out.low = _mm_unpacklo_epi64(out.low, high);
        } else {
            out.high = high;
        }
    }
    return out;
}

template <typename F, bool wide, bool memory>
void combine(Cpu* c, const Op* op) {
    const Ymm b = source<F, wide, memory>(c, op);
    set_ymm(c, op->a, compute<F, wide>(ymm(c, op->b), b, op->imm & 255));
    ORRERY_NEXT(c, op);
}

template <typename F>
constexpr bool kHasWide = F::kLanes != Lanes::Scalar;

// The second source by op->imm's form bits.
template <typename F>
inline Ymm any_source(Cpu* c, const Op* op) {
    if constexpr (kHasWide<F>) {
        if ((op->imm & kWide) != 0)
            return (op->imm & kMemory) != 0 ? source<F, true, true>(c, op) : source<F, true, false>(c, op);
    }
    return (op->imm & kMemory) != 0 ? source<F, false, true>(c, op) : source<F, false, false>(c, op);
}

// The result, or an exception; flags are those of both halves together.
template <typename F>
inline Ymm run_checked(Cpu* c, const Op* op, Ymm a, Ymm b) {
    const i32 imm = op->imm;
    auto result = [=] {
        if constexpr (kHasWide<F>) {
            if ((imm & kWide) != 0) return compute<F, true>(a, b, imm & 255);
        }
        return compute<F, false>(a, b, imm & 255);
    };
    if constexpr (requires { F::kArithmetic; }) {
        return with_fp_checks(c, op, result, [=](u32) {
            u32 flags = precise_fp_flags(c->mxcsr, F::kArithmetic, a.low, b.low);
            if ((imm & kWide) != 0 && kHasWide<F>)
                flags |= precise_fp_flags(c->mxcsr, F::kArithmetic, a.high, b.high);
            return flags;
        });
    } else {
        return with_fp_checks(c, op, result);
    }
}

template <typename F>
void combine_checked(Cpu* c, const Op* op) {
    const Ymm b = any_source<F>(c, op);
    set_ymm(c, op->a, run_checked<F>(c, op, ymm(c, op->b), b));
    ORRERY_NEXT(c, op);
}

// Calls pick.template operator()<wide, memory>().
template <bool has_wide, typename Pick>
Handler by_form(const Op& op, Pick pick) {
    const bool memory = (op.imm & kMemory) != 0;
    if constexpr (has_wide) {
        if ((op.imm & kWide) != 0)
            return memory ? pick.template operator()<true, true>() : pick.template operator()<true, false>();
    }
    return memory ? pick.template operator()<false, true>() : pick.template operator()<false, false>();
}

template <typename F>
void select_combine(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    prepare(insn, op);
    if constexpr (F::kFp) {
        if ((key & key::kSseUnmasked) != 0) {
            op.fn = combine_checked<F>;
            return;
        }
    }
    op.fn = by_form<kHasWide<F>>(
        op, []<bool wide, bool memory>() -> Handler { return combine<F, wide, memory>; });
}

}  // namespace orrery::avx
