// What the host cannot be asked about the x87: pending exceptions, #NM, FERR#, the pointers to the last
// instruction, and the formats of the environment in each mode.
#include "tests/unit/catch.h"
#include "tests/unit/cpu/x87_machine.h"

using namespace orrery;
using orrery::testing::X87Machine;

namespace {

constexpr int kMf = 16, kNm = 7, kDone = -1;
constexpr u16 kUnmaskedZero = 0x37b;

u32 dword(const u8* at) {
    u32 v;
    std::memcpy(&v, at, 4);
    return v;
}
u16 word(const u8* at) {
    u16 v;
    std::memcpy(&v, at, 2);
    return v;
}

// 1 / 0 with #Z unmasked: pending afterwards.
void divide_by_zero(X87Machine& m) {
    m.x87().control = kUnmaskedZero;
    REQUIRE(m.run({0xd9, 0xe8}) == kDone);  // fld1
    REQUIRE(m.run({0xd9, 0xee}) == kDone);  // fldz
    REQUIRE(m.run({0xd8, 0xf9}) == kDone);  // fdivr st0, st1
}

}  // namespace

TEST_CASE("an unmasked x87 exception waits for the next waiting instruction", "[x87]") {
    X87Machine m;
    divide_by_zero(m);
    CHECK((m.x87().status & 0x80ff) == 0x8084);
    const u64 culprit = m.last_address();
    CHECK(m.run({0xdf, 0xe0}) == kDone);  // fnstsw ax
    CHECK((m.cpu().gpr[kRax] & 0x80) != 0);
    CHECK(m.run({0xd9, 0x3b}) == kDone);  // fnstcw
    CHECK(m.run({0xdb, 0xe1}) == kDone);  // fndisi
    CHECK(m.run({0x9b}) == kMf);          // fwait
    CHECK(m.run({0xd9, 0xe8}) == kMf);    // fld1
    CHECK(m.run({0xd9, 0xd0}) == kMf);    // fnop
    CHECK(m.run({0xd9, 0x2b}) == kMf);    // fldcw
    CHECK(m.run({0x0f, 0x77}) == kMf);    // emms
    CHECK(m.x87().last_ip == culprit);
    CHECK(m.x87().last_opcode == 0x0f9);
    // The operands are as they were.
    CHECK(m.x87().reg[m.x87().status >> 11 & 7].significand == 0);
    SECTION("FNCLEX") {
        CHECK(m.run({0xdb, 0xe2}) == kDone);
    }
    SECTION("FNINIT") {
        CHECK(m.run({0xdb, 0xe3}) == kDone);
    }
    SECTION("FNSAVE") {
        CHECK(m.run({0xdd, 0x33}) == kDone);
    }
    SECTION("FNSTENV masks") {
        CHECK(m.run({0xd9, 0x33}) == kDone);
        CHECK((word(m.data() + 4) & 0x8080) == 0x8080);
        CHECK((m.x87().control & 0x3f) == 0x3f);
    }
    CHECK((m.x87().status & 0x8080) == 0);
    CHECK(m.run({0x9b}) == kDone);
}

TEST_CASE("FLDCW unmasks what is pending", "[x87]") {
    X87Machine m;
    m.x87().status = 4;
    const u16 control = kUnmaskedZero & 0xff3f;  // bit 6 reads as 1 whatever is loaded
    std::memcpy(m.data(), &control, 2);
    CHECK(m.run({0xd9, 0x2b}) == kDone);
    CHECK(m.x87().control == kUnmaskedZero);
    CHECK(m.x87().status == 0x8084);
    CHECK(m.run({0xd9, 0xee}) == kMf);
}

