#include "emulator/cpu/exec_fpu_trap.h"

namespace orrery {

namespace {

void op_no_sse(Cpu* c, const Op* op) {
    const bool undefined = (c->cr0 & cr0::kEm) != 0 || (c->cr4 & cr4::kOsfxsr) == 0;
    raise(c, op, undefined ? Vector::UD : Vector::NM);
}

void op_no_mmx(Cpu* c, const Op* op) {
    raise(c, op, (c->cr0 & cr0::kEm) != 0 ? Vector::UD : Vector::NM);
}

void op_no_x87(Cpu* c, const Op* op) {
    raise(c, op, Vector::NM);
}

}  // namespace

void raise_x87_pending(Cpu* c, const Op* op) {
    if ((c->cr0 & cr0::kNe) == 0 && c->env.ferr != nullptr) {
        c->env.ferr(c->env.ferr_context);
        halt_at(c, op);
    }
    raise(c, op, Vector::MF);
}

bool trap_sse(u32 key, Op& op) {
    if ((key & key::kSseTrap) == 0) return false;
    op.fn = op_no_sse;
    return true;
}

bool trap_mmx(u32 key, Op& op) {
    if ((key & key::kFpuTrap) == 0) return false;
    op.fn = op_no_mmx;
    return true;
}

bool trap_sse_mmx(u32 key, Op& op) {
    return trap_sse(key, op) || trap_mmx(key, op);
}

bool trap_x87(u32 key, Op& op) {
    if ((key & key::kFpuTrap) == 0) return false;
    op.fn = op_no_x87;
    return true;
}

}  // namespace orrery
