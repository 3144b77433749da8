// MOV MOVZX MOVSX LEA BSWAP XCHG XLAT CBW CWD and their kin (SDM vol. 2).
#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <typename T>
void mov_rr(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, reg<T>(c, op->b));
    ORRERY_NEXT(c, op);
}
template <typename T>
void mov_ri(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, static_cast<T>(op->imm64()));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full, bool slow = false>
[[gnu::noinline]] void mov_rm(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    ORRERY_UNLESS_READABLE(T, linear, (mov_rm<T, full, true>));
    set_reg<T>(c, op->a, load_or_fast<T, slow>(c, op, linear));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full, bool slow = false>
[[gnu::noinline]] void mov_mr(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    ORRERY_UNLESS_WRITABLE(T, linear, (mov_mr<T, full, true>));
    store_or_fast<T, slow>(c, op, linear, reg<T>(c, op->a));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full, bool slow = false>
[[gnu::noinline]] void mov_mi(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    ORRERY_UNLESS_WRITABLE(T, linear, (mov_mi<T, full, true>));
    store_or_fast<T, slow>(c, op, linear, static_cast<T>(static_cast<i64>(op->imm)));
    ORRERY_NEXT(c, op);
}

// To: the destination's type; From: the source's, signed or not.
template <typename To, typename From>
To extended(From value) {
    return static_cast<To>(static_cast<i64>(value));
}
template <typename To, typename From>
void extend_rr(Cpu* c, const Op* op) {
    set_reg<To>(c, op->a, extended<To>(reg<From>(c, op->b)));
    ORRERY_NEXT(c, op);
}
template <typename To, typename From, bool full, bool slow = false>
[[gnu::noinline]] void extend_rm(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    ORRERY_UNLESS_READABLE(From, linear, (extend_rm<To, From, full, true>));
    set_reg<To>(c, op->a, extended<To>(load_or_fast<From, slow>(c, op, linear)));
    ORRERY_NEXT(c, op);
}

template <typename From>
void select_extend(const Insn& insn, Op& op) {
    op.fn = by_word_size(insn.operands[0].size, [&]<typename To>() -> Handler {
        if (insn.operands[1].is_memory())
            return by_address(op, []<bool full>() -> Handler { return extend_rm<To, From, full>; });
        return extend_rr<To, From>;
    });
}

// LEA takes no segment base; a narrower address size wraps the sum.
template <typename T, bool full>
void lea(Cpu* c, const Op* op) {
    u64 value = reg<u64>(c, op->base) + static_cast<u64>(op->disp);
    if constexpr (full) value += reg<u64>(c, op->index) << op->scale;
    set_reg<T>(c, op->a, static_cast<T>(value));
    ORRERY_NEXT(c, op);
}
template <typename T, typename Address>
void lea_narrow(Cpu* c, const Op* op) {
    const u64 value =
        reg<u64>(c, op->base) + static_cast<u64>(op->disp) + (reg<u64>(c, op->index) << op->scale);
    set_reg<T>(c, op->a, static_cast<T>(static_cast<Address>(value)));
    ORRERY_NEXT(c, op);
}

template <typename T>
void bswap(Cpu* c, const Op* op) {
    if constexpr (sizeof(T) == 2) {
        set_reg<T>(c, op->a, 0);  // undefined in the manual; 0 on all hardware
    } else if constexpr (sizeof(T) == 4) {
        set_reg<T>(c, op->a, __builtin_bswap32(reg<T>(c, op->a)));
    } else if constexpr (sizeof(T) == 8) {
        set_reg<T>(c, op->a, __builtin_bswap64(reg<T>(c, op->a)));
    }
    ORRERY_NEXT(c, op);
}

template <typename T>
void xchg_rr(Cpu* c, const Op* op) {
    const T a = reg<T>(c, op->a), b = reg<T>(c, op->b);
    set_reg<T>(c, op->a, b);
    set_reg<T>(c, op->b, a);
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void xchg_m(Cpu* c, const Op* op) {
    const T value = reg<T>(c, op->a);
    T old = 0;
    modify<T>(c, op, address<full>(c, op), [&old, value](T memory) {
        old = memory;
        return value;
    });
    set_reg<T>(c, op->a, old);
    ORRERY_NEXT(c, op);
}

// The segment is op->segment, the address size in op->scale as a shift of the mask.
void xlat(Cpu* c, const Op* op) {
    const u64 mask = ~u64{0} >> op->scale;
    const u64 offset = (c->gpr[kRbx] + reg<u8>(c, kRax * 8)) & mask;
    set_reg<u8>(c, kRax * 8, load<u8>(c, op, offset + c->seg_base[op->segment]));
    ORRERY_NEXT(c, op);
}

template <typename To, typename From>
void cbw(Cpu* c, const Op* op) {
    set_reg<To>(c, kRax * 8, extended<To>(reg<From>(c, kRax * 8)));
    ORRERY_NEXT(c, op);
}
template <typename T>
void cwd(Cpu* c, const Op* op) {
    const bool negative = static_cast<std::make_signed_t<T>>(reg<T>(c, kRax * 8)) < 0;
    set_reg<T>(c, kRdx * 8, negative ? static_cast<T>(~T{0}) : T{0});
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_mov(const Insn& insn, u32, Op& op) {
    const Operand& to = insn.operands[0];
    const Operand& from = insn.operands[1];
    op.fn = by_size(to.size, [&]<typename T>() -> Handler {
        if (to.is_memory()) {
            return by_address(op, [&]<bool full>() -> Handler {
                return from.is_gpr() ? mov_mr<T, full> : mov_mi<T, full>;
            });
        }
        if (from.is_memory()) return by_address(op, []<bool full>() -> Handler { return mov_rm<T, full>; });
        return from.is_gpr() ? mov_rr<T> : mov_ri<T>;
    });
}

void select_movzx(const Insn& insn, u32, Op& op) {
    if (insn.operands[1].size == 1) {
        select_extend<u8>(insn, op);
    } else {
        select_extend<u16>(insn, op);
    }
}

void select_movsx(const Insn& insn, u32, Op& op) {
    switch (insn.operands[1].size) {
        case 1:
            select_extend<i8>(insn, op);
            break;
        case 2:
            select_extend<i16>(insn, op);
            break;
        default:
            select_extend<i32>(insn, op);
            break;
    }
}

void select_lea(const Insn& insn, u32, Op& op) {
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.asize == 2) return lea_narrow<T, u16>;
        if (insn.asize == 4) return lea_narrow<T, u32>;
        return op.index != kSlotZero ? lea<T, true> : lea<T, false>;
    });
}

void select_bswap(const Insn& insn, u32, Op& op) {
    op.fn = by_word_size(insn.operands[0].size, []<typename T>() -> Handler { return bswap<T>; });
}

void select_xchg(const Insn& insn, u32, Op& op) {
    op.fn = by_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        if (insn.operands[0].is_memory())
            return by_address(op, []<bool full>() -> Handler { return xchg_m<T, full>; });
        return xchg_rr<T>;
    });
}

void select_xlat(const Insn& insn, u32, Op& op) {
    op.scale = static_cast<u8>(64 - 8 * insn.asize);
    op.accesses = 1;
    op.fn = xlat;
}

void select_cbw(const Insn& insn, u32, Op& op) {
    op.fn = insn.opsize == 2 ? cbw<u16, i8> : insn.opsize == 4 ? cbw<u32, i16> : cbw<u64, i32>;
}

void select_cwd(const Insn& insn, u32, Op& op) {
    op.fn = by_word_size(insn.opsize, []<typename T>() -> Handler { return cwd<T>; });
}

}  // namespace orrery
