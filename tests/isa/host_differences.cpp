#include "tests/isa/host_differences.h"

#include <map>
#include <regex>
#include <string_view>
#include <vector>

#include "emulator/isa/row.h"

namespace orrery::testing {
namespace {

enum class When { Always, OnFault, OnAlignmentCheck, FromMemory, NoRepeat, NoMask, VexWOutside64 };
enum class What { Everything, X87Stack, Conditions, C1, LastUlp, Estimate, FaultAddress, MxcsrMask };

struct Difference {
    When when;
    What what;
};

// The entries that speak of a mnemonic; the expressions are matched once per row.
const std::vector<Difference>& differences_of(const Row& row) {
    static std::map<u16, std::vector<Difference>> known;
    auto [it, fresh] = known.try_emplace(row.id);
    if (fresh) {
#define HOST_DIFFERENCE(names, when, what, why) \
    if (std::regex_match(row.mnemonic, std::regex(names))) it->second.push_back({When::when, What::what});
#include "tests/isa/host_differences.def"
#undef HOST_DIFFERENCE
    }
    return it->second;
}

bool applies(When when, const TestCase& c, const Outcome& host, const Outcome& guest) {
    const u64 count_mask = c.insn.asize == 8 ? ~u64{0} : c.insn.asize == 4 ? 0xffff'ffff : 0xffff;
    switch (when) {
        case When::Always:
            return true;
        case When::OnFault:
            return host.vector != kNoVector || guest.vector != kNoVector;
        case When::OnAlignmentCheck:
            return host.vector == 17 || guest.vector == 17;
        case When::FromMemory:
            return c.insn.has_memory();
        case When::NoRepeat:
            return (c.insn.rep || c.insn.repne) && (c.initial.gpr[1] & count_mask) == 0;
        case When::VexWOutside64:
            return c.insn.vex && c.insn.rex_w && c.mode != CpuMode::Bits64;
        case When::NoMask:
            return (c.initial.fx.control & 3) != 3;
    }
    return false;
}

}  // namespace

Ignored ignored_differences(const TestCase& c, const Outcome& host, const Outcome& guest) {
    Ignored out;
    for (const Difference& d : differences_of(*c.insn.row)) {
        if (!applies(d.when, c, host, guest)) continue;
        switch (d.what) {
            case What::Everything:
                out.everything = true;
                break;
            case What::X87Stack:
                out.x87_stack = true;
                break;
            case What::Conditions:
                out.conditions = true;
                break;
            case What::C1:
                out.c1 = true;
                break;
            case What::LastUlp:
                out.last_ulp = true;
                break;
            case What::Estimate:
                out.estimate = true;
                break;
            case What::FaultAddress:
                out.fault_address = true;
                break;
            case What::MxcsrMask:
                out.mxcsr_mask = true;
                break;
        }
    }
    return out;
}

const char* skip_reason(const Row& row) {
#define SKIPPED_ROW(semantics_name, why) \
    if (row.semantics == std::string_view(semantics_name)) return why;
#include "tests/isa/skipped_rows.def"
#undef SKIPPED_ROW
    return nullptr;
}

}  // namespace orrery::testing
