// Shuffles, shifts and blends that an immediate or XMM0 directs; insertion and extraction (SDM vol. 2).
//
// Immediates become byte-shuffle controls from tables made here, so that one handler serves all of them.
#include <array>

#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

struct alignas(16) Bytes {
    u8 byte[16];
};

template <unsigned count, typename Make>
constexpr auto make_table(Make make) {
    std::array<Bytes, count> table{};
    for (unsigned i = 0; i < count; ++i)
        for (unsigned at = 0; at < 16; ++at) table[i].byte[at] = static_cast<u8>(make(i, at));
    return table;
}

// Two bits of the immediate choose the source of each doubleword.
constexpr auto kDwords =
    make_table<256>([](unsigned imm, unsigned at) { return (imm >> (at / 4 * 2) & 3) * 4 + at % 4; });
// PSHUFLW and PSHUFHW: of each word in one half.
constexpr auto kLowWords = make_table<256>(
    [](unsigned imm, unsigned at) { return at < 8 ? (imm >> (at / 2 * 2) & 3) * 2 + at % 2 : at; });
constexpr auto kHighWords = make_table<256>(
    [](unsigned imm, unsigned at) { return at < 8 ? at : 8 + (imm >> ((at - 8) / 2 * 2) & 3) * 2 + at % 2; });
// Shifts by whole bytes, 16 and more giving zero: control bytes with bit 7 set.
constexpr auto kRight =
    make_table<33>([](unsigned imm, unsigned at) { return at + imm < 16 ? at + imm : 0x80u; });
constexpr auto kLeft = make_table<17>([](unsigned imm, unsigned at) { return at >= imm ? at - imm : 0x80u; });
// Blends: all ones where the second operand is taken.
constexpr auto kBlendDwords =
    make_table<16>([](unsigned imm, unsigned at) { return imm >> at / 4 & 1 ? 255u : 0u; });
constexpr auto kBlendQwords =
    make_table<4>([](unsigned imm, unsigned at) { return imm >> at / 8 & 1 ? 255u : 0u; });
constexpr auto kBlendWords =
    make_table<256>([](unsigned imm, unsigned at) { return imm >> at / 2 & 1 ? 255u : 0u; });

Xmm entry(const Bytes& bytes) {
    return _mm_load_si128(reinterpret_cast<const Xmm*>(bytes.byte));
}
Xmm shuffled(Xmm value, const Bytes& control) {
    asm("pshufb %1, %0" : "+x"(value) : "x"(entry(control)));
    return value;
}
Xmm blended(Xmm a, Xmm b, Xmm mask) {
    return _mm_or_si128(_mm_andnot_si128(mask, a), _mm_and_si128(mask, b));
}

struct Pshufd : Packed {
    static Xmm run(Xmm, Xmm b, i32 imm) { return shuffled(b, kDwords[imm & 255]); }
};
struct Pshuflw : Packed {
    static Xmm run(Xmm, Xmm b, i32 imm) { return shuffled(b, kLowWords[imm & 255]); }
};
struct Pshufhw : Packed {
    static Xmm run(Xmm, Xmm b, i32 imm) { return shuffled(b, kHighWords[imm & 255]); }
};
struct Shufps : Packed {
    static Xmm run(Xmm a, Xmm b, i32 imm) {
        const Bytes& control = kDwords[imm & 255];
        return blended(shuffled(a, control), shuffled(b, control), entry(kBlendQwords[2]));
    }
};
struct Shufpd : Packed {
    static constexpr unsigned kUpperShift = 2;
    static Xmm run(Xmm a, Xmm b, i32 imm) {
        const Xmm first = (imm & 1) != 0 ? _mm_unpackhi_epi64(a, a) : a;
        return (imm & 2) != 0 ? blended(first, b, entry(kBlendQwords[2])) : _mm_unpacklo_epi64(first, b);
    }
};
struct Palignr : Packed {
    static Xmm run(Xmm a, Xmm b, i32 imm) {
        const unsigned count = imm & 255;
        if (count < 16) return _mm_or_si128(shuffled(b, kRight[count]), shuffled(a, kLeft[16 - count]));
        return shuffled(a, kRight[count < 32 ? count - 16 : 16]);
    }
};
struct Blendps : Packed {
    static constexpr unsigned kUpperShift = 4;
    static Xmm run(Xmm a, Xmm b, i32 imm) { return blended(a, b, entry(kBlendDwords[imm & 15])); }
};
struct Blendpd : Packed {
    static constexpr unsigned kUpperShift = 2;
    static Xmm run(Xmm a, Xmm b, i32 imm) { return blended(a, b, entry(kBlendQwords[imm & 3])); }
};
struct Pblendw : Packed {
    static Xmm run(Xmm a, Xmm b, i32 imm) { return blended(a, b, entry(kBlendWords[imm & 255])); }
};

// --- shifts by an immediate: of the register op->a alone ---

#define ORRERY_SHIFT_IMMEDIATE(name)                               \
    struct Imm_##name {                                            \
        static Xmm run(Xmm a, u8 count) {                          \
            asm(#name " %1, %0" : "+x"(a) : "x"(from_low(count))); \
            return a;                                              \
        }                                                          \
    }
