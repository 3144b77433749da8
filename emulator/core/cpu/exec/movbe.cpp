// MOVBE (SDM vol. 2): a move between a register and memory that turns the bytes round.
#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <typename T>
T swapped(T value) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    return static_cast<T>(__builtin_bswap64(value));
}

template <typename T, bool full>
void movbe_rm(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, swapped<T>(load<T>(c, op, address<full>(c, op))));
    ORRERY_NEXT(c, op);
}
template <typename T, bool full>
void movbe_mr(Cpu* c, const Op* op) {
    store<T>(c, op, address<full>(c, op), swapped<T>(reg<T>(c, op->a)));
    ORRERY_NEXT(c, op);
}

}  // namespace

void select_movbe(const Insn& insn, u32, Op& op) {
    const bool loads = insn.operands[1].is_memory();
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        return by_address(
            op, [&]<bool full>() -> Handler { return loads ? movbe_rm<T, full> : movbe_mr<T, full>; });
    });
}

}  // namespace orrery
