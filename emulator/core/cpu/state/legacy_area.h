// The first 416 bytes of an FXSAVE area, which are also the legacy region of an XSAVE area (SDM vol.
// 1, 10.5.1 and 13.4.1; vol. 2, FXSAVE, tables 3-43 and 3-46).
//
// Reserved bytes are written as zero; reserved bits of loaded control words are dropped, and FSW.ES and B
// follow from the exceptions and their masks. The selectors of the x87 pointers are not kept
// (CPUID.(7,0):EBX[13]).
#pragma once

#include <cstddef>

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

struct LegacyArea {
    struct Register {
        u64 significand;
        u16 sign_exponent;
        u16 reserved[3];
    };
    u16 control;
    u16 status;
    u8 valid;  // abridged tag word: bit i, physical register i is not empty
    u8 reserved5;
    u16 opcode;
    u64 ip;  // `wide` (REX.W): 64 bits; else 32 bits, then the selector
    u64 dp;
    u32 mxcsr;
    u32 mxcsr_mask;
    Register st[8];  // ST(0) first
    u64 xmm[16][2];
};
static_assert(sizeof(LegacyArea) == 416 && offsetof(LegacyArea, mxcsr) == 24);
static_assert(offsetof(LegacyArea, st) == 32 && offsetof(LegacyArea, xmm) == 160);

// Control words, pointers and registers of the x87; the rest of `area` is left as it is.
void save_x87(const Cpu* c, LegacyArea& area, bool wide);
void restore_x87(Cpu* c, const LegacyArea& area, bool wide);

// How many vector registers the mode sees.
inline unsigned visible_registers(const Cpu* c) {
    return c->code64() ? 16 : 8;
}

}  // namespace orrery
