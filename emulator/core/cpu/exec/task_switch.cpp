#include "emulator/core/cpu/exec/task_switch.h"

#include "emulator/core/cpu/exec/frame_stack.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/control_registers.h"
#include "emulator/core/cpu/state/debug_registers.h"

namespace orrery {

namespace {

// Where things lie in a TSS (SDM vol. 3A, figures 7-2 and 7-10).
struct TssLayout {
    unsigned width;  // bytes of EIP, EFLAGS and a general register
    u32 ip, flags, registers, segments, segment_stride, segment_count, ldt;
    u32 smallest_limit;
};
constexpr TssLayout kTss32 = {4, 0x20, 0x24, 0x28, 0x48, 4, 6, 0x60, 0x67};
constexpr TssLayout kTss16 = {2, 0x0e, 0x10, 0x12, 0x22, 2, 4, 0x2a, 0x2b};
constexpr u32 kLink = 0, kCr3 = 0x1c, kTrap = 0x64;  // CR3 and the T flag: of 32-bit ones

bool is_tss32(unsigned type) {
    return (type & 8) != 0;
}
const TssLayout& layout_of(unsigned type) {
    return is_tss32(type) ? kTss32 : kTss16;
}
bool is_tss(const Descriptor& descriptor, bool busy) {
    const unsigned type = descriptor.type();
    return !descriptor.is_code_or_data() &&
           ((type & ~8u) == (busy ? system_type::kTss16Busy : system_type::kTss16));
}

// A TSS in memory.
class TssMemory {
  public:
    TssMemory(Cpu* c, const Op* op, u64 base) : c_(c), op_(op), base_(base) {}
    u32 read(u32 offset, unsigned size) const {
        return static_cast<u32>(load_system(c_, op_, address(offset), size));
    }
    void write(u32 offset, unsigned size, u64 value) const {
        store_system(c_, op_, address(offset), size, value);
    }

  private:
    u64 address(u32 offset) const { return (base_ + offset) & 0xffff'ffff; }
    Cpu* c_;
    const Op* op_;
    u64 base_;
};

struct TaskImage {
    u32 cr3 = 0, eip = 0, eflags = 0, registers[8] = {};
    u16 segments[6] = {}, ldt = 0;
    bool trap = false;
};

TaskImage read_image(const TssMemory& tss, unsigned type) {
    const TssLayout& at = layout_of(type);
    TaskImage image;
    if (is_tss32(type)) {
        image.cr3 = tss.read(kCr3, 4);
        image.trap = (tss.read(kTrap, 2) & 1) != 0;
    }
    image.eip = tss.read(at.ip, at.width);
    image.eflags = tss.read(at.flags, at.width);
    for (unsigned i = 0; i < 8; ++i) image.registers[i] = tss.read(at.registers + i * at.width, at.width);
    for (unsigned i = 0; i < at.segment_count; ++i)
        image.segments[i] = static_cast<u16>(tss.read(at.segments + i * at.segment_stride, 2));
    image.ldt = static_cast<u16>(tss.read(at.ldt, 2));
    return image;
}

void save_image(Cpu* c, const Op* op, u64 rip, u32 flags) {
    const TssLayout& at = layout_of(c->tr.type());
    if (c->tr.limit < at.smallest_limit) raise_error(c, op, Vector::TS, selector_error(c->tr.selector));
    const TssMemory tss(c, op, c->tr.base);
    tss.write(at.ip, at.width, rip);
    tss.write(at.flags, at.width, flags);
    for (unsigned i = 0; i < 8; ++i) tss.write(at.registers + i * at.width, at.width, c->gpr[i]);
    for (unsigned i = 0; i < at.segment_count; ++i)
        tss.write(at.segments + i * at.segment_stride, 2, c->seg[i].selector);
}

// The byte of a descriptor in the GDT that has its type. Writing it is tried first, so that the change cannot fault.
class TypeByte {
  public:
    TypeByte(Cpu* c, const Op* op, u16 selector)
        : c_(c), op_(op), address_((c->gdtr.base + (selector & ~7u) + 5) & 0xffff'ffff) {
        value_ = load_system(c, op, address_, 1);
        store_system(c, op, address_, 1, value_);
    }
    void set_busy(bool busy) { store_system(c_, op_, address_, 1, busy ? value_ | 2 : value_ & ~u64{2}); }

