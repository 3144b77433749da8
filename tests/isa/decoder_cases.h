// The cases on which the decoder is held against other disassemblers: every opcode of the four maps, under
// every relevant prefix, with every ModRM byte (under the mandatory prefixes) or a sample of them (under the
// others).
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "emulator/isa/decoder.h"

namespace orrery::testing {

struct DecoderCase {
    std::array<u8, 15> bytes{};
    u8 prefix_count = 0;  // bytes before the opcode
};

/// All cases of one mode, in a fixed order. Bytes after the opcode and ModRM are random, by a fixed seed.
std::vector<DecoderCase> decoder_cases(CpuMode mode);

/// The same behind VEX: every map, opcode, VEX.pp, L and W, with VEX.vvvv in use or not.
std::vector<DecoderCase> vex_decoder_cases(CpuMode mode);

}  // namespace orrery::testing
