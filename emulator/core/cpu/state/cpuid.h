// CPUID: what the modelled CPU says of itself (SDM vol. 2A, CPUID). The same on every host: an x86-64-v2 core
// of the Skylake generation, its feature bits made from CpuFeatures, its TLB sizes those of core/mmu/tlb.h, its
// time-stamp counter 40 times a 25 MHz crystal, which is also the local APIC timer's.
#pragma once

#include "emulator/core/cpu/state/cpu.h"

namespace orrery {

// Family 6, model 5EH, stepping 3 (leaf 1, EAX; EDX at reset).
inline constexpr u32 kCpuSignature = 0x000506e3;
inline constexpr u32 kCrystalHz = 25'000'000;

struct CpuidResult {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

// The answer to `leaf` and `subleaf` in the present state (OSXSAVE, the APIC's enable bit and 64-bit mode
// show in it).
CpuidResult cpuid(Cpu& cpu, u32 leaf, u32 subleaf);

}  // namespace orrery
