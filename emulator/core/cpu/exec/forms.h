// Instances of a handler by operand size and form, and how a selector picks one.
#pragma once

#include "emulator/core/cpu/run/dispatch.h"
#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/run/memory.h"

namespace orrery {

// Calls pick.template operator()<T>() with the unsigned type of `size` bytes (1, 2, 4 or 8).
template <typename Pick>
Handler by_size(unsigned size, Pick pick) {
    switch (size) {
        case 1:
            return pick.template operator()<u8>();
        case 2:
            return pick.template operator()<u16>();
        case 4:
            return pick.template operator()<u32>();
        default:
            return pick.template operator()<u64>();
    }
}
template <typename Pick>
Handler by_word_size(unsigned size, Pick pick) {
    switch (size) {
        case 2:
            return pick.template operator()<u16>();
        case 4:
            return pick.template operator()<u32>();
        default:
            return pick.template operator()<u64>();
    }
}

// Calls pick.template operator()<full>() by the shape of the memory operand.
template <typename Pick>
Handler by_address(const Op& op, Pick pick) {
    return full_address(op) ? pick.template operator()<true>() : pick.template operator()<false>();
}

// Two operands, `a` also the destination: F::apply(c, a, b) sets flags and returns the result, kept if
// F::kWrites.
template <typename F, typename T>
void binary_rr(Cpu* c, const Op* op) {
    const T result = F::template apply<T>(c, reg<T>(c, op->a), reg<T>(c, op->b));
    if constexpr (F::kWrites) set_reg<T>(c, op->a, result);
    ORRERY_NEXT(c, op);
}
template <typename F, typename T>
void binary_ri(Cpu* c, const Op* op) {
    const T result = F::template apply<T>(c, reg<T>(c, op->a), static_cast<T>(static_cast<i64>(op->imm)));
    if constexpr (F::kWrites) set_reg<T>(c, op->a, result);
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full, bool slow = false>
[[gnu::noinline]] void binary_rm(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    ORRERY_UNLESS_READABLE(T, linear, (binary_rm<F, T, full, true>));
    const T operand = load_or_fast<T, slow>(c, op, linear);
    const T result = F::template apply<T>(c, reg<T>(c, op->a), operand);
    if constexpr (F::kWrites) set_reg<T>(c, op->a, result);
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full, bool slow = false>
[[gnu::noinline]] void binary_mr(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    const T operand = reg<T>(c, op->a);
    if constexpr (F::kWrites) {
        ORRERY_UNLESS_WRITABLE(T, linear, (binary_mr<F, T, full, true>));
        modify_or_fast<T, slow>(c, op, linear,
                                [=](T value) { return F::template apply<T>(c, value, operand); });
    } else {
        ORRERY_UNLESS_READABLE(T, linear, (binary_mr<F, T, full, true>));
        F::template apply<T>(c, load_or_fast<T, slow>(c, op, linear), operand);
    }
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full, bool slow = false>
[[gnu::noinline]] void binary_mi(Cpu* c, const Op* op) {
    const u64 linear = address<full>(c, op);
    const T operand = static_cast<T>(static_cast<i64>(op->imm));
    if constexpr (F::kWrites) {
        ORRERY_UNLESS_WRITABLE(T, linear, (binary_mi<F, T, full, true>));
        modify_or_fast<T, slow>(c, op, linear,
                                [=](T value) { return F::template apply<T>(c, value, operand); });
    } else {
        ORRERY_UNLESS_READABLE(T, linear, (binary_mi<F, T, full, true>));
        F::template apply<T>(c, load_or_fast<T, slow>(c, op, linear), operand);
    }
    ORRERY_NEXT(c, op);
}

// The same without flags, where F has such a form: F::Plain.
template <typename F>
concept HasPlain = requires {
    typename F::Plain;
};

template <typename F>
void select_binary(const Insn& insn, u32 key, Op& op) {
    const Operand& to = insn.operands[0];
    const Operand& from = insn.operands[1];
    if constexpr (HasPlain<F>) {
        if ((key & key::kFlagsDead) != 0) {
            op.fn = by_size(to.size, [&]<typename T>() -> Handler {
                return from.is_gpr() ? binary_rr<typename F::Plain, T> : binary_ri<typename F::Plain, T>;
            });
            return;
        }
    }
    op.fn = by_size(to.size, [&]<typename T>() -> Handler {
        if (to.is_memory()) {
            return by_address(op, [&]<bool full>() -> Handler {
                return from.is_gpr() ? binary_mr<F, T, full> : binary_mi<F, T, full>;
            });
        }
        if (from.is_memory())
            return by_address(op, []<bool full>() -> Handler { return binary_rm<F, T, full>; });
        return from.is_gpr() ? binary_rr<F, T> : binary_ri<F, T>;
    });
}

// One operand, read and written: F::apply(c, a).
template <typename F, typename T>
void unary_r(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, F::template apply<T>(c, reg<T>(c, op->a)));
    ORRERY_NEXT(c, op);
}
template <typename F, typename T, bool full>
void unary_m(Cpu* c, const Op* op) {
    modify<T>(c, op, address<full>(c, op), [=](T value) { return F::template apply<T>(c, value); });
    ORRERY_NEXT(c, op);
}

template <typename F>
void select_unary(const Insn& insn, u32 key, Op& op) {
    const Operand& operand = insn.operands[0];
    if constexpr (HasPlain<F>) {
        if ((key & key::kFlagsDead) != 0) {
            op.fn =
                by_size(operand.size, []<typename T>() -> Handler { return unary_r<typename F::Plain, T>; });
            return;
        }
    }
    op.fn = by_size(operand.size, [&]<typename T>() -> Handler {
        if (operand.is_memory())
            return by_address(op, []<bool full>() -> Handler { return unary_m<F, T, full>; });
        return unary_r<F, T>;
    });
}

}  // namespace orrery
