// Runs binutils' objdump over many short byte strings at once.
#pragma once

#include <string>
#include <vector>

#include "tests/isa/decoder_cases.h"

namespace orrery::testing {

struct ObjdumpLine {
    unsigned length = 0;  // bytes of the first instruction, its prefixes included
    std::string text;     // Intel syntax; "(bad)" somewhere in it if objdump knows no instruction
};

/// Each case lies at address n * kObjdumpSlot. `lengths[n]` bytes of case n are given to objdump, then NOPs.
/// Throws std::runtime_error if objdump cannot be run.
constexpr unsigned kObjdumpSlot = 32;
std::vector<ObjdumpLine> objdump(CpuMode mode, const std::vector<DecoderCase>& cases,
                                 const std::vector<unsigned>& lengths);

}  // namespace orrery::testing
