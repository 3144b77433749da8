// The decoder's rules one by one, each with an instruction that breaks if the rule does. SDM Vol. 2,
// chapter 2.
#include <chrono>

#include "emulator/isa/decoder.h"
#include "emulator/isa/row.h"
#include "tests/isa/rng.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

struct Decoded {
    DecodeStatus status;
    Insn insn;
};

Decoded dec(std::initializer_list<int> bytes, CpuMode mode = CpuMode::Bits64, CpuFeatures features = {}) {
    std::vector<u8> code(bytes.begin(), bytes.end());
    Decoded out;
    out.status = decode(code, mode, features, out.insn);
    return out;
}

Insn ok(std::initializer_list<int> bytes, CpuMode mode = CpuMode::Bits64, CpuFeatures features = {}) {
    Decoded d = dec(bytes, mode, features);
    REQUIRE(d.status == DecodeStatus::Ok);
    return d.insn;
}

bool undefined(std::initializer_list<int> bytes, CpuMode mode = CpuMode::Bits64, CpuFeatures features = {}) {
    return dec(bytes, mode, features).status == DecodeStatus::Undefined;
}

std::string mnemonic(const Insn& insn) {
    return insn.row->mnemonic;
}

}  // namespace

TEST_CASE("REX counts only right before the opcode", "[decoder]") {
    CHECK(ok({0x48, 0x01, 0xd8}).opsize == 8);
    Insn dropped = ok({0x48, 0x66, 0x01, 0xd8});
    CHECK(dropped.opsize == 2);
    CHECK_FALSE(dropped.has_rex);
    CHECK(ok({0x48, 0x40, 0x01, 0xd8}).opsize == 4);
    CHECK(mnemonic(ok({0x48}, CpuMode::Bits32)) == "DEC");
}

TEST_CASE("REX.W beats the operand-size prefix", "[decoder]") {
    CHECK(ok({0x66, 0x48, 0x01, 0xd8}).opsize == 8);
}

TEST_CASE("any REX turns AH CH DH BH into SPL BPL SIL DIL", "[decoder]") {
    Insn high = ok({0x88, 0xe0});
    CHECK(high.operands[1].high8);
    CHECK(high.operands[1].reg == 4);
    Insn low = ok({0x40, 0x88, 0xe0});
    CHECK_FALSE(low.operands[1].high8);
    CHECK(low.operands[1].reg == 4);
}

TEST_CASE("the last of F2 and F3 wins, and both beat 66", "[decoder]") {
    CHECK(mnemonic(ok({0xf2, 0xf3, 0x0f, 0xb8, 0xc1})) == "POPCNT");
    CHECK(mnemonic(ok({0x66, 0xf3, 0x0f, 0xb8, 0xc1})) == "POPCNT");
    CHECK(ok({0x66, 0xf3, 0x0f, 0xb8, 0xc1}).opsize == 2);
    CHECK(undefined({0xf3, 0xf2, 0x0f, 0xb8, 0xc1}));
    CHECK(ok({0xf2, 0xf3, 0xa4}).rep);
    CHECK(ok({0xf3, 0xf2, 0xa4}).repne);
    CHECK_FALSE(ok({0xf3, 0xf2, 0xa4}).rep);
    CHECK_FALSE(ok({0xf3, 0x0f, 0xb8, 0xc1}).rep);  // a mandatory prefix repeats nothing
}

TEST_CASE("the last segment prefix wins; in 64-bit mode only FS and GS count", "[decoder]") {
    CHECK(ok({0x26, 0x2e, 0x8b, 0x00}, CpuMode::Bits32).segment == kCs);
    CHECK(ok({0x64, 0x65, 0x8b, 0x00}).segment == kGs);
    CHECK(ok({0x64, 0x2e, 0x8b, 0x00}).segment == kFs);
    Insn ignored = ok({0x2e, 0x8b, 0x00});
    CHECK(ignored.segment == kDs);
    CHECK_FALSE(ignored.segment_override);
    CHECK(ok({0x65, 0xd7}).segment == kGs);  // XLAT: the operand is implied
}

TEST_CASE("rSP and rBP as base mean the stack segment", "[decoder]") {
    CHECK(ok({0x8b, 0x45, 0x08}, CpuMode::Bits32).segment == kSs);
    CHECK(ok({0x8b, 0x04, 0x24}, CpuMode::Bits32).segment == kSs);
    CHECK(ok({0x8b, 0x46, 0x08}, CpuMode::Bits16).segment == kSs);
    CHECK(ok({0x8b, 0x04, 0x2f}, CpuMode::Bits32).segment == kDs);  // EBP as index
    CHECK(ok({0x41, 0x8b, 0x45, 0x08}).segment == kDs);             // R13
}

