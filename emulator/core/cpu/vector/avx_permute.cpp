// What AVX and AVX2 added: broadcasts, permutations within and across the halves, insertion and extraction of
// halves, variable shifts, VZEROUPPER and VZEROALL (SDM vol. 2, chapter 5).
#include <tmmintrin.h>

#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;
using avx::Ymm;

namespace {

// --- broadcasts: one element for both halves ---

template <unsigned bytes>
using Element = Shape<bytes, false, false, Lanes::Count>;

struct BroadcastByte : Element<1> {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_shuffle_epi8(b, _mm_setzero_si128()); }
};
struct BroadcastWord : Element<2> {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_shuffle_epi8(b, _mm_set1_epi16(0x0100)); }
};
struct BroadcastDword : Element<4> {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_shuffle_epi32(b, 0); }
};
struct BroadcastQword : Element<8> {
    static Xmm run(Xmm, Xmm b, i32) { return _mm_unpacklo_epi64(b, b); }
};
struct BroadcastHalf : Element<16> {
    static Xmm run(Xmm, Xmm b, i32) { return b; }
};

// --- permutations within a half ---

struct Permilps : Shape<16, false, false> {
    static Xmm run(Xmm a, Xmm control, i32) {
        // The control's low two bits, four times over as byte numbers.
        const Xmm low = _mm_and_si128(control, _mm_set1_epi32(3));
        const Xmm bytes =
            _mm_shuffle_epi8(_mm_slli_epi32(low, 2), _mm_set_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0));
        return _mm_shuffle_epi8(a, _mm_add_epi8(bytes, _mm_set1_epi32(0x03020100)));
    }
};
struct Permilpd : Shape<16, false, false> {
    static Xmm run(Xmm a, Xmm control, i32) {
        const Xmm bit = _mm_slli_epi64(control, 62);  // bit 1 of each quadword to its sign
        const Xmm chosen = _mm_shuffle_epi32(_mm_srai_epi32(bit, 31), 0xf5);
        const Xmm low = _mm_unpacklo_epi64(a, a), high = _mm_unpackhi_epi64(a, a);
        return _mm_or_si128(_mm_and_si128(chosen, high), _mm_andnot_si128(chosen, low));
    }
};
struct PermilpdImmediate : Shape<16, false, false> {
    static constexpr unsigned kUpperShift = 2;
    static Xmm run(Xmm, Xmm b, i32 imm) {
        const Xmm low = (imm & 1) != 0 ? _mm_unpackhi_epi64(b, b) : b;
        return (imm & 2) != 0 ? _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(b), _mm_castsi128_pd(low)))
                              : _mm_unpacklo_epi64(low, b);
    }
};

// --- variable shifts: counts of the width and more give zero, or sign bits ---

template <typename T, bool left>
struct VariableShift : Shape<16, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) {
        constexpr unsigned kCount = 16 / sizeof(T), kBits = 8 * sizeof(T);
        union {
            Xmm whole;
            T part[kCount];
        } value{a}, counts{b};
        for (unsigned i = 0; i < kCount; ++i) {
            const T count = counts.part[i];
            const T shifted = left ? value.part[i] << (count % kBits) : value.part[i] >> (count % kBits);
            value.part[i] = count < kBits ? shifted : 0;
        }
        return value.whole;
    }
};
struct VariableArithmetic : Shape<16, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) {
        union {
            Xmm whole;
            i32 part[4];
        } value{a}, counts{b};
        for (unsigned i = 0; i < 4; ++i) {
            const u32 count = static_cast<u32>(counts.part[i]);
            value.part[i] >>= count < 31 ? count : 31;
        }
        return value.whole;
    }
};

// --- across the halves ---

