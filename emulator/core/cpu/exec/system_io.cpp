// IN OUT INS OUTS (SDM vol. 2; vol. 1, 18.5). Each access happens at the instruction's own time. A repeated
// INS or OUTS counts as one instruction per iteration and may be interrupted after each, RIP staying at it.
//
// Op::a: bytes transferred. Op::b: IN, OUT: kPortInDx; INS, OUTS: repeated. Op::imm: the port, or the address
// size.
#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/debug_registers.h"
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/state/task_state.h"

namespace orrery {

namespace {

constexpr u8 kPortInDx = 1;

void tell_port(Cpu* c, const Op* op, u16 port, unsigned size, u32 value, bool write) {
    if (c->env.observers->wants(EventKind::PortIo))
        emit(c, op, event::PortIo{port, static_cast<u8>(size), write, value});
}

u32 read_port(Cpu* c, const Op* op, u16 port, unsigned size) {
    DeviceAccess access(c, op, Uncached::PortRead);
    const u32 value = c->env.bus->io_read(port, size);
    if (c->port_breakpoints != 0) note_port_access(c, port, size);
    tell_port(c, op, port, size, value, false);
    return value;
}
void write_port(Cpu* c, const Op* op, u16 port, unsigned size, u32 value) {
    DeviceAccess access(c, op, Uncached::PortWrite);
    c->env.bus->io_write(port, size, value);
    if (c->port_breakpoints != 0) note_port_access(c, port, size);
    tell_port(c, op, port, size, value, true);
}

u16 port_operand(const Cpu* c, const Op* op) {
    return op->b == kPortInDx ? reg<u16>(c, kRdx * 8) : static_cast<u16>(op->imm);
}

void in(Cpu* c, const Op* op) {
    const u16 port = port_operand(c, op);
    check_io_permission(c, op, port, op->a);
    set_reg_sized(c, kRax * 8, read_port(c, op, port, op->a), op->a);
}
void out(Cpu* c, const Op* op) {
    const u16 port = port_operand(c, op);
    check_io_permission(c, op, port, op->a);
    const u32 value = reg<u32>(c, kRax * 8);
    write_port(c, op, port, op->a, op->a == 4 ? value : value & ((1u << (8 * op->a)) - 1));
}

// --- INS and OUTS ---

u64 string_mask(const Op* op) {
    return ~u64{0} >> (64 - 8 * op->imm);
}
u64 string_register(const Cpu* c, const Op* op, GprIndex index) {
    return c->gpr[index] & string_mask(op);
}
void set_string_register(Cpu* c, const Op* op, GprIndex index, u64 value) {
    set_reg_sized(c, static_cast<u8>(index * 8), value, static_cast<unsigned>(op->imm));
}
void advance(Cpu* c, const Op* op, GprIndex index) {
    const u64 step = (c->eflags & rflags::kDf) != 0 ? 0 - u64{op->a} : op->a;
    set_string_register(c, op, index, c->gpr[index] + step);
}

// The destination is checked before the port is read: a device must not be read twice because of a page
// fault.
void ins_once(Cpu* c, const Op* op, u16 port) {
    const u64 linear = segment_linear(c, op, kEs, string_register(c, op, kRdi), op->a, true);
    translate(c, op, linear, AccessKind::Write);
    translate(c, op, linear + op->a - 1, AccessKind::Write);
    ++c->accesses;
    const u32 value = read_port(c, op, port, op->a);
    switch (op->a) {
        case 1:
            store<u8>(c, op, linear, static_cast<u8>(value));
            break;
        case 2:
            store<u16>(c, op, linear, static_cast<u16>(value));
            break;
        default:
            store<u32>(c, op, linear, value);
            break;
    }
    advance(c, op, kRdi);
}

void outs_once(Cpu* c, const Op* op, u16 port) {
    const u64 linear = segment_linear(c, op, op->segment, string_register(c, op, kRsi), op->a, false);
    u32 value = 0;
    switch (op->a) {
        case 1:
            value = load<u8>(c, op, linear);
            break;
        case 2:
            value = load<u16>(c, op, linear);
            break;
        default:
            value = load<u32>(c, op, linear);
            break;
    }
    ++c->accesses;
    write_port(c, op, port, op->a, value);
    advance(c, op, kRsi);
}

template <void (*once)(Cpu*, const Op*, u16)>
void string_io(Cpu* c, const Op* op) {
    u64 next = wrap_rip(c, end_of(c, op));
    const bool repeated = op->b != 0;
    if (!repeated || string_register(c, op, kRcx) != 0) {
        const u16 port = reg<u16>(c, kRdx * 8);
        check_io_permission(c, op, port, op->a);
        once(c, op, port);
        if (repeated) {
            set_string_register(c, op, kRcx, c->gpr[kRcx] - 1);
            if (string_register(c, op, kRcx) != 0) {
                next = rip_of(c, op);
                c->eflags |= rflags::kRf;
            }
        }
    }
    c->rip_slot = next;
}

void select_port(const Insn& insn, Op& op, unsigned data, unsigned port, Handler handler) {
    op.a = static_cast<u8>(insn.operands[data].size);
    op.b = insn.operands[port].is_gpr() ? kPortInDx : 0;
    op.fn = handler;
}

void select_string_io(const Insn& insn, Op& op, unsigned memory, Handler handler) {
    op.a = static_cast<u8>(insn.operands[memory].size);
    op.b = insn.rep || insn.repne;
    op.imm = insn.asize;
    op.accesses = 0;
    op.fn = handler;
}

}  // namespace

void select_in(const Insn& insn, u32, Op& op) {
    select_port(insn, op, 0, 1, then_end<in>);
}
void select_out(const Insn& insn, u32, Op& op) {
    select_port(insn, op, 1, 0, then_end<out>);
}
void select_ins(const Insn& insn, u32, Op& op) {
    select_string_io(insn, op, 0, then_leave<string_io<ins_once>>);
}
void select_outs(const Insn& insn, u32, Op& op) {
    select_string_io(insn, op, 1, then_leave<string_io<outs_once>>);
}

}  // namespace orrery
