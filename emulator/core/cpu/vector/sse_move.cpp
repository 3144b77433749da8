// Moves between XMM registers, general registers and memory (SDM vol. 2). Non-temporal hints have no effect
// on the modelled machine: its memory is strongly ordered.
#include "emulator/core/cpu/vector/sse.h"

namespace orrery {

using namespace sse;

namespace {

// --- whole registers ---

struct Unaligned : Shape<16, false, false> {
    static Xmm run(Xmm, Xmm b, i32) { return b; }
};
struct Aligned : Shape<16, true, false> {
    static constexpr bool kVexAligned = true;
    static Xmm run(Xmm, Xmm b, i32) { return b; }
};

template <Form form, bool aligned>
void move_out(Cpu* c, const Op* op) {
    store_xmm<aligned>(c, op, address_of<form>(c, op), xmm(c, op->a));
    ORRERY_NEXT(c, op);
}

template <bool aligned>
void store_wide(Cpu* c, const Op* op) {
    avx::store_ymm<aligned>(c, op, avx::address_of(c, op), avx::ymm(c, op->a));
    ORRERY_NEXT(c, op);
}

template <bool aligned>
void select_move_out(const Insn& insn, u32 key, Op& op) {
    if (!insn.has_memory()) return select_combine<Unaligned>(insn, key, op);
    if (trap_vector(insn, key, op)) return;
    if (insn.vex_l != 0) {
        avx::prepare(insn, op);
        op.fn = store_wide<aligned>;
        return;
    }
    op.fn =
        by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return move_out<form, aligned>; });
}

// --- parts ---

struct Load4 : Shape<4, false, false> {
    static Xmm run(Xmm, Xmm b, i32) { return b; }
};
struct Load8 : Shape<8, false, false> {  // a register's low half, too
    static Xmm run(Xmm, Xmm b, i32) { return _mm_move_epi64(b); }
};
struct Merge4 : Shape<4, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) {
        return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(a), _mm_castsi128_ps(b)));
    }
};
struct LowToLow : Shape<8, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) {
        return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(a), _mm_castsi128_pd(b)));
    }
};
struct LowToHigh : Shape<8, false, false> {
    static Xmm run(Xmm a, Xmm b, i32) { return _mm_unpacklo_epi64(a, b); }
};
struct HighToLow : Shape<16, false, false, Lanes::Scalar> {
    static Xmm run(Xmm a, Xmm b, i32) { return LowToLow::run(a, _mm_unpackhi_epi64(b, b), 0); }
};

// --- part of register op->a to memory ---

template <typename T, bool upper, bool full>
void store_part(Cpu* c, const Op* op) {
    store<T>(c, op, address<full>(c, op), static_cast<T>(upper ? high(c, op->a) : low(c, op->a)));
    ORRERY_NEXT(c, op);
}

template <typename T, bool upper>
void select_store_part(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return store_part<T, upper, full>; });
}

// --- general registers ---

template <typename T, Form form, bool vex>
void move_from_general(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        xmm(c, op->a) = from_low(reg<T>(c, op->b));
    } else {
        xmm(c, op->a) = from_low(load<T>(c, op, address_of<form>(c, op)));
    }
    if constexpr (vex) avx::clear_upper(c, op->a);
    ORRERY_NEXT(c, op);
}

template <typename T, Form form>
void move_to_general(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        set_reg<T>(c, op->a, static_cast<T>(low(c, op->b)));
    } else {
        store<T>(c, op, address_of<form>(c, op), static_cast<T>(low(c, op->a)));
    }
    ORRERY_NEXT(c, op);
}

template <typename T>
void select_from_general(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = by_form<false>(insn, key, op, [&]<Form form, bool>() -> Handler {
        return insn.vex ? move_from_general<T, form, true> : move_from_general<T, form, false>;
    });
}
template <typename T>
void select_to_general(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn =
        by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return move_to_general<T, form>; });
}

template <typename T, bool full>
void move_nontemporal(Cpu* c, const Op* op) {
    store<T>(c, op, address<full>(c, op), reg<T>(c, op->a));
    ORRERY_NEXT(c, op);
}

// --- sign masks ---

struct MaskPs {
    static constexpr unsigned kCount = 4;
    static int mask(Xmm a) { return _mm_movemask_ps(_mm_castsi128_ps(a)); }
};
struct MaskPd {
    static constexpr unsigned kCount = 2;
    static int mask(Xmm a) { return _mm_movemask_pd(_mm_castsi128_pd(a)); }
};
struct MaskBytes {
    static constexpr unsigned kCount = 16;
    static int mask(Xmm a) { return _mm_movemask_epi8(a); }
};

