// Memory operands of SSE: alignment, page borders, masked stores; the FXSAVE area (SDM vol. 1, 10.5
// and 11.4.4).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/sse_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = SseMachine;

namespace {

// The last page before one that is not mapped, or is read-only.
constexpr u64 kEdge = M::kSmallPages + 0x5000;

void unmap_after_edge(M& m) {
    m.put(M::kTable + 8 * 5, u64{0});
    m.cpu->flush_fast();
}

void fill(M& m, u64 physical, unsigned count) {
    for (unsigned i = 0; i < count; ++i) m.put(physical + i, static_cast<u8>(i * 7 + 1));
}

}  // namespace

TEST_CASE("MOVAPS and arithmetic want alignment, MOVUPS and PCMPISTRI do not") {
    M m;
    fill(m, M::kData, 64);
    m.cpu->gpr[kRbx] = M::kData + 1;
    CHECK(m.faults(13, {0x0f, 0x28, 0x03}));
    CHECK(m.get(m.cpu->gpr[kRsp]) == 0);
    CHECK(m.faults(13, {0x0f, 0x29, 0x03}));
    CHECK(m.faults(13, {0x66, 0x0f, 0xfc, 0x03}));
    CHECK(m.faults(13, {0x66, 0x0f, 0xe7, 0x03}));
    CHECK(m.faults(13, {0x0f, 0xae, 0x03}));
    CHECK(m.faults(13, {0x0f, 0xae, 0x0b}));
    m.again({0x0f, 0x10, 0x03});
    CHECK(m.has_quads(0, m.get(M::kData + 1), m.get(M::kData + 9)));
    m.again({0x66, 0x0f, 0x3a, 0x63, 0x03, 0x08});
    CHECK(m.cpu->rip() == M::kCode + 6);
}

TEST_CASE("#AC for 16 bytes at CPL 3 with CR0.AM and EFLAGS.AC") {
    M m(3);
    m.cpu->cr0 |= cr0::kAm;
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kAc);
    m.cpu->update_mode();
    m.cpu->gpr[kRbx] = M::kData + 16;
    m.again({0x0f, 0x10, 0x03});
    CHECK(m.cpu->rip() == M::kCode + 3);
    m.cpu->gpr[kRbx] = M::kData + 8;
    CHECK(m.faults(17, {0x0f, 0x10, 0x03}));
}

