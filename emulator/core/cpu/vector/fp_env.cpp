#include "emulator/core/cpu/vector/fp_env.h"

#include "emulator/core/cpu/run/memory.h"

namespace orrery {

u32 host_mxcsr() {
    u32 value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}

void set_host_mxcsr(u32 value) {
    asm volatile("ldmxcsr %0" : : "m"(value));
}

static u32 host_control(u32 guest) {
    return (guest & (mxcsr::kRounding | mxcsr::kFtz | mxcsr::kDaz)) | mxcsr::kMasks;
}

u32 guest_mxcsr(const Cpu* c) {
    return c->mxcsr | (host_mxcsr() & mxcsr::kFlags);
}

void set_guest_mxcsr(Cpu* c, u32 value) {
    c->mxcsr = value;
    set_host_mxcsr(host_control(value));
}

void fold_mxcsr(Cpu* c) {
    c->mxcsr = guest_mxcsr(c);
}

HostFpScope::HostFpScope(Cpu* cpu) : cpu_(cpu), outer_(host_mxcsr()) {
    set_host_mxcsr(host_control(cpu_->mxcsr));
}

HostFpScope::~HostFpScope() {
    fold_mxcsr(cpu_);
    set_host_mxcsr(outer_);
}

HostFpPause::HostFpPause(Cpu* cpu) : cpu_(cpu->unwind != nullptr ? cpu : nullptr) {
    if (cpu_ == nullptr) return;
    fold_mxcsr(cpu_);
    set_host_mxcsr(mxcsr::kMasks);
}

HostFpPause::~HostFpPause() {
    if (cpu_ != nullptr) set_host_mxcsr(host_control(cpu_->mxcsr));
}

void begin_fp_check(Cpu* c, u32 extra) {
    // A second call for the same instruction must not fold the first attempt's flags.
    if (extra == 0) fold_mxcsr(c);
    set_host_mxcsr(host_control(c->mxcsr) | extra);
}

void end_fp_check(Cpu* c, const Op* op, u32 flags) {
    const u32 unmasked = flags & ~(c->mxcsr >> 7);
    set_host_mxcsr(host_control(c->mxcsr));
    if ((unmasked & mxcsr::kBeforeComputing) != 0) {
        // The computation was not made: nothing is known of its result (SDM vol. 1, 11.5.3.2).
        flags &= mxcsr::kBeforeComputing;
    }
    c->mxcsr |= flags;
    if (unmasked == 0) return;
    raise(c, op, (c->cr4 & cr4::kOsxmmexcpt) != 0 ? Vector::XM : Vector::UD);
}

}  // namespace orrery
