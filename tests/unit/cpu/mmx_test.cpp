// MMX on the x87's registers: tags, TOP, exponents, pending exceptions (SDM vol. 1, 9.5; vol. 3A, 12.2).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/sse_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = SseMachine;

TEST_CASE("An MMX instruction takes the physical registers, sets TOP to 0 and marks all in use") {
    M m;
    X87State& x87 = m.cpu->x87;
    x87.status = 3 << 11 | 0x4000;
    x87.reg[0] = {0x0101'0101'0101'0101, 0x1234};
    x87.reg[1] = {0x0202'0202'0202'0202, 0x5678};
    m.again({0x0f, 0xfc, 0xc1});  // PADDB MM0, MM1
    CHECK(x87.reg[0].significand == 0x0303'0303'0303'0303);
    CHECK(x87.reg[0].sign_exponent == 0xffff);
    CHECK(x87.reg[1].sign_exponent == 0x5678);
    CHECK(x87.empty == 0);
    CHECK(x87.status == 0x4000);
    m.again({0x0f, 0x77});  // EMMS
    CHECK(x87.empty == 0xff);
    CHECK(x87.reg[0].significand == 0x0303'0303'0303'0303);
}

TEST_CASE("Reading an MMX register is a transition too") {
    for (std::initializer_list<unsigned> bytes : {std::initializer_list<unsigned>{0x0f, 0x7e, 0xc8},
                                                  {0x0f, 0x7f, 0x0b},
                                                  {0x0f, 0xd7, 0xc1},
                                                  {0x0f, 0xc5, 0xc1, 0x00},
                                                  {0xf3, 0x0f, 0xd6, 0xc1},
                                                  {0x0f, 0x2a, 0xc1},
                                                  {0x66, 0x0f, 0x2a, 0xc1}}) {
        M m;
        m.cpu->x87.status = 3 << 11;
        m.again(bytes);
        CHECK(m.cpu->rip() == M::kCode + bytes.size());
        CHECK(m.cpu->x87.empty == 0);
        CHECK(m.cpu->x87.status == 0);
    }
}

TEST_CASE("CVTPI2PD from memory leaves the x87 alone, CVTPI2PS does not") {
    M m;
    m.put(M::kData, u64{0x0000'0002'ffff'ffff});
    m.cpu->x87.status = 3 << 11;
    m.again({0x66, 0x0f, 0x2a, 0x03});
    CHECK(m.has_quads(0, std::bit_cast<u64>(-1.0), std::bit_cast<u64>(2.0)));
    CHECK(m.cpu->x87.empty == 0xff);
    CHECK(m.cpu->x87.status == 3 << 11);
    m.set_quads(0, 7, 8);
    m.again({0x0f, 0x2a, 0x03});
    CHECK(m.floats(0)[0] == -1.0f);
    CHECK(m.floats(0)[1] == 2.0f);
    CHECK(m.cpu->xmm[0].q[1] == 8);
    CHECK(m.cpu->x87.empty == 0);
}

TEST_CASE("A pending x87 exception comes before the MMX instruction, whose fault changes nothing") {
    M m;
    X87State& x87 = m.cpu->x87;
    x87.control = 0x37e;
    x87.status = 0x8081 | 2 << 11;
    CHECK(m.faults(16, {0x0f, 0xfc, 0xc1}));
    CHECK(m.faults(16, {0x0f, 0x77}));
    CHECK(m.faults(16, {0x0f, 0x2d, 0xc1}));  // CVTPS2PI MM0, XMM1
    CHECK(x87.empty == 0xff);
    m.again({0x0f, 0x58, 0xc1});  // ADDPS does not care
    CHECK(m.cpu->rip() == M::kCode + 3);

    x87.status = 2 << 11;
    m.put(M::kTable, u64{0});
    m.cpu->gpr[kRbx] = M::kSmallPages;
    m.cpu->flush_fast();
    CHECK(m.faults(14, {0x0f, 0xfc, 0x03}));
    CHECK(x87.empty == 0xff);
    CHECK(x87.status == 2 << 11);
}

TEST_CASE("PUNPCKLBW reads four bytes of memory") {
    M m;
    m.put(M::kTable + 8, u64{0});
    const u64 at = M::kSmallPages + 0xffc;
    m.put(at, u32{0x8765'4321});
    m.cpu->gpr[kRbx] = at;
    m.cpu->x87.reg[0].significand = 0x1122'3344;
    m.again({0x0f, 0x60, 0x03});
    CHECK(m.cpu->x87.reg[0].significand == 0x8711'6522'4333'2144);
    CHECK(m.faults(14, {0x0f, 0x68, 0x03}));  // PUNPCKHBW reads eight
}