// F::run(a, b, immediate) on both halves at once.
template <typename F, bool memory>
void permute(Cpu* c, const Op* op) {
    const Ymm b = avx::source<F, true, memory>(c, op);
    avx::set_ymm(c, op->a, F::run(avx::ymm(c, op->b), b, op->imm & 255));
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_permute(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    avx::prepare(insn, op);
    op.fn = (op.imm & avx::kMemory) != 0 ? permute<F, true> : permute<F, false>;
}

struct Whole : Shape<16, false, false> {};

struct Perm2f128 : Whole {
    static Xmm half(Ymm a, Ymm b, i32 control) {
        if ((control & 8) != 0) return _mm_setzero_si128();
        const Ymm& from = (control & 2) != 0 ? b : a;
        return (control & 1) != 0 ? from.high : from.low;
    }
    static Ymm run(Ymm a, Ymm b, i32 imm) { return {half(a, b, imm), half(a, b, imm >> 4)}; }
};
struct Insertf128 : Shape<16, false, false, Lanes::Count> {
    static Ymm run(Ymm a, Ymm b, i32 imm) { return (imm & 1) != 0 ? Ymm{a.low, b.low} : Ymm{b.low, a.high}; }
};

template <typename T>
struct Elements {
    static constexpr unsigned kHalf = 16 / sizeof(T);
    T part[2 * kHalf];
    explicit Elements(Ymm from) { std::memcpy(part, &from, sizeof part); }
    Ymm value() const {
        Ymm out;
        std::memcpy(&out, part, sizeof part);
        return out;
    }
};
struct Permd : Whole {  // VPERMD, VPERMPS: the first source directs
    static Ymm run(Ymm a, Ymm b, i32) {
        const Elements<u32> index(a), from(b);
        Elements<u32> to(b);
        for (unsigned i = 0; i < 8; ++i) to.part[i] = from.part[index.part[i] & 7];
        return to.value();
    }
};
struct Permq : Whole {  // VPERMQ, VPERMPD
    static Ymm run(Ymm, Ymm b, i32 imm) {
        const Elements<u64> from(b);
        Elements<u64> to(b);
        for (unsigned i = 0; i < 4; ++i) to.part[i] = from.part[imm >> (2 * i) & 3];
        return to.value();
    }
};

template <bool memory>
void extract_half(Cpu* c, const Op* op) {
    if constexpr (memory) {
        store_xmm<false>(c, op, avx::address_of(c, op),
                         (op->imm & 1) != 0 ? avx::upper(c, op->a) : avx::lower(c, op->a));
    } else {
        const Xmm value = (op->imm & 1) != 0 ? avx::upper(c, op->b) : avx::lower(c, op->b);
        avx::set_ymm(c, op->a, {value, _mm_setzero_si128()});
    }
    ORRERY_NEXT(c, op);
}

// Outside 64-bit mode only the first eight registers are there to be cleared.
template <bool all>
void zero_upper(Cpu* c, const Op* op) {
    const u8 count = c->code64() ? 16 : 8;
    for (u8 i = 0; i < count; ++i) {
        if constexpr (all) avx::lower(c, i) = _mm_setzero_si128();
        avx::clear_upper(c, i);
    }
    ORRERY_NEXT(c, op);
}

}  // namespace

#define ORRERY_SELECT(name, Operation)                      \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        avx::select_combine<Operation>(insn, key, op);      \
    }                                                       \
    void select_##name(const Insn& insn, u32 key, Op& op)
ORRERY_SELECT(vpbroadcastb, BroadcastByte);
ORRERY_SELECT(vpbroadcastw, BroadcastWord);
ORRERY_SELECT(vbroadcastss, BroadcastDword);
ORRERY_SELECT(vbroadcastsd, BroadcastQword);
ORRERY_SELECT(vbroadcastf128, BroadcastHalf);
ORRERY_SELECT(vpermilps, Permilps);
ORRERY_SELECT(vpermilpd, Permilpd);
ORRERY_SELECT(vpermilpd_imm, PermilpdImmediate);
using ShiftLeftDwords = VariableShift<u32, true>;
using ShiftLeftQwords = VariableShift<u64, true>;
using ShiftRightDwords = VariableShift<u32, false>;
using ShiftRightQwords = VariableShift<u64, false>;
ORRERY_SELECT(vpsllvd, ShiftLeftDwords);
ORRERY_SELECT(vpsllvq, ShiftLeftQwords);
ORRERY_SELECT(vpsrlvd, ShiftRightDwords);
ORRERY_SELECT(vpsrlvq, ShiftRightQwords);
ORRERY_SELECT(vpsravd, VariableArithmetic);
#undef ORRERY_SELECT

void select_vperm2f128(const Insn& insn, u32 key, Op& op) {
    select_permute<Perm2f128>(insn, key, op);
}
void select_vinsertf128(const Insn& insn, u32 key, Op& op) {
    select_permute<Insertf128>(insn, key, op);
}
void select_vpermd(const Insn& insn, u32 key, Op& op) {
    select_permute<Permd>(insn, key, op);
}
void select_vpermq(const Insn& insn, u32 key, Op& op) {
    select_permute<Permq>(insn, key, op);
}
void select_vextractf128(const Insn& insn, u32 key, Op& op) {
    if (trap_avx(key, op)) return;
    avx::prepare(insn, op);
    op.fn = insn.has_memory() ? extract_half<true> : extract_half<false>;
}

void select_vzeroupper(const Insn&, u32 key, Op& op) {
    if (!trap_avx(key, op)) op.fn = zero_upper<false>;
}
void select_vzeroall(const Insn&, u32 key, Op& op) {
    if (!trap_avx(key, op)) op.fn = zero_upper<true>;
}

}  // namespace orrery
