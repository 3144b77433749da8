// What stands before every x87, MMX and SSE instruction: CR0.EM and CR0.TS, CR4.OSFXSR, and a pending x87
// exception (SDM vol. 3A, 2.5 and table 13-1; vol. 1, 8.6).
//
// The first three are part of the block's key: a selector asks one of trap_…(), which, if the instruction
// cannot run, sets a handler that raises #UD or #NM, and returns true. A pending x87 exception is looked for
// at run time.
#pragma once

#include "emulator/core/cpu/run/memory.h"

namespace orrery {

// SSE instructions on XMM registers: #UD if CR0.EM = 1 or CR4.OSFXSR = 0, #NM if CR0.TS = 1.
bool trap_sse(u32 key, Op& op);
// MMX: #UD if CR0.EM = 1, #NM if CR0.TS = 1.
bool trap_mmx(u32 key, Op& op);
// Both kinds of register: CVTPI2PS, MOVQ2DQ…
bool trap_sse_mmx(u32 key, Op& op);
// x87, FXSAVE, FXRSTOR: #NM if CR0.EM = 1 or CR0.TS = 1. (FWAIT looks at CR0.MP and CR0.TS: its own.)
bool trap_x87(u32 key, Op& op);

// VEX on general registers (BMI): #UD in real and virtual-8086 mode. May decode as LES or LDS there, which
// with a register operand is #UD too.
bool trap_vex(u32 key, Op& op);
// VEX on vectors: likewise, #UD if CR4.OSXSAVE = 0 or XCR0 lacks SSE or AVX, #NM if CR0.TS = 1 (SDM vol. 2,
// 2.4). CR0.EM and CR4.OSFXSR do not matter.
bool trap_avx(u32 key, Op& op);

// One or the other, by the instruction's encoding.
inline bool trap_vector(const Insn& insn, u32 key, Op& op) {
    return insn.vex ? trap_avx(key, op) : trap_sse(key, op);
}

// FSW.ES: an unmasked x87 exception waits to be reported.
inline constexpr u16 kX87ErrorSummary = 0x80;

// Reports it: #MF (vol. 3A, 6.15, interrupt 16). With CR0.NE = 0 and FERR# wired (CpuEnvironment::ferr),
// asserts FERR# and waits for an interrupt instead, or returns where IGNNE# says so (vol. 1, D.2.1.1).
void report_x87_pending(Cpu* c, const Op* op);

inline void check_x87_pending(Cpu* c, const Op* op) {
    if (__builtin_expect((c->x87.status & kX87ErrorSummary) != 0, 0)) report_x87_pending(c, op);
}

}  // namespace orrery
