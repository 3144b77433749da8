// String instructions in real and protected mode: 16-bit pointers and counts that wrap, segment limits and
// types, direction (SDM vol. 2, MOVS, STOS, LODS, CMPS, SCAS; vol. 3A, 5.3 and 5.4).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

// Selector registers of real mode point at different 64 KiB: DS at 10000H, ES at 20000H.
void enter_real_segments(M& m) {
    m.enter_real();
    m.cpu->seg[kDs].selector = 0x1000;
    m.cpu->seg[kDs].base = 0x1'0000;
    m.cpu->seg[kEs].selector = 0x2000;
    m.cpu->seg[kEs].base = 0x2'0000;
    m.cpu->update_mode();
}

}  // namespace

TEST_CASE("Real mode: REP MOVSB counts in CX and wraps SI and DI at 64 KiB") {
    M m;
    enter_real_segments(m);
    m.put(0x1'fffe, u16{0x2211});
    m.put(0x1'0000, u16{0x4433});
    m.cpu->gpr[kRsi] = 0x5555'fffe;
    m.cpu->gpr[kRdi] = 0x6666'0010;
    m.cpu->gpr[kRcx] = 0x7777'0004;
    m.code_here({0xf3, 0xa4});
    m.run();
    CHECK(m.get<u32>(0x2'0010) == 0x4433'2211);
    CHECK(m.cpu->gpr[kRsi] == 0x5555'0002);
    CHECK(m.cpu->gpr[kRdi] == 0x6666'0014);
    CHECK(m.cpu->gpr[kRcx] == 0x7777'0000);
    CHECK(m.cpu->rip() == M::kRealCode + 2);
}

TEST_CASE("Real mode: downwards, an override for the source, 32-bit operands") {
    M m;
    enter_real_segments(m);
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kDf);
    m.put(0x2'0100, u32{0xdead'beef});
    m.put(0x2'00fc, u32{0x0123'4567});
    m.cpu->gpr[kRsi] = 0x100;
    m.cpu->gpr[kRdi] = 0x200;
    m.cpu->gpr[kRcx] = 2;
    m.code_here({0x26, 0xf3, 0x66, 0xa5});  // REP MOVSD ES:[DI], ES:[SI]
    m.run();
    CHECK(m.items<u32>(0x2'01fc, 2) == std::vector<u32>{0x0123'4567, 0xdead'beef});
    CHECK(m.cpu->gpr[kRsi] == 0xf8);
    CHECK(m.cpu->gpr[kRdi] == 0x1f8);
}

TEST_CASE("Real mode: a word at FFFFH is outside the limit, what came before it is done") {
    M m;
    enter_real_segments(m);
    m.put(13 * 4, u32{0x700});
    m.write(0x700, {0xf4});
    m.cpu->gpr[kRax] = 0xa5a5;
    m.cpu->gpr[kRdi] = 0xfffb;
    m.cpu->gpr[kRcx] = 10;
    m.code_here({0xf3, 0xab});  // REP STOSW
    m.run();
    CHECK(m.cpu->rip() == 0x701);
    CHECK(m.cpu->gpr[kRdi] == 0xffff);
    CHECK(m.cpu->gpr[kRcx] == 8);
    CHECK(m.get<u32>(0x2'fffb) == 0xa5a5'a5a5);
    CHECK(m.get<u16>(0x7000 - 6) == M::kRealCode);
}

TEST_CASE("Protected mode: limits and types of the string's segments") {
    M m;
    m.enter_protected(0);
    m.cpu->gpr[kRsi] = M::kCode + 0x1000;
    m.cpu->gpr[kRdi] = M::kCode + 0x2000;
    SECTION("ES too short") {
        m.cpu->seg[kEs].limit = static_cast<u32>(M::kCode) + 0x2002;
        CHECK(m.raises(13, {0xa5}));
        CHECK(m.cpu->gpr[kRdi] == M::kCode + 0x2000);
    }
    SECTION("ES read-only: SCAS reads it, STOS may not write it") {
        m.cpu->seg[kEs].access = 0xc091;
        m.code_here({0xae, 0xaa});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 1);
        m.run();
        CHECK(m.in_handler(13));
    }
    SECTION("the source in SS: #SS") {
        m.cpu->seg[kSs].limit = 0xffff;
        m.cpu->gpr[kRsp] = 0x8000;
        CHECK(m.raises(12, {0x36, 0xac}));  // LODSB SS:[ESI]
    }
    SECTION("a base near 4 GiB wraps") {
        m.cpu->seg[kDs].base = 0xffff'f000;
        m.cpu->update_mode();
        m.cpu->gpr[kRsi] = 0x2000;
        m.put(0x1000, u8{0x5a});
        m.code_here({0xac});
        m.run();
        CHECK((m.cpu->gpr[kRax] & 0xff) == 0x5a);
    }
}

TEST_CASE("REPE CMPSB and REPNE SCASW with 16-bit counts stop where they should") {
    M m;
    enter_real_segments(m);
    m.cpu->gpr[kRsi] = 0x100;
    m.cpu->gpr[kRdi] = 0x100;
    m.cpu->gpr[kRcx] = 0xffff'0008;
    SECTION("CMPS") {
        m.put(0x1'0100, u64{0x0807'0605'0403'0201});
        m.put(0x2'0100, u64{0x0807'06ff'0403'0201});
        m.code_here({0xf3, 0xa6});
        m.run();
        CHECK(m.cpu->gpr[kRcx] == 0xffff'0003);
        CHECK(m.cpu->gpr[kRsi] == 0x105);
        CHECK_FALSE(m.cpu->lf.zf());
        CHECK(m.cpu->lf.cf());
    }
    SECTION("SCAS") {
        m.put(0x2'0100, u64{0x7777'0000'0000'0000});
        m.cpu->gpr[kRax] = 0x7777;
        m.code_here({0xf2, 0xaf});
        m.run();
        CHECK(m.cpu->gpr[kRcx] == 0xffff'0004);
        CHECK(m.cpu->gpr[kRdi] == 0x108);
        CHECK(m.cpu->lf.zf());
    }
}
