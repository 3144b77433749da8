#include "emulator/isa/disassembler.h"

#include <capstone/capstone.h>

#include <stdexcept>

namespace orrery {

struct Disassembler::Impl {
    csh handle = 0;
    cs_insn* insn = nullptr;
    CpuMode mode;

    Impl(CpuMode m, Syntax syntax) : mode(m) {
        cs_mode bits = m == CpuMode::Bits64 ? CS_MODE_64 : m == CpuMode::Bits32 ? CS_MODE_32 : CS_MODE_16;
        if (cs_open(CS_ARCH_X86, bits, &handle) != CS_ERR_OK) {
            throw std::runtime_error("Capstone cannot disassemble x86");
        }
        cs_option(handle, CS_OPT_SYNTAX, syntax == Syntax::Att ? CS_OPT_SYNTAX_ATT : CS_OPT_SYNTAX_INTEL);
        insn = cs_malloc(handle);
    }
    ~Impl() {
        cs_free(insn, 1);
        cs_close(&handle);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
};

Disassembler::Disassembler(CpuMode mode, Syntax syntax) : impl_(std::make_unique<Impl>(mode, syntax)) {}
Disassembler::~Disassembler() = default;
Disassembler::Disassembler(Disassembler&&) noexcept = default;
Disassembler& Disassembler::operator=(Disassembler&&) noexcept = default;

DisassembledInsn Disassembler::one(std::span<const u8> bytes, u64 address) const {
    DisassembledInsn out;
    out.address = address;
    const u8* code = bytes.data();
    std::size_t size = bytes.size();
    u64 at = address;
    if (cs_disasm_iter(impl_->handle, &code, &size, &at, impl_->insn)) {
        out.length = static_cast<u8>(impl_->insn->size);
        out.mnemonic = impl_->insn->mnemonic;
        out.operands = impl_->insn->op_str;
    } else {
        out.mnemonic = "(bad)";
    }
    return out;
}

}  // namespace orrery
