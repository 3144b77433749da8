// The XSAVE feature set: which state components there are, where they lie in an XSAVE area, and which of them
// are in use (SDM vol. 1, chapter 13).
//
// Components: x87 (0), SSE (1), AVX (2, the upper halves of the YMM registers), PKRU (9). There are no
// supervisor components: IA32_XSS is zero.
//
// The init optimisation is left to the implementation by the manual (13.6). Here a component is in use
// (XINUSE) exactly if its registers differ from their initial values, whoever wrote them; the modified
// optimisation does not exist. So what XSAVE writes is a function of the architectural state.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery::xsave {

inline constexpr unsigned kLegacySize = 512, kHeaderSize = 64, kExtended = kLegacySize + kHeaderSize;
inline constexpr unsigned kAvxSize = 256, kPkruSize = 8;
inline constexpr u64 kCompacted = u64{1} << 63;  // XCOMP_BV: the compacted format

// The components that XCR0 may have.
u64 supported(const CpuFeatures& features);

// Where PKRU lies: behind AVX, whose place the compacted format leaves out where AVX is not among
// `components`. AVX comes first in both formats.
inline unsigned pkru_offset(u64 components, bool compacted) {
    return kExtended + (compacted && (components & xcr0::kAvx) == 0 ? 0 : kAvxSize);
}
// Size in bytes of an area for `components`.
inline unsigned area_size(u64 components, bool compacted) {
    if ((components & xcr0::kPkru) != 0) return pkru_offset(components, compacted) + kPkruSize;
    return kExtended + ((components & xcr0::kAvx) != 0 ? kAvxSize : 0);
}

// XINUSE. SSE's is about the XMM registers, not about MXCSR.
u64 in_use(const Cpu* c);

// A component's registers as after power-on's initialisation; in legacy modes XMM8 to XMM15 stay. The x87 as
// after FNINIT with registers of zero. MXCSR stays.
void initialize(Cpu* c, u64 component);

// As WRPKRU and XRSTOR do.
void set_pkru(Cpu* c, u32 value);

// Whether XSETBV may load `value`.
bool valid_xcr0(const CpuFeatures& features, u64 value);

}  // namespace orrery::xsave
