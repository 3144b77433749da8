// Bytes to Insn, by the instruction table. Pure: no state, same answer for the same arguments on every host.
// Follows Intel SDM Vol. 2, chapter 2 (instruction format) and appendix A (opcode maps); where Intel and AMD
// differ, Intel's rule is taken (66 is ignored on near branches in 64-bit mode).
#pragma once

#include <span>

#include "emulator/isa/features.h"
#include "emulator/isa/insn.h"

namespace orrery {

/// Default operand and address size by CS.D and CS.L. Real mode and virtual-8086 mode decode as Bits16.
enum class CpuMode : u8 { Bits16, Bits32, Bits64 };

enum class DecodeStatus : u8 {
    Ok,
    NeedMoreBytes,  // the span ended before the instruction did, and before 15 bytes: fetch the next page
    Undefined,      // #UD
    TooLong,        // #GP(0): more than 15 bytes
};

/// Decodes the instruction at the start of `bytes`. Bytes beyond the 15th are never read.
/// Ok: `out` is complete. Otherwise `out` is unspecified, but out.length is the count of bytes looked at.
DecodeStatus decode(std::span<const u8> bytes, CpuMode mode, const CpuFeatures& features, Insn& out);

}  // namespace orrery