TEST_CASE("addresses", "[decoder]") {
    Insn rip = ok({0x8b, 0x05, 0xfc, 0xff, 0xff, 0xff});
    CHECK(rip.base == kRipRegister);
    CHECK(rip.disp == -4);
    CHECK(ok({0x8b, 0x05, 1, 0, 0, 0}, CpuMode::Bits32).base == kNoRegister);
    Insn sib = ok({0x4a, 0x8b, 0x84, 0xa3, 0x10, 0, 0, 0});  // mov rax, [rbx+r12*4+16]
    CHECK(sib.base == 3);
    CHECK(sib.index == 12);
    CHECK(sib.scale_log2 == 2);
    CHECK(sib.disp == 16);
    CHECK(ok({0x8b, 0x04, 0x24}).index == kNoRegister);
    Insn absolute = ok({0x8b, 0x04, 0x25, 0, 0, 0, 0x80});
    CHECK(absolute.base == kNoRegister);
    CHECK(absolute.disp == -0x80000000LL);
    Insn bp_si = ok({0x8b, 0x42, 0x80}, CpuMode::Bits16);
    CHECK(bp_si.base == 5);
    CHECK(bp_si.index == 6);
    CHECK(bp_si.disp == -128);
    CHECK(ok({0x67, 0x8b, 0x00}).asize == 4);
    CHECK(ok({0x67, 0x8b, 0x00}, CpuMode::Bits16).asize == 4);
    CHECK(ok({0xa1, 1, 2, 3, 4, 5, 6, 7, 8}).disp == 0x0807060504030201);
}

TEST_CASE("immediates", "[decoder]") {
    CHECK(ok({0x48, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff}).imm == -1);
    CHECK(ok({0x48, 0xb8, 1, 0, 0, 0, 0, 0, 0, 0x80}).imm == static_cast<i64>(0x8000000000000001));
    CHECK(ok({0x83, 0xc0, 0xff}).imm == -1);
    CHECK(ok({0xcd, 0x80}).imm == 0x80);
    Insn enter = ok({0xc8, 0x34, 0x12, 0x05});
    CHECK(enter.imm == 0x1234);
    CHECK(enter.imm2 == 5);
    Insn far = ok({0x9a, 1, 2, 3, 4, 5, 6}, CpuMode::Bits32);
    CHECK(far.imm == 0x04030201);
    CHECK(far.imm2 == 0x0605);
}

TEST_CASE("LOCK needs an instruction on the list and a memory destination", "[decoder]") {
    CHECK(ok({0xf0, 0x01, 0x00}).lock);
    CHECK(undefined({0xf0, 0x01, 0xc0}));
    CHECK(undefined({0xf0, 0x03, 0x00}));
    CHECK(undefined({0xf0, 0x89, 0x00}));
    CHECK(undefined({0xf0, 0x90}));
    CHECK(ok({0xf0, 0x0f, 0xc7, 0x08}).lock);
    CHECK(undefined({0xf0, 0x0f, 0xa3, 0x00}));  // BT writes nothing
}

TEST_CASE("more than 15 bytes are too long; fewer than needed ask for more", "[decoder]") {
    std::vector<u8> code(14, 0x66);
    code.push_back(0x90);
    Insn insn;
    CHECK(decode(code, CpuMode::Bits64, {}, insn) == DecodeStatus::Ok);
    CHECK(insn.length == 15);
    code.insert(code.begin(), 0x66);
    CHECK(decode(code, CpuMode::Bits64, {}, insn) == DecodeStatus::TooLong);
    const std::vector<u8> mov = {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8};
    for (std::size_t n = 0; n < mov.size(); ++n) {
        CHECK(decode(std::span(mov).first(n), CpuMode::Bits64, {}, insn) == DecodeStatus::NeedMoreBytes);
    }
    CHECK(decode(mov, CpuMode::Bits64, {}, insn) == DecodeStatus::Ok);
}

TEST_CASE("operand sizes that 64-bit mode fixes", "[decoder]") {
    CHECK(ok({0x50}).opsize == 8);
    CHECK(ok({0x66, 0x50}).opsize == 2);
    Insn call = ok({0x66, 0xe8, 1, 0, 0, 0});  // Intel ignores 66
    CHECK(call.opsize == 8);
    CHECK(call.length == 6);
    CHECK(ok({0x66, 0xe8, 1, 0}, CpuMode::Bits32).length == 4);
    CHECK(ok({0xff, 0xe0}).operands[0].size == 8);
    CHECK(ok({0x0f, 0x20, 0xc0}).operands[0].size == 8);
    CHECK(ok({0x0f, 0x20, 0xc0}, CpuMode::Bits32).operands[0].size == 4);
}

TEST_CASE("MOV CR and DR ignore ModRM.mod and know their registers", "[decoder]") {
    Insn insn = ok({0x0f, 0x20, 0x05});  // mod 0, rm 5: no displacement follows
    CHECK(insn.length == 3);
    CHECK(insn.operands[0].is_gpr());
    CHECK(ok({0x44, 0x0f, 0x20, 0xc0}).operands[1].reg == 8);
    CHECK(undefined({0x0f, 0x20, 0xc8}));
    CHECK(undefined({0x44, 0x0f, 0x22, 0xc8}));
    CHECK(undefined({0x44, 0x0f, 0x21, 0xc0}));
    CHECK(undefined({0x8e, 0xc8}));  // MOV CS
    CHECK(undefined({0x8c, 0xf0}));  // segment register 6
}

