// Jcc SETcc CMOVcc: handlers for each of the sixteen conditions (SDM vol. 1, appendix B).
#include <array>
#include <utility>

#include "emulator/core/cpu/exec/forms.h"

namespace orrery {

namespace {

template <unsigned cc>
void jcc(Cpu* c, const Op*) {
    if (condition<cc>(c->lf)) ORRERY_FOLLOW_LINK(c, 0);
    ORRERY_FOLLOW_LINK(c, 1);
}

// Legacy modes: the target is as wide as the operand size, and blocks are not linked.
template <unsigned cc>
void jcc_legacy(Cpu* c, const Op* op) {
    u64 target = end_of(c, op);
    if (condition<cc>(c->lf))
        target = (target + static_cast<u64>(static_cast<i64>(op->imm))) & (op->a == 2 ? 0xffff : 0xffff'ffff);
    account_block(c, c->block);
    c->rip_slot = target;
    c->pending_link = nullptr;
    ORRERY_LEAVE(c);
}

template <unsigned cc>
void setcc_r(Cpu* c, const Op* op) {
    set_reg<u8>(c, op->a, condition<cc>(c->lf));
    ORRERY_NEXT(c, op);
}
template <unsigned cc, bool full>
void setcc_m(Cpu* c, const Op* op) {
    store<u8>(c, op, address<full>(c, op), condition<cc>(c->lf));
    ORRERY_NEXT(c, op);
}

// A 32-bit destination is cleared above bit 31 whether it is written or not. Memory is read in any case.
template <unsigned cc, typename T>
void cmov_r(Cpu* c, const Op* op) {
    set_reg<T>(c, op->a, reg<T>(c, condition<cc>(c->lf) ? op->b : op->a));
    ORRERY_NEXT(c, op);
}
template <unsigned cc, typename T, bool full>
void cmov_m(Cpu* c, const Op* op) {
    const T value = load<T>(c, op, address<full>(c, op));
    set_reg<T>(c, op->a, condition<cc>(c->lf) ? value : reg<T>(c, op->a));
    ORRERY_NEXT(c, op);
}

using Handlers = std::array<Handler, 16>;

template <size_t... cc>
constexpr Handlers jcc_table(std::index_sequence<cc...>) {
    return {jcc<cc>...};
}
template <size_t... cc>
constexpr Handlers jcc_legacy_table(std::index_sequence<cc...>) {
    return {jcc_legacy<cc>...};
}
template <size_t... cc>
constexpr Handlers setcc_r_table(std::index_sequence<cc...>) {
    return {setcc_r<cc>...};
}
template <bool full, size_t... cc>
constexpr Handlers setcc_m_table(std::index_sequence<cc...>) {
    return {setcc_m<cc, full>...};
}
template <typename T, size_t... cc>
constexpr Handlers cmov_r_table(std::index_sequence<cc...>) {
    return {cmov_r<cc, T>...};
}
template <typename T, bool full, size_t... cc>
constexpr Handlers cmov_m_table(std::index_sequence<cc...>) {
    return {cmov_m<cc, T, full>...};
}

constexpr auto kAll = std::make_index_sequence<16>();

}  // namespace

void select_jcc(const Insn& insn, u32 key, Op& op) {
    static constexpr Handlers kLinked = jcc_table(kAll);
    static constexpr Handlers kLegacy = jcc_legacy_table(kAll);
    const unsigned cc = insn.opcode & 15;
    op.a = insn.opsize;
    op.fn = mode_of(key) == CpuMode::Bits64 ? kLinked[cc] : kLegacy[cc];
}

void select_setcc(const Insn& insn, u32, Op& op) {
    static constexpr Handlers kRegister = setcc_r_table(kAll);
    static constexpr Handlers kMemory = setcc_m_table<false>(kAll);
    static constexpr Handlers kMemoryFull = setcc_m_table<true>(kAll);
    const unsigned cc = insn.opcode & 15;
    if (insn.operands[0].is_memory()) {
        op.fn = full_address(op) ? kMemoryFull[cc] : kMemory[cc];
    } else {
        op.fn = kRegister[cc];
    }
}

void select_cmovcc(const Insn& insn, u32, Op& op) {
    const unsigned cc = insn.opcode & 15;
    op.fn = by_word_size(insn.operands[0].size, [&]<typename T>() -> Handler {
        static constexpr Handlers kRegister = cmov_r_table<T>(kAll);
        static constexpr Handlers kMemory = cmov_m_table<T, false>(kAll);
        static constexpr Handlers kMemoryFull = cmov_m_table<T, true>(kAll);
        if (insn.operands[1].is_memory()) return full_address(op) ? kMemoryFull[cc] : kMemory[cc];
        return kRegister[cc];
    });
}

}  // namespace orrery
