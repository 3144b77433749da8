// The decoder's rules for VEX one by one, each with bytes that break if the rule does (SDM Vol. 2, 2.3). All
// of them were tried on a processor.
#include "emulator/isa/decoder.h"
#include "emulator/isa/row.h"
#include "tests/isa/rng.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

CpuFeatures with_avx() {
    CpuFeatures features;
    features.set(Feature::Avx);
    features.set(Feature::Avx2);
    return features;
}

DecodeStatus status_of(std::initializer_list<int> bytes, CpuMode mode, Insn& insn) {
    const std::vector<u8> code(bytes.begin(), bytes.end());
    return decode(code, mode, with_avx(), insn);
}

Insn ok(std::initializer_list<int> bytes, CpuMode mode = CpuMode::Bits64) {
    Insn insn;
    REQUIRE(status_of(bytes, mode, insn) == DecodeStatus::Ok);
    CHECK(insn.length == bytes.size());
    return insn;
}

bool undefined(std::initializer_list<int> bytes, CpuMode mode = CpuMode::Bits64) {
    Insn insn;
    return status_of(bytes, mode, insn) == DecodeStatus::Undefined;
}

std::string mnemonic(const Insn& insn) {
    return insn.row->mnemonic;
}

}  // namespace

TEST_CASE("VEX fields", "[decoder]") {
    const Insn two = ok({0xc5, 0x34, 0x58, 0xc1});  // vaddps ymm8, ymm9, ymm1
    CHECK(mnemonic(two) == "VADDPS");
    CHECK(two.operands[0].reg == 8);
    CHECK(two.operands[1].reg == 9);
    CHECK(two.operands[2].reg == 1);
    CHECK(two.operands[0].size == 32);
    const Insn three = ok({0xc4, 0x01, 0x08, 0x58, 0x04, 0xc8});  // vaddps xmm8, xmm14, [r8+r9*8]
    CHECK(three.base == 8);
    CHECK(three.index == 9);
    CHECK(three.operands[1].reg == 14);
    CHECK(three.operands[2].size == 16);
    const Insn fourth = ok({0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0xb0});  // vblendvps xmm0, xmm1, xmm2, xmm11
    CHECK(fourth.operands[3].reg == 11);
    CHECK(ok({0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0xb0}, CpuMode::Bits32).operands[3].reg == 3);
}

TEST_CASE("66, F2, F3, LOCK and REX may not stand before VEX", "[decoder]") {
    for (int prefix : {0x66, 0xf2, 0xf3, 0xf0, 0x48}) CHECK(undefined({prefix, 0xc5, 0xf8, 0x10, 0xc1}));
    CHECK(mnemonic(ok({0x67, 0xc5, 0xf8, 0x10, 0xc1})) == "VMOVUPS");
    CHECK(mnemonic(ok({0x65, 0xc5, 0xf8, 0x10, 0x01})) == "VMOVUPS");
    CHECK(mnemonic(ok({0x48, 0x2e, 0xc5, 0xf8, 0x10, 0xc1})) == "VMOVUPS");  // the REX is none
}

TEST_CASE("VEX.vvvv must be unused where no operand is in it", "[decoder]") {
    CHECK(undefined({0xc5, 0xf0, 0x10, 0xc1}));
    CHECK(undefined({0xc4, 0xe1, 0x38, 0x10, 0xc1}, CpuMode::Bits32));  // the top bit counts there too
    CHECK(ok({0xc4, 0xe1, 0x30, 0x58, 0xc1}, CpuMode::Bits32).operands[1].reg == 1);  // but names nothing
}

TEST_CASE("VEX.L and VEX.W where they are not ignored", "[decoder]") {
    CHECK(undefined({0xc5, 0xfc, 0xae, 0x5c, 0x24, 0xf0}));      // VSTMXCSR with L
    CHECK(undefined({0xc4, 0xe2, 0x79, 0x36, 0xc1}));            // VPERMD without
    CHECK(undefined({0xc4, 0xe2, 0xf9, 0x0c, 0xc1}));            // VPERMILPS with W
    CHECK(mnemonic(ok({0xc5, 0xfc, 0x2f, 0xc1})) == "VCOMISS");  // LIG
    CHECK(mnemonic(ok({0xc4, 0xe1, 0xf9, 0x6e, 0xc1})) == "VMOVQ");
    CHECK(mnemonic(ok({0xc4, 0xe1, 0xf9, 0x6e, 0xc1}, CpuMode::Bits32)) == "VMOVD");
}

TEST_CASE("maps beyond the third are undefined", "[decoder]") {
    CHECK(undefined({0xc4, 0xe0, 0x78, 0x10, 0xc1}));
    CHECK(undefined({0xc4, 0xe4, 0x78, 0x10, 0xc1}));
}

TEST_CASE("C4 and C5 are LES and LDS of memory outside 64-bit mode", "[decoder]") {
    CHECK(mnemonic(ok({0xc5, 0x08}, CpuMode::Bits32)) == "LDS");
    CHECK(mnemonic(ok({0xc4, 0x40, 0x10}, CpuMode::Bits32)) == "LES");
    CHECK(mnemonic(ok({0xc5, 0xf8, 0x77}, CpuMode::Bits32)) == "VZEROUPPER");
    CHECK(mnemonic(ok({0xc5, 0xf8, 0x77}, CpuMode::Bits16)) == "VZEROUPPER");
    const u8 first[] = {0xc5};
    Insn insn;
    CHECK(decode(first, CpuMode::Bits32, with_avx(), insn) == DecodeStatus::NeedMoreBytes);
}

TEST_CASE("gathers need a SIB byte and three different registers", "[decoder]") {
    const Insn insn = ok({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0e});  // vpgatherdd xmm0, [rsi+xmm1], xmm2
    CHECK(insn.vsib == 16);
    CHECK(insn.index == 1);
    CHECK(ok({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x26}).index == 4);  // XMM4: no special meaning
    CHECK(undefined({0xc4, 0xe2, 0x69, 0x90, 0x06}));            // no SIB
    CHECK(undefined({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x06}));      // destination and index
    CHECK(undefined({0xc4, 0xe2, 0x79, 0x90, 0x04, 0x0e}));      // destination and mask
    CHECK(undefined({0xc4, 0xe2, 0x71, 0x90, 0x04, 0x0e}));      // index and mask
    CHECK(undefined({0x67, 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0e}, CpuMode::Bits32));  // 16-bit addresses
}

TEST_CASE("random bytes behind VEX never make the decoder read past the span", "[decoder]") {
    testing::Rng rng(0x5ec5);
    unsigned decoded = 0;
    for (int i = 0; i < 200'000; ++i) {
        u8 bytes[kMaxInsnLength];
        for (u8& b : bytes) b = rng.byte();
        bytes[0] = i % 2 ? 0xc4 : 0xc5;
        if (i % 2) bytes[1] = static_cast<u8>((bytes[1] & 0xe0) | rng.below(5));
        // An exact-size heap copy: a sanitizer build sees the first byte too many.
        const std::vector<u8> code(bytes, bytes + rng.below(sizeof bytes + 1));
        Insn insn, again;
        const CpuMode mode = static_cast<CpuMode>(i % 3);
        if (decode(code, mode, with_avx(), insn) != DecodeStatus::Ok) continue;
        ++decoded;
        REQUIRE(insn.length <= code.size());
        REQUIRE(decode(std::span(code).first(insn.length), mode, with_avx(), again) == DecodeStatus::Ok);
        REQUIRE(again == insn);
    }
    CHECK(decoded > 20'000);
}
