// MMX moves, PSHUFW, PALIGNR, insertion and extraction, EMMS (SDM vol. 2).
#include "emulator/core/cpu/vector/mmx.h"

namespace orrery {

using namespace mmx;

namespace {

// From a general register or memory; T is u32 or u64.
template <typename T, Form form>
void move_in(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    if constexpr (form == Form::Register) {
        set_mm(c, op->a, reg<T>(c, op->b));
    } else {
        set_mm(c, op->a, load<T>(c, op, sse::address_of<form>(c, op)));
    }
    ORRERY_NEXT(c, op);
}

template <typename T, Form form>
void move_out(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    if constexpr (form == Form::Register) {
        set_reg<T>(c, op->a, static_cast<T>(mm(c, op->b)));
    } else {
        store<T>(c, op, sse::address_of<form>(c, op), static_cast<T>(mm(c, op->a)));
    }
    enter(c);
    ORRERY_NEXT(c, op);
}

template <typename T>
void select_in(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return move_in<T, form>; });
}
template <typename T>
void select_out(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return move_out<T, form>; });
}

template <Form form>
void move_register(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_mm(c, op->a, source<form>(c, op));
    ORRERY_NEXT(c, op);
}

template <Form form>
void shuffle_words(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 b = source<form>(c, op);
    u64 result = 0;
    for (unsigned i = 0; i < 4; ++i) {
        const unsigned from = static_cast<unsigned>(op->imm) >> (2 * i) & 3;
        result |= (b >> (16 * from) & 0xffff) << (16 * i);
    }
    set_mm(c, op->a, result);
    ORRERY_NEXT(c, op);
}

// Bytes imm to imm + 7 of a:b, zeros beyond.
template <Form form>
void align_right(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const u64 b = source<form>(c, op), a = mm(c, op->a);
    const unsigned bits = 8 * static_cast<u8>(op->imm);
    u64 result = 0;
    if (bits == 0) {
        result = b;
    } else if (bits < 64) {
        result = b >> bits | a << (64 - bits);
    } else if (bits < 128) {
        result = a >> (bits - 64);
    }
    set_mm(c, op->a, result);
    ORRERY_NEXT(c, op);
}

template <Form form>
void insert_word(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    const unsigned shift = 16 * (static_cast<unsigned>(op->imm) & 3);
    u64 word = 0;
    if constexpr (form == Form::Register) {
        word = reg<u16>(c, op->b);
    } else {
        word = load<u16>(c, op, sse::address_of<form>(c, op));
    }
    set_mm(c, op->a, (mm(c, op->a) & ~(u64{0xffff} << shift)) | word << shift);
    ORRERY_NEXT(c, op);
}

void op_extract_word(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_reg<u64>(c, op->a, mm(c, op->b) >> (16 * (op->imm & 3)) & 0xffff);
    enter(c);
    ORRERY_NEXT(c, op);
}

u32 byte_signs(u64 value) {
    return static_cast<u32>(_mm_movemask_epi8(from_low(value)));
}

void op_pmovmskb(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_reg<u64>(c, op->a, byte_signs(mm(c, op->b)));
    enter(c);
    ORRERY_NEXT(c, op);
}

void op_movq2dq(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    sse::xmm(c, op->a) = from_low(mm(c, op->b));
    enter(c);
    ORRERY_NEXT(c, op);
}

void op_movdq2q(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    set_mm(c, op->a, sse::low(c, op->b));
    ORRERY_NEXT(c, op);
}

void op_maskmovq(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    sse::store_masked(c, op, mm(c, op->a), 0, byte_signs(mm(c, op->b)));
    enter(c);
    ORRERY_NEXT(c, op);
}

void op_emms(Cpu* c, const Op* op) {
    check_x87_pending(c, op);
    enter(c);
    c->x87.empty = 0xff;
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_movd_to_mmx(const Insn& insn, u32 key, Op& op) {
    select_in<u32>(insn, key, op);
}
void select_movq_to_mmx(const Insn& insn, u32 key, Op& op) {
    select_in<u64>(insn, key, op);
}
void select_movd_from_mmx(const Insn& insn, u32 key, Op& op) {
    select_out<u32>(insn, key, op);
}
void select_movq_from_mmx(const Insn& insn, u32 key, Op& op) {
    select_out<u64>(insn, key, op);
}
void select_movq_mmx_store(const Insn& insn, u32 key, Op& op) {
    select_out<u64>(insn, key, op);
}
void select_movq_mmx(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return move_register<form>; });
}
void select_pshufw(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return shuffle_words<form>; });
}
void select_palignr_mmx(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return align_right<form>; });
}
void select_pinsrw_mmx(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = by_form(insn, op, []<Form form>() -> Handler { return insert_word<form>; });
}
void select_pextrw_mmx(const Insn&, u32 key, Op& op) {
    if (!trap_mmx(key, op)) op.fn = op_extract_word;
}
void select_pmovmskb_mmx(const Insn&, u32 key, Op& op) {
    if (!trap_mmx(key, op)) op.fn = op_pmovmskb;
}
void select_movq2dq(const Insn&, u32 key, Op& op) {
    if (!trap_sse_mmx(key, op)) op.fn = op_movq2dq;
}
void select_movdq2q(const Insn&, u32 key, Op& op) {
    if (!trap_sse_mmx(key, op)) op.fn = op_movdq2q;
}
void select_maskmovq(const Insn& insn, u32 key, Op& op) {
    if (trap_mmx(key, op)) return;
    op.fn = op_maskmovq;
    op.scale = insn.asize;
    op.accesses = 1;
}
void select_emms(const Insn&, u32 key, Op& op) {
    if (!trap_mmx(key, op)) op.fn = op_emms;
}

}  // namespace orrery
