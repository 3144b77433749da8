// A stack on which a frame is laid before anything else changes: that of an event's handler, or of a call
// gate's inner level. Part of exceptions.cpp and far_transfer.cpp.
#pragma once

#include "emulator/core/cpu/exec/stack.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

struct FrameStack {
    u64 sp;
    u64 mask;                // bits of the stack pointer in use
    const Segment* segment;  // null: flat 64-bit
    bool supervisor;         // of the level that the stack belongs to
    u32 fault_code;          // of #SS
};

// Pushes `width` bytes; #SS where they lie outside the limit or are not canonical.
inline void push_frame(Cpu* c, const Op* op, FrameStack& stack, unsigned width, u64 value) {
    const u64 sp = (stack.sp - width) & stack.mask;
    u64 linear = sp;
    if (stack.segment != nullptr) {
        if (!within_limit(*stack.segment, sp, width)) raise_error(c, op, Vector::SS, stack.fault_code);
        linear = (stack.segment->base + sp) & 0xffff'ffff;
    } else if (!is_canonical(c, sp)) {
        raise_error(c, op, Vector::SS, stack.fault_code);
    }
    if (stack.supervisor) {
        store_system(c, op, linear, width, value);
    } else {
        store_slow(c, op, linear, width, value);
        ++c->accesses;
    }
    stack.sp = sp;
}

// The `width` bytes at `above` bytes from the top of the current stack, with the current privilege.
inline u64 read_stack(Cpu* c, const Op* op, u64 above, unsigned width) {
    const u64 sp = (c->gpr[kRsp] + above) & stack_mask(c);
    if (c->code64() && !is_canonical(c, sp)) raise_error(c, op, Vector::SS, 0);
    const u64 linear = c->code64() ? sp : stack_linear(c, op, sp, width);
    ++c->accesses;
    return load_slow(c, op, linear, width);
}

// The stack pointer after a change of stack: as wide as the new mode and segment make it.
inline u64 new_stack_pointer(u64 old, u64 value, bool long_code, const Segment& ss) {
    if (long_code) return value;
    return ss.big() ? value & 0xffff'ffff : (old & ~u64{0xffff}) | (value & 0xffff);
}

}  // namespace orrery
