// SYSCALL, SYSRET, SYSENTER and SYSEXIT (SDM vol. 2; vol. 3A, 5.8.7 and 5.8.8), as Intel's cores do them:
// their code and stack segments have fixed contents, whatever the descriptor tables say.
#include "emulator/core/cpu/exec/far_transfer.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/segmentation.h"

namespace orrery {

namespace {

// Segment::access of flat segments: present, accessed, 4 KiB granularity.
constexpr u16 kCode64 = 0xa09b, kCode32 = 0xc09b, kData = 0xc093, kUser = 3 << 5;

Segment flat_segment(unsigned selector, u16 access) {
    Segment segment;
    segment.selector = static_cast<u16>(selector);
    segment.limit = 0xffff'ffff;
    segment.access = access;
    return segment;
}

void tell_enter(Cpu* c, const Op* op) {
    const Observers& observers = *c->env.observers;
    if (c->cpl == 3 && observers.wants(EventKind::RingEnter)) emit(c, op, event::RingEnter{});
    if (observers.wants(EventKind::SystemCall))
        emit(c, op, event::SystemCall{static_cast<u32>(c->gpr[kRax])});
}

void tell_leave(Cpu* c, const Op* op) {
    const Observers& observers = *c->env.observers;
    if (observers.wants(EventKind::RingLeave)) emit(c, op, event::RingLeave{});
    if (observers.wants(EventKind::SystemReturn)) emit(c, op, event::SystemReturn{.result = c->gpr[kRax]});
}

void set_segments(Cpu* c, unsigned cs, u16 cs_access, unsigned ss, unsigned cpl) {
    const u16 user = cpl == 3 ? kUser : 0;
    c->seg[kCs] = flat_segment((cs & 0xfffc) | cpl, cs_access | user);
    c->seg[kSs] = flat_segment((ss & 0xfffc) | cpl, kData | user);
    c->cpl = static_cast<u8>(cpl);
    c->update_mode();
}

}  // namespace

void enter_syscall(Cpu* c, const Op* op, u64 return_rip) {
    if (!c->code64() || (c->msr.efer & efer::kSce) == 0) raise(c, op, Vector::UD);
    tell_enter(c, op);
    const u32 flags = c->rflags() & ~rflags::kRf;
    c->gpr[kRcx] = return_rip;
    c->gpr[11] = flags;
    c->rip_slot = c->msr.lstar;
    c->set_rflags(flags & ~static_cast<u32>(c->msr.fmask));
    if ((c->eflags & rflags::kTf) == 0) c->step_trap = false;
    const unsigned selector = c->msr.star >> 32 & 0xfffc;
    set_segments(c, selector, kCode64, selector + 8, 0);
}

void leave_syscall(Cpu* c, const Op* op, unsigned size) {
    if (!c->code64() || (c->msr.efer & efer::kSce) == 0) raise(c, op, Vector::UD);
    if (c->cpl != 0) raise_error(c, op, Vector::GP, 0);
    const bool to_long = size == 8;
    if (to_long && !is_canonical(c, c->gpr[kRcx])) raise_error(c, op, Vector::GP, 0);
    tell_leave(c, op);
    constexpr u32 kRestored = 0x003c'7fd7;
    c->rip_slot = to_long ? c->gpr[kRcx] : c->gpr[kRcx] & 0xffff'ffff;
    c->set_rflags(static_cast<u32>(c->gpr[11]) & kRestored);
    const unsigned selector = c->msr.star >> 48;
    set_segments(c, selector + (to_long ? 16 : 0), to_long ? kCode64 : kCode32, selector + 8, 3);
}

void enter_sysenter(Cpu* c, const Op* op) {
    const unsigned selector = c->msr.sysenter_cs & 0xfffc;
    if ((c->cr0 & cr0::kPe) == 0 || selector == 0) raise_error(c, op, Vector::GP, 0);
    tell_enter(c, op);
    const u64 mask = c->long_mode() ? ~u64{0} : 0xffff'ffff;
    c->eflags &= ~(rflags::kVm | rflags::kIf | rflags::kRf);
    c->gpr[kRsp] = c->msr.sysenter_esp & mask;
    c->rip_slot = c->msr.sysenter_eip & mask;
    set_segments(c, selector, c->long_mode() ? kCode64 : kCode32, selector + 8, 0);
}

void leave_sysexit(Cpu* c, const Op* op, unsigned size) {
    const unsigned selector = c->msr.sysenter_cs & 0xfffc;
    if ((c->cr0 & cr0::kPe) == 0 || selector == 0) raise_error(c, op, Vector::GP, 0);
    const bool to_long = size == 8;
    if (to_long && (!is_canonical(c, c->gpr[kRcx]) || !is_canonical(c, c->gpr[kRdx])))
        raise_error(c, op, Vector::GP, 0);
    tell_leave(c, op);
    const u64 mask = to_long ? ~u64{0} : 0xffff'ffff;
    c->gpr[kRsp] = c->gpr[kRcx] & mask;
    c->rip_slot = c->gpr[kRdx] & mask;
    const unsigned code = selector + (to_long ? 32 : 16);
    set_segments(c, code, to_long ? kCode64 : kCode32, code + 8, 3);
}

}  // namespace orrery
