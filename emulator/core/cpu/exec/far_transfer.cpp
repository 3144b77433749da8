#include "emulator/core/cpu/exec/far_transfer.h"

#include "emulator/core/cpu/exec/frame_stack.h"
#include "emulator/core/cpu/exec/task_switch.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/task_state.h"

namespace orrery {

namespace {

// Real or virtual-8086 mode: selectors are paragraphs.
bool is_real(const Cpu* c) {
    return (c->cr0 & cr0::kPe) == 0 || c->virtual_8086();
}

bool is_long_code(const Cpu* c, const Descriptor& code) {
    return c->long_mode() && code.long_mode();
}

[[noreturn]] void selector_fault(Cpu* c, const Op* op, u16 selector) {
    raise_error(c, op, Vector::GP, selector_error(selector));
}

void require_code(Cpu* c, const Op* op, u16 selector, const Descriptor& code) {
    if (!code.is_code() || (is_long_code(c, code) && code.big())) selector_fault(c, op, selector);
}

void require_present(Cpu* c, const Op* op, u16 selector, const Descriptor& descriptor) {
    if (!descriptor.present()) raise_error(c, op, Vector::NP, selector_error(selector));
}

// The target as RIP: canonical in 64-bit code, else as EIP within the limit.
u64 check_target(Cpu* c, const Op* op, const Descriptor& code, u64 offset) {
    if (!is_long_code(c, code)) offset = static_cast<u32>(offset);
    const bool valid = is_long_code(c, code) ? is_canonical(c, offset) : offset <= code.limit();
    if (!valid) raise_error(c, op, Vector::GP, 0);
    return offset;
}

u64 cut(u64 value, unsigned size) {
    return size == 8 ? value : value & ((u64{1} << (8 * size)) - 1);
}

u16 with_rpl(u16 selector, unsigned rpl) {
    return static_cast<u16>((selector & ~kRpl) | rpl);
}

// --- JMP and CALL ---

// A code segment named directly (SDM vol. 3A, 5.8.1).
void check_direct(Cpu* c, const Op* op, u16 selector, Descriptor& code) {
    require_code(c, op, selector, code);
    const bool allowed =
        code.is_conforming() ? code.dpl() <= c->cpl : code.dpl() == c->cpl && (selector & kRpl) <= c->cpl;
    if (!allowed) selector_fault(c, op, selector);
    require_present(c, op, selector, code);
}

struct GateTarget {
    u16 selector = 0;
    Descriptor code;
    u64 offset = 0;
    unsigned width = 0;  // bytes of each item pushed
    unsigned parameters = 0;
    unsigned cpl = 0;
};

// Through a call gate (SDM vol. 3A, 5.8.3 to 5.8.5).
GateTarget check_gate(Cpu* c, const Op* op, u16 selector, Descriptor gate, bool is_jump) {
    const bool wide = gate.type() == system_type::kCallGate;
    if (!wide && (c->long_mode() || gate.type() != system_type::kCallGate16)) selector_fault(c, op, selector);
    if (gate.dpl() < c->cpl || gate.dpl() < (selector & kRpl)) selector_fault(c, op, selector);
    if (c->long_mode() && (!read_upper_half(c, op, selector, gate) || (gate.high >> 40 & 0x1f) != 0))
        selector_fault(c, op, selector);
    require_present(c, op, selector, gate);

    GateTarget target;
    target.selector = gate.gate_selector();
    if (is_null(target.selector)) raise_error(c, op, Vector::GP, 0);
    target.code = require_descriptor(c, op, target.selector, Vector::GP);
    require_code(c, op, target.selector, target.code);
    const Descriptor& code = target.code;
    if (code.dpl() > c->cpl || (is_jump && !code.is_conforming() && code.dpl() != c->cpl) ||
        (c->long_mode() && !code.long_mode()))
        selector_fault(c, op, target.selector);
    require_present(c, op, target.selector, code);
    target.width = c->long_mode() ? 8 : wide ? 4 : 2;
    target.offset = c->long_mode() ? gate.gate_offset64() : cut(gate.gate_offset(), target.width);
    target.parameters = c->long_mode() ? 0 : gate.low >> 32 & 0x1f;
    target.cpl = code.is_conforming() ? c->cpl : code.dpl();
    return target;
}

void jump_to_task(Cpu* c, const Op* op, u16 selector, const Descriptor& descriptor, TaskEntry entry,
                  u64 return_rip) {
    TaskSwitch how;
    how.entry = entry;
    how.return_rip = return_rip;
    how.flags = c->rflags();
    switch_task(c, op, find_task(c, op, selector, descriptor), how);
}

void set_code(Cpu* c, u16 selector, const Descriptor& code, unsigned cpl, u64 rip) {
    c->seg[kCs] = make_segment(with_rpl(selector, cpl), code);
    c->cpl = static_cast<u8>(cpl);
    c->rip_slot = rip;
    c->update_mode();
}

void tell_enter(Cpu* c, const Op* op, unsigned new_cpl) {
    if (c->cpl == 3 && new_cpl < 3 && c->env.observers->wants(EventKind::RingEnter))
        emit(c, op, event::RingEnter{event::RingEnter::By::FarCall});
}

void push_return(Cpu* c, const Op* op, FrameStack& stack, unsigned width, u64 return_rip) {
    push_frame(c, op, stack, width, c->seg[kCs].selector);
    push_frame(c, op, stack, width, return_rip);
}

FrameStack current_stack(Cpu* c) {
    const u64 mask = stack_mask(c);
    return {c->gpr[kRsp] & mask, mask, c->code64() ? nullptr : &c->seg[kSs], c->cpl != 3, 0};
}

// A call gate to an inner level: the new stack comes from the TSS.
void call_inner(Cpu* c, const Op* op, GateTarget& target, u64 return_rip) {
    Segment ss = null_segment(static_cast<u16>(target.cpl));
    FrameStack stack{0, ~u64{0}, nullptr, true, 0};
    if (c->long_mode()) {
        stack.sp = tss_stack64(c, op, target.cpl, 0, 0);
        if (!is_canonical(c, stack.sp)) raise_error(c, op, Vector::SS, 0);
    } else {
        const LegacyStack found = tss_stack_legacy(c, op, target.cpl, 0);
        ss = check_stack_segment(c, op, found.ss, target.cpl, false, Vector::TS);
        const u64 mask = ss.big() ? 0xffff'ffff : 0xffff;
        stack = {found.esp & mask, mask, &ss, true, selector_error(found.ss)};
    }
    const u64 rip = check_target(c, op, target.code, target.offset);
    push_frame(c, op, stack, target.width, c->seg[kSs].selector);
    push_frame(c, op, stack, target.width, c->gpr[kRsp]);
    for (unsigned i = target.parameters; i-- > 0;)
        push_frame(c, op, stack, target.width, read_stack(c, op, u64{i} * target.width, target.width));
    push_return(c, op, stack, target.width, return_rip);
    mark_accessed(c, op, target.code);

    tell_enter(c, op, target.cpl);
    c->gpr[kRsp] = new_stack_pointer(c->gpr[kRsp], stack.sp, c->long_mode(), ss);
    c->seg[kSs] = ss;
    set_code(c, target.selector, target.code, target.cpl, rip);
}

// --- RET and IRET ---

// The code segment that a return goes to (SDM vol. 2, RET).
Descriptor check_return_code(Cpu* c, const Op* op, u16 selector) {
    if (is_null(selector)) raise_error(c, op, Vector::GP, 0);
    Descriptor code = require_descriptor(c, op, selector, Vector::GP);
    require_code(c, op, selector, code);
    const unsigned rpl = selector & kRpl;
    if (rpl < c->cpl || (code.is_conforming() ? code.dpl() > rpl : code.dpl() != rpl))
        selector_fault(c, op, selector);
    require_present(c, op, selector, code);
    return code;
}

// The stack segment popped with it.
Segment check_return_stack(Cpu* c, const Op* op, u16 selector, unsigned rpl, const Descriptor& code) {
    const bool null_allowed = is_long_code(c, code) && rpl != 3;
    return check_stack_segment(c, op, selector, rpl, null_allowed, Vector::GP);
}

void tell_leave(Cpu* c, const Op* op, unsigned new_cpl, event::RingLeave::By by) {
    if (c->cpl == 3 || new_cpl != 3) return;
    const Observers& observers = *c->env.observers;
    if (observers.wants(EventKind::RingLeave)) emit(c, op, event::RingLeave{by});
    if (by == event::RingLeave::By::Iret && observers.wants(EventKind::SystemReturn))
        emit(c, op, event::SystemReturn{.by_iret = true, .result = c->gpr[kRax]});
}

void return_to(Cpu* c, const Op* op, u16 selector, const Descriptor& code, u64 rip, const Segment& ss, u64 sp,
               event::RingLeave::By by) {
    const unsigned rpl = selector & kRpl;
    const bool outer = rpl > c->cpl;
    tell_leave(c, op, rpl, by);
    c->gpr[kRsp] = new_stack_pointer(c->gpr[kRsp], sp, is_long_code(c, code), ss);
    c->seg[kSs] = ss;
    c->cpl = static_cast<u8>(rpl);
    if (outer) drop_privileged_segments(c);
    set_code(c, selector, code, rpl, rip);
}

// Which flags IRET may change (SDM vol. 2, IRET).
u32 iret_flags(const Cpu* c, unsigned size) {
    u32 mask = rflags::kArithmetic | rflags::kTf | rflags::kDf | rflags::kNt;
    if (size > 2) mask |= rflags::kRf | rflags::kAc | rflags::kId;
    if (is_real(c) || c->cpl <= (c->eflags & rflags::kIopl) >> 12) mask |= rflags::kIf;
    if (c->cpl == 0) mask |= rflags::kIopl;
    if (c->cpl == 0 && size > 2 && !is_real(c)) mask |= rflags::kVif | rflags::kVip;
    return mask;
}

void set_iret_flags(Cpu* c, u32 popped, u32 mask) {
    c->set_rflags((c->rflags() & ~mask) | (popped & mask));
    c->nmi_blocked = false;
}

// IRET with VM in the image (SDM vol. 3A, 20.2.5): the rest of the frame holds the stack and the data
// segments.
void enter_virtual_8086(Cpu* c, const Op* op, u16 ip, u16 cs, u32 flags) {
    u32 words[6];  // ESP, SS, ES, DS, FS, GS
    for (unsigned i = 0; i < 6; ++i) words[i] = static_cast<u32>(read_stack(c, op, 12 + 4 * i, 4));
    tell_leave(c, op, 3, event::RingLeave::By::Iret);
    c->set_rflags(flags);
    c->nmi_blocked = false;
    c->cpl = 3;
    c->gpr[kRsp] = words[0];
    constexpr SegmentIndex kOrder[] = {kSs, kEs, kDs, kFs, kGs};
    for (unsigned i = 0; i < 5; ++i) c->seg[kOrder[i]] = virtual_8086_segment(static_cast<u16>(words[i + 1]));
    c->seg[kCs] = virtual_8086_segment(cs);
    c->rip_slot = ip;
    c->update_mode();
}

void real_return(Cpu* c, u16 selector, u64 rip) {
    c->seg[kCs] = c->virtual_8086() ? virtual_8086_segment(selector) : real_segment(selector, c->seg[kCs]);
    c->rip_slot = rip;
    c->update_mode();
}

u64 check_real_target(Cpu* c, const Op* op, u64 offset) {
    if (offset > c->seg[kCs].limit) raise_error(c, op, Vector::GP, 0);
    return offset;
}

}  // namespace

void far_jump(Cpu* c, const Op* op, u16 selector, u64 offset, unsigned size, u64 return_rip) {
    offset = cut(offset, size);
    if (is_real(c)) return real_return(c, selector, check_real_target(c, op, offset));
    if (is_null(selector)) raise_error(c, op, Vector::GP, 0);
    Descriptor target = require_descriptor(c, op, selector, Vector::GP);
    if (target.is_code_or_data()) {
        check_direct(c, op, selector, target);
        const u64 rip = check_target(c, op, target, offset);
        mark_accessed(c, op, target);
        return set_code(c, selector, target, c->cpl, rip);
    }
    if (!c->long_mode() && names_task(target))
        return jump_to_task(c, op, selector, target, TaskEntry::Jump, return_rip);
    GateTarget gate = check_gate(c, op, selector, target, true);
    const u64 rip = check_target(c, op, gate.code, gate.offset);
    mark_accessed(c, op, gate.code);
    set_code(c, gate.selector, gate.code, c->cpl, rip);
}

void far_call(Cpu* c, const Op* op, u16 selector, u64 offset, unsigned size, u64 return_rip) {
    offset = cut(offset, size);
    FrameStack stack = current_stack(c);
    if (is_real(c)) {
        check_real_target(c, op, offset);
        push_return(c, op, stack, size, return_rip);
        set_stack_pointer(c, stack.sp);
        return real_return(c, selector, offset);
    }
    if (is_null(selector)) raise_error(c, op, Vector::GP, 0);
    GateTarget target;
    target.selector = selector;
    target.code = require_descriptor(c, op, selector, Vector::GP);
    target.offset = offset;
    target.width = size;
    target.cpl = c->cpl;
    if (target.code.is_code_or_data()) {
        check_direct(c, op, selector, target.code);
    } else if (!c->long_mode() && names_task(target.code)) {
        return jump_to_task(c, op, selector, target.code, TaskEntry::Call, return_rip);
    } else {
        target = check_gate(c, op, selector, target.code, false);
    }
    if (target.cpl < c->cpl) return call_inner(c, op, target, return_rip);
    const u64 rip = check_target(c, op, target.code, target.offset);
    push_return(c, op, stack, target.width, return_rip);
    mark_accessed(c, op, target.code);
    set_stack_pointer(c, stack.sp);
    set_code(c, target.selector, target.code, c->cpl, rip);
}

void far_return(Cpu* c, const Op* op, unsigned size, u16 release) {
    const u64 offset = read_stack(c, op, 0, size);
    const u16 selector = static_cast<u16>(read_stack(c, op, size, size));
    const u64 released = c->gpr[kRsp] + 2 * size + release;
    if (is_real(c)) {
        check_real_target(c, op, offset);
        set_stack_pointer(c, released);
        return real_return(c, selector, offset);
    }
    Descriptor code = check_return_code(c, op, selector);
    const u64 rip = check_target(c, op, code, offset);
    const unsigned rpl = selector & kRpl;
    if (rpl == c->cpl) {
        mark_accessed(c, op, code);
        set_stack_pointer(c, released);
        return set_code(c, selector, code, rpl, rip);
    }
    const u64 sp = read_stack(c, op, u64{2} * size + release, size);
    const u16 stack_selector = static_cast<u16>(read_stack(c, op, u64{3} * size + release, size));
    const Segment ss = check_return_stack(c, op, stack_selector, rpl, code);
    mark_accessed(c, op, code);
    return_to(c, op, selector, code, rip, ss, sp + release, event::RingLeave::By::FarReturn);
}

void interrupt_return(Cpu* c, const Op* op, unsigned size, u64 return_rip) {
    if (!is_real(c) && (c->eflags & rflags::kNt) != 0) {
        if (c->long_mode()) raise_error(c, op, Vector::GP, 0);
        return return_from_task(c, op, return_rip);
    }
    const u64 offset = read_stack(c, op, 0, size);
    const u16 selector = static_cast<u16>(read_stack(c, op, size, size));
    const u32 flags = static_cast<u32>(read_stack(c, op, u64{2} * size, size));
    const u32 mask = iret_flags(c, size);
    if (is_real(c)) {
        check_real_target(c, op, offset);
        set_stack_pointer(c, c->gpr[kRsp] + 3 * size);
        set_iret_flags(c, flags, mask);
        return real_return(c, selector, offset);
    }
    if (!c->long_mode() && size == 4 && (flags & rflags::kVm) != 0 && c->cpl == 0)
        return enter_virtual_8086(c, op, static_cast<u16>(offset), selector, flags);
    Descriptor code = check_return_code(c, op, selector);
    const u64 rip = check_target(c, op, code, offset);
    const unsigned rpl = selector & kRpl;
    if (rpl == c->cpl && !c->code64()) {
        mark_accessed(c, op, code);
        set_stack_pointer(c, c->gpr[kRsp] + 3 * size);
        set_iret_flags(c, flags, mask);
        return set_code(c, selector, code, rpl, rip);
    }
    const u64 sp = read_stack(c, op, u64{3} * size, size);
    const u16 stack_selector = static_cast<u16>(read_stack(c, op, u64{4} * size, size));
    const Segment ss = check_return_stack(c, op, stack_selector, rpl, code);
    mark_accessed(c, op, code);
    set_iret_flags(c, flags, mask);
    return_to(c, op, selector, code, rip, ss, sp, event::RingLeave::By::Iret);
}

}  // namespace orrery
