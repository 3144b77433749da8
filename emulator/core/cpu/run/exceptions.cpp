#include "emulator/core/cpu/run/exceptions.h"

#include "emulator/core/cpu/exec/frame_stack.h"
#include "emulator/core/cpu/exec/task_switch.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/run/tell_path.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/state/task_state.h"

namespace orrery {

namespace {

// What is being delivered, however it came about.
struct Incoming {
    u8 vector = 0;
    bool external = false;   // an interrupt, not an exception
    bool check_dpl = false;  // INT n, INT3, INTO
    bool has_error = false;
    u32 error_code = 0;
    u32 ext = 0;      // of faults met on the way
    u64 address = 0;  // for the event
    u64 return_rip = 0;
    u32 flags = 0;  // image to be pushed
};

u32 idt_error(const Incoming& event) {
    return event.vector * 8u + 2 + event.ext;
}

// The gate of the event's vector, checked for type, privilege and presence (SDM vol. 3A, 6.12.1.2).
Descriptor read_gate(Cpu* c, const Op* op, const Incoming& event) {
    const unsigned size = c->long_mode() ? 16 : 8;
    const u64 offset = u64{event.vector} * size;
    if (offset + size - 1 > c->idtr.limit) raise_error(c, op, Vector::GP, idt_error(event));
    Descriptor gate;
    gate.address = c->idtr.base + offset;
    if (!c->long_mode()) gate.address &= 0xffff'ffff;
    gate.low = load_system(c, op, gate.address, 8);
    if (c->long_mode()) gate.high = load_system(c, op, gate.address + 8, 8);

    bool valid = !gate.is_code_or_data() &&
                 (gate.type() == system_type::kInterruptGate || gate.type() == system_type::kTrapGate);
    if (!c->long_mode() && !gate.is_code_or_data())
        valid = valid || gate.type() == system_type::kInterruptGate16 ||
                gate.type() == system_type::kTrapGate16 || gate.type() == system_type::kTaskGate;
    if (!valid || (event.check_dpl && gate.dpl() < c->cpl)) raise_error(c, op, Vector::GP, idt_error(event));
    if (!gate.present()) raise_error(c, op, Vector::NP, idt_error(event));
    return gate;
}

// The handler's code segment.
Descriptor read_handler_code(Cpu* c, const Op* op, const Descriptor& gate, u32 ext) {
    const u16 selector = gate.gate_selector();
    if (is_null(selector)) raise_error(c, op, Vector::GP, ext);
    Descriptor code = require_descriptor(c, op, selector, Vector::GP, ext);
    const bool wrong_size = c->long_mode() && (!code.long_mode() || code.big());
    if (!code.is_code() || code.dpl() > c->cpl || wrong_size)
        raise_error(c, op, Vector::GP, selector_error(selector, ext));
    if (!code.present()) raise_error(c, op, Vector::NP, selector_error(selector, ext));
    mark_accessed(c, op, code);
    return code;
}

void tell(Cpu* c, const Op* op, const Incoming& event, unsigned new_cpl) {
    const Observers& observers = *c->env.observers;
    if (event.external && observers.wants(EventKind::Interrupt)) emit(c, op, event::Interrupt{event.vector});
    if (!event.external && observers.wants(EventKind::Exception))
        emit(c, op, event::Exception{event.vector, event.error_code, event.address});
    if (c->cpl == 3 && new_cpl < 3 && observers.wants(EventKind::RingEnter))
        emit(c, op, event::RingEnter{event::RingEnter::By::Event, event.vector});
}

// The last step, after everything that can fault.
void enter_handler(Cpu* c, u64 rip, bool clear_if) {
    c->eflags &= ~(rflags::kTf | rflags::kNt | rflags::kRf | rflags::kVm);
    if (clear_if) c->eflags &= ~rflags::kIf;
    c->rip_slot = rip;
    c->interrupt_shadow = c->stack_shadow = c->step_trap = false;
    c->update_mode();
}

// SDM vol. 3A, 6.14.
void deliver_long(Cpu* c, const Op* op, const Incoming& event) {
    const Descriptor gate = read_gate(c, op, event);
    const Descriptor code = read_handler_code(c, op, gate, event.ext);
    const unsigned new_cpl = code.is_conforming() ? c->cpl : code.dpl();
    const unsigned ist = gate.low >> 32 & 7;
    const bool inner = new_cpl < c->cpl;

    u64 rsp = c->gpr[kRsp];
    if (inner || ist != 0) rsp = tss_stack64(c, op, new_cpl, ist, event.ext);
    if (!is_canonical(c, rsp)) raise_error(c, op, Vector::SS, event.ext);
    if (!is_canonical(c, gate.gate_offset64())) raise_error(c, op, Vector::GP, event.ext);
    FrameStack stack{rsp & ~u64{15}, ~u64{0}, nullptr, new_cpl != 3, event.ext};
    push_frame(c, op, stack, 8, c->seg[kSs].selector);
    push_frame(c, op, stack, 8, c->gpr[kRsp]);
    push_frame(c, op, stack, 8, event.flags);
    push_frame(c, op, stack, 8, c->seg[kCs].selector);
    push_frame(c, op, stack, 8, event.return_rip);
    if (event.has_error) push_frame(c, op, stack, 8, event.error_code);

    tell(c, op, event, new_cpl);
    c->gpr[kRsp] = stack.sp;
    if (inner) c->seg[kSs] = null_segment(static_cast<u16>(new_cpl));
    c->seg[kCs] = make_segment(static_cast<u16>((gate.gate_selector() & ~kRpl) | new_cpl), code);
    c->cpl = static_cast<u8>(new_cpl);
    enter_handler(c, gate.gate_offset64(), gate.type() == system_type::kInterruptGate);
}

// SDM vol. 3A, 6.12.2.
void deliver_to_task(Cpu* c, const Op* op, const Incoming& event, const Descriptor& gate) {
    const TaskTarget target = find_gate_task(c, op, gate, event.ext);
    tell(c, op, event, c->cpl);
    switch_task(c, op, target,
                {TaskEntry::Event, event.return_rip, event.flags, event.ext, event.has_error,
                 event.error_code, event.vector});
}

// SDM vol. 3A, 6.12; out of virtual-8086 mode also 20.3.1: always to level 0, with the data segment registers
// in the frame and then emptied.
void deliver_protected(Cpu* c, const Op* op, const Incoming& event) {
    const Descriptor gate = read_gate(c, op, event);
    if (gate.type() == system_type::kTaskGate) return deliver_to_task(c, op, event, gate);
    const Descriptor code = read_handler_code(c, op, gate, event.ext);
    const unsigned new_cpl = code.is_conforming() ? c->cpl : code.dpl();
    const bool from_v86 = c->virtual_8086();
    if (from_v86 && new_cpl != 0)
        raise_error(c, op, Vector::GP, selector_error(gate.gate_selector(), event.ext));
    const bool inner = new_cpl < c->cpl;
    const unsigned width = (gate.type() & 8) != 0 ? 4 : 2;

    Segment ss = c->seg[kSs];
    u64 sp = c->gpr[kRsp];
    if (inner) {
        const LegacyStack found = tss_stack_legacy(c, op, new_cpl, event.ext);
        ss = check_stack_segment(c, op, found.ss, new_cpl, false, Vector::TS, event.ext);
        sp = found.esp;
    }
    const u64 mask = ss.big() ? 0xffff'ffff : 0xffff;
    const u32 fault_code = inner ? selector_error(ss.selector, event.ext) : event.ext;
    FrameStack stack{sp & mask, mask, &ss, new_cpl != 3, fault_code};
    if (from_v86) {
        for (const SegmentIndex index : {kGs, kFs, kDs, kEs})
            push_frame(c, op, stack, width, c->seg[index].selector);
    }
    if (inner) {
        push_frame(c, op, stack, width, c->seg[kSs].selector);
        push_frame(c, op, stack, width, c->gpr[kRsp]);
    }
    push_frame(c, op, stack, width, event.flags);
    push_frame(c, op, stack, width, c->seg[kCs].selector);
    push_frame(c, op, stack, width, event.return_rip);
    if (event.has_error) push_frame(c, op, stack, width, event.error_code);
    const u32 target = width == 2 ? gate.gate_offset() & 0xffff : gate.gate_offset();
    if (target > code.limit()) raise_error(c, op, Vector::GP, event.ext);

    tell(c, op, event, new_cpl);
    c->gpr[kRsp] = (inner ? sp & ~mask : c->gpr[kRsp] & ~mask) | stack.sp;
    c->seg[kSs] = ss;
    c->seg[kCs] = make_segment(static_cast<u16>((gate.gate_selector() & ~kRpl) | new_cpl), code);
    c->cpl = static_cast<u8>(new_cpl);
    if (from_v86)
        for (const SegmentIndex index : {kGs, kFs, kDs, kEs}) c->seg[index] = null_segment(0);
    enter_handler(c, target, (gate.type() & 1) == 0);
}

// SDM vol. 3A, 20.1.4: FLAGS, CS and IP, and no error code.
void deliver_real(Cpu* c, const Op* op, const Incoming& event) {
    const u32 offset = event.vector * 4u;
    if (offset + 3 > c->idtr.limit) raise_error(c, op, Vector::GP, idt_error(event));
    const u64 target = load_system(c, op, (c->idtr.base + offset) & 0xffff'ffff, 4);
    const u64 mask = stack_mask(c);
    FrameStack stack{c->gpr[kRsp] & mask, mask, &c->seg[kSs], true, 0};
    push_frame(c, op, stack, 2, event.flags);
    push_frame(c, op, stack, 2, c->seg[kCs].selector);
    push_frame(c, op, stack, 2, event.return_rip);

    tell(c, op, event, 0);
    c->gpr[kRsp] = (c->gpr[kRsp] & ~mask) | stack.sp;
    c->seg[kCs] = real_segment(static_cast<u16>(target >> 16), c->seg[kCs]);
    c->eflags &= ~rflags::kAc;
    enter_handler(c, target & 0xffff, true);
}

void deliver(Cpu* c, const Op* op, const Incoming& event) {
    if ((c->cr0 & cr0::kPe) == 0) return deliver_real(c, op, event);
    if (!c->long_mode()) return deliver_protected(c, op, event);
    deliver_long(c, op, event);
}

// SDM vol. 3A, table 6-4.
enum class FaultClass : u8 { Benign, Contributory, PageFault };
FaultClass fault_class(u8 vector) {
    switch (static_cast<Vector>(vector)) {
        case Vector::DE:
        case Vector::TS:
        case Vector::NP:
        case Vector::SS:
        case Vector::GP:
            return FaultClass::Contributory;
        case Vector::PF:
            return FaultClass::PageFault;
        default:
            return FaultClass::Benign;
    }
}

// SDM vol. 3A, table 6-5.
bool makes_double_fault(u8 first, u8 second) {
    if (fault_class(first) == FaultClass::Contributory)
        return fault_class(second) == FaultClass::Contributory;
    return fault_class(first) == FaultClass::PageFault && fault_class(second) != FaultClass::Benign;
}

void remember_fault(DeliveryState& state, const PendingException& fault) {
    if (state.fault_count == 3) return;
    state.faults[state.fault_count++] = {static_cast<u8>(fault.vector), fault.error_code, fault.address};
}

void shut_down(Cpu* c) {
    ShutdownReason& reason = c->shutdown;
    reason.valid = true;
    reason.fault_count = c->delivery.fault_count;
    for (unsigned i = 0; i < 3; ++i) reason.faults[i] = c->delivery.faults[i];
    reason.rip = c->rip();
    reason.cs = c->seg[kCs].selector;
    reason.cpl = c->cpl;
    c->delivery = {};
    c->activity = Activity::Shutdown;
}

// A delivery costs no time where instructions are done between one and the next. A chain of them that gets
// nothing done (a handler whose first instruction faults) takes a cycle each, and gives the turn away, so that
// timers and other CPUs come to end it, and whoever called run() too.
void count_delivery(Cpu* c) {
    const u64 count = instruction_number(c, nullptr), now = count - c->insns_elsewhere;
    if (c->delivered_at == now) {
        charge(c, nullptr, 1);
        if (++c->barren_deliveries % kBarrenDeliveriesPerTurn == 0) {
            if (c->env.interleaver != nullptr) c->env.interleaver->yield(count);
            c->exit_requested = true;
        }
    }
    c->delivered_at = now;
}

void deliver_external(Cpu* c, u8 vector) {
    cut_path(c, false);
    c->delivery = {};
    c->delivery.active = true;
    c->delivery.vector = vector;
    Incoming event;
    event.vector = vector;
    event.external = true;
    event.ext = 1;
    event.return_rip = c->rip();
    event.flags = c->rflags();
    deliver(c, nullptr, event);
    c->delivery.active = false;
    ++c->interrupts_taken;
    count_delivery(c);
}

}  // namespace

bool has_error_code(u8 vector) {
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

void deliver_exception(Cpu* c) {
    cut_path(c, false);  // a trap; of a fault it is cut already
    PendingException fault = c->pending;
    DeliveryState& state = c->delivery;
    if (fault.vector == Vector::PF) c->cr2 = fault.address;
    const bool nested = state.active && state.exception;
    if (!nested) state = {};
    if (nested && state.vector != static_cast<u8>(Vector::DF) &&
        !makes_double_fault(state.vector, static_cast<u8>(fault.vector)))
        state.fault_count = 0;  // the second is delivered in the first one's place
    remember_fault(state, fault);
    if (nested && state.vector == static_cast<u8>(Vector::DF)) return shut_down(c);
    if (nested && state.fault_count > 1) fault = {Vector::DF, true, 0, 0};
    state.active = state.exception = true;
    state.vector = static_cast<u8>(fault.vector);

    // SDM vol. 3B, 17.3.1.1: the image of RF is 1 for faults, but not for those of execution breakpoints; for
    // traps it is RF as it stands.
    bool sets_rf = true;
    if (fault.vector == Vector::DB) {
        constexpr u64 kGeneralDetect = u64{1} << 13;
        sets_rf = (fault.address & dr6::kBd) != 0;
        c->dr[6] = (c->dr[6] & ~dr6::kBreakpoints) | fault.address;
        c->dr[7] &= ~kGeneralDetect;
    } else {
        c->pending_debug = 0;  // of an instruction that was not completed
    }
    Incoming event;
    event.vector = state.vector;
    event.has_error = has_error_code(event.vector);
    event.error_code = fault.error_code;
    event.address = fault.vector == Vector::PF ? fault.address : 0;
    event.ext = 1;
    event.return_rip = c->rip();
    event.flags = c->rflags() | (sets_rf ? rflags::kRf : 0);
    deliver(c, nullptr, event);
    state.active = false;
    ++c->exceptions_taken;
    if (fault.vector == Vector::PF) ++c->page_faults;
    count_delivery(c);
}

void raise_debug(Cpu* c, const Op* op, u64 dr6) {
    c->pending = {Vector::DB, false, 0, dr6};
    settle_at(c, op);
    longjmp(*c->unwind, 1);
}

void deliver_interrupt(Cpu* c, u8 vector) {
    deliver_external(c, vector);
}

void deliver_nmi(Cpu* c) {
    c->nmi_blocked = true;
    deliver_external(c, static_cast<u8>(Vector::NMI));
}

void deliver_software(Cpu* c, const Op* op, u8 vector, SoftwareInterrupt kind, u64 return_rip) {
    Incoming event;
    event.vector = vector;
    event.check_dpl = kind == SoftwareInterrupt::Int;
    event.ext = kind == SoftwareInterrupt::Int1 ? 1 : 0;
    event.return_rip = return_rip;
    event.flags = c->rflags();
    deliver(c, op, event);
    ++c->exceptions_taken;
}

void start_at_vector(Cpu* c, u8 vector) {
    c->seg[kCs] = real_segment(static_cast<u16>(vector << 8), c->seg[kCs]);
    c->rip_slot = 0;
    c->activity = Activity::Running;
    c->update_mode();
}

}  // namespace orrery
