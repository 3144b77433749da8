// CPUID, RDMSR, WRMSR, RDTSC, RDTSCP, RDPMC, and the instructions of features that the profile lacks
// (MONITOR, MWAIT) (SDM vol. 2).
#include "emulator/cpu/cpuid.h"
#include "emulator/cpu/exec_system.h"
#include "emulator/cpu/msr.h"
#include "emulator/cpu/segmentation.h"
#include "emulator/cpu/stretch.h"

namespace orrery {

namespace {

u32 low(const Cpu* c, GprIndex index) {
    return static_cast<u32>(c->gpr[index]);
}
void set_edx_eax(Cpu* c, u64 value) {
    c->gpr[kRax] = value & 0xffff'ffff;
    c->gpr[kRdx] = value >> 32;
}

void identify(Cpu* c, const Op*) {
    const CpuidResult result = cpuid(*c, low(c, kRax), low(c, kRcx));
    c->gpr[kRax] = result.eax;
    c->gpr[kRbx] = result.ebx;
    c->gpr[kRcx] = result.ecx;
    c->gpr[kRdx] = result.edx;
}

// Some registers are a device's: they see the instruction's own time.
bool read_msr_timed(Cpu* c, const Op* op, u32 number, u64& value) {
    DeviceAccess access(c, op);
    return read_msr(c, number, value);
}
bool write_msr_timed(Cpu* c, const Op* op, u32 number, u64 value) {
    DeviceAccess access(c, op);
    return write_msr(c, number, value);
}

void rdmsr(Cpu* c, const Op* op) {
    require_cpl0(c, op);
    u64 value = 0;
    if (!read_msr_timed(c, op, low(c, kRcx), value)) raise_error(c, op, Vector::GP, 0);
    set_edx_eax(c, value);
}

void wrmsr(Cpu* c, const Op* op) {
    require_cpl0(c, op);
    const u64 value = u64{low(c, kRdx)} << 32 | low(c, kRax);
    if (!write_msr_timed(c, op, low(c, kRcx), value)) raise_error(c, op, Vector::GP, 0);
    c->update_mode();
}

void check_tsd(Cpu* c, const Op* op) {
    if ((c->cr4 & cr4::kTsd) != 0) require_cpl0(c, op);
}

void rdtsc(Cpu* c, const Op* op) {
    check_tsd(c, op);
    set_edx_eax(c, ticks_at(c, op) + c->msr.tsc_offset);
}
void rdtscp(Cpu* c, const Op* op) {
    rdtsc(c, op);
    c->gpr[kRcx] = c->msr.tsc_aux;
}

// Leaf 0AH says that there are no counters: no value of ECX is valid.
void rdpmc(Cpu* c, const Op* op) {
    raise_error(c, op, Vector::GP, 0);
}

void monitor(Cpu* c, const Op* op) {
    if (c->cpl != 0) raise(c, op, Vector::UD);
    if (low(c, kRcx) != 0) raise_error(c, op, Vector::GP, 0);
    load<u8>(c, op, segment_linear(c, op, op->segment, c->gpr[kRax], 1, false));
}
// May return at once for any reason (SDM vol. 2, MWAIT); here it always does.
void mwait(Cpu* c, const Op* op) {
    if (c->cpl != 0) raise(c, op, Vector::UD);
    if (low(c, kRcx) > 1) raise_error(c, op, Vector::GP, 0);
}

}  // namespace

ORRERY_SYSTEM(cpuid, then_next<identify>)
ORRERY_SYSTEM(rdmsr, then_next<rdmsr>)
ORRERY_SYSTEM(wrmsr, then_end<wrmsr>)
ORRERY_SYSTEM(rdtsc, then_next<rdtsc>)
ORRERY_SYSTEM(rdtscp, then_next<rdtscp>)
ORRERY_SYSTEM(rdpmc, then_next<rdpmc>)
ORRERY_SYSTEM(mwait, then_end<mwait>)

void select_monitor(const Insn&, u32, Op& op) {
    op.segment = kDs;
    op.accesses = 1;
    op.fn = then_next<monitor>;
}

}  // namespace orrery
