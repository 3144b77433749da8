#include "emulator/core/cpu/x87/fpu_trap.h"

#include "emulator/core/cpu/run/stretch.h"

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

void op_no_vex(Cpu* c, const Op* op) {
    raise(c, op, Vector::UD);
}

// CR0.TS alone: the key bit without any of the causes of #UD.
void op_no_avx(Cpu* c, const Op* op) {
    constexpr u64 kVectorState = xcr0::kSse | xcr0::kAvx;
    const bool undefined = (c->key & key::kVexTrap) != 0 || (c->cr4 & cr4::kOsxsave) == 0 ||
                           (c->xcr0 & kVectorState) != kVectorState;
    raise(c, op, undefined ? Vector::UD : Vector::NM);
}

}  // namespace

void report_x87_pending(Cpu* c, const Op* op) {
    if ((c->cr0 & cr0::kNe) == 0 && c->env.ferr != nullptr) {
        if (c->ignne) return;
        {
            DeviceAccess access(c, op);
            c->env.ferr(c->env.ferr_context);
        }
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

bool trap_vex(u32 key, Op& op) {
    if ((key & key::kVexTrap) == 0) return false;
    op.fn = op_no_vex;
    return true;
}

bool trap_avx(u32 key, Op& op) {
    if ((key & key::kAvxTrap) == 0) return false;
    op.fn = op_no_avx;
    return true;
}

bool trap_x87(u32 key, Op& op) {
    if ((key & key::kFpuTrap) == 0) return false;
    op.fn = op_no_x87;
    return true;
}

}  // namespace orrery