template <typename F, bool wide>
void sign_mask(Cpu* c, const Op* op) {
    u32 mask = static_cast<u32>(F::mask(xmm(c, op->b)));
    if constexpr (wide) mask |= static_cast<u32>(F::mask(avx::upper(c, op->b))) << F::kCount;
    set_reg<u32>(c, op->a, mask);
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_sign_mask(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = insn.vex_l != 0 ? sign_mask<F, true> : sign_mask<F, false>;
}

void op_maskmovdqu(Cpu* c, const Op* op) {
    store_masked(c, op, low(c, op->a), high(c, op->a), static_cast<u32>(_mm_movemask_epi8(xmm(c, op->b))));
    ORRERY_NEXT(c, op);
}

// Without memory operands to reorder, fences do nothing.
void op_fence(Cpu* c, const Op* op) {
    ORRERY_NEXT(c, op);
}

// CLFLUSH is a load to the page tables and to segmentation (SDM vol. 2); there is no cache to flush.
template <bool full>
void op_clflush(Cpu* c, const Op* op) {
    translate(c, op, address<full>(c, op), AccessKind::Read);
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_mov_unaligned(const Insn& insn, u32 key, Op& op) {
    select_combine<Unaligned>(insn, key, op);
}
void select_mov_unaligned_to(const Insn& insn, u32 key, Op& op) {
    select_move_out<false>(insn, key, op);
}
void select_mov_aligned(const Insn& insn, u32 key, Op& op) {
    select_combine<Aligned>(insn, key, op);
}
void select_mov_aligned_to(const Insn& insn, u32 key, Op& op) {
    select_move_out<true>(insn, key, op);
}

void select_movss_load(const Insn& insn, u32 key, Op& op) {
    select_combine<Load4>(insn, key, op);
}
void select_movss_merge(const Insn& insn, u32 key, Op& op) {
    select_combine<Merge4>(insn, key, op);
}
void select_movss_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u32, false>(insn, key, op);
}
void select_movsd_merge(const Insn& insn, u32 key, Op& op) {
    select_combine<LowToLow>(insn, key, op);
}
void select_movq_load(const Insn& insn, u32 key, Op& op) {
    select_combine<Load8>(insn, key, op);
}
void select_movq_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, false>(insn, key, op);
}
void select_movlps_load(const Insn& insn, u32 key, Op& op) {
    select_combine<LowToLow>(insn, key, op);
}
void select_movlps_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, false>(insn, key, op);
}
void select_movhps_load(const Insn& insn, u32 key, Op& op) {
    select_combine<LowToHigh>(insn, key, op);
}
void select_movhps_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, true>(insn, key, op);
}
void select_movlhps(const Insn& insn, u32 key, Op& op) {
    select_combine<LowToHigh>(insn, key, op);
}
void select_movhlps(const Insn& insn, u32 key, Op& op) {
    select_combine<HighToLow>(insn, key, op);
}

void select_movd_from(const Insn& insn, u32 key, Op& op) {
    select_from_general<u32>(insn, key, op);
}
void select_movq_from(const Insn& insn, u32 key, Op& op) {
    select_from_general<u64>(insn, key, op);
}
void select_movd_to(const Insn& insn, u32 key, Op& op) {
    select_to_general<u32>(insn, key, op);
}
void select_movq_to(const Insn& insn, u32 key, Op& op) {
    select_to_general<u64>(insn, key, op);
}
// Works on general registers: neither CR0.TS nor CR4.OSFXSR matters to it.
void select_movnti(const Insn& insn, u32, Op& op) {
    const bool wide = insn.operands[0].size == 8;
    op.fn = by_address(op, [&]<bool full>() -> Handler {
        return wide ? move_nontemporal<u64, full> : move_nontemporal<u32, full>;
    });
}

void select_movmskps(const Insn& insn, u32 key, Op& op) {
    select_sign_mask<MaskPs>(insn, key, op);
}
void select_movmskpd(const Insn& insn, u32 key, Op& op) {
    select_sign_mask<MaskPd>(insn, key, op);
}
void select_pmovmskb(const Insn& insn, u32 key, Op& op) {
    select_sign_mask<MaskBytes>(insn, key, op);
}

void select_maskmovdqu(const Insn& insn, u32 key, Op& op) {
    if (trap_vector(insn, key, op)) return;
    op.fn = op_maskmovdqu;
    op.scale = insn.asize;
    op.accesses = 1;
}

void select_fence(const Insn&, u32, Op& op) {
    op.fn = op_fence;
}
void select_clflush(const Insn&, u32, Op& op) {
    op.accesses = 0;  // moves no data
    op.fn = by_address(op, []<bool full>() -> Handler { return op_clflush<full>; });
}

}  // namespace orrery
