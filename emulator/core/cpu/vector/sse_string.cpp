// SSE4.2 string comparison: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1). Memory operands
// need not be aligned.
//
// All four are the same comparison: the lengths are explicit or end at a zero element, and the result is a
// mask or the index of one of its bits. The mask comes from the host's PCMPESTRM, one function per value of
// imm 5:0.
#include <array>
#include <bit>
#include <utility>

#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

struct Comparison {
    u32 (*mask)(Xmm a, Xmm b, unsigned a_length, unsigned b_length);
};

// IntRes2. Bit 6 of the immediate clear: one bit per element.
template <unsigned imm>
u32 comparison_mask(Xmm a, Xmm b, unsigned a_length, unsigned b_length) {
    Xmm mask;
    asm("pcmpestrm %5, %2, %1" : "=Yz"(mask) : "x"(a), "x"(b), "a"(a_length), "d"(b_length), "i"(imm) : "cc");
    return static_cast<u32>(_mm_cvtsi128_si32(mask));
}

template <unsigned... imm>
constexpr std::array<Comparison, sizeof...(imm)> make_comparisons(std::integer_sequence<unsigned, imm...>) {
    return {Comparison{comparison_mask<imm>}...};
}
constexpr auto kComparisons = make_comparisons(std::make_integer_sequence<unsigned, 64>{});

// Elements before the first zero.
unsigned length_to_zero(Xmm value, bool words) {
    const Xmm zero = _mm_setzero_si128();
    const Xmm equal = words ? _mm_cmpeq_epi16(value, zero) : _mm_cmpeq_epi8(value, zero);
    const u32 zeros = static_cast<u32>(_mm_movemask_epi8(equal)) | 0x10000;
    return static_cast<unsigned>(std::countr_zero(zeros)) >> static_cast<unsigned>(words);
}

// An explicit length: the absolute value, at most `count`.
unsigned explicit_length(u64 value, bool wide, unsigned count) {
    const i64 length = wide ? static_cast<i64>(value) : static_cast<i32>(value);
    const u64 size = length < 0 ? u64{0} - static_cast<u64>(length) : static_cast<u64>(length);
    return static_cast<unsigned>(size < count ? size : count);
}

// Bits of an immediate beyond the instruction's own, put there by the selector.
constexpr i32 kWideLengths = 1 << 8;  // RAX and RDX instead of EAX and EDX
constexpr i32 kIndex = 1 << 9;        // the result is an index
constexpr i32 kImplicit = 1 << 10;    // lengths end at a zero
constexpr i32 kVex = 1 << 11;         // a mask clears YMM0's upper half

// Returns IntRes2 and sets the flags: CF, IntRes2 is not zero; ZF and SF, the second and first string end
// within the register; OF, IntRes2's bit 0; AF and PF are cleared.
u32 compare(Cpu* c, const Op* op, Xmm b) {
    const Xmm a = xmm(c, op->a);
    const bool words = (op->imm & 1) != 0;
    const unsigned count = words ? 8 : 16;
    unsigned a_length, b_length;
    if ((op->imm & kImplicit) != 0) {
        a_length = length_to_zero(a, words);
        b_length = length_to_zero(b, words);
    } else {
        const bool wide = (op->imm & kWideLengths) != 0;
        a_length = explicit_length(c->gpr[kRax], wide, count);
        b_length = explicit_length(c->gpr[kRdx], wide, count);
    }
    const u32 mask = kComparisons[op->imm & 63].mask(a, b, a_length, b_length);
    c->lf.set((mask != 0 ? rflags::kCf : 0) | (b_length < count ? rflags::kZf : 0) |
              (a_length < count ? rflags::kSf : 0) | ((mask & 1) != 0 ? rflags::kOf : 0));
    return mask;
}

// Immediate bit 6: the index of the highest set bit instead of the lowest. None set: the number of elements.
u32 index_of(u32 mask, i32 imm) {
    if (mask == 0) return (imm & 1) != 0 ? 8 : 16;
    if ((imm & 0x40) != 0) return 31 - static_cast<u32>(std::countl_zero(mask));
    return static_cast<u32>(std::countr_zero(mask));
}

// Immediate bit 6: an element of all ones for each bit, instead of the bits themselves.
void set_mask(Cpu* c, u32 mask, i32 imm) {
    low(c, 0) = mask;
    high(c, 0) = 0;
    if ((imm & 0x40) == 0) return;
    const unsigned width = (imm & 1) != 0 ? 16 : 8, per_half = 64 / width;
    const u64 element = (u64{1} << width) - 1;
    u64 halves[2] = {0, 0};
    for (unsigned i = 0; i < 2 * per_half; ++i)
        if ((mask >> i & 1) != 0) halves[i / per_half] |= element << (i % per_half * width);
    low(c, 0) = halves[0];
    high(c, 0) = halves[1];
}

template <Form form>
void compare_strings(Cpu* c, const Op* op) {
    const u32 mask = compare(c, op, source<form, 16, false>(c, op));
    if ((op->imm & kIndex) != 0) {
        set_reg<u32>(c, kRcx * 8, index_of(mask, op->imm));
    } else {
        set_mask(c, mask, op->imm);
        if ((op->imm & kVex) != 0) avx::clear_upper(c, 0);
    }
    ORRERY_NEXT(c, op);
}

void select_string(const Insn& insn, u32 key, Op& op, i32 kind) {
    if (trap_vector(insn, key, op)) return;
    op.imm = (op.imm & 255) | kind | (insn.opsize == 8 ? kWideLengths : 0) | (insn.vex ? kVex : 0);
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return compare_strings<form>; });
}

}  // namespace

void select_pcmpestri(const Insn& insn, u32 key, Op& op) {
    select_string(insn, key, op, kIndex);
}
void select_pcmpestrm(const Insn& insn, u32 key, Op& op) {
    select_string(insn, key, op, 0);
}
void select_pcmpistri(const Insn& insn, u32 key, Op& op) {
    select_string(insn, key, op, kIndex | kImplicit);
}
void select_pcmpistrm(const Insn& insn, u32 key, Op& op) {
    select_string(insn, key, op, kImplicit);
}

}  // namespace orrery