TEST_CASE("x87 instructions trap by CR0", "[x87]") {
    X87Machine m;
    const auto with = [&](u64 bits) {
        m.cpu().cr0 = (m.cpu().cr0 & ~(cr0::kMp | cr0::kEm | cr0::kTs)) | bits;
        m.cpu().update_mode();
    };
    with(cr0::kTs);
    CHECK(m.run({0xd9, 0xe8}) == kNm);
    CHECK(m.run({0xdb, 0xe3}) == kNm);
    CHECK(m.run({0x9b}) == kDone);
    with(cr0::kEm);
    CHECK(m.run({0xd9, 0xe8}) == kNm);
    CHECK(m.run({0x9b}) == kDone);
    with(cr0::kTs | cr0::kMp);
    CHECK(m.run({0x9b}) == kNm);
    with(cr0::kMp);
    CHECK(m.run({0x9b}) == kDone);
    CHECK(m.run({0xd9, 0xe8}) == kDone);
    // #NM goes before #MF.
    with(0);
    divide_by_zero(m);
    with(cr0::kTs);
    CHECK(m.run({0xd9, 0xe8}) == kNm);
}

TEST_CASE("with CR0.NE clear a pending x87 exception asserts FERR# and waits", "[x87]") {
    X87Machine m;
    m.cpu().cr0 &= ~cr0::kNe;
    divide_by_zero(m);
    int asserted = 0;
    m.cpu().env.ferr = [](void* count) { ++*static_cast<int*>(count); };
    m.cpu().env.ferr_context = &asserted;
    const u64 before = m.cpu().instructions();
    CHECK(m.run({0xd9, 0xe8}) == kDone);
    CHECK(asserted == 1);
    CHECK(m.cpu().activity == Activity::Halted);
    CHECK(m.cpu().rip() == m.last_address());
    CHECK(m.cpu().instructions() == before);
    m.cpu().activity = Activity::Running;
    m.cpu().env.ferr = nullptr;
    CHECK(m.run({0xd9, 0xe8}) == kMf);
}

TEST_CASE("x87 pointers follow the instructions that are not control instructions", "[x87]") {
    X87Machine m;
    CHECK(m.run({0xd9, 0x43, 0x08}) == kDone);  // fld dword [rbx+8]
    const u64 load = m.last_address();
    CHECK(m.x87().last_ip == load);
    CHECK(m.x87().last_dp == X87Machine::kData + 8);
    CHECK(m.run({0xd9, 0x7b, 0x10}) == kDone);  // fnstcw
    CHECK(m.run({0xd9, 0x6b, 0x10}) == kDone);  // fldcw
    CHECK(m.run({0x9b}) == kDone);
    CHECK(m.run({0xdf, 0xe0}) == kDone);
    CHECK(m.run({0xdb, 0xe2}) == kDone);
    CHECK(m.x87().last_ip == load);
    CHECK(m.run({0xd9, 0xe8}) == kDone);  // fld1: no operand, the data pointer stays
    CHECK(m.x87().last_ip == m.last_address());
    CHECK(m.x87().last_dp == X87Machine::kData + 8);
    CHECK(m.x87().last_opcode == 0);
    // A base of FS is not part of the offset.
    m.cpu().seg[kFs].base = 0x100;
    m.cpu().update_mode();
    CHECK(m.run({0x64, 0xdd, 0x5b, 0x20}) == kDone);  // fstp qword fs:[rbx+20h]
    CHECK(m.x87().last_dp == X87Machine::kData + 0x20);
    CHECK(m.run({0xdb, 0xe3}) == kDone);
    CHECK((m.x87().last_ip | m.x87().last_dp) == 0);
}

TEST_CASE("x87 environment in 64-bit and protected mode", "[x87]") {
    X87Machine m;
    m.run({0xd9, 0x03});  // fld dword [rbx]: zero
    m.run({0xd9, 0xe8});
    const u32 ip = static_cast<u32>(m.last_address());
    m.x87().last_opcode = 0x123;
    m.run({0xd9, 0x73, 0x40});  // fnstenv [rbx+40h]
    const u8* e = m.data() + 0x40;
    CHECK(dword(e) == 0xffff037f);
    CHECK(dword(e + 4) == 0xffff3000);
    CHECK(dword(e + 8) == 0xffff4fff);  // place 7: zero; place 6: valid
    CHECK(dword(e + 12) == ip);
    CHECK(dword(e + 16) == 0x01230000);
    CHECK(dword(e + 20) == X87Machine::kData);
    CHECK(dword(e + 24) == 0xffff0000);
    m.run({0x66, 0xd9, 0x73, 0x40});
    CHECK(word(e) == 0x037f);
    CHECK(word(e + 2) == 0x3000);
    CHECK(word(e + 4) == 0x4fff);
    CHECK(word(e + 6) == (ip & 0xffff));
    CHECK(word(e + 8) == 0);
    CHECK(word(e + 10) == X87Machine::kData);
    CHECK(word(e + 12) == 0);
}

