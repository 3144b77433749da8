// The decoder on any bytes in any mode, as x86-64-v2 or with every extension that rows know: it looks at no
// byte beyond the span or the 15th, says the same when it is given just what it took, and agrees with the
// disassembler on lengths where both know the instruction.
#include "emulator/isa/decoder.h"

#include "emulator/isa/disassembler.h"
#include "emulator/isa/row.h"
#include "tests/fuzz/target.h"

namespace orrery::fuzz {

namespace {

void run(std::span<const u8> data) {
    if (data.size() < 2) return;
    static const Disassembler disassemblers[] = {Disassembler(CpuMode::Bits16), Disassembler(CpuMode::Bits32),
                                                 Disassembler(CpuMode::Bits64)};
    const unsigned number = data[0] % 3;
    const auto mode = static_cast<CpuMode>(number);
    static const CpuFeatures all = [] {
        CpuFeatures set;
        for (const Row& row : rows()) set.set(row.feature);
        return set;
    }();
    const CpuFeatures features = (data[0] & 0x80) != 0 ? all : CpuFeatures{};
    // On the heap, so that a read beyond the end is seen.
    const std::vector<u8> bytes(data.begin() + 1, data.end());
    for (size_t at = 0; at < bytes.size();) {
        const std::span<const u8> rest = std::span(bytes).subspan(at);
        Insn insn;
        const DecodeStatus status = decode(rest, mode, features, insn);
        require(insn.length <= 15 && insn.length <= rest.size(), "a length within the bytes and 15");
        disassemblers[number].one(rest.subspan(0, std::min<size_t>(rest.size(), 15)), at);
        if (status != DecodeStatus::Ok) {
            require(status != DecodeStatus::NeedMoreBytes || rest.size() < 15, "15 bytes are enough");
            ++at;
            continue;
        }
        require(insn.length > 0, "an instruction has bytes");
        const std::vector<u8> exact(rest.begin(), rest.begin() + insn.length);
        Insn again;
        require(decode(exact, mode, features, again) == DecodeStatus::Ok, "the same from its bytes alone");
        require(again.length == insn.length, "the same length from its bytes alone");
        const std::vector<u8> cut(exact.begin(), exact.end() - 1);
        require(decode(cut, mode, features, again) == DecodeStatus::NeedMoreBytes, "less is not enough");
        at += insn.length;
    }
}

const Target target("decoder", run);

}  // namespace

}  // namespace orrery::fuzz
