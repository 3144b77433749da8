// Each row of the instruction table against the host's processor: registers, defined flags, memory, faults,
// x87, MMX and SSE state. 200 random cases per row; more in a campaign (campaign.h). Left
// out, each with its reason: skipped_rows.def. Not compared, each with its reason: host_differences.def.
#include <optional>

#include "emulator/isa/row.h"
#include "tests/isa/campaign.h"
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

// Makes a failing state plainer, one register or memory window at a time, as long as it keeps failing.
TestCase shrink(TestCase c, GuestRunner& guest) {
    auto fails = [&](const TestCase& candidate) {
        const Outcome host = run_on_host(std::span(&candidate, 1)).front();
        return host.vector != kHostDied && !compare_outcomes(candidate, host, guest.run(candidate)).empty();
    };
    auto try_change = [&](auto change) {
        TestCase simpler = c;
        change(simpler.initial);
        if (fails(simpler)) c = simpler;
    };
    const u64 used_as_address =
        (c.insn.base < 16 ? 1u << c.insn.base : 0) | (c.insn.index < 16 ? 1u << c.insn.index : 0);
    for (unsigned i = 0; i < 16; ++i) {
        // Addresses must stay in the arena: registers that may carry one are left alone.
        if (i == 4 || i == 5 || i == 6 || i == 7 || i == 1 || i == 3 || (used_as_address >> i & 1)) continue;
        try_change([&](TestState& s) { s.gpr[i] = 0; });
    }
    try_change([](TestState& s) { s.rflags = 0x202; });
    try_change([](TestState& s) { s.fx.mxcsr = 0x1f80; });
    try_change([](TestState& s) { s.fx.control = 0x37f; });
    try_change([](TestState& s) { s.fx.status &= 0x3800; });
    for (unsigned i = 0; i < 16; ++i) {
        if (c.insn.vsib != 0 && i == c.insn.index) continue;
        try_change([&](TestState& s) { std::memset(s.fx.xmm[i], 0, 16); });
        try_change([&](TestState& s) { std::memset(s.ymm[i], 0, 16); });
    }
    for (unsigned i = 0; i < 8; ++i) try_change([&](TestState& s) { std::memset(s.fx.st[i], 0, 10); });
    return c;
}

// Generates and compares `count` cases of a row; at most three failures are told of.
void check_row(const Row& row, CpuMode mode, unsigned count, const CpuFeatures& features,
               GuestRunner& guest) {
    unsigned failures = 0, made = 0;
    std::vector<TestCase> cases;
    for (u64 seed = 0; seed < count;) {
        cases.clear();
        for (; seed < count && cases.size() < 500; ++seed) {
            if (auto c = generate(row, seed, mode, features)) cases.push_back(*c);
        }
        if (cases.empty()) continue;
        made += static_cast<unsigned>(cases.size());
        const std::vector<Outcome> host = run_on_host(cases);
        for (std::size_t i = 0; i < cases.size(); ++i) {
            if (host[i].vector == kHostDied) {
                FAIL_CHECK(describe(cases[i], {"the host's child died or hung over this case"}));
                return;
            }
            if (compare_outcomes(cases[i], host[i], guest.run(cases[i])).empty()) continue;
            if (++failures > 3) continue;
            const TestCase plain = shrink(cases[i], guest);
            const Outcome plain_host = run_on_host(std::span(&plain, 1)).front();
            FAIL_CHECK(describe(plain, compare_outcomes(plain, plain_host, guest.run(plain))));
        }
    }
    Campaign::instance().add(row, mode, made, failures);
    INFO(row.mnemonic << " " << row.encoding_text << ": " << failures << " of " << made << " cases differ");
    CHECK(failures == 0);
}

void check_family(std::string_view family, CpuMode mode, const CpuFeatures& features = {}) {
    GuestRunner guest(features);
    unsigned checked = 0;
    for (const Row& row : rows()) {
        if (row.family != family || skip_reason(row) || !features.has(row.feature)) continue;
        if (row.has(mode == CpuMode::Bits64 ? row_words::No64 : row_words::Only64)) continue;
        check_row(row, mode, Campaign::instance().cases_per_row(), features, guest);
        ++checked;
    }
    CHECK(checked > 0);
}

}  // namespace

TEST_CASE("general-purpose instructions do what the host's do", "[oracle]") {
    check_family("integer", CpuMode::Bits64);
}
TEST_CASE("string instructions do what the host's do", "[oracle]") {
    check_family("string", CpuMode::Bits64);
}
TEST_CASE("system instructions in ring 3 do what the host's do", "[oracle]") {
    check_family("system", CpuMode::Bits64);
}
TEST_CASE("SSE instructions do what the host's do", "[oracle]") {
    check_family("sse", CpuMode::Bits64);
}
TEST_CASE("SSE2 instructions do what the host's do", "[oracle]") {
    check_family("sse2", CpuMode::Bits64);
}
TEST_CASE("SSE3 instructions do what the host's do", "[oracle]") {
    check_family("sse3", CpuMode::Bits64);
}
TEST_CASE("SSSE3 instructions do what the host's do", "[oracle]") {
    check_family("ssse3", CpuMode::Bits64);
}
TEST_CASE("SSE4 instructions do what the host's do", "[oracle]") {
    check_family("sse4", CpuMode::Bits64);
}
TEST_CASE("x87 instructions do what the host's do", "[oracle]") {
    check_family("x87", CpuMode::Bits64);
}
TEST_CASE("MMX instructions do what the host's do", "[oracle]") {
    check_family("mmx", CpuMode::Bits64);
}

// The profile with AVX and AVX2; nothing where the host lacks them.
std::optional<CpuFeatures> vector_features() {
    if (!__builtin_cpu_supports("avx2")) {
        WARN("skipped: this host has no AVX2");
        return std::nullopt;
    }
    CpuFeatures features;
    features.set(Feature::Avx);
    features.set(Feature::Avx2);
    return features;
}

TEST_CASE("AVX instructions do what the host's do", "[oracle]") {
    if (const auto features = vector_features()) check_family("avx", CpuMode::Bits64, *features);
}
TEST_CASE("AVX2 instructions do what the host's do", "[oracle]") {
    if (const auto features = vector_features()) check_family("avx2", CpuMode::Bits64, *features);
}

namespace {

void check_beyond_v2(CpuMode mode) {
    const CpuFeatures features = host_features();
    GuestRunner guest(features);
    for (const Row& row : rows()) {
        const bool has_its_own = row.feature == Feature::Avx || row.feature == Feature::Avx2;
        if (!features.has(row.feature) || CpuFeatures().has(row.feature) || has_its_own || skip_reason(row))
            continue;
        check_row(row, mode, Campaign::instance().cases_per_row(), features, guest);
    }
}

}  // namespace

TEST_CASE("instructions beyond v2 and AVX do what the host's do", "[oracle]") {
    check_beyond_v2(CpuMode::Bits64);
}

TEST_CASE("all families do what the host's do in 32-bit code", "[oracle]") {
    if (!host_runs_32_bit_code()) {
        WARN("skipped: this host's kernel runs no 32-bit code");
        return;
    }
    for (const char* family : {"integer", "string", "sse", "sse2", "sse3", "ssse3", "sse4", "x87", "mmx"}) {
        check_family(family, CpuMode::Bits32);
    }
    if (const auto features = vector_features()) {
        check_family("avx", CpuMode::Bits32, *features);
        check_family("avx2", CpuMode::Bits32, *features);
    }
    check_beyond_v2(CpuMode::Bits32);
}
