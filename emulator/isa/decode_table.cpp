#include "emulator/isa/decode_table.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

namespace orrery {
namespace {

using Candidates = std::vector<const Row*>;

// Rows by map and opcode, built once; those with VEX from index 4 on.
const std::array<std::array<Candidates, 256>, 8>& candidates() {
    static const auto table = [] {
        std::array<std::array<Candidates, 256>, 8> out;
        for (const Row& row : rows()) {
            for (unsigned i = 0; i < (row.encoding.plus_r ? 8u : 1u); ++i) {
                const unsigned map = row.encoding.map + (row.encoding.vex ? 4u : 0u);
                out[map][row.encoding.opcode + i].push_back(&row);
            }
        }
        return out;
    }();
    return table;
}

bool modrm_matches(const Row& row, u8 modrm) {
    const Encoding& e = row.encoding;
    bool is_register = modrm >= 0xc0 || row.has(row_words::IgnoreMod);
    switch (e.modrm) {
        case Encoding::ModRm::None:
            return true;
        case Encoding::ModRm::Fixed:
            return modrm >= e.fixed && modrm < e.fixed + e.fixed_count;
        case Encoding::ModRm::Digit:
            if (((modrm >> 3) & 7) != e.digit) return false;
            break;
        case Encoding::ModRm::Any:
            break;
    }
    for (unsigned i = 0; i < row.operand_count; ++i) {
        const OperandSpec& spec = row.operands[i];
        if (!spec.allows_register && !spec.allows_memory) continue;
        return is_register ? spec.allows_register : spec.allows_memory;
    }
    return true;
}

bool prefix_matches(const Row& row, u8 prefix) {
    switch (row.encoding.prefix) {
        case Encoding::Prefix::Any:
            return true;
        case Encoding::Prefix::None:
            return prefix == 0;
        case Encoding::Prefix::P66:
            return prefix == 1;
        case Encoding::Prefix::PF3:
            return prefix == 2;
        case Encoding::Prefix::PF2:
            return prefix == 3;
    }
    return false;
}

bool vex_matches(const Row& row, const OpcodeKey& key) {
    const Encoding& e = row.encoding;
    if (e.vex_l != Encoding::VexL::Ignored && (e.vex_l == Encoding::VexL::One) != key.vex_l) return false;
    bool w = key.rex_w;
    for (unsigned i = 0; i < row.operand_count && !key.in64; ++i)
        if (std::string_view("EGRB").find(row.operands[i].kind) != std::string_view::npos) w = false;
    return e.vex_w == Encoding::VexW::Ignored || (e.vex_w == Encoding::VexW::One) == w;
}

// Everything but ModRM and features.
bool opcode_matches(const Row& row, const OpcodeKey& key) {
    if (row.has(key.in64 ? row_words::No64 : row_words::Only64)) return false;
    if (row.encoding.rex_w && !key.rex_w) return false;
    if (row.encoding.rex_b_clear && key.rex_b) return false;
    return prefix_matches(row, key.prefix) && (!key.vex || vex_matches(row, key));
}

const Candidates& candidates_of(const OpcodeKey& key) {
    return candidates()[key.map + (key.vex ? 4u : 0u)][key.opcode];
}

// Higher is more specific; the most specific matching row wins.
unsigned specificity(const Row& row) {
    const Encoding& e = row.encoding;
    unsigned modrm = e.modrm == Encoding::ModRm::Fixed ? 2 : e.modrm == Encoding::ModRm::Digit ? 1 : 0;
    unsigned prefix = e.prefix == Encoding::Prefix::Any ? 0 : 1;
    return prefix << 4 | modrm << 2 | unsigned{e.rex_w} << 1 | unsigned{e.rex_b_clear};
}

// Among rows that match but for ModRM.
u16 choose(const Candidates& matching, u8 modrm) {
    const Row* best = nullptr;
    for (const Row* row : matching) {
        if (!modrm_matches(*row, modrm)) continue;
        if (best && specificity(*row) == specificity(*best)) {
            std::fprintf(stderr, "instruction table: %s \"%s\" and %s \"%s\" claim the same bytes\n",
                         best->mnemonic, best->encoding_text, row->mnemonic, row->encoding_text);
            std::abort();
        }
        if (!best || specificity(*row) > specificity(*best)) best = row;
    }
    return best ? static_cast<u16>(best->id) : u16{kNoRow};
}

}  // namespace

DecodeTable::DecodeTable() {
    slots_.assign(3 * 2 * 4 * 4 * 2 * 256, kAbsent);
    std::map<std::array<u16, 16>, u16> known_by_reg;
    std::map<std::array<u16, 256>, u16> known_by_byte;
    std::size_t at = 0;
    Candidates matching;
    for (unsigned n = 0; n < slots_.size(); ++n, ++at) {
        OpcodeKey key;
        key.opcode = n & 0xff;
        key.rex_w = (n >> 8) & 1;
        key.prefix = (n >> 9) & 3;
        key.map = (n >> 11) & 3;
        key.in64 = (n >> 13) & 1;
        key.vex = n >> 14 != 0;
        key.vex_l = n >> 14 == 2;
        matching.clear();
        for (const Row* row : candidates_of(key))
            if (opcode_matches(*row, key)) matching.push_back(row);
        if (matching.empty()) continue;
        const bool any_fixed = std::any_of(matching.begin(), matching.end(), [](const Row* row) {
            return row->encoding.modrm == Encoding::ModRm::Fixed;
        });
        if (any_fixed) {
            std::array<u16, 256> all;
            for (unsigned modrm = 0; modrm < 256; ++modrm)
                all[modrm] = choose(matching, static_cast<u8>(modrm));
            const auto [it, fresh] = known_by_byte.try_emplace(all, static_cast<u16>(by_byte_.size()));
            if (fresh) by_byte_.push_back(all);
            slots_[at] = kByByte | it->second;
            continue;
        }
        // Only whether ModRM names a register, and its digit, tell rows apart.
        std::array<u16, 16> few;
        for (unsigned i = 0; i < 16; ++i)
            few[i] = choose(matching, static_cast<u8>((i >= 8 ? 0xc0 : 0) | (i & 7) << 3));
        if (std::equal(few.begin() + 1, few.end(), few.begin())) {
            if (few[0] != kNoRow) slots_[at] = kDirect | few[0];
            continue;
        }
        const auto [it, fresh] = known_by_reg.try_emplace(few, static_cast<u16>(by_reg_.size()));
        if (fresh) by_reg_.push_back(few);
        slots_[at] = kByReg | it->second;
    }
    if (rows().size() > kIndexMask || by_reg_.size() > kIndexMask) std::abort();
}

const DecodeTable& DecodeTable::instance() {
    static const DecodeTable table;
    return table;
}

u16 DecodeTable::search(const OpcodeKey& key, u8 modrm, const CpuFeatures& features) {
    Candidates matching;
    for (const Row* row : candidates_of(key))
        if (features.has(row->feature) && opcode_matches(*row, key)) matching.push_back(row);
    return choose(matching, modrm);
}

}  // namespace orrery
