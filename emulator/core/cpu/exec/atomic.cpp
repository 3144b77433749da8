// XADD CMPXCHG CMPXCHG8B CMPXCHG16B (SDM vol. 2). Atomic by construction: all CPUs share one host thread, and
// no other runs within an instruction.
#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <typename T>
void xadd_r(Cpu* c, const Op* op) {
    const T a = reg<T>(c, op->a), b = reg<T>(c, op->b);
    const T sum = static_cast<T>(a + b);
    c->lf.set_add<T>(a, b, sum);
    set_reg<T>(c, op->b, a);
    set_reg<T>(c, op->a, sum);
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void xadd_m(Cpu* c, const Op* op) {
    const T b = reg<T>(c, op->a);
    T old = 0;
    modify<T>(c, op, address<full>(c, op), [&old, b, c](T value) {
        old = value;
        const T sum = static_cast<T>(value + b);
        c->lf.set_add<T>(value, b, sum);
        return sum;
    });
    set_reg<T>(c, op->a, old);
    ORRERY_NEXT(c, op);
}

template <typename T>
void cmpxchg_r(Cpu* c, const Op* op) {
    const T accumulator = reg<T>(c, kRax * 8), value = reg<T>(c, op->a);
    c->lf.set_sub<T>(accumulator, value, static_cast<T>(accumulator - value));
    if (accumulator == value) {
        set_reg<T>(c, op->a, reg<T>(c, op->b));
    } else {
        set_reg<T>(c, kRax * 8, value);  // the destination keeps even its upper half
    }
    ORRERY_NEXT(c, op);
}
// Memory is written in any case: with the old value where the comparison failed.
template <typename T, bool full>
void cmpxchg_m(Cpu* c, const Op* op) {
    const T accumulator = reg<T>(c, kRax * 8), replacement = reg<T>(c, op->a);
    T old = 0;
    modify<T>(c, op, address<full>(c, op), [&old, accumulator, replacement](T value) {
        old = value;
        return value == accumulator ? replacement : value;
    });
    c->lf.set_sub<T>(accumulator, old, static_cast<T>(accumulator - old));
    if (accumulator != old) set_reg<T>(c, kRax * 8, old);
    ORRERY_NEXT(c, op);
}

void set_zf(Cpu* c, bool equal) {
    const u32 flags = c->lf.get();
    c->lf.set(equal ? flags | rflags::kZf : flags & ~rflags::kZf);
}

template <bool full>
void cmpxchg8b(Cpu* c, const Op* op) {
    const u64 expected = u64{reg<u32>(c, kRdx * 8)} << 32 | reg<u32>(c, kRax * 8);
    const u64 replacement = u64{reg<u32>(c, kRcx * 8)} << 32 | reg<u32>(c, kRbx * 8);
    u64 old = 0;
    modify<u64>(c, op, address<full>(c, op), [&old, expected, replacement](u64 value) {
        old = value;
        return value == expected ? replacement : value;
    });
    if (old != expected) {
        set_reg<u32>(c, kRax * 8, static_cast<u32>(old));
        set_reg<u32>(c, kRdx * 8, static_cast<u32>(old >> 32));
    }
    set_zf(c, old == expected);
    ORRERY_NEXT(c, op);
}

template <bool full>
void cmpxchg16b(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    if ((linear & 15) != 0) raise_error(c, op, Vector::GP, 0);
    u64 old[2], value[2];
    translate(c, op, linear, AccessKind::Write);
    load_bytes(c, op, linear, old, sizeof old);
    const bool equal = old[0] == c->gpr[kRax] && old[1] == c->gpr[kRdx];
    value[0] = equal ? c->gpr[kRbx] : old[0];
    value[1] = equal ? c->gpr[kRcx] : old[1];
    store_bytes(c, op, linear, value, sizeof value);
    if (!equal) {
        c->gpr[kRax] = old[0];
        c->gpr[kRdx] = old[1];
    }
    set_zf(c, equal);
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_xadd(const Insn& insn, u32, Op& op) {
    op.fn = by_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[0].is_memory())
            return by_address(op, []<bool full>() -> Handler { return xadd_m<T, full>; });
        return xadd_r<T>;
    });
}

void select_cmpxchg(const Insn& insn, u32, Op& op) {
    op.fn = by_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[0].is_memory())
            return by_address(op, []<bool full>() -> Handler { return cmpxchg_m<T, full>; });
        return cmpxchg_r<T>;
    });
}

void select_cmpxchg8b(const Insn&, u32, Op& op) {
    op.fn = by_address(op, []<bool full>() -> Handler { return cmpxchg8b<full>; });
}
void select_cmpxchg16b(const Insn&, u32, Op& op) {
    op.fn = by_address(op, []<bool full>() -> Handler { return cmpxchg16b<full>; });
}

}  // namespace orrery