TEST_CASE("MOVUPS crosses from one page to the next, in both directions") {
    M m;
    const u64 at = M::kSmallPages + 0x1ff9;
    fill(m, at, 16);
    m.cpu->gpr[kRbx] = at;
    m.again({0x0f, 0x10, 0x03});
    CHECK(m.has_quads(0, m.get(at), m.get(at + 8)));
    m.set_quads(1, 0x1122'3344'5566'7788, 0x99aa'bbcc'ddee'ff00);
    m.again({0x0f, 0x11, 0x0b});
    CHECK(m.get(at) == 0x1122'3344'5566'7788);
    CHECK(m.get(at + 8) == 0x99aa'bbcc'ddee'ff00);
}

TEST_CASE("A store that runs into an unmapped page writes nothing") {
    M m;
    unmap_after_edge(m);
    m.cpu->gpr[kRbx] = kEdge - 8;
    m.set_quads(0, ~u64{0}, ~u64{0});
    CHECK(m.faults(14, {0x0f, 0x11, 0x03}));
    CHECK(m.cpu->cr2 == kEdge);
    CHECK(m.get(kEdge - 8) == 0);
    CHECK(m.faults(14, {0x0f, 0x10, 0x0b}));
    CHECK(m.has_quads(1, 0, 0));
}

TEST_CASE("MASKMOVDQU touches the chosen bytes only") {
    M m;
    unmap_after_edge(m);
    m.cpu->gpr[kRdi] = kEdge - 4;
    m.set_quads(0, 0x0807'0605'0403'0201, 0x100f'0e0d'0c0b'0a09);
    m.set_quads(1, 0x0000'0000'8000'8080, 0);  // bytes 0, 1 and 3
    m.again({0x66, 0x0f, 0xf7, 0xc1});
    CHECK(m.cpu->rip() == M::kCode + 4);
    CHECK(m.get<u32>(kEdge - 4) == 0x0400'0201);
    m.set_quads(1, 0x0000'0080'0000'0080, 0);  // byte 4 is in the page that is not there
    m.put(kEdge - 4, u32{0});
    CHECK(m.faults(14, {0x66, 0x0f, 0xf7, 0xc1}));
    CHECK(m.cpu->cr2 == kEdge);
    CHECK(m.get<u32>(kEdge - 4) == 0);
    m.set_quads(1, 0, 0);
    m.cpu->gpr[kRdi] = kEdge;
    m.again({0x66, 0x0f, 0xf7, 0xc1});
    CHECK(m.cpu->rip() == M::kCode + 4);
    m.cpu->gpr[kRdi] = u64{1} << 60;
    CHECK(m.faults(13, {0x66, 0x0f, 0xf7, 0xc1}));
}

TEST_CASE("MASKMOVDQU's fault is told at the operand's first byte in the page") {
    M m;
    unmap_after_edge(m);
    const std::initializer_list<unsigned> maskmovdqu = {0x66, 0x0f, 0xf7, 0xc1};
    m.cpu->gpr[kRdi] = kEdge - 8;
    for (const u64 chosen : {~u64{0}, u64{0x80} << 56, u64{0x80} << 8}) {
        m.set_quads(1, chosen, chosen);
        CHECK(m.faults(14, maskmovdqu));
        CHECK(m.cpu->cr2 == kEdge);
    }
    m.cpu->gpr[kRdi] = kEdge + 0x10;
    m.set_quads(1, 0, 0x80);
    CHECK(m.faults(14, maskmovdqu));
    CHECK(m.cpu->cr2 == kEdge + 0x10);
    m.cpu->gpr[kRdi] = kEdge + 0xff8;  // from the missing page into one that is there
    m.set_quads(1, u64{0x80} << 56, u64{0x80});
    CHECK(m.faults(14, maskmovdqu));
    CHECK(m.cpu->cr2 == kEdge + 0xff8);
}

TEST_CASE("MASKMOVDQU obeys a segment override and the address size") {
    M m;
    m.cpu->seg[kFs].base = 0x1000;
    m.cpu->update_mode();
    m.cpu->gpr[kRdi] = M::kData + (u64{1} << 32);
    m.set_quads(0, 0x55, 0);
    m.set_quads(1, 0x80, 0);
    m.again({0x64, 0x67, 0x66, 0x0f, 0xf7, 0xc1});
    CHECK(m.get<u8>(M::kData + 0x1000) == 0x55);
}

TEST_CASE("Scalar loads clear the rest of the register, moves between registers keep it") {
    M m;
    m.set_quads(0, 1, 2);
    m.put(M::kData, u64{0x1111'1111'2222'2222});
    m.again({0xf3, 0x0f, 0x10, 0x03});  // MOVSS XMM0, [RBX]
    CHECK(m.has_quads(0, 0x2222'2222, 0));
    m.set_quads(0, ~u64{0}, 2);
    m.set_quads(1, 5, 6);
    m.again({0xf3, 0x0f, 0x10, 0xc1});  // MOVSS XMM0, XMM1
    CHECK(m.has_quads(0, 0xffff'ffff'0000'0005, 2));
    m.again({0xf2, 0x0f, 0x10, 0xc1});  // MOVSD XMM0, XMM1
    CHECK(m.has_quads(0, 5, 2));
    m.again({0xf3, 0x0f, 0x7e, 0xc1});  // MOVQ XMM0, XMM1
    CHECK(m.has_quads(0, 5, 0));
}

TEST_CASE("FXSAVE64 writes the area byte for byte, and FXRSTOR64 reads it back") {
    M m;
    X87State& x87 = m.cpu->x87;
    x87.control = 0x27f;
    x87.status = 5 << 11 | 0x4100;
    x87.empty = 0b0001'1111;  // ST(0)–ST(2) in use: physical 5, 6, 7
    x87.last_opcode = 0x123;
    x87.last_ip = 0x1234'5678'9abc;
    x87.last_dp = 0xfedc'ba98;
    for (unsigned i = 0; i < 8; ++i) x87.reg[i] = {0x8000'0000'0000'0000 + i, static_cast<u16>(0x3fff + i)};
    for (unsigned i = 0; i < 16; ++i) m.set_quads(i, 100 + i, 200 + i);
    m.set_mxcsr(0x1fa1);
    for (unsigned i = 0; i < 512; ++i) m.put(M::kData + i, u8{0xcc});
    m.again({0x48, 0x0f, 0xae, 0x03});

    CHECK(m.get<u16>(M::kData) == 0x27f);
    CHECK(m.get<u16>(M::kData + 2) == (5 << 11 | 0x4100));
    CHECK(m.get<u16>(M::kData + 4) == 0xe0);
    CHECK(m.get<u16>(M::kData + 6) == 0x123);
    CHECK(m.get(M::kData + 8) == 0x1234'5678'9abc);
    CHECK(m.get(M::kData + 16) == 0xfedc'ba98);
    CHECK(m.get<u32>(M::kData + 24) == 0x1fa1);
    CHECK(m.get<u32>(M::kData + 28) == 0xffff);
    for (unsigned i = 0; i < 8; ++i) {
        CHECK(m.get(M::kData + 32 + 16 * i) == 0x8000'0000'0000'0000 + ((5 + i) & 7));
        CHECK(m.get(M::kData + 40 + 16 * i) == 0x3fff + ((5 + i) & 7));
    }
    for (unsigned i = 0; i < 16; ++i) {
        CHECK(m.get(M::kData + 160 + 16 * i) == 100 + i);
        CHECK(m.get(M::kData + 168 + 16 * i) == 200 + i);
    }
    CHECK(m.get<u8>(M::kData + 416) == 0xcc);

    const X87State saved = x87;
    x87 = {};
    for (unsigned i = 0; i < 16; ++i) m.set_quads(i, 0, 0);
    m.set_mxcsr(0x1f80);
    m.again({0x48, 0x0f, 0xae, 0x0b});
    CHECK(x87.control == saved.control);
    CHECK(x87.status == saved.status);
    CHECK(x87.empty == saved.empty);
    CHECK(x87.last_opcode == saved.last_opcode);
    CHECK(x87.last_ip == saved.last_ip);
    CHECK(x87.last_dp == saved.last_dp);
    for (unsigned i = 0; i < 8; ++i) {
        CHECK(x87.reg[i].significand == saved.reg[i].significand);
        CHECK(x87.reg[i].sign_exponent == saved.reg[i].sign_exponent);
    }
    for (unsigned i = 0; i < 16; ++i) CHECK(m.has_quads(i, 100 + i, 200 + i));
    CHECK(m.cpu->mxcsr == 0x1fa1);
}

TEST_CASE("FXRSTOR checks MXCSR before it changes anything, and derives the x87's error summary") {
    M m;
    m.put(M::kData, u16{0x37e});       // invalid operations are not masked
    m.put(M::kData + 2, u16{0x0001});  // and there has been one
    m.put(M::kData + 24, u32{0x2'1f80});
    CHECK(m.faults(13, {0x0f, 0xae, 0x0b}));
    CHECK(m.cpu->x87.control == 0x37f);
    m.put(M::kData + 24, u32{0x1f80});
    m.again({0x0f, 0xae, 0x0b});
    CHECK(m.cpu->x87.control == 0x37e);
    CHECK(m.cpu->x87.status == 0x8081);
    CHECK(m.faults(16, {0x0f, 0xfc, 0xc1}));  // PADDB reports it
    m.put(M::kData + 2, u16{0x8080});
    m.again({0x0f, 0xae, 0x0b});
    CHECK(m.cpu->x87.status == 0);
}

TEST_CASE("FXRSTOR can unmask exceptions for the next instruction") {
    M m;
    m.put(M::kData, u16{0x37f});
    m.put(M::kData + 24, u32{0x1d80});        // ZM clear
    m.put(M::kData + 160, u32{0x3f80'0000});  // XMM0 = 1.0, XMM1 = 0
    m.again({0x0f, 0xae, 0x0b, 0xf3, 0x0f, 0x5e, 0xc1}, 2);
    CHECK(m.in_handler(19));
}

TEST_CASE("In protected mode FXSAVE stores eight XMM registers, and selectors with the pointers") {
    M m;
    m.enter_protected(0);
    m.cpu->cr4 |= cr4::kOsfxsr;
    m.cpu->update_mode();
    m.cpu->x87.last_ip = 0x1'2345'6789;
    m.cpu->x87.last_cs = 0x23;
    for (unsigned i = 0; i < 512; ++i) m.put(M::kData + i, u8{0xcc});
    m.set_quads(7, 77, 78);
    m.again({0x0f, 0xae, 0x03});
    CHECK(m.get<u32>(M::kData + 8) == 0x2345'6789);
    CHECK(m.get<u32>(M::kData + 12) == 0x23);
    CHECK(m.get(M::kData + 160 + 16 * 7) == 77);
    CHECK(m.get<u8>(M::kData + 288) == 0xcc);
}

TEST_CASE("FXSAVE and FXRSTOR need all 512 bytes of their area") {
    M m;
    unmap_after_edge(m);
    m.cpu->gpr[kRbx] = kEdge - 512;
    m.again({0x0f, 0xae, 0x03});
    CHECK(m.cpu->rip() == M::kCode + 3);
    m.again({0x0f, 0xae, 0x0b});
    CHECK(m.cpu->rip() == M::kCode + 3);
    m.cpu->gpr[kRbx] = kEdge - 496;
    CHECK(m.faults(14, {0x0f, 0xae, 0x03}));
    CHECK(m.cpu->cr2 == kEdge);
    CHECK(m.faults(14, {0x0f, 0xae, 0x0b}));
}
