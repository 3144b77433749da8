// Near JMP CALL RET LOOP JRCXZ (SDM vol. 2). In 64-bit mode blocks are linked; in legacy modes every branch
// goes through the run loop, with the target as wide as the operand size.
#include "emulator/core/cpu/exec/forms.h"
#include "emulator/core/cpu/exec/stack.h"

namespace orrery {

namespace {

inline void check_target(Cpu* c, const Op* op, u64 target) {
    if (__builtin_expect(static_cast<u64>(static_cast<i64>(target << 16) >> 16) != target, 0) &&
        !is_canonical(c, target))
        raise_error(c, op, Vector::GP, 0);
}

void jmp_rel(Cpu* c, const Op*) {
    ORRERY_FOLLOW_LINK(c, 0);
}

template <bool slow = false>
[[gnu::noinline]] void call_rel(Cpu* c, const Op* op) {
    const u64 top = c->gpr[kRsp] - 8;
    ORRERY_UNLESS_WRITABLE(u64, top, call_rel<true>);
    store_or_fast<u64, slow>(c, op, top, end_of(c, op));
    c->gpr[kRsp] = top;
    ORRERY_FOLLOW_LINK(c, 0);
}

void jmp_r(Cpu* c, const Op* op) {
    const u64 target = reg<u64>(c, op->a);
    check_target(c, op, target);
    ORRERY_FOLLOW_RIP(c, target);
}
template <bool full>
void jmp_m(Cpu* c, const Op* op) {
    const u64 target = load<u64>(c, op, address<full>(c, op));
    check_target(c, op, target);
    ORRERY_FOLLOW_RIP(c, target);
}
void call_r(Cpu* c, const Op* op) {
    const u64 target = reg<u64>(c, op->a);
    check_target(c, op, target);
    check_stack_canonical(c, op, c->gpr[kRsp] - 8);
    push<u64>(c, op, end_of(c, op));
    ORRERY_FOLLOW_RIP(c, target);
}
template <bool full>
void call_m(Cpu* c, const Op* op) {
    const u64 target = load<u64>(c, op, address<full>(c, op));
    check_target(c, op, target);
    check_stack_canonical(c, op, c->gpr[kRsp] - 8);
    push<u64>(c, op, end_of(c, op));
    ORRERY_FOLLOW_RIP(c, target);
}
template <bool slow = false>
[[gnu::noinline]] void ret(Cpu* c, const Op* op) {
    const u64 top = c->gpr[kRsp];
    ORRERY_UNLESS_READABLE(u64, top, ret<true>);
    const u64 target = load_or_fast<u64, slow>(c, op, top);
    check_target(c, op, target);
    c->gpr[kRsp] = top + 8 + static_cast<u16>(op->imm);
    ORRERY_FOLLOW_RIP(c, target);
}

// Legacy modes. T: the operand size.
#define ORRERY_GO_LEGACY(c, target)             \
    do {                                        \
        account_block((c), (c)->block);         \
        (c)->rip_slot = static_cast<T>(target); \
        (c)->pending_link = nullptr;            \
        ORRERY_LEAVE(c);                        \
    } while (0)

template <typename T>
void check_limit(Cpu* c, const Op* op, u64 target) {
    if (static_cast<T>(target) > c->seg[kCs].limit) raise_error(c, op, Vector::GP, 0);
}

template <typename T>
void jmp_rel_legacy(Cpu* c, const Op* op) {
    const u64 target = end_of(c, op) + static_cast<u64>(static_cast<i64>(op->imm));
    check_limit<T>(c, op, target);
    ORRERY_GO_LEGACY(c, target);
}
template <typename T>
void call_rel_legacy(Cpu* c, const Op* op) {
    const u64 target = end_of(c, op) + static_cast<u64>(static_cast<i64>(op->imm));
    check_limit<T>(c, op, target);
    push<T>(c, op, static_cast<T>(end_of(c, op)));
    ORRERY_GO_LEGACY(c, target);
}
template <typename T>
u64 legacy_operand(Cpu* c, const Op* op) {
    const bool memory = op->base == kSlotAddress;
    return memory ? load<T>(c, op, address<false>(c, op)) : reg<T>(c, op->a);
}
template <typename T>
void jmp_near_legacy(Cpu* c, const Op* op) {
    const u64 target = legacy_operand<T>(c, op);
    check_limit<T>(c, op, target);
    ORRERY_GO_LEGACY(c, target);
}
template <typename T>
void call_near_legacy(Cpu* c, const Op* op) {
    const u64 target = legacy_operand<T>(c, op);
    check_limit<T>(c, op, target);
    push<T>(c, op, static_cast<T>(end_of(c, op)));
    ORRERY_GO_LEGACY(c, target);
}
template <typename T>
void ret_legacy(Cpu* c, const Op* op) {
    const u64 target = stack_top<T>(c, op);
    check_limit<T>(c, op, target);
    set_stack_pointer(c, c->gpr[kRsp] + sizeof(T) + static_cast<u16>(op->imm));
    ORRERY_GO_LEGACY(c, target);
}

// LOOPcc and JRCXZ count in rCX as wide as the address size (op->scale: shift of its mask). Which: op->b.
enum LoopKind : u8 { kLoop, kLoopE, kLoopNe, kJrcxz };

bool loop_taken(Cpu* c, const Op* op) {
    const u64 mask = ~u64{0} >> op->scale;
    if (op->b != kJrcxz) {
        const u64 count = (c->gpr[kRcx] - 1) & mask;
        // A 32-bit count clears the upper half; a 16-bit one leaves it.
        c->gpr[kRcx] = op->scale == 48 ? (c->gpr[kRcx] & ~mask) | count : count;
    }
    const bool zero = (c->gpr[kRcx] & mask) == 0;
    switch (op->b) {
        case kJrcxz:
            return zero;
        case kLoopE:
            return !zero && c->lf.zf();
        case kLoopNe:
            return !zero && !c->lf.zf();
        default:
            return !zero;
    }
}

void loop(Cpu* c, const Op* op) {
    if (loop_taken(c, op)) ORRERY_FOLLOW_LINK(c, 0);
    ORRERY_FOLLOW_LINK(c, 1);
}
// Only a taken branch is cut to the operand size.
template <typename Width>
void loop_legacy(Cpu* c, const Op* op) {
    using T = u32;
    u64 target = end_of(c, op);
    if (loop_taken(c, op)) target = static_cast<Width>(target + static_cast<u64>(static_cast<i64>(op->imm)));
    ORRERY_GO_LEGACY(c, target);
}

void select_loop_kind(const Insn& insn, u32 key, Op& op, LoopKind kind) {
    op.b = kind;
    op.scale = static_cast<u8>(64 - 8 * insn.asize);
    op.fn = mode_of(key) == CpuMode::Bits64 ? loop : insn.opsize == 2 ? loop_legacy<u16> : loop_legacy<u32>;
}

#define ORRERY_BY_LEGACY_SIZE(handler) (insn.opsize == 2 ? handler<u16> : handler<u32>)

}  // namespace

void select_jmp_rel(const Insn& insn, u32 key, Op& op) {
    op.fn = mode_of(key) == CpuMode::Bits64 ? jmp_rel : ORRERY_BY_LEGACY_SIZE(jmp_rel_legacy);
}

void select_call_rel(const Insn& insn, u32 key, Op& op) {
    op.accesses = 1;
    op.segment = kSs;
    op.fn = mode_of(key) == CpuMode::Bits64 ? call_rel<> : ORRERY_BY_LEGACY_SIZE(call_rel_legacy);
}

void select_jmp_near(const Insn& insn, u32 key, Op& op) {
    if (mode_of(key) != CpuMode::Bits64) {
        op.fn = ORRERY_BY_LEGACY_SIZE(jmp_near_legacy);
    } else if (insn.operands[0].is_memory()) {
        op.fn = by_address(op, []<bool full>() -> Handler { return jmp_m<full>; });
    } else {
        op.fn = jmp_r;
    }
}

void select_call_near(const Insn& insn, u32 key, Op& op) {
    op.accesses = insn.operands[0].is_memory() ? 2 : 1;
    if (mode_of(key) != CpuMode::Bits64) {
        op.fn = ORRERY_BY_LEGACY_SIZE(call_near_legacy);
    } else if (insn.operands[0].is_memory()) {
        op.fn = by_address(op, []<bool full>() -> Handler { return call_m<full>; });
    } else {
        op.fn = call_r;
    }
}

void select_ret_near(const Insn& insn, u32 key, Op& op) {
    op.accesses = 1;
    op.segment = kSs;
    op.imm = insn.operand_count > 0 ? static_cast<i32>(insn.imm & 0xffff) : 0;
    op.fn = mode_of(key) == CpuMode::Bits64 ? ret<> : ORRERY_BY_LEGACY_SIZE(ret_legacy);
}

void select_loop(const Insn& insn, u32 key, Op& op) {
    select_loop_kind(insn, key, op, kLoop);
}
void select_loope(const Insn& insn, u32 key, Op& op) {
    select_loop_kind(insn, key, op, kLoopE);
}
void select_loopne(const Insn& insn, u32 key, Op& op) {
    select_loop_kind(insn, key, op, kLoopNe);
}
void select_jrcxz(const Insn& insn, u32 key, Op& op) {
    select_loop_kind(insn, key, op, kJrcxz);
}

}  // namespace orrery
