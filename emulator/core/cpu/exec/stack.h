// The stack as near instructions use it (SDM vol. 1, 6.2). In 64-bit mode RSP is the linear address; in
// legacy modes SP or ESP (by SS.B) is an offset in SS. An access that faults leaves RSP as it was.
#pragma once

#include "emulator/core/cpu/run/memory.h"

namespace orrery {

// Where `offset` (already wrapped) lies in SS, checked against its limit.
u64 stack_linear(Cpu* c, const Op* op, u64 offset, unsigned size);

inline u64 stack_mask(const Cpu* c) {
    if (c->code64()) return ~u64{0};
    return (c->key & key::kStack32) != 0 ? 0xffff'ffff : 0xffff;
}

inline void set_stack_pointer(Cpu* c, u64 value) {
    const u64 mask = stack_mask(c);
    c->gpr[kRsp] = mask == 0xffff ? (c->gpr[kRsp] & ~mask) | (value & mask) : value & mask;
}

// #SS(0) for a stack that is not canonical, in instructions whose Op names the segment of another operand.
inline void check_stack_canonical(Cpu* c, const Op* op, u64 top) {
    if (c->code64() && __builtin_expect(!is_canonical(c, top), 0)) raise_error(c, op, Vector::SS, 0);
}

template <typename T>
inline void push(Cpu* c, const Op* op, T value) {
    const u64 top = c->gpr[kRsp] - sizeof(T);
    if (__builtin_expect(c->code64(), 1)) {
        store<T>(c, op, top, value);
        c->gpr[kRsp] = top;
        return;
    }
    store<T>(c, op, stack_linear(c, op, top & stack_mask(c), sizeof(T)), value);
    set_stack_pointer(c, top);
}

// Reads the top of the stack; the caller moves RSP (set_stack_pointer) once nothing can fault any more.
template <typename T>
inline T stack_top(Cpu* c, const Op* op, u64 above = 0) {
    const u64 top = c->gpr[kRsp] + above;
    if (__builtin_expect(c->code64(), 1)) return load<T>(c, op, top);
    return load<T>(c, op, stack_linear(c, op, top & stack_mask(c), sizeof(T)));
}

template <typename T>
inline T pop(Cpu* c, const Op* op) {
    const T value = stack_top<T>(c, op);
    if (__builtin_expect(c->code64(), 1)) {
        c->gpr[kRsp] += sizeof(T);
    } else {
        set_stack_pointer(c, c->gpr[kRsp] + sizeof(T));
    }
    return value;
}

}  // namespace orrery
