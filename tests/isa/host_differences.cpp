#include "tests/isa/host_differences.h"

#include <algorithm>
#include <map>
#include <regex>
#include <string_view>
#include <vector>

#include "emulator/isa/row.h"
#include "tests/isa/addresses.h"

namespace orrery::testing {
namespace {

enum class When {
    Always,
    OnFault,
    OnAlignmentCheck,
    FromMemory,
    NoRepeat,
    PageNotStored,
    BothOperands,
    NoMask,
    VexWOutside64
};
enum class What {
    Everything,
    X87Stack,
    Conditions,
    C1,
    LastUlp,
    Estimate,
    FaultAddress,
    WhichFault,
    MxcsrMask
};

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

// MASKMOVQ, MASKMOVDQU: whether the operand has bytes in a page in which the mask chooses none.
bool has_page_not_stored(const TestCase& c) {
    const MemoryTouch operand =
        memory_touches(c.insn, c.initial.gpr, c.initial.rflags, c.initial.rip).front();
    const Operand& source = c.insn.operands[1];
    const FxImage& fx = c.initial.fx;
    const u8* mask =
        source.kind == OperandKind::Mmx ? fx.st[(source.reg - (fx.status >> 11)) & 7] : fx.xmm[source.reg];
    constexpr u64 kPageMask = ~u64{0xfff};
    const u64 pages[] = {operand.address & kPageMask, (operand.address + operand.size - 1) & kPageMask};
    return std::any_of(std::begin(pages), std::end(pages), [&](u64 page) {
        for (u64 i = 0; i < operand.size; ++i)
            if ((mask[i] & 0x80) != 0 && ((operand.address + i) & kPageMask) == page) return false;
        return true;
    });
}

// An instruction with two operands, of which the host tells that the second faults, and the guest that the first does.
bool tell_of_different_operands(const TestCase& c, const Outcome& host, const Outcome& guest) {
    constexpr int kPageFault = 14;
    if (c.insn.rep || c.insn.repne || host.vector != kPageFault || guest.vector != kPageFault) return false;
    const auto touches = memory_touches(c.insn, c.initial.gpr, c.initial.rflags, c.initial.rip);
    const auto within = [](const MemoryTouch& touch, u64 address) {
        return address - touch.address < touch.size;
    };
    return touches.size() == 2 && within(touches[0], guest.cr2) && within(touches[1], host.cr2);
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
        case When::PageNotStored:
            return has_page_not_stored(c);
        case When::BothOperands:
            return tell_of_different_operands(c, host, guest);
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
            case What::WhichFault:
                out.which_fault = true;
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
