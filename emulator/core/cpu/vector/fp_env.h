// The host's MXCSR while guest code runs (SDM vol. 1, 10.2.3).
//
// Vector arithmetic is done by the host's own instructions. For their rounding and flags to be the guest's,
// the run loop loads the host's MXCSR with the guest's rounding mode, FTZ and DAZ, and with all exceptions
// masked; the sticky flags then collect in the host's register, and are folded into Cpu::mxcsr when something
// reads them.
//
// Guarantees and duties: outside a HostFpScope, Cpu::mxcsr is complete. Within one, guest_mxcsr() is, and
// Cpu::mxcsr lacks the flags raised since the last fold. Host code that runs within a scope (slow paths,
// devices, observers) must not do floating-point arithmetic of its own, or must do so in a HostFpPause.
//
// Where the guest has unmasked an exception, key::kSseUnmasked selects handlers that look at each
// instruction's own flags before they commit its result: with_fp_checks().
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

namespace mxcsr {
inline constexpr u32 kIe = 1, kDe = 2, kZe = 4, kOe = 8, kUe = 16, kPe = 32, kFlags = 0x3f;
inline constexpr u32 kDaz = 1u << 6, kUm = 1u << 11, kMasks = 0x1f80, kRounding = 0x6000, kFtz = 1u << 15;
inline constexpr u32 kBeforeComputing = kIe | kDe | kZe;  // SDM vol. 1, 11.5.2
// Bits that exist; MXCSR_MASK of FXSAVE (SDM vol. 1, 11.6.6).
inline constexpr u32 kDefined = 0xffff;

// True if some exception is unmasked: key::kSseUnmasked.
inline constexpr bool any_unmasked(u32 value) {
    return (value & kMasks) != kMasks;
}
}  // namespace mxcsr

u32 host_mxcsr();
void set_host_mxcsr(u32 value);

// The guest's MXCSR within a HostFpScope.
u32 guest_mxcsr(const Cpu* c);
// Sets it. The caller calls update_mode() and leaves the block where any_unmasked() has changed.
void set_guest_mxcsr(Cpu* c, u32 value);
// Brings Cpu::mxcsr up to date within a scope, for whoever looks at the state there.
void fold_mxcsr(Cpu* c);

// Brackets the run loop.
class HostFpScope {
  public:
    explicit HostFpScope(Cpu* cpu);
    ~HostFpScope();
    HostFpScope(const HostFpScope&) = delete;
    HostFpScope& operator=(const HostFpScope&) = delete;

  private:
    Cpu* cpu_;
    u32 outer_;
};

// Brackets host code within a scope that may do arithmetic of its own. Cpu::mxcsr is complete meanwhile. Does
// nothing outside a run.
class HostFpPause {
  public:
    explicit HostFpPause(Cpu* cpu);
    ~HostFpPause();
    HostFpPause(const HostFpPause&) = delete;
    HostFpPause& operator=(const HostFpPause&) = delete;

  private:
    Cpu* cpu_;  // null outside a run
};

// --- with an unmasked exception ---

// Clears the host's flags, having folded them. `extra` is added to the guest's control bits.
void begin_fp_check(Cpu* c, u32 extra = 0);
// Takes the flags that one instruction raised: folds them, or, if one of them is unmasked, raises #XM (#UD
// where CR4.OSXMMEXCPT is 0) with the flags that the hardware would report.
void end_fp_check(Cpu* c, const Op* op, u32 flags);

// Does `compute` and returns its result, or raises; `compute` must consist of host instructions that are not
// elided (volatile) and change no state of the guest's. `refine` gives the exact flags of a computation that
// ends in an unmasked overflow or underflow (fp_lanes.h); it takes those found so far.
template <typename Compute, typename Refine>
inline auto with_fp_checks(Cpu* c, const Op* op, Compute compute, Refine refine) {
    begin_fp_check(c);
    auto result = compute();
    u32 flags = host_mxcsr() & mxcsr::kFlags;
    if ((c->mxcsr & mxcsr::kUm) == 0) {
        // Masked, underflow is reported where a tiny result is inexact; unmasked, where it is tiny (SDM vol.
        // 1, 4.9.1.5). Flushing to zero reports all tiny results.
        begin_fp_check(c, mxcsr::kFtz);
        (void)compute();
        flags |= host_mxcsr() & mxcsr::kUe;
    }
    const u32 unmasked = flags & ~(c->mxcsr >> 7);
    if ((unmasked & (mxcsr::kOe | mxcsr::kUe)) != 0) flags = refine(flags);
    end_fp_check(c, op, flags);
    return result;
}
template <typename Compute>
inline auto with_fp_checks(Cpu* c, const Op* op, Compute compute) {
    return with_fp_checks(c, op, compute, [](u32 flags) { return flags; });
}

}  // namespace orrery
