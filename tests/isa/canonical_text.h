// One spelling for instructions, whoever disassembled them, so that the decoder can be compared with Capstone
// and objdump: "mov r/4:eax, …". Numbers are hexadecimal and cut to the operand's size, memory operands are
// "m<bytes>:seg:[base+index*scale+disp]" with the segment only where it is not the default one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "emulator/isa/row.h"

namespace orrery::testing {

struct CanonicalText {
    std::string mnemonic;
    std::vector<std::string> operands;

    std::string str() const;
};

/// `address`: where the instruction lies, for relative targets.
CanonicalText canonical(const Insn& insn, u64 address);

/// The same of a foreign disassembler's Intel-syntax line ("mov    eax,DWORD PTR [rbx+0x4]"). `insn` is our
/// decoding of the same bytes; it only says to which width numbers are cut and which mode this is.
CanonicalText canonical(std::string_view foreign, const Insn& insn);

/// The row's mnemonic in that spelling.
std::string canonical_mnemonic(const Row& row);

/// Mnemonic alone of a foreign line, its prefixes and aliases removed.
std::string foreign_mnemonic(std::string_view foreign);

/// Whether the two agree. Memory sizes are compared only where both name one.
bool agree(const CanonicalText& ours, const CanonicalText& theirs);

}  // namespace orrery::testing
