// effects() against Capstone's lists of registers read and written (cs_regs_access), general and vector ones,
// on generated cases of each row. Where Capstone is wrong: effects_differences.def.
#include <capstone/capstone.h>
#include <fmt/format.h>

#include <map>
#include <regex>

#include "emulator/isa/effects.h"
#include "tests/isa/canonical_text.h"
#include "tests/isa/generate.h"
#include "tests/unit/catch.h"

using namespace orrery;
using namespace orrery::testing;

namespace {

struct Registers {
    u16 general = 0, vector = 0;
};

// Capstone's number of a register by its name, at any width. RIP, flags and others are none.
void add(csh handle, unsigned reg, Registers& to) {
    static const std::map<std::string, unsigned> kGeneral = [] {
        std::map<std::string, unsigned> names;
        const char* const legacy[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
        for (unsigned i = 0; i < 8; ++i) {
            const std::string name = legacy[i];
            for (const std::string& spelling : {name, "e" + name, "r" + name, name + "l"})
                names[spelling] = i;
            if (i < 4) names[name.substr(0, 1) + "l"] = names[name.substr(0, 1) + "h"] = i;
        }
        for (unsigned i = 8; i < 16; ++i)
            for (const char* suffix : {"", "d", "w", "b"}) names[fmt::format("r{}{}", i, suffix)] = i;
        return names;
    }();
    const char* text = cs_reg_name(handle, reg);
    const std::string name = text != nullptr ? text : "";
    if (const auto found = kGeneral.find(name); found != kGeneral.end())
        to.general |= static_cast<u16>(1u << found->second);
    if (name.size() > 3 && (name.starts_with("xmm") || name.starts_with("ymm")))
        to.vector |= static_cast<u16>(1u << std::stoul(name.substr(3)));
}

std::string text_of(Registers r) {
    std::string text;
    for (unsigned i = 0; i < 16; ++i) {
        if (r.general >> i & 1) text += fmt::format(" r{}", i);
        if (r.vector >> i & 1) text += fmt::format(" v{}", i);
    }
    return text.empty() ? " none" : text;
}

enum class Column { Reads, Writes, Both };

struct Difference {
    std::regex mnemonic;
    Column column;
};

const std::vector<Difference>& known() {
    static const std::vector<Difference> table = {
#define EFFECT_DIFFERENCE(mnemonic, column, why) {std::regex(mnemonic), Column::column},
#include "tests/isa/effects_differences.def"
#undef EFFECT_DIFFERENCE
    };
    return table;
}

bool explained(const Row& row, Column column) {
    for (const Difference& d : known())
        if ((d.column == column || d.column == Column::Both) && std::regex_match(row.mnemonic, d.mnemonic))
            return true;
    return false;
}

class Peer {
  public:
    explicit Peer(CpuMode mode) {
        REQUIRE(cs_open(CS_ARCH_X86, mode == CpuMode::Bits64 ? CS_MODE_64 : CS_MODE_32, &handle_) ==
                CS_ERR_OK);
        cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
        insn_ = cs_malloc(handle_);
    }
    ~Peer() {
        cs_free(insn_, 1);
        cs_close(&handle_);
    }
    // False: it knows no such instruction.
    bool look(const TestCase& c, Registers& read, Registers& written) {
        const u8* code = c.bytes.data();
        size_t size = c.insn.length;
        u64 at = c.initial.rip;
        if (!cs_disasm_iter(handle_, &code, &size, &at, insn_) || insn_->size != c.insn.length) return false;
        cs_regs reads, writes;
        u8 read_count = 0, write_count = 0;
        if (takes_for_other_kind(c)) return false;
        if (cs_regs_access(handle_, insn_, reads, &read_count, writes, &write_count) != CS_ERR_OK)
            return false;
        for (unsigned i = 0; i < read_count; ++i) add(handle_, reads[i], read);
        for (unsigned i = 0; i < write_count; ++i) add(handle_, writes[i], written);
        return true;
    }

  private:
    // Under some orders of prefixes it takes XMM registers for MMX ones, or the reverse (known_differences.def).
    bool takes_for_other_kind(const TestCase& c) const {
        bool vector = false;
        for (const Operand& operand : c.insn.operands)
            vector |= operand.kind == OperandKind::Xmm || operand.kind == OperandKind::Mmx;
        const std::string text = fmt::format("{} {}", insn_->mnemonic, insn_->op_str);
        return vector && !agree(canonical(c.insn, c.initial.rip), canonical(text, c.insn));
    }

    csh handle_ = 0;
    cs_insn* insn_ = nullptr;
};

bool equal(Registers a, u16 general, u16 vector) {
    return a.general == general && a.vector == vector;
}

// Capstone 5.0 leaves out how many instructions use their operands (CMOVcc, TEST, BSWAP): no peer for this.
bool capstone_knows_operands() {
    int major = 0, minor = 0;
    cs_version(&major, &minor);
    return major == 4;
}

void compare(CpuMode mode) {
    if (!capstone_knows_operands()) {
        WARN("not compared: only Capstone 4 tells how operands are used");
        return;
    }
    CpuFeatures features;
    for (const Row& row : rows()) features.set(row.feature);
    Peer peer(mode);
    for (const Row& row : rows()) {
        bool told[2] = {};
        for (u64 seed = 0; seed < 8; ++seed) {
            const auto c = generate(row, seed, mode, features);
            Registers read, written;
            if (!c || !peer.look(*c, read, written)) continue;
            const Effects e = effects(c->insn);
            const auto tell = [&](Column column, const char* what, Registers theirs, Registers ours) {
                bool& done = told[column == Column::Writes];
                if (done || explained(row, column)) return;
                done = true;
                FAIL_CHECK(fmt::format("{} \"{}\" \"{}\" {}: ours{}; Capstone's{}", row.mnemonic,
                                       row.encoding_text, row.operands_text, what, text_of(ours),
                                       text_of(theirs)));
            };
            if (!equal(read, e.general.read, e.vector.read))
                tell(Column::Reads, "reads", read, {e.general.read, e.vector.read});
            if (!equal(written, e.general.written, e.vector.written))
                tell(Column::Writes, "writes", written, {e.general.written, e.vector.written});
        }
    }
}

}  // namespace

TEST_CASE("effects() names the registers that Capstone names, in 64-bit code", "[effects]") {
    compare(CpuMode::Bits64);
}
TEST_CASE("effects() names the registers that Capstone names, in 32-bit code", "[effects]") {
    compare(CpuMode::Bits32);
}