ORRERY_SHIFT_IMMEDIATE(psllw);
ORRERY_SHIFT_IMMEDIATE(pslld);
ORRERY_SHIFT_IMMEDIATE(psllq);
ORRERY_SHIFT_IMMEDIATE(psrlw);
ORRERY_SHIFT_IMMEDIATE(psrld);
ORRERY_SHIFT_IMMEDIATE(psrlq);
ORRERY_SHIFT_IMMEDIATE(psraw);
ORRERY_SHIFT_IMMEDIATE(psrad);
#undef ORRERY_SHIFT_IMMEDIATE
struct ImmPslldq {
    static Xmm run(Xmm a, u8 count) { return shuffled(a, kLeft[count < 16 ? count : 16]); }
};
struct ImmPsrldq {
    static Xmm run(Xmm a, u8 count) { return shuffled(a, kRight[count < 16 ? count : 16]); }
};

template <typename F>
void shift_immediate(Cpu* c, const Op* op) {
    Xmm& a = xmm(c, op->a);
    a = F::run(a, static_cast<u8>(op->imm));
    ORRERY_NEXT(c, op);
}

// VEX: of the register op->b, to op->a.
template <typename F, bool wide>
void shift_immediate_vex(Cpu* c, const Op* op) {
    const avx::Ymm b = avx::ymm(c, op->b);
    const u8 count = static_cast<u8>(op->imm);
    avx::set_ymm(c, op->a, {F::run(b.low, count), wide ? F::run(b.high, count) : _mm_setzero_si128()});
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_shift_immediate(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = shift_immediate<F>;
    if (insn.vex) op.fn = insn.vex_l != 0 ? shift_immediate_vex<F, true> : shift_immediate_vex<F, false>;
}

// --- blends by the sign bits of XMM0; VEX: of the register in imm 7:4 ---

// The host's instruction has its mask in XMM0 too; `step` is the width of a sign bit's element.
template <unsigned step>
Xmm blend_by_signs(Xmm a, Xmm b, Xmm signs) {
    Xmm mask = _mm_cmpgt_epi8(_mm_setzero_si128(), signs);
    if constexpr (step == 4) mask = _mm_srai_epi32(signs, 31);
    if constexpr (step == 8) mask = _mm_shuffle_epi32(_mm_srai_epi32(signs, 31), 0xf5);
    return blended(a, b, mask);
}

template <unsigned step, Form form>
void variable_blend(Cpu* c, const Op* op) {
    const Xmm b = source<form, 16, true>(c, op);
    Xmm& a = xmm(c, op->a);
    a = blend_by_signs<step>(a, b, xmm(c, 0));
    ORRERY_NEXT(c, op);
}

template <unsigned step, bool wide, bool memory>
void variable_blend_vex(Cpu* c, const Op* op) {
    const avx::Ymm b = avx::source<Blendps, wide, memory>(c, op), a = avx::ymm(c, op->b);
    const avx::Ymm signs = avx::ymm(c, static_cast<u8>(op->imm >> 4 & 15));
    avx::set_ymm(c, op->a,
                 {blend_by_signs<step>(a.low, b.low, signs.low),
                  wide ? blend_by_signs<step>(a.high, b.high, signs.high) : _mm_setzero_si128()});
    ORRERY_NEXT(c, op);
}

template <unsigned step>
void select_variable_blend(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    if (insn.vex) {
        avx::prepare(insn, op);
        if (insn.mode_bits != 64) op.imm &= ~128;
        op.fn = avx::by_form<true>(
            op, []<bool wide, bool memory>() -> Handler { return variable_blend_vex<step, wide, memory>; });
        return;
    }
    op.fn = by_form<false>(insn, key, op,
                           []<Form form, bool>() -> Handler { return variable_blend<step, form>; });
}

// --- insertion and extraction ---

template <typename T>
T& element(Cpu* c, u8 number, i32 imm) {
    return reinterpret_cast<T*>(c->xmm[number].q)[static_cast<unsigned>(imm) % (16 / sizeof(T))];
}

// VEX: into a copy of op->b.
template <typename T>
void insert_vex(Cpu* c, const Op* op) {
    const bool memory = (op->imm & avx::kMemory) != 0;
    const T value = memory ? load<T>(c, op, avx::address_of(c, op)) : reg<T>(c, op->base);
    avx::set_ymm(c, op->a, {xmm(c, op->b), _mm_setzero_si128()});
    element<T>(c, op->a, op->imm & 255) = value;
    ORRERY_NEXT(c, op);
}

template <typename T, Form form>
void insert(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        element<T>(c, op->a, op->imm) = reg<T>(c, op->b);
    } else {
        const T value = load<T>(c, op, address_of<form>(c, op));
        element<T>(c, op->a, op->imm) = value;
    }
    ORRERY_NEXT(c, op);
}