TEST_CASE("x87 environment in real mode", "[x87]") {
    X87Machine m;
    m.enter_real_mode();
    m.x87().last_ip = 0xabcde;
    m.x87().last_dp = 0x54321;
    m.x87().last_opcode = 0x7ff;
    m.run({0xd9, 0x37});  // fnstenv [bx]
    const u8* e = m.data();
    CHECK(word(e + 6) == 0xbcde);
    CHECK(word(e + 8) == 0xa7ff);
    CHECK(word(e + 10) == 0x4321);
    CHECK(word(e + 12) == 0x5000);
    m.run({0x66, 0xd9, 0x37});
    CHECK(dword(e + 12) == 0xffffbcde);
    CHECK(dword(e + 16) == 0xa7ff);
    CHECK(dword(e + 20) == 0xffff4321);
    CHECK(dword(e + 24) == 0x5000);
    m.run({0xdb, 0xe3});
    m.run({0x66, 0xd9, 0x27});  // fldenv
    CHECK(m.x87().last_ip == 0xabcde);
    CHECK(m.x87().last_dp == 0x54321);
    CHECK(m.x87().last_opcode == 0x7ff);
}

TEST_CASE("FNSAVE and FRSTOR keep everything", "[x87]") {
    X87Machine m;
    for (int i = 0; i < 5; ++i) m.run({0xd9, 0xe8 + i});
    const X87State before = m.x87();
    m.run({0xdd, 0x33});
    CHECK(m.x87().control == 0x37f);
    CHECK(m.x87().status == 0);
    CHECK(m.x87().empty == 0xff);
    for (Float80& r : m.x87().reg) r = {};
    m.run({0xdd, 0x23});
    CHECK(m.x87().status == before.status);
    CHECK(m.x87().empty == before.empty);
    CHECK(m.x87().last_ip == before.last_ip);
    for (unsigned i = 0; i < 8; ++i) {
        CHECK(m.x87().reg[i].significand == before.reg[i].significand);
        CHECK(m.x87().reg[i].sign_exponent == before.reg[i].sign_exponent);
    }
}

TEST_CASE("x87 operands are checked for alignment", "[x87]") {
    X87Machine m;
    m.cpu().cr0 |= cr0::kAm;
    m.cpu().set_rflags(rflags::kAc);
    m.run({0xd9, 0xe8});
    // As at CPL 3; the handler's own stack is not of interest.
    const auto faults = [&](int opcode, int reg, int offset, bool narrow = false) {
        m.cpu().cpl = 3;
        m.cpu().update_mode();
        const X87State before = m.x87();
        std::vector<u8> code;
        if (narrow) code.push_back(0x66);
        for (int b : {opcode, 0x43 | reg << 3, offset}) code.push_back(static_cast<u8>(b));
        const u64 at = m.cpu().instructions();
        m.run(code);
        const bool done = m.cpu().rip() == m.last_address() + code.size() && m.cpu().instructions() == at + 1;
        m.x87() = before;
        m.enter_long_mode();
        m.cpu().cr0 |= cr0::kAm;
        m.cpu().set_rflags(rflags::kAc);
        return !done;
    };
    for (int offset = 0; offset < 9; ++offset) {
        CHECK(faults(0xdb, 5, offset) == (offset % 8 != 0));        // fld m80
        CHECK(faults(0xdf, 6, offset) == (offset % 8 != 0));        // fbstp
        CHECK(faults(0xdd, 0, offset) == (offset % 8 != 0));        // fld m64
        CHECK(faults(0xd9, 6, offset) == (offset % 4 != 0));        // fnstenv
        CHECK(faults(0xdd, 4, offset, true) == (offset % 2 != 0));  // frstor, 16 bits
    }
}

TEST_CASE("#MF in real mode", "[x87]") {
    X87Machine m;
    m.enter_real_mode();
    m.cpu().cr0 |= cr0::kNe;
    divide_by_zero(m);
    CHECK(m.run({0x9b}) == kMf);
}
