// Far JMP CALL RET, IRET, INT n, INT3, INT1, INTO, and the fast system calls (SDM vol. 2). What they do is in
// far_transfer.h and exceptions.h.
#include "emulator/core/cpu/exec/far_transfer.h"
#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/run/exceptions.h"

namespace orrery {

namespace {

u64 next_rip(const Cpu* c, const Op* op) {
    return wrap_rip(c, end_of(c, op));
}

struct FarPointer {
    u64 offset = 0;
    u16 selector = 0;
};

// Op::imm: the form. Op::disp: the offset, Op::a and Op::b: the selector, where they are in the instruction.
FarPointer far_operand(Cpu* c, const Op* op) {
    FarPointer pointer;
    if (!is_memory_form(op)) {
        pointer.offset = static_cast<u64>(op->disp);
        pointer.selector = static_cast<u16>(op->a | op->b << 8);
        return pointer;
    }
    const unsigned size = operand_size(op);
    u8 bytes[10];
    load_bytes(c, op, operand_address(c, op), bytes, size + 2);
    std::memcpy(&pointer.offset, bytes, size);
    std::memcpy(&pointer.selector, bytes + size, 2);
    return pointer;
}

void jmp_far(Cpu* c, const Op* op) {
    const FarPointer target = far_operand(c, op);
    far_jump(c, op, target.selector, target.offset, operand_size(op), next_rip(c, op));
}
void call_far(Cpu* c, const Op* op) {
    const FarPointer target = far_operand(c, op);
    far_call(c, op, target.selector, target.offset, operand_size(op), next_rip(c, op));
}

void select_far(const Insn& insn, Op& op, Handler handler) {
    op.imm = form_of(insn);
    if (!insn.has_memory()) {
        op.a = static_cast<u8>(insn.imm2);
        op.b = static_cast<u8>(insn.imm2 >> 8);
    }
    op.fn = handler;
}

// Op::a: operand size; Op::imm: bytes to release.
void ret_far(Cpu* c, const Op* op) {
    far_return(c, op, op->a, static_cast<u16>(op->imm));
}
void iret(Cpu* c, const Op* op) {
    interrupt_return(c, op, op->a, next_rip(c, op));
}

void int_n(Cpu* c, const Op* op) {
    deliver_software(c, op, static_cast<u8>(op->imm), SoftwareInterrupt::Int, next_rip(c, op));
}
void int3(Cpu* c, const Op* op) {
    deliver_software(c, op, static_cast<u8>(Vector::BP), SoftwareInterrupt::Int, next_rip(c, op));
}
void int1(Cpu* c, const Op* op) {
    deliver_software(c, op, static_cast<u8>(Vector::DB), SoftwareInterrupt::Int1, next_rip(c, op));
}
void into(Cpu* c, const Op* op) {
    if (c->lf.of()) {
        deliver_software(c, op, static_cast<u8>(Vector::OF), SoftwareInterrupt::Int, next_rip(c, op));
    } else {
        c->rip_slot = next_rip(c, op);
    }
}

void syscall(Cpu* c, const Op* op) {
    enter_syscall(c, op, end_of(c, op));
}
void sysret(Cpu* c, const Op* op) {
    leave_syscall(c, op, op->a);
}
void sysexit(Cpu* c, const Op* op) {
    leave_sysexit(c, op, op->a);
}

void select_sized(const Insn& insn, Op& op, Handler handler) {
    op.a = insn.opsize;
    op.imm = insn.operand_count > 0 ? static_cast<i32>(insn.imm & 0xffff) : 0;
    op.segment = kSs;
    op.fn = handler;
}

}  // namespace

void select_jmp_far(const Insn& insn, u32, Op& op) {
    select_far(insn, op, then_leave<jmp_far>);
}
void select_call_far(const Insn& insn, u32, Op& op) {
    select_far(insn, op, then_leave<call_far>);
}
void select_ret_far(const Insn& insn, u32, Op& op) {
    select_sized(insn, op, then_leave<ret_far>);
}
void select_iret(const Insn& insn, u32, Op& op) {
    select_sized(insn, op, then_leave<iret>);
}
void select_sysret(const Insn& insn, u32, Op& op) {
    select_sized(insn, op, then_leave<sysret>);
}
void select_sysexit(const Insn& insn, u32, Op& op) {
    select_sized(insn, op, then_leave<sysexit>);
}
ORRERY_SYSTEM(syscall, then_leave<syscall>)
ORRERY_SYSTEM(sysenter, then_leave<enter_sysenter>)
ORRERY_SYSTEM(int_, then_leave<int_n>)
ORRERY_SYSTEM(int3, then_leave<int3>)
ORRERY_SYSTEM(int1, then_leave<int1>)
ORRERY_SYSTEM(into, then_leave<into>)

}  // namespace orrery