// To a register: zero-extended to 64 bits.
template <typename T, Form form>
void extract(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        set_reg<u64>(c, op->a, element<T>(c, op->b, op->imm));
    } else {
        store<T>(c, op, address_of<form>(c, op), element<T>(c, op->a, op->imm));
    }
    ORRERY_NEXT(c, op);
}

template <typename T>
void select_insert(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    if (insn.vex) {
        avx::prepare(insn, op);
        op.fn = insert_vex<T>;
        return;
    }
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return insert<T, form>; });
}
template <typename T>
void select_extract(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return extract<T, form>; });
}

// INSERTPS: bits 7:6 choose the source doubleword (of a register), 5:4 the destination, 3:0 what is zeroed.
void put_single(Cpu* c, const Op* op, u32 value) {
    element<u32>(c, op->a, op->imm >> 4 & 3) = value;
    for (int i = 0; i < 4; ++i)
        if ((op->imm >> i & 1) != 0) element<u32>(c, op->a, i) = 0;
}

template <Form form>
void insert_single(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        put_single(c, op, element<u32>(c, op->b, op->imm >> 6 & 3));
    } else {
        put_single(c, op, load<u32>(c, op, address_of<form>(c, op)));
    }
    ORRERY_NEXT(c, op);
}

void insert_single_vex(Cpu* c, const Op* op) {
    const bool memory = (op->imm & avx::kMemory) != 0;
    const u32 value =
        memory ? load<u32>(c, op, avx::address_of(c, op)) : element<u32>(c, op->base, op->imm >> 6 & 3);
    avx::set_ymm(c, op->a, {xmm(c, op->b), _mm_setzero_si128()});
    put_single(c, op, value);
    ORRERY_NEXT(c, op);
}

}  // namespace

#define ORRERY_SELECT(name, Operation)                      \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        select_combine<Operation>(insn, key, op);           \
    }                                                       \
    void select_##name(const Insn& insn, u32 key, Op& op)
ORRERY_SELECT(pshufd, Pshufd);
ORRERY_SELECT(pshuflw, Pshuflw);
ORRERY_SELECT(pshufhw, Pshufhw);
ORRERY_SELECT(shufps, Shufps);
ORRERY_SELECT(shufpd, Shufpd);
ORRERY_SELECT(palignr, Palignr);
ORRERY_SELECT(blendps, Blendps);
ORRERY_SELECT(blendpd, Blendpd);
ORRERY_SELECT(pblendw, Pblendw);
#undef ORRERY_SELECT

#define ORRERY_SELECT(name, Operation)                      \
    void select_##name(const Insn& insn, u32 key, Op& op) { \
        select_shift_immediate<Operation>(insn, key, op);   \
    }                                                       \
    void select_##name(const Insn& insn, u32 key, Op& op)
ORRERY_SELECT(psllw_imm, Imm_psllw);
ORRERY_SELECT(pslld_imm, Imm_pslld);
ORRERY_SELECT(psllq_imm, Imm_psllq);
ORRERY_SELECT(psrlw_imm, Imm_psrlw);
ORRERY_SELECT(psrld_imm, Imm_psrld);
ORRERY_SELECT(psrlq_imm, Imm_psrlq);
ORRERY_SELECT(psraw_imm, Imm_psraw);
ORRERY_SELECT(psrad_imm, Imm_psrad);
ORRERY_SELECT(pslldq, ImmPslldq);
ORRERY_SELECT(psrldq, ImmPsrldq);
#undef ORRERY_SELECT

void select_pblendvb(const Insn& insn, u32 key, Op& op) {
    select_variable_blend<1>(insn, key, op);
}
void select_blendvps(const Insn& insn, u32 key, Op& op) {
    select_variable_blend<4>(insn, key, op);
}
void select_blendvpd(const Insn& insn, u32 key, Op& op) {
    select_variable_blend<8>(insn, key, op);
}

void select_pinsrb(const Insn& insn, u32 key, Op& op) {
    select_insert<u8>(insn, key, op);
}
void select_pinsrw(const Insn& insn, u32 key, Op& op) {
    select_insert<u16>(insn, key, op);
}
void select_pinsrd(const Insn& insn, u32 key, Op& op) {
    select_insert<u32>(insn, key, op);
}
void select_pinsrq(const Insn& insn, u32 key, Op& op) {
    select_insert<u64>(insn, key, op);
}
void select_pextrb(const Insn& insn, u32 key, Op& op) {
    select_extract<u8>(insn, key, op);
}
void select_pextrw(const Insn& insn, u32 key, Op& op) {
    select_extract<u16>(insn, key, op);
}
void select_pextrw_to(const Insn& insn, u32 key, Op& op) {
    select_extract<u16>(insn, key, op);
}
void select_pextrd(const Insn& insn, u32 key, Op& op) {
    select_extract<u32>(insn, key, op);
}
void select_pextrq(const Insn& insn, u32 key, Op& op) {
    select_extract<u64>(insn, key, op);
}
void select_insertps(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    if (insn.vex) {
        avx::prepare(insn, op);
        op.fn = insert_single_vex;
        return;
    }
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return insert_single<form>; });
}

}  // namespace orrery
