// The decoder against Capstone and against binutils' objdump, over every opcode, prefix and ModRM form, in
// 16-, 32- and 64-bit mode. Differences that are the other's are listed in known_differences.def, each with
// its reason.
#include "tests/isa/decoder_comparison.h"

#include "emulator/isa/row.h"
#include "tests/unit/catch.h"

using namespace orrery;
using namespace orrery::testing;

namespace {

void check(Peer peer, CpuMode mode, Cases cases = Cases::Legacy) {
    ComparisonReport report = compare_decoder(peer, mode, cases);
    CHECK(report.cases > (cases == Cases::Vex ? 350'000 : 500'000));
    CHECK(report.decoded > report.cases / (cases == Cases::Vex ? 40 : 8));
    CHECK(report.known < report.cases);
    for (const std::string& line : report.unexplained) UNSCOPED_INFO(line);
    CHECK(report.unexplained_count == 0);
}

}  // namespace

TEST_CASE("the decoder agrees with Capstone in 64-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits64);
}
TEST_CASE("the decoder agrees with Capstone in 32-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits32);
}
TEST_CASE("the decoder agrees with Capstone in 16-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits16);
}
TEST_CASE("the decoder agrees with objdump in 64-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits64);
}
TEST_CASE("the decoder agrees with objdump in 32-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits32);
}
TEST_CASE("the decoder agrees with objdump in 16-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits16);
}
TEST_CASE("the decoder agrees with Capstone on VEX in 64-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits64, Cases::Vex);
}
TEST_CASE("the decoder agrees with Capstone on VEX in 32-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits32, Cases::Vex);
}
TEST_CASE("the decoder agrees with objdump on VEX in 64-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits64, Cases::Vex);
}
TEST_CASE("the decoder agrees with objdump on VEX in 32-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits32, Cases::Vex);
}
TEST_CASE("the decoder agrees with Capstone on VEX in 16-bit mode", "[decoder]") {
    check(Peer::Capstone, CpuMode::Bits16, Cases::Vex);
}
TEST_CASE("the decoder agrees with objdump on VEX in 16-bit mode", "[decoder]") {
    check(Peer::Objdump, CpuMode::Bits16, Cases::Vex);
}
