// Moves between XMM registers, general registers and memory (SDM vol. 2). Non-temporal hints have no effect
// on the modelled machine: its memory is strongly ordered.
#include "emulator/cpu/exec_sse.h"

namespace orrery {

using namespace sse;

namespace {

// --- 16 bytes ---

template <Form form, bool aligned>
void move_in(Cpu* c, const Op* op) {
    xmm(c, op->a) = source<form, 16, aligned>(c, op);
    ORRERY_NEXT(c, op);
}

template <bool aligned>
void select_move_in(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn =
        by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return move_in<form, aligned>; });
}

template <Form form, bool aligned>
void move_out(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        xmm(c, op->a) = xmm(c, op->b);
    } else {
        store_xmm<aligned>(c, op, address_of<form>(c, op), xmm(c, op->a));
    }
    ORRERY_NEXT(c, op);
}

template <bool aligned>
void select_move_out(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn =
        by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return move_out<form, aligned>; });
}

// --- parts: F::move(c, op, source) changes register op->a ---

template <typename F, Form form>
void move_part(Cpu* c, const Op* op) {
    F::move(c, op->a, source<form, F::kBytes, F::kAligned>(c, op));
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_part(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_form<false>(insn, key, op, []<Form form, bool>() -> Handler { return move_part<F, form>; });
}

struct Load4 : Shape<4, false, false> {
    static void move(Cpu* c, u8 a, Xmm b) { xmm(c, a) = b; }
};
struct Load8 : Shape<8, false, false> {  // a register's low half, too
    static void move(Cpu* c, u8 a, Xmm b) { xmm(c, a) = _mm_move_epi64(b); }
};
struct Merge4 : Shape<4, false, false> {
    static void move(Cpu* c, u8 a, Xmm b) {
        const u64 upper = low(c, a) & ~u64{0xffff'ffff};
        low(c, a) = upper | static_cast<u32>(low_of(b));
    }
};
struct LowToLow : Shape<8, false, false> {
    static void move(Cpu* c, u8 a, Xmm b) { low(c, a) = low_of(b); }
};
struct LowToHigh : Shape<8, false, false> {
    static void move(Cpu* c, u8 a, Xmm b) { high(c, a) = low_of(b); }
};
struct HighToLow : Shape<16, false, false> {
    static void move(Cpu* c, u8 a, Xmm b) { low(c, a) = low_of(_mm_unpackhi_epi64(b, b)); }
};

// --- part of register op->a to memory ---

template <typename T, bool upper, bool full>
void store_part(Cpu* c, const Op* op) {
    store<T>(c, op, address<full>(c, op), static_cast<T>(upper ? high(c, op->a) : low(c, op->a)));
    ORRERY_NEXT(c, op);
}

template <typename T, bool upper>
void select_store_part(const Insn&, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = by_address(op, []<bool full>() -> Handler { return store_part<T, upper, full>; });
}

// --- general registers ---

template <typename T, Form form>
void move_from_general(Cpu* c, const Op* op) {
    if constexpr (form == Form::Register) {
        xmm(c, op->a) = from_low(reg<T>(c, op->b));
    } else {
        xmm(c, op->a) = from_low(load<T>(c, op, address_of<form>(c, op)));
    }
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
    if (trap_sse(key, op)) return;
    op.fn = by_form<false>(insn, key, op,
                           []<Form form, bool>() -> Handler { return move_from_general<T, form>; });
}
template <typename T>
void select_to_general(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
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
    static int mask(Xmm a) { return _mm_movemask_ps(_mm_castsi128_ps(a)); }
};
struct MaskPd {
    static int mask(Xmm a) { return _mm_movemask_pd(_mm_castsi128_pd(a)); }
};
struct MaskBytes {
    static int mask(Xmm a) { return _mm_movemask_epi8(a); }
};

template <typename F>
void sign_mask(Cpu* c, const Op* op) {
    set_reg<u32>(c, op->a, static_cast<u32>(F::mask(xmm(c, op->b))));
    ORRERY_NEXT(c, op);
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
    select_move_in<false>(insn, key, op);
}
void select_mov_unaligned_to(const Insn& insn, u32 key, Op& op) {
    select_move_out<false>(insn, key, op);
}
void select_mov_aligned(const Insn& insn, u32 key, Op& op) {
    select_move_in<true>(insn, key, op);
}
void select_mov_aligned_to(const Insn& insn, u32 key, Op& op) {
    select_move_out<true>(insn, key, op);
}

void select_movss_load(const Insn& insn, u32 key, Op& op) {
    select_part<Load4>(insn, key, op);
}
void select_movss_merge(const Insn& insn, u32 key, Op& op) {
    select_part<Merge4>(insn, key, op);
}
void select_movss_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u32, false>(insn, key, op);
}
void select_movsd_merge(const Insn& insn, u32 key, Op& op) {
    select_part<LowToLow>(insn, key, op);
}
void select_movq_load(const Insn& insn, u32 key, Op& op) {
    select_part<Load8>(insn, key, op);
}
void select_movq_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, false>(insn, key, op);
}
void select_movlps_load(const Insn& insn, u32 key, Op& op) {
    select_part<LowToLow>(insn, key, op);
}
void select_movlps_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, false>(insn, key, op);
}
void select_movhps_load(const Insn& insn, u32 key, Op& op) {
    select_part<LowToHigh>(insn, key, op);
}
void select_movhps_store(const Insn& insn, u32 key, Op& op) {
    select_store_part<u64, true>(insn, key, op);
}
void select_movlhps(const Insn& insn, u32 key, Op& op) {
    select_part<LowToHigh>(insn, key, op);
}
void select_movhlps(const Insn& insn, u32 key, Op& op) {
    select_part<HighToLow>(insn, key, op);
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

void select_movmskps(const Insn&, u32 key, Op& op) {
    if (!trap_sse(key, op)) op.fn = sign_mask<MaskPs>;
}
void select_movmskpd(const Insn&, u32 key, Op& op) {
    if (!trap_sse(key, op)) op.fn = sign_mask<MaskPd>;
}
void select_pmovmskb(const Insn&, u32 key, Op& op) {
    if (!trap_sse(key, op)) op.fn = sign_mask<MaskBytes>;
}

void select_maskmovdqu(const Insn& insn, u32 key, Op& op) {
    if (trap_sse(key, op)) return;
    op.fn = op_maskmovdqu;
    op.scale = insn.asize;
    op.accesses = 1;
}

void select_fence(const Insn&, u32, Op& op) {
    op.fn = op_fence;
}
void select_clflush(const Insn&, u32, Op& op) {
    op.fn = by_address(op, []<bool full>() -> Handler { return op_clflush<full>; });
}

}  // namespace orrery
