// Text of instructions for people, by Capstone. Used by the debugger and by tests; never by the machine
// itself.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "emulator/isa/decoder.h"

namespace orrery {

enum class Syntax : u8 { Intel, Att };

struct DisassembledInsn {
    u64 address = 0;
    u8 length = 0;  // 0: these bytes are no instruction; text is then "(bad)"
    std::string mnemonic;
    std::string operands;

    std::string text() const { return operands.empty() ? mnemonic : mnemonic + " " + operands; }
};

class Disassembler {
  public:
    /// Throws std::runtime_error if Capstone cannot be opened (built without x86 support).
    explicit Disassembler(CpuMode mode, Syntax syntax = Syntax::Intel);
    ~Disassembler();
    Disassembler(Disassembler&&) noexcept;
    Disassembler& operator=(Disassembler&&) noexcept;

    /// One instruction at the start of `bytes`, which lie at `address` (used for relative operands).
    DisassembledInsn one(std::span<const u8> bytes, u64 address) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace orrery
