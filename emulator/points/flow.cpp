#include "emulator/points/flow.h"

namespace orrery {

u64 linear_rip(const Cpu& cpu) {
    return cpu.code64() ? cpu.rip() : (cpu.rip() + cpu.seg[kCs].base) & 0xffff'ffff;
}

std::optional<Insn> insn_at(Machine& machine, const Cpu& cpu, u64 linear) {
    u8 bytes[kMaxInsnLength];
    const size_t got = machine.peek(cpu.id, linear, bytes, sizeof bytes);
    Insn insn;
    if (decode({bytes, got}, cpu.code_mode(), cpu.features, insn) != DecodeStatus::Ok) return std::nullopt;
    return insn;
}

FlowHere flow_at_rip(Machine& machine, const Cpu& cpu) {
    const std::optional<Insn> insn = insn_at(machine, cpu, linear_rip(cpu));
    if (!insn) return {};
    const Effects e = effects(*insn);
    return {e.flow, e.repeats, insn->length};
}

}  // namespace orrery
