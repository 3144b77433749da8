// effects() against what instructions do: on the interpreter and on the host's processor, a sample of cases of
// each row, all of a campaign's in `./test --long` (campaign.h); against Capstone's lists of registers; and the
// privilege column against the interpreter.
#include <fmt/format.h>

#include "tests/isa/campaign.h"
#include "tests/isa/effects_check.h"
#include "tests/isa/generate.h"
#include "tests/isa/guest_runner.h"
#include "tests/isa/host_differences.h"
#include "tests/isa/host_features.h"
#include "tests/isa/host_runner.h"
#include "tests/isa/outcome_compare.h"
#include "tests/unit/catch.h"

using namespace orrery;
using namespace orrery::testing;

namespace {

struct Pair {
    TestCase given, other;
    Effects e;
};

std::vector<Pair> pairs_of(const Row& row, CpuMode mode, const CpuFeatures& features) {
    std::vector<Pair> pairs;
    const unsigned count = std::max(Campaign::instance().cases_per_row() / 10, 4u);
    for (u64 seed = 0; seed < count; ++seed) {
        const auto c = generate(row, seed, mode, features);
        if (!c) continue;
        const Effects e = effects(c->insn);
        if (e.deterministic) pairs.push_back({*c, with_other_values(*c, e), e});
    }
    return pairs;
}

// At most two complaints a row.
void judge(const Pair& pair, const Outcome& out, const Outcome& other_out, FlagSet undefined,
           const char* where, unsigned& complaints) {
    if (out.vector != kNoVector || other_out.vector == kHostDied) return;
    std::vector<std::string> found = unexpected_writes(pair.given, pair.e, out, undefined);
    for (std::string& text : unexpected_reads(pair.given, pair.other, pair.e, out, other_out, undefined))
        found.push_back("with what is not read changed: " + std::move(text));
    if (found.empty() || ++complaints > 2) return;
    found.insert(found.begin(), where);
    FAIL_CHECK(describe(pair.given, found));
}

void check_effects(CpuMode mode) {
    const CpuFeatures features = host_features();
    GuestRunner guest(features);
    const bool host_too = mode == CpuMode::Bits64 || host_runs_32_bit_code();
    for (const Row& row : rows()) {
        if (!features.has(row.feature)) continue;
        if (skip_reason(row) != nullptr && is_branch(row.flow)) continue;
        const std::vector<Pair> pairs = pairs_of(row, mode, features);
        unsigned complaints = 0;
        for (const Pair& pair : pairs)
            judge(pair, guest.run(pair.given), guest.run(pair.other), 0, "interpreter", complaints);
        if (!host_too || skip_reason(row) != nullptr) continue;
        std::vector<TestCase> cases;
        for (const Pair& pair : pairs) {
            cases.push_back(pair.given);
            cases.push_back(pair.other);
        }
        if (cases.empty()) continue;
        const std::vector<Outcome> host = run_on_host(cases);
        complaints = 0;
        for (size_t i = 0; i < pairs.size(); ++i) {
            if (ignored_differences(pairs[i].given, host[2 * i], host[2 * i]).everything) continue;
            judge(pairs[i], host[2 * i], host[2 * i + 1], row.flags_undefined, "host", complaints);
        }
    }
}

}  // namespace

TEST_CASE("instructions change and depend on what effects() says, in 64-bit code", "[effects]") {
    check_effects(CpuMode::Bits64);
}
TEST_CASE("instructions change and depend on what effects() says, in 32-bit code", "[effects]") {
    check_effects(CpuMode::Bits32);
}

TEST_CASE("the privilege column is what the interpreter asks", "[effects]") {
    const CpuFeatures features = host_features();
    GuestRunner guest(features);
    constexpr int kUd = 6, kGp = 13;
    for (const CpuMode mode : {CpuMode::Bits64, CpuMode::Bits32}) {
        for (const Row& row : rows()) {
            if (!features.has(row.feature)) continue;
            // The runner is in ring 3 with IOPL 0 and CR4's TSD, PCE and UMIP clear.
            const bool forbidden = row.privilege == Privilege::Cpl0 || row.privilege == Privilege::Cpl0Ud ||
                                   row.privilege == Privilege::Cpl0Late || row.privilege == Privilege::Iopl ||
                                   row.privilege == Privilege::Io || row.privilege == Privilege::Cr4Pce;
            if (!forbidden) continue;
            for (u64 seed = 0; seed < 8; ++seed) {
                const auto c = generate(row, seed, mode, features);
                if (!c || effects(c->insn).repeats) continue;  // with a count of 0 nothing is asked
                const int vector = guest.run(*c).vector;
                INFO(describe(*c, {}) << "vector " << vector);
                if (row.privilege == Privilege::Cpl0Late)
                    CHECK((vector == kGp || vector == kUd));
                else
                    CHECK(vector == (row.privilege == Privilege::Cpl0Ud ? kUd : kGp));
            }
        }
    }
}
