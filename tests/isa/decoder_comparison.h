// Holds the decoder against another disassembler and sorts out the differences that are known to be the
// other's (known_differences.def).
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/decoder.h"

namespace orrery::testing {

enum class Peer { Capstone, Objdump };

struct ComparisonReport {
    std::size_t cases = 0;
    std::size_t decoded = 0;               // cases that are instructions to us
    std::size_t known = 0;                 // differences explained by known_differences.def
    std::size_t unexplained_count = 0;     // the others …
    std::vector<std::string> unexplained;  // … of which the first few of each kind and mnemonic are here
};

/// Every case of decoder_cases(mode): length, mnemonic and operands, or that there is no such instruction.
enum class Cases { Legacy, Vex };

ComparisonReport compare_decoder(Peer peer, CpuMode mode, Cases cases = Cases::Legacy);

}  // namespace orrery::testing
