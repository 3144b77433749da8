#include "emulator/points/flow.h"

#include <string_view>

#include "emulator/isa/decoder.h"
#include "emulator/isa/row.h"

namespace orrery {
namespace {

CpuMode mode_of(const Cpu& cpu) {
    if (cpu.code64()) return CpuMode::Bits64;
    return cpu.seg[kCs].big() && (cpu.cr0 & cr0::kPe) != 0 ? CpuMode::Bits32 : CpuMode::Bits16;
}

Flow flow_of(const Insn& insn) {
    const std::string_view name = insn.row->mnemonic;
    if (name == "CALL" || name == "SYSCALL" || name == "SYSENTER" || name.starts_with("INT"))
        return Flow::Call;
    if (name.starts_with("RET") || name.starts_with("IRET") || name == "SYSRET" || name == "SYSEXIT")
        return Flow::Return;
    return (insn.rep || insn.repne) && insn.row->has(row_words::Rep) ? Flow::Repeat : Flow::Plain;
}

}  // namespace

u64 linear_rip(const Cpu& cpu) {
    return cpu.code64() ? cpu.rip() : (cpu.rip() + cpu.seg[kCs].base) & 0xffff'ffff;
}

FlowHere flow_at_rip(Machine& machine, const Cpu& cpu) {
    u8 bytes[15];
    const size_t got = machine.peek(cpu.id, linear_rip(cpu), bytes, sizeof bytes);
    Insn insn;
    if (decode({bytes, got}, mode_of(cpu), cpu.features, insn) != DecodeStatus::Ok) return {};
    return {flow_of(insn), insn.length};
}

}  // namespace orrery
