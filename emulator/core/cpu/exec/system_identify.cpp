// CPUID, RDMSR, WRMSR, RDTSC, RDTSCP, RDPID, RDPMC, RDPKRU, WRPKRU, MONITOR and MWAIT (SDM vol. 2).
#include "emulator/core/cpu/exec/system.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/cpuid.h"
#include "emulator/core/cpu/state/msr.h"
#include "emulator/core/cpu/state/segmentation.h"
#include "emulator/core/cpu/state/xsave.h"

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
    u64 value = 0;
    if (!read_msr_timed(c, op, low(c, kRcx), value)) raise_error(c, op, Vector::GP, 0);
    set_edx_eax(c, value);
}

void wrmsr(Cpu* c, const Op* op) {
    const u64 value = u64{low(c, kRdx)} << 32 | low(c, kRax);
    if (!write_msr_timed(c, op, low(c, kRcx), value)) raise_error(c, op, Vector::GP, 0);
    c->update_mode();
}

void rdtsc(Cpu* c, const Op* op) {
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

void rdpid(Cpu* c, const Op* op) {
    set_reg<u64>(c, op->a, c->code64() ? c->msr.tsc_aux : c->msr.tsc_aux & 0xffff'ffff);
}

// --- protection keys ---

void rdpkru(Cpu* c, const Op* op) {
    if ((c->cr4 & cr4::kPke) == 0) raise(c, op, Vector::UD);
    if (low(c, kRcx) != 0) raise_error(c, op, Vector::GP, 0);
    set_edx_eax(c, c->pkru);
}
void wrpkru(Cpu* c, const Op* op) {
    if ((c->cr4 & cr4::kPke) == 0) raise(c, op, Vector::UD);
    if (low(c, kRcx) != 0 || low(c, kRdx) != 0) raise_error(c, op, Vector::GP, 0);
    xsave::set_pkru(c, low(c, kRax));
}

// --- MONITOR and MWAIT. Leaf 5 has no extensions: ECX is 0 ---

void check_monitor(Cpu* c, const Op* op) {
    if (!monitor_enabled(*c)) raise(c, op, Vector::UD);
    if (low(c, kRcx) != 0) raise_error(c, op, Vector::GP, 0);
}

// Arms the line that holds DS:rAX, as a load of one byte finds it. Any write to it, of whatever CPU or
// device, disarms it. Lines that are not RAM cannot be armed.
void monitor(Cpu* c, const Op* op) {
    check_monitor(c, op);
    const u64 offset = c->gpr[kRax] & (~u64{0} >> (64 - 8 * op->imm));
    const u64 linear = segment_linear(c, op, op->segment, offset, 1, false);
    load<u8>(c, op, linear);
    const u64 physical = translate(c, op, linear, AccessKind::Read);
    c->monitor.armed = false;
    if (c->env.bus->ram_at(physical) != nullptr) c->env.code->arm(c->monitor, physical);
}

// Waits until the line is written, or for what ends a HLT. Without an armed line it goes on.
void mwait(Cpu* c, const Op* op) {
    check_monitor(c, op);
    if (!c->monitor.armed) return;
    if (c->env.observers->wants(EventKind::Halt)) emit(c, op, event::Halt{.by_mwait = true});
    c->activity = Activity::MonitorWait;
}

}  // namespace

ORRERY_SYSTEM(cpuid, then_next<identify>)
ORRERY_SYSTEM(rdmsr, then_next<rdmsr>)
ORRERY_SYSTEM(wrmsr, then_end<wrmsr>)
ORRERY_SYSTEM(rdtsc, then_next<rdtsc>)
ORRERY_SYSTEM(rdtscp, then_next<rdtscp>)
ORRERY_SYSTEM(rdpmc, then_next<rdpmc>)
ORRERY_SYSTEM(mwait, then_end<mwait>)

ORRERY_SYSTEM(rdpid, then_next<rdpid>)
ORRERY_SYSTEM(rdpkru, then_next<rdpkru>)
ORRERY_SYSTEM(wrpkru, then_end<wrpkru>)

void select_monitor(const Insn& insn, u32, Op& op) {
    op.segment = static_cast<u8>(insn.segment);
    op.imm = insn.asize;
    op.accesses = 1;
    op.fn = then_next<monitor>;
}

}  // namespace orrery