  private:
    Cpu* c_;
    const Op* op_;
    u64 address_, value_ = 0;
};

// Of table 7-1 checks 7 and 8: the privilege of what is a code segment. That the selector is one's comes after the
// stack's checks.
void check_task_code_privilege(Cpu* c, const Op* op, u16 selector, u32 ext) {
    Descriptor code;
    if (is_null(selector) || !read_descriptor(c, op, selector, code) || !code.is_code()) return;
    const unsigned rpl = selector & kRpl;
    if (code.is_conforming() ? code.dpl() > rpl : code.dpl() != rpl)
        raise_error(c, op, Vector::TS, selector_error(selector, ext));
}

// Checks 13 and 14.
void load_task_code(Cpu* c, const Op* op, u16 selector, u32 ext) {
    const u32 error = selector_error(selector, ext);
    if (is_null(selector)) raise_error(c, op, Vector::TS, error);
    Descriptor code = require_descriptor(c, op, selector, Vector::TS, ext);
    if (!code.is_code()) raise_error(c, op, Vector::TS, error);
    if (!code.present()) raise_error(c, op, Vector::NP, error);
    mark_accessed(c, op, code);
    c->seg[kCs] = make_segment(selector, code);
}

// Checks 16 to 19.
void load_task_data(Cpu* c, const Op* op, SegmentIndex index, u16 selector, u32 ext) {
    if (is_null(selector)) return;
    const u32 error = selector_error(selector, ext);
    Descriptor data = require_descriptor(c, op, selector, Vector::TS, ext);
    const bool any_privilege = data.is_code() && data.is_conforming();
    if (!data.is_code_or_data() || !data.is_readable() ||
        (!any_privilege && (data.dpl() < c->cpl || data.dpl() < (selector & kRpl))))
        raise_error(c, op, Vector::TS, error);
    if (!data.present()) raise_error(c, op, Vector::NP, error);
    mark_accessed(c, op, data);
    c->seg[index] = make_segment(selector, data);
}

// Checks 6 and 12.
void load_task_ldt(Cpu* c, const Op* op, u16 selector, u32 ext) {
    if (is_null(selector)) return;
    const u32 error = selector_error(selector, ext);
    Descriptor ldt;
    if ((selector & kTableIndicator) != 0 || !read_descriptor(c, op, selector, ldt) ||
        ldt.is_code_or_data() || ldt.type() != system_type::kLdt || !ldt.present())
        raise_error(c, op, Vector::TS, error);
    c->ldtr = make_segment(selector, ldt);
}

void load_segments(Cpu* c, const Op* op, const TaskImage& image, u32 ext) {
    load_task_ldt(c, op, image.ldt, ext);
    if (c->virtual_8086()) {
        for (unsigned i = 0; i < 6; ++i) c->seg[i] = virtual_8086_segment(image.segments[i]);
        return;
    }
    check_task_code_privilege(c, op, image.segments[kCs], ext);
    c->seg[kSs] = check_stack_segment(c, op, image.segments[kSs], c->cpl, false, Vector::TS, ext);
    load_task_code(c, op, image.segments[kCs], ext);
    for (const SegmentIndex index : {kDs, kEs, kFs, kGs})
        load_task_data(c, op, index, image.segments[index], ext);
}

void push_error_code(Cpu* c, const Op* op, unsigned width, const TaskSwitch& how) {
    const u64 mask = c->seg[kSs].big() ? 0xffff'ffff : 0xffff;
    FrameStack stack{c->gpr[kRsp] & mask, mask, &c->seg[kSs], c->cpl != 3, how.ext};
    push_frame(c, op, stack, width, how.error_code);
    c->gpr[kRsp] = (c->gpr[kRsp] & ~mask) | stack.sp;
}

void tell_ring(Cpu* c, const Op* op, const TaskSwitch& how, unsigned new_cpl) {
    using event::RingEnter, event::RingLeave;
    const Observers& observers = *c->env.observers;
    if (c->cpl == 3 && new_cpl < 3 && observers.wants(EventKind::RingEnter)) {
        const bool by_event = how.entry == TaskEntry::Event;
        emit(c, op, RingEnter{by_event ? RingEnter::By::Event : RingEnter::By::FarCall, how.vector});
    }
    if (c->cpl < 3 && new_cpl == 3 && observers.wants(EventKind::RingLeave)) {
        const bool by_iret = how.entry == TaskEntry::Return;
        emit(c, op, RingLeave{by_iret ? RingLeave::By::Iret : RingLeave::By::FarReturn});
    }
}

// The part that cannot fault: registers, and selectors whose descriptors are yet to be loaded. RIP is such that a fault
// of `op` is told at the new task's first instruction.
void commit(Cpu* c, const Op* op, const TaskTarget& target, const TaskImage& image, const TaskSwitch& how) {
    c->tr = make_segment(target.selector, target.tss);
    c->tr.access |= 2;
    c->cr0 |= cr0::kTs;
    constexpr u64 kLocalEnables = 0x155;
    c->dr[7] &= ~kLocalEnables;
    update_breakpoints(c);
    for (unsigned i = 0; i < 8; ++i) c->gpr[i] = image.registers[i];
    const bool nested = how.entry == TaskEntry::Call || how.entry == TaskEntry::Event;
    c->set_rflags(image.eflags | (nested ? rflags::kNt : 0));
    c->cpl = static_cast<u8>(c->virtual_8086() ? 3 : image.segments[kCs] & kRpl);
    for (unsigned i = 0; i < 6; ++i) c->seg[i] = null_segment(image.segments[i]);
    c->ldtr = null_segment(image.ldt);
    c->rip_slot = image.eip - (op != nullptr ? op->offset : 0);
    c->interrupt_shadow = c->stack_shadow = c->step_trap = false;
    if (how.entry == TaskEntry::Return) c->nmi_blocked = false;
    c->update_mode();
}

}  // namespace

bool names_task(const Descriptor& descriptor) {
    return is_tss(descriptor, false) || is_tss(descriptor, true) ||
           (!descriptor.is_code_or_data() && descriptor.type() == system_type::kTaskGate);
}

TaskTarget find_gate_task(Cpu* c, const Op* op, const Descriptor& gate, u32 ext) {
    TaskTarget target;
    target.selector = gate.gate_selector();
    const u32 error = selector_error(target.selector, ext);
    if ((target.selector & kTableIndicator) != 0) raise_error(c, op, Vector::GP, error);
    target.tss = require_descriptor(c, op, target.selector, Vector::GP, ext);
    if (!is_tss(target.tss, false)) raise_error(c, op, Vector::GP, error);
    if (!target.tss.present()) raise_error(c, op, Vector::NP, error);
    return target;
}

TaskTarget find_task(Cpu* c, const Op* op, u16 selector, const Descriptor& descriptor) {
    const u32 error = selector_error(selector);
    if (descriptor.dpl() < c->cpl || descriptor.dpl() < (selector & kRpl))
        raise_error(c, op, Vector::GP, error);
    if (descriptor.type() == system_type::kTaskGate) {
        if (!descriptor.present()) raise_error(c, op, Vector::NP, error);
        return find_gate_task(c, op, descriptor, 0);
    }
    if ((selector & kTableIndicator) != 0 || !is_tss(descriptor, false))
        raise_error(c, op, Vector::GP, error);
    if (!descriptor.present()) raise_error(c, op, Vector::NP, error);
    return {selector, descriptor};
}

void switch_task(Cpu* c, const Op* op, const TaskTarget& target, const TaskSwitch& how) {
    const unsigned type = target.tss.type();
    const TssLayout& at = layout_of(type);
    if (target.tss.limit() < at.smallest_limit)
        raise_error(c, op, Vector::TS, selector_error(target.selector, how.ext));
    const bool leaves_old = how.entry == TaskEntry::Jump || how.entry == TaskEntry::Return;
    const bool nests = !leaves_old;
    save_image(c, op, how.return_rip, how.flags);
    const TssMemory tss(c, op, target.tss.base());
    if (nests) tss.write(kLink, 2, c->tr.selector);
    const TaskImage image = read_image(tss, type);
    TypeByte old_type(c, op, c->tr.selector);
    TypeByte new_type(c, op, target.selector);

    const bool is_v86 = is_tss32(type) && (image.eflags & rflags::kVm) != 0;
    tell_ring(c, op, how, is_v86 ? 3 : image.segments[kCs] & kRpl);
    if (leaves_old) old_type.set_busy(false);
    new_type.set_busy(true);
    commit(c, op, target, image, how);
    if (is_tss32(type) && (c->cr0 & cr0::kPg) != 0 && image.cr3 != c->cr3) write_cr3(c, op, image.cr3);
    load_segments(c, op, image, how.ext);
    if (how.has_error) push_error_code(c, op, at.width, how);
    if (image.eip > c->seg[kCs].limit) raise_error(c, op, Vector::GP, how.ext);
    if (image.trap) c->pending_debug |= dr6::kBt;
    c->rip_slot = image.eip;
    c->update_mode();
}

void return_from_task(Cpu* c, const Op* op, u64 return_rip) {
    TaskTarget target;
    target.selector = static_cast<u16>(TssMemory(c, op, c->tr.base).read(kLink, 2));
    const u32 error = selector_error(target.selector);
    if ((target.selector & kTableIndicator) != 0) raise_error(c, op, Vector::TS, error);
    target.tss = require_descriptor(c, op, target.selector, Vector::TS);
    if (!is_tss(target.tss, true)) raise_error(c, op, Vector::TS, error);
    if (!target.tss.present()) raise_error(c, op, Vector::NP, error);
    TaskSwitch how;
    how.entry = TaskEntry::Return;
    how.return_rip = return_rip;
    how.flags = c->rflags() & ~rflags::kNt;
    switch_task(c, op, target, how);
}

}  // namespace orrery
