// PUSH POP PUSHA POPA ENTER LEAVE (SDM vol. 2).
#include "emulator/core/cpu/exec/stack.h"
#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

u64 stack_linear(Cpu* c, const Op* op, u64 offset, unsigned size) {
    if (!c->code64()) {
        const Segment& ss = c->seg[kSs];
        const bool expand_down = (ss.access & 0xc) == 0x4;
        const u64 last = offset + size - 1;
        const bool inside =
            expand_down ? offset > ss.limit && last <= (ss.big() ? 0xffff'ffffu : 0xffffu) : last <= ss.limit;
        if (!inside) raise_error(c, op, Vector::SS, 0);
        return (offset + c->seg_base[kSs]) & 0xffff'ffff;
    }
    return offset;
}

namespace {

template <typename T, bool slow = false>
[[gnu::noinline]] void push_r64(Cpu* c, const Op* op) {
    const u64 top = c->gpr[kRsp] - sizeof(T);
    ORRERY_UNLESS_WRITABLE(T, top, (push_r64<T, true>));
    store_or_fast<T, slow>(c, op, top, reg<T>(c, op->a));
    c->gpr[kRsp] = top;
    ORRERY_NEXT(c, op);
}
template <typename T, bool slow = false>
[[gnu::noinline]] void pop_r64(Cpu* c, const Op* op) {
    const u64 top = c->gpr[kRsp];
    ORRERY_UNLESS_READABLE(T, top, (pop_r64<T, true>));
    const T value = load_or_fast<T, slow>(c, op, top);
    c->gpr[kRsp] = top + sizeof(T);
    set_reg<T>(c, op->a, value);
    ORRERY_NEXT(c, op);
}

template <typename T>
void push_r(Cpu* c, const Op* op) {
    push<T>(c, op, reg<T>(c, op->a));
    ORRERY_NEXT(c, op);
}
template <typename T>
void push_i(Cpu* c, const Op* op) {
    push<T>(c, op, static_cast<T>(static_cast<i64>(op->imm)));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void push_m(Cpu* c, const Op* op) {
    const T value = load<T>(c, op, address<full>(c, op));
    check_stack_canonical(c, op, c->gpr[kRsp] - sizeof(T));
    push<T>(c, op, value);
    ORRERY_NEXT(c, op);
}

template <typename T>
void pop_r(Cpu* c, const Op* op) {
    const T value = pop<T>(c, op);
    set_reg<T>(c, op->a, value);
    ORRERY_NEXT(c, op);
}
// The destination's address is worked out with RSP already moved (op->imm: it is made from RSP); a fault of
// the store puts it back.
template <typename T, bool full>
void pop_m(Cpu* c, const Op* op) {
    check_stack_canonical(c, op, c->gpr[kRsp]);
    const T value = stack_top<T>(c, op);
    u64 linear = address<full>(c, op);
    if (op->imm != 0) linear += sizeof(T);
    store<T>(c, op, linear, value);
    set_stack_pointer(c, c->gpr[kRsp] + sizeof(T));
    ORRERY_NEXT(c, op);
}

// The same with legacy segmentation or a narrower address: checked after the stack has been read. op->imm:
// bit 0 as above, bits 7:4 the width of the address in bytes.
template <typename T>
void pop_m_cut(Cpu* c, const Op* op) {
    check_stack_canonical(c, op, c->gpr[kRsp]);
    const T value = stack_top<T>(c, op);
    u64 offset = reg<u64>(c, op->base) + (reg<u64>(c, op->index) << op->scale) + static_cast<u64>(op->disp);
    if ((op->imm & 1) != 0) offset += sizeof(T);
    const unsigned width = op->imm >> 4 & 15;
    if (width < 8) offset &= (u64{1} << 8 * width) - 1;
    store<T>(c, op, segment_linear(c, op, op->segment, offset, sizeof(T), true), value);
    set_stack_pointer(c, c->gpr[kRsp] + sizeof(T));
    ORRERY_NEXT(c, op);
}

template <typename T>
void pusha(Cpu* c, const Op* op) {
    const u64 mask = stack_mask(c);
    const u64 top = c->gpr[kRsp];
    // All or nothing: the far end is checked first.
    stack_linear(c, op, (top - 8 * sizeof(T)) & mask, sizeof(T));
    for (unsigned i = 0; i < 8; ++i) {
        const u64 at = (top - (i + 1) * sizeof(T)) & mask;
        store<T>(c, op, stack_linear(c, op, at, sizeof(T)), reg<T>(c, static_cast<u8>(i * 8)));
    }
    set_stack_pointer(c, top - 8 * sizeof(T));
    ORRERY_NEXT(c, op);
}
template <typename T>
void popa(Cpu* c, const Op* op) {
    T values[8];
    for (unsigned i = 0; i < 8; ++i) values[i] = stack_top<T>(c, op, i * sizeof(T));
    for (unsigned i = 0; i < 8; ++i)
        if (7 - i != kRsp) set_reg<T>(c, static_cast<u8>((7 - i) * 8), values[i]);
    set_stack_pointer(c, c->gpr[kRsp] + 8 * sizeof(T));
    ORRERY_NEXT(c, op);
}

// ENTER: imm is the size, op->a the nesting level (0-31). T is the operand, the frame pointer is as wide as
// the stack.
template <typename T>
void enter(Cpu* c, const Op* op) {
    const u64 mask = stack_mask(c);
    const unsigned level = op->a;
    const u64 top = c->gpr[kRsp];
    u64 at = top - sizeof(T);
    store<T>(c, op, stack_linear(c, op, at & mask, sizeof(T)), reg<T>(c, kRbp * 8));
    const u64 frame = at;
    for (unsigned i = 1; i < level; ++i) {
        const u64 from = (c->gpr[kRbp] - i * sizeof(T)) & mask;
        const T link = load<T>(c, op, stack_linear(c, op, from, sizeof(T)));
        at -= sizeof(T);
        store<T>(c, op, stack_linear(c, op, at & mask, sizeof(T)), link);
    }
    if (level > 0) {
        at -= sizeof(T);
        store<T>(c, op, stack_linear(c, op, at & mask, sizeof(T)), static_cast<T>(frame));
    }
    at -= static_cast<u16>(op->imm);
    // The page the new top lies in must be writable (SDM: #PF if not), though nothing is written.
    translate(c, op, stack_linear(c, op, at & mask, 1), AccessKind::Write);
    set_reg<T>(c, kRbp * 8, static_cast<T>(frame));
    set_stack_pointer(c, at);
    ORRERY_NEXT(c, op);
}

template <typename T>
void leave(Cpu* c, const Op* op) {
    const u64 frame = c->gpr[kRbp] & stack_mask(c);
    const T value = load<T>(c, op, c->code64() ? frame : stack_linear(c, op, frame, sizeof(T)));
    set_stack_pointer(c, frame + sizeof(T));
    set_reg<T>(c, kRbp * 8, value);
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_push(const Insn& insn, u32 key, Op& op) {
    const Operand& from = insn.operands[0];
    const bool long_mode = mode_of(key) == CpuMode::Bits64;
    if (!from.is_memory()) op.segment = kSs;
    op.accesses = from.is_memory() ? 2 : 1;
    op.fn = by_word_size(insn.opsize, [&]<typename T>() -> Handler {
        if (from.is_memory()) return by_address(op, []<bool full>() -> Handler { return push_m<T, full>; });
        if (!from.is_gpr()) return push_i<T>;
        return long_mode ? push_r64<T> : push_r<T>;
    });
}

void select_pop(const Insn& insn, u32 key, Op& op) {
    const Operand& to = insn.operands[0];
    const bool long_mode = mode_of(key) == CpuMode::Bits64;
    if (!to.is_memory()) op.segment = kSs;
    const bool cut = !long_mode || insn.asize != 8;
    if (to.is_memory()) op.imm = (insn.base == kRsp ? 1 : 0) | (cut ? insn.asize << 4 : 0);
    op.accesses = to.is_memory() ? 2 : 1;
    op.fn = by_word_size(insn.opsize, [&]<typename T>() -> Handler {
        if (to.is_memory() && cut) return pop_m_cut<T>;
        if (to.is_memory()) return by_address(op, []<bool full>() -> Handler { return pop_m<T, full>; });
        return long_mode ? pop_r64<T> : pop_r<T>;
    });
}

void select_pusha(const Insn& insn, u32, Op& op) {
    op.accesses = 8;
    op.fn = insn.opsize == 2 ? pusha<u16> : pusha<u32>;
}
void select_popa(const Insn& insn, u32, Op& op) {
    op.accesses = 8;
    op.fn = insn.opsize == 2 ? popa<u16> : popa<u32>;
}

void select_enter(const Insn& insn, u32, Op& op) {
    op.a = static_cast<u8>(insn.imm2 & 31);
    op.segment = kSs;
    op.accesses = static_cast<u8>(op.a == 0 ? 1 : op.a < 8 ? 2 * op.a : 15);
    op.fn = by_word_size(insn.opsize, []<typename T>() -> Handler { return enter<T>; });
}
void select_leave(const Insn& insn, u32, Op& op) {
    op.segment = kSs;
    op.accesses = 1;
    op.fn = by_word_size(insn.opsize, []<typename T>() -> Handler { return leave<T>; });
}

}  // namespace orrery
