// How a loaded guest is entered: the registers that its boot protocol fixes. What is not named here is as
// after reset.
#pragma once

#include <array>

#include "emulator/isa/types.h"

namespace orrery {

struct EntryState {
    // As VMX and the SDM's descriptor figures have it: `access` is bits 8-23 of a descriptor's upper dword
    // moved to bits 0-15 (type, S, DPL, P; AVL, L, D/B, G at bits 12-15); `limit` is in bytes, already
    // scaled.
    struct Segment {
        u16 selector = 0;
        u64 base = 0;
        u32 limit = 0;
        u16 access = 0;
    };
    struct Table {
        u64 base = 0;
        u16 limit = 0;
    };

    // RAX RCX RDX RBX RSP RBP RSI RDI R8-R15, in the order of their encoding.
    std::array<u64, 16> gpr{};
    u64 rip = 0;
    u64 rflags = 2;
    // ES CS SS DS FS GS, in the order of their encoding.
    std::array<Segment, 6> segments{};
    Segment ldtr{0, 0, 0xffff, 0x0082};
    Segment tr;
    Table gdtr;
    Table idtr;
    u64 cr0 = 0;
    u64 cr3 = 0;
    u64 cr4 = 0;
    u64 efer = 0;
};

// Access bits of the segments that boot protocols ask for.
inline constexpr u16 kFlatCode32 = 0xc09b;
inline constexpr u16 kFlatCode64 = 0xa09b;
inline constexpr u16 kFlatData = 0xc093;
inline constexpr u16 kBusyTss32 = 0x008b;

}  // namespace orrery