TEST_CASE("90 is NOP, unless REX.B makes it XCHG", "[decoder]") {
    CHECK(mnemonic(ok({0x90})) == "NOP");
    CHECK(mnemonic(ok({0x48, 0x90})) == "NOP");
    CHECK(mnemonic(ok({0xf3, 0x90})) == "PAUSE");
    CHECK(mnemonic(ok({0x41, 0x90})) == "XCHG");
    CHECK(mnemonic(ok({0xf3, 0x41, 0x90})) == "XCHG");
}

TEST_CASE("legacy forms exist outside 64-bit mode only", "[decoder]") {
    for (int opcode : {0x06, 0x27, 0x37, 0x60, 0x9a, 0xce, 0xd4, 0xea, 0x82}) {
        CHECK(undefined({opcode, 0, 0, 0, 0, 0, 0, 0}));
        CHECK(dec({opcode, 0, 0, 0, 0, 0, 0, 0}, CpuMode::Bits32).status == DecodeStatus::Ok);
    }
    CHECK(mnemonic(ok({0x63, 0xc0})) == "MOVSXD");
    CHECK(mnemonic(ok({0x63, 0xc0}, CpuMode::Bits32)) == "ARPL");
    CHECK(mnemonic(ok({0xc5, 0x00}, CpuMode::Bits32)) == "LDS");
    CHECK(undefined({0xc5, 0xf8, 0x77}));                   // VEX, without AVX
    CHECK(undefined({0xc5, 0xf8, 0x77}, CpuMode::Bits32));  // likewise
    CHECK(undefined({0x0f, 0x05}, CpuMode::Bits32));        // SYSCALL, by Intel's rule
}

TEST_CASE("rows need their feature; some fall back to another row", "[decoder]") {
    CpuFeatures with;
    with.set(Feature::Bmi1);
    with.set(Feature::Lzcnt);
    with.set(Feature::Movbe);
    CHECK(undefined({0x0f, 0x38, 0xf0, 0x00}));
    CHECK(mnemonic(ok({0x0f, 0x38, 0xf0, 0x00}, CpuMode::Bits64, with)) == "MOVBE");
    CHECK(mnemonic(ok({0xf2, 0x0f, 0x38, 0xf0, 0x00}, CpuMode::Bits64, with)) == "CRC32");
    CHECK(mnemonic(ok({0xf3, 0x0f, 0xbc, 0xc1})) == "BSF");
    CHECK(mnemonic(ok({0xf3, 0x0f, 0xbc, 0xc1}, CpuMode::Bits64, with)) == "TZCNT");
    CHECK(mnemonic(ok({0xf3, 0x0f, 0xbd, 0xc1}, CpuMode::Bits64, with)) == "LZCNT");
    CpuFeatures without;
    without.clear(Feature::Popcnt);
    without.clear(Feature::Lahf64);
    CHECK(undefined({0xf3, 0x0f, 0xb8, 0xc1}, CpuMode::Bits64, without));
    CHECK(undefined({0x9f}, CpuMode::Bits64, without));
    CHECK(mnemonic(ok({0x9f}, CpuMode::Bits32, without)) == "LAHF");
}

TEST_CASE("rows name operands that the interpreter can rely on", "[decoder]") {
    for (const Row& row : rows()) {
        INFO(row.mnemonic << " " << row.encoding_text);
        CHECK((row.flags_written & row.flags_undefined) == 0);
        CHECK((row.family[0] != 0 && row.semantics[0] != 0));
        if (row.has(row_words::Lock)) CHECK(row.operands[0].access == Access::ReadWrite);
        if (row.has(row_words::No64)) CHECK_FALSE(row.has(row_words::Only64));
    }
}

TEST_CASE("random bytes never make the decoder read past the span or 15 bytes", "[decoder]") {
    testing::Rng rng(7);
    for (int i = 0; i < 300'000; ++i) {
        u8 bytes[kMaxInsnLength];
        for (u8& b : bytes) b = rng.byte();
        std::size_t size = rng.below(sizeof bytes + 1);
        // An exact-size heap copy: a sanitizer build sees the first byte too many.
        std::vector<u8> code(bytes, bytes + size);
        Insn insn, again;
        DecodeStatus status = decode(code, static_cast<CpuMode>(i % 3), {}, insn);
        if (status == DecodeStatus::Ok) {
            REQUIRE(insn.length >= 1);
            REQUIRE(insn.length <= size);
            REQUIRE(decode(std::span(code).first(insn.length), static_cast<CpuMode>(i % 3), {}, again) ==
                    status);
            REQUIRE(again == insn);
        }
    }
}
