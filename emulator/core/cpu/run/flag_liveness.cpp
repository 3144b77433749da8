#include "emulator/core/cpu/run/flag_liveness.h"

#include <string_view>
#include <vector>

#include "emulator/core/cpu/run/lower.h"
#include "emulator/core/cpu/state/flags.h"
#include "emulator/isa/row.h"

namespace orrery {

namespace {

// What an instruction of this name does to the arithmetic flags, in its form without memory operand.
enum class FlagUse : u8 {
    Unknown,      // may fault, leave the block, or whatever else
    Keeps,        // works on registers, neither reads nor writes flags
    Reads,        // works on registers, reads flags and writes none
    Replaces,     // writes all of them, by its operands alone
    KeepsCarry,   // all but CF
    Shifts,       // Replaces, unless the count is zero
    CarriesOnly,  // writes CF and OF
    AddsCarry,    // reads CF, and then Replaces
};

FlagUse use_of(std::string_view semantics) {
    static constexpr struct {
        std::string_view semantics;
        FlagUse use;
    } kUses[] = {
        {"mov", FlagUse::Keeps},      {"movzx", FlagUse::Keeps},      {"movsx", FlagUse::Keeps},
        {"lea", FlagUse::Keeps},      {"bswap", FlagUse::Keeps},      {"xchg", FlagUse::Keeps},
        {"not_", FlagUse::Keeps},     {"nop", FlagUse::Keeps},        {"cmovcc", FlagUse::Reads},
        {"setcc", FlagUse::Reads},    {"add", FlagUse::Replaces},     {"sub", FlagUse::Replaces},
        {"cmp", FlagUse::Replaces},   {"and_", FlagUse::Replaces},    {"or_", FlagUse::Replaces},
        {"xor_", FlagUse::Replaces},  {"test", FlagUse::Replaces},    {"neg", FlagUse::Replaces},
        {"inc", FlagUse::KeepsCarry}, {"dec", FlagUse::KeepsCarry},   {"shl", FlagUse::Shifts},
        {"shr", FlagUse::Shifts},     {"sar", FlagUse::Shifts},       {"adc", FlagUse::AddsCarry},
        {"sbb", FlagUse::AddsCarry},  {"imul", FlagUse::CarriesOnly}, {"imul3", FlagUse::CarriesOnly},
    };
    for (const auto& [name, use] : kUses)
        if (name == semantics) return use;
    return FlagUse::Unknown;
}

bool is_number(const Operand& operand) {
    return operand.kind == OperandKind::Immediate || operand.kind == OperandKind::Constant;
}

FlagUse use_of(const Insn& insn) {
    static const std::vector<FlagUse> by_row = [] {
        std::vector<FlagUse> uses;
        for (const Row& row : rows()) uses.push_back(use_of(row.semantics));
        return uses;
    }();
    FlagUse use = by_row[insn.row_id];
    if (use == FlagUse::Unknown) return use;
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        const Operand& operand = insn.operands[i];
        const bool harmless = operand.kind == OperandKind::Gpr || is_number(operand) ||
                              (operand.is_memory() && operand.access == Access::AddressOnly);
        if (!harmless) return FlagUse::Unknown;
    }
    if (needs_address_op(insn)) return FlagUse::Unknown;
    if (use == FlagUse::Shifts) {
        const unsigned mask = insn.operands[0].size == 8 ? 63 : 31;
        const bool moves = is_number(insn.operands[1]) && (insn.imm & mask) != 0;
        if (!moves) use = FlagUse::Keeps;
    }
    return use;
}

}  // namespace

void find_dead_flags(std::span<const Insn> block, std::span<bool> dead) {
    u32 seen = rflags::kArithmetic;  // later, before they are overwritten
    for (size_t i = block.size(); i-- > 0;) {
        u32 written = 0, read = 0;
        switch (use_of(block[i])) {
            case FlagUse::Unknown:
                dead[i] = false;
                seen = rflags::kArithmetic;
                continue;
            case FlagUse::Keeps:
                break;
            case FlagUse::Reads:
                read = rflags::kArithmetic;
                break;
            case FlagUse::Replaces:
            case FlagUse::Shifts:
                written = rflags::kArithmetic;
                break;
            case FlagUse::KeepsCarry:
                written = rflags::kArithmetic & ~rflags::kCf;
                break;
            case FlagUse::CarriesOnly:
                written = rflags::kCf | rflags::kOf;
                break;
            case FlagUse::AddsCarry:
                written = rflags::kArithmetic;
                read = rflags::kCf;
                break;
        }
        dead[i] = written != 0 && (written & seen) == 0;
        seen = (seen & ~written) | read;
    }
}

}  // namespace orrery
