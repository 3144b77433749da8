// XSAVE, XRSTOR and relatives: formats, the init optimisation, faults; XCR0; CPUID's leaf 0DH (SDM vol. 1,
// chapter 13).
#include "emulator/core/cpu/state/xsave.h"
#include "emulator/core/cpu/state/cpuid.h"
#include "emulator/core/cpu/state/msr.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kAll = xcr0::kX87 | xcr0::kSse | xcr0::kAvx;
constexpr u64 kArea = 0x3'0000;
constexpr u64 kHeader = kArea + 512, kAvxArea = kArea + 576;

class M : public BareMachine {
  public:
    explicit M(unsigned cpl = 0, const CpuFeatures& features = *cpu_profile("v3")) : BareMachine(features) {
        enter_long(cpl);
        cpu->cr4 |= cr4::kOsxsave;
        cpu->xcr0 = kAll;
        cpu->gpr[kRbx] = kArea;
        request(kAll);
        // The x87 as after FNINIT; power-on has tags and a control word of its own.
        cpu->x87 = {};
        cpu->update_mode();
    }
    void request(u64 mask) {
        cpu->gpr[kRax] = mask & 0xffff'ffff;
        cpu->gpr[kRdx] = mask >> 32;
    }
    // Everything in use, everywhere another value.
    void fill_registers() {
        for (unsigned i = 0; i < 16; ++i)
            for (unsigned q = 0; q < 4; ++q) cpu->xmm[i].q[q] = 0x1000 * (q + 1) + i;
        for (unsigned i = 0; i < 8; ++i)
            cpu->x87.reg[i] = {0x8000'0000'0000'0000 + i, static_cast<u16>(0x4000 + i)};
        cpu->x87.empty = 0x0f;
        cpu->x87.status = 3 << 11;
        cpu->x87.last_opcode = 0x123;
        cpu->x87.last_ip = 0x1'2345'6789;
        cpu->mxcsr = 0x5f80;
        cpu->update_mode();
    }
    void fill_memory(u8 byte) {
        for (unsigned i = 0; i < 1024; ++i) put(kArea + i, byte);
    }
    void do_it(std::initializer_list<unsigned> bytes) {
        restart();
        code_here(bytes);
        run();
        REQUIRE(cpu->rip() == kCode + bytes.size());
    }
    bool faults(unsigned vector, std::initializer_list<unsigned> bytes) {
        restart();
        return raises(vector, bytes);
    }
    bool untouched(u64 offset, unsigned count, u8 byte) {
        for (unsigned i = 0; i < count; ++i)
            if (get<u8>(kArea + offset + i) != byte) return false;
        return true;
    }
};

// With RBX as the address; REX.W in the 64-bit forms.
constexpr std::initializer_list<unsigned> kXsave = {0x0f, 0xae, 0x23}, kXsave64 = {0x48, 0x0f, 0xae, 0x23},
                                          kXsaveopt = {0x0f, 0xae, 0x33}, kXsavec = {0x0f, 0xc7, 0x23},
                                          kXsaves = {0x0f, 0xc7, 0x2b}, kXrstor = {0x0f, 0xae, 0x2b},
                                          kXrstor64 = {0x48, 0x0f, 0xae, 0x2b}, kXrstors = {0x0f, 0xc7, 0x1b},
                                          kXgetbv = {0x0f, 0x01, 0xd0}, kXsetbv = {0x0f, 0x01, 0xd1};

}  // namespace

TEST_CASE("XSAVE writes the standard format, and only what is asked for") {
    M m;
    m.fill_registers();
    m.fill_memory(0xee);
    m.put(kHeader, u64{1} << 40 | 7);
    SECTION("everything") {
        m.do_it(kXsave64);
        CHECK(m.get<u16>(kArea) == 0x37f);
        CHECK(m.get<u16>(kArea + 2) == 3 << 11);
        CHECK(m.get<u8>(kArea + 4) == 0xf0);
        CHECK(m.get<u16>(kArea + 6) == 0x123);
        CHECK(m.get(kArea + 8) == 0x1'2345'6789);
        CHECK(m.get<u32>(kArea + 24) == 0x5f80);
        CHECK(m.get<u32>(kArea + 28) == 0xffff);
        CHECK(m.get(kArea + 32) == 0x8000'0000'0000'0003);  // ST(0) is physical register 3
        CHECK(m.get<u16>(kArea + 40) == 0x4003);
        CHECK(m.get(kArea + 160 + 16 * 15) == 0x100f);
        CHECK(m.get(kAvxArea + 16 * 15 + 8) == 0x400f);
        CHECK(m.get(kHeader) == (u64{1} << 40 | 7));
        CHECK(m.untouched(416, 96, 0xee));
        CHECK(m.untouched(520, 56, 0xee));  // the rest of the header
        CHECK(m.untouched(832, 64, 0xee));
    }
    SECTION("the 32-bit form has 32 bits of the pointers") {
        m.do_it(kXsave);
        CHECK(m.get(kArea + 8) == 0x2345'6789);
    }
    SECTION("x87 alone leaves MXCSR's place alone") {
        m.request(xcr0::kX87);
        m.do_it(kXsave);
        CHECK(m.untouched(24, 8, 0xee));
        CHECK(m.untouched(160, 352, 0xee));
        CHECK(m.untouched(576, 256, 0xee));
        CHECK(m.get(kHeader) == (u64{1} << 40 | 7));
    }
    SECTION("AVX alone takes MXCSR along") {
        m.request(xcr0::kAvx);
        m.do_it(kXsave);
        CHECK(m.untouched(0, 24, 0xee));
        CHECK(m.get<u32>(kArea + 24) == 0x5f80);
        CHECK(m.untouched(32, 480, 0xee));
        CHECK(m.get(kAvxArea) == 0x3000);
    }
    SECTION("what XCR0 lacks is not saved") {
        m.cpu->xcr0 = xcr0::kX87 | xcr0::kSse;
        m.do_it(kXsave);
        CHECK(m.untouched(576, 256, 0xee));
        CHECK(m.get(kHeader) == (u64{1} << 40 | 7));
    }
    SECTION("nothing at all") {
        m.request(u64{0xffff'fff8} | u64{0xffff'ffff} << 32);
        m.do_it(kXsave);
        CHECK(m.untouched(0, 512, 0xee));
        CHECK(m.get(kHeader) == (u64{1} << 40 | 7));
    }
}

TEST_CASE("Components that hold initial values are not in use") {
    M m;
    m.fill_memory(0xee);
    m.cpu->mxcsr = 0x1f80;
    auto in_use = [&] {
        m.cpu->gpr[kRcx] = 1;
        m.do_it(kXgetbv);
        const u64 value = m.cpu->gpr[kRax];
        CHECK(m.cpu->gpr[kRdx] == 0);
        m.request(kAll);
        return value;
    };
    CHECK(in_use() == 0);
    m.put(kHeader, u64{7});
    SECTION("XSAVE writes them all the same, XSAVEOPT does not") {
        m.do_it(kXsaveopt);
        CHECK(m.get(kHeader) == 0);
        CHECK(m.untouched(0, 24, 0xee));
        CHECK(m.get<u32>(kArea + 24) == 0x1f80);
        CHECK(m.untouched(160, 256, 0xee));
        CHECK(m.untouched(576, 256, 0xee));
        m.do_it(kXsave);
        CHECK(m.get(kHeader) == 0);
        CHECK(m.get<u16>(kArea) == 0x37f);
        CHECK(m.untouched(160, 256, 0));
        CHECK(m.untouched(576, 256, 0));
    }
    SECTION("one value makes the difference, in each component") {
        m.cpu->xmm[9].q[3] = 1;
        CHECK(in_use() == xcr0::kAvx);
        m.cpu->xmm[9].q[3] = 0;
        m.cpu->xmm[9].q[1] = 1;
        CHECK(in_use() == xcr0::kSse);
        m.cpu->xmm[9].q[1] = 0;
        m.cpu->x87.empty = 0x7f;
        CHECK(in_use() == xcr0::kX87);
        m.cpu->x87.empty = 0xff;
        m.cpu->x87.reg[2].sign_exponent = 1;
        CHECK(in_use() == xcr0::kX87);
    }
    SECTION("XSAVEC counts MXCSR as SSE's; XSAVE does not") {
        m.cpu->mxcsr = 0x3f80;
        m.do_it(kXsavec);
        CHECK(m.get(kHeader) == xcr0::kSse);
        CHECK(m.get<u32>(kArea + 24) == 0x3f80);
        CHECK(m.untouched(160, 256, 0));
        m.do_it(kXsave);
        CHECK(m.get(kHeader) == 0);
    }
}

TEST_CASE("XSAVEC and XSAVES write the compacted format") {
    M m;
    m.fill_registers();
    m.fill_memory(0xee);
    const bool supervisor = GENERATE(false, true);
    m.request(xcr0::kX87 | xcr0::kAvx);
    m.do_it(supervisor ? kXsaves : kXsavec);
    CHECK(m.get(kHeader) == (xcr0::kX87 | xcr0::kAvx));
    CHECK(m.get(kHeader + 8) == (u64{1} << 63 | xcr0::kX87 | xcr0::kAvx));
    CHECK(m.untouched(24, 8, 0xee));
    CHECK(m.untouched(160, 352, 0xee));
    CHECK(m.untouched(528, 48, 0xee));
    CHECK(m.get(kAvxArea) == 0x3000);
}

TEST_CASE("XRSTOR loads what XSTATE_BV has, and initialises the rest of what is asked for") {
    M m;
    m.fill_registers();
    m.fill_memory(0);
    m.do_it(kXsave64);
    const auto saved = m.items<u8>(kArea, 832);
    auto clobber = [&] {
        for (VectorRegister& value : m.cpu->xmm) value.q[0] = value.q[1] = value.q[2] = value.q[3] = ~u64{0};
        m.cpu->x87 = {};
        m.cpu->mxcsr = 0x1f80;
        m.cpu->update_mode();
    };
    SECTION("there and back") {
        clobber();
        m.do_it(kXrstor64);
        CHECK(m.cpu->xmm[15].q[3] == 0x400f);
        CHECK(m.cpu->mxcsr == 0x5f80);
        CHECK(m.cpu->x87.last_ip == 0x1'2345'6789);
        m.fill_memory(0);
        m.do_it(kXsave64);
        CHECK(m.items<u8>(kArea, 832) == saved);
    }
    SECTION("SSE not in XSTATE_BV: zeros, but MXCSR from memory") {
        m.put(kHeader, u64{xcr0::kX87 | xcr0::kAvx});
        clobber();
        m.do_it(kXrstor);
        CHECK(m.cpu->xmm[3].q[0] == 0);
        CHECK(m.cpu->xmm[3].q[1] == 0);
        CHECK(m.cpu->xmm[3].q[2] == 0x3003);
        CHECK(m.cpu->mxcsr == 0x5f80);
    }
    SECTION("components that are not asked for stay") {
        clobber();
        m.request(xcr0::kAvx);
        m.do_it(kXrstor);
        CHECK(m.cpu->xmm[3].q[0] == ~u64{0});
        CHECK(m.cpu->xmm[3].q[2] == 0x3003);
        CHECK(m.cpu->x87.last_ip == 0);
        m.put(kHeader, u64{0});
        m.cpu->x87.last_ip = 5;
        m.request(xcr0::kX87);
        m.do_it(kXrstor);
        CHECK(m.cpu->x87.last_ip == 0);
        CHECK(m.cpu->x87.control == 0x37f);
        CHECK(m.cpu->x87.empty == 0xff);
    }
    SECTION("the compacted form takes MXCSR with SSE alone") {
        m.put(kHeader, u64{xcr0::kAvx});
        m.put(kHeader + 8, u64{1} << 63 | kAll);
        m.cpu->mxcsr = 0x3f80;
        m.request(xcr0::kAvx);
        m.do_it(kXrstor);
        CHECK(m.cpu->mxcsr == 0x3f80);
        m.request(kAll);
        m.do_it(kXrstors);
        CHECK(m.cpu->mxcsr == 0x1f80);
        CHECK(m.cpu->xmm[1].q[0] == 0);
        CHECK(m.cpu->xmm[1].q[2] == 0x3001);
    }
}

TEST_CASE("XRSTOR refuses headers that mean nothing") {
    M m;
    m.fill_registers();
    m.fill_memory(0);
    auto refuses = [&](unsigned offset, u64 value, std::initializer_list<unsigned> bytes) {
        m.put(kHeader + offset, value);
        const bool refused = m.faults(13, bytes);
        CHECK(m.cpu->xmm[5].q[0] == 0x1005);
        CHECK(m.cpu->mxcsr == 0x5f80);
        m.put(kHeader + offset, u64{0});
        return refused;
    };
    m.put(kArea + 24, u32{0x1f80});
    CHECK(refuses(0, 8, kXrstor));
    CHECK(refuses(8, 1, kXrstor));
    CHECK(refuses(16, 1, kXrstor));
    CHECK(refuses(8, u64{1} << 63 | 8, kXrstor));
    CHECK(refuses(0, 0, kXrstors));  // XRSTORS knows the compacted form only
    m.put(kHeader + 8, u64{1} << 63 | xcr0::kX87);
    CHECK(refuses(0, xcr0::kSse, kXrstor));
    CHECK(refuses(56, 1, kXrstor));
    m.put(kHeader + 8, u64{0});
    m.put(kArea + 24, u32{1} << 16);
    CHECK(refuses(0, xcr0::kX87, kXrstor));
    m.request(xcr0::kX87);
    m.put(kHeader + 56, u64{1});  // ignored by the standard form
    m.do_it(kXrstor);
    m.cpu->xcr0 = xcr0::kX87;
    CHECK(refuses(0, xcr0::kSse, kXrstor));
}

TEST_CASE("The XSAVE instructions' faults") {
    M m(3);
    for (auto bytes : {kXsave, kXsaveopt, kXsavec, kXrstor}) {
        m.enter_long(3);
        m.cpu->cr4 &= ~cr4::kOsxsave;
        CHECK(m.faults(6, bytes));
        m.enter_long(3);
        m.cpu->cr4 |= cr4::kOsxsave;
        m.cpu->cr0 |= cr0::kTs;
        CHECK(m.faults(7, bytes));
        m.enter_long(3);
        m.cpu->cr4 |= cr4::kOsxsave;
        m.cpu->gpr[kRbx] = kArea + 32;
        CHECK(m.faults(13, bytes));
        m.cpu->gpr[kRbx] = kArea;
    }
    m.enter_long(3);
    m.cpu->cr4 |= cr4::kOsxsave;
    CHECK(m.faults(13, kXsaves));
    m.enter_long(3);
    m.cpu->cr4 |= cr4::kOsxsave;
    CHECK(m.faults(13, kXrstors));
    m.enter_long(0);
    CHECK(m.faults(6, {0xf0, 0x0f, 0xae, 0x23}));  // LOCK
    CHECK(m.faults(6, {0x66, 0x0f, 0xae, 0x23}));
    M old(0, CpuFeatures());
    CHECK(old.faults(6, kXsave));
    CHECK(old.faults(6, kXgetbv));
}

TEST_CASE("An area that runs into a page that is not there is neither read nor written") {
    M m;
    m.fill_registers();
    constexpr u64 kEdge = M::kSmallPages + 0x5000;
    m.put(M::kTable + 8 * 5, u64{0});
    m.cpu->flush_fast();
    m.cpu->gpr[kRbx] = kEdge - 576;
    SECTION("XSAVE") {
        CHECK(m.faults(14, kXsave));
        CHECK(m.cpu->cr2 == kEdge);
        CHECK(m.get(kEdge - 576) == 0);
        CHECK(m.get(kEdge - 64) == 0);
    }
    SECTION("XRSTOR") {
        m.put(kEdge - 64, u64{xcr0::kAvx});
        CHECK(m.faults(14, kXrstor));
        CHECK(m.cpu->xmm[2].q[0] == 0x1002);
    }
    SECTION("XRSTOR reads no component that it does not load") {
        m.put(kEdge - 64, u64{0});
        m.put(kEdge - 576 + 24, u32{0x1f80});
        m.do_it(kXrstor);
        CHECK(m.cpu->xmm[2].q[0] == 0);
        CHECK(m.cpu->xmm[2].q[3] == 0);
    }
    SECTION("without AVX it fits") {
        m.request(xcr0::kX87 | xcr0::kSse);
        m.do_it(kXsave);
        CHECK(m.get(kEdge - 576 + 160) == 0x1000);
    }
}

TEST_CASE("XRSTOR may unmask an exception for what follows") {
    M m;
    m.fill_memory(0);
    m.put(kArea + 24, u32{0x1d80});  // division by zero
    m.put(kArea + 160, u64{0x3f80'0000});
    m.put(kHeader, u64{xcr0::kSse});
    m.code_here({0x0f, 0xae, 0x2b, 0xf3, 0x0f, 0x5e, 0xc1});  // XRSTOR [RBX]; DIVSS XMM0, XMM1
    m.run(2);
    CHECK(m.in_handler(19));
}

TEST_CASE("In 32-bit mode eight registers are saved and loaded") {
    M m;
    m.fill_registers();
    m.fill_memory(0xee);
    m.load(kCs, 0x18, kCode32);
    m.cpu->update_mode();
    m.put(kHeader, u64{0});
    m.do_it(kXsave);
    CHECK(m.get(kArea + 160 + 16 * 7) == 0x1007);
    CHECK(m.untouched(160 + 128, 128, 0xee));
    CHECK(m.untouched(576 + 128, 128, 0xee));
    m.put(kHeader, u64{0});
    m.put(kHeader + 8, u64{0});
    m.put(kHeader + 16, u64{0});
    m.do_it(kXrstor);
    CHECK(m.cpu->xmm[7].q[0] == 0);
    CHECK(m.cpu->xmm[7].q[3] == 0);
    CHECK(m.cpu->xmm[8].q[0] == 0x1008);
    CHECK(m.cpu->xmm[8].q[3] == 0x4008);
}

TEST_CASE("XCR0") {
    M m;
    auto set = [&](u64 value) {
        m.request(value);
        m.cpu->gpr[kRcx] = 0;
        m.restart();
        m.code_here(kXsetbv);
        m.run();
        return !m.in_handler(13);
    };
    CHECK(set(1));
    CHECK(set(7));
    CHECK(set(3));
    CHECK(m.cpu->xcr0 == 3);
    CHECK_FALSE(set(0));
    CHECK_FALSE(set(2));
    CHECK_FALSE(set(5));
    CHECK_FALSE(set(15));
    CHECK_FALSE(set(u64{1} << 32 | 1));
    CHECK(m.cpu->xcr0 == 3);
    m.cpu->gpr[kRcx] = 0;
    m.do_it(kXgetbv);
    CHECK(m.cpu->gpr[kRax] == 3);
    m.cpu->gpr[kRcx] = 2;
    CHECK(m.faults(13, kXgetbv));
    m.cpu->gpr[kRcx] = 1;
    CHECK(m.faults(13, kXsetbv));
    m.enter_long(3);
    m.cpu->cr4 |= cr4::kOsxsave;
    m.request(1);
    m.cpu->gpr[kRcx] = 0;
    CHECK(m.faults(13, kXsetbv));
    m.enter_long(0);
    CHECK(m.faults(6, kXgetbv));
    CHECK(m.faults(6, kXsetbv));
}

TEST_CASE("CPUID describes the XSAVE area, and IA32_XSS has no bits") {
    M m;
    CHECK((cpuid(*m.cpu, 1, 0).ecx >> 26 & 3) == 3);
    CHECK(cpuid(*m.cpu, 0xd, 0).eax == 7);
    CHECK(cpuid(*m.cpu, 0xd, 0).ebx == 832);
    CHECK(cpuid(*m.cpu, 0xd, 0).ecx == 832);
    m.cpu->xcr0 = 3;
    CHECK(cpuid(*m.cpu, 0xd, 0).ebx == 576);
    CHECK(cpuid(*m.cpu, 0xd, 0).ecx == 832);
    CHECK(cpuid(*m.cpu, 0xd, 1).eax == 0xf);
    CHECK(cpuid(*m.cpu, 0xd, 1).ebx == 576);
    CHECK(cpuid(*m.cpu, 0xd, 2).eax == 256);
    CHECK(cpuid(*m.cpu, 0xd, 2).ebx == 576);
    CHECK(cpuid(*m.cpu, 0xd, 3).eax == 0);
    m.cpu->cr4 &= ~cr4::kOsxsave;
    CHECK((cpuid(*m.cpu, 1, 0).ecx >> 26 & 3) == 1);
    u64 value = 1;
    CHECK(read_msr(m.cpu.get(), 0xda0, value));
    CHECK(value == 0);
    CHECK(write_msr(m.cpu.get(), 0xda0, 0));
    CHECK_FALSE(write_msr(m.cpu.get(), 0xda0, 1));
    M old(0, CpuFeatures());
    CHECK((cpuid(*old.cpu, 1, 0).ecx >> 26 & 1) == 0);
    CHECK(cpuid(*old.cpu, 0xd, 0).eax == 0);
    CHECK_FALSE(read_msr(old.cpu.get(), 0xda0, value));
}

TEST_CASE("The profile v3 is v2 and what x86-64-v3 adds") {
    M m;
    const CpuidResult one = cpuid(*m.cpu, 1, 0), seven = cpuid(*m.cpu, 7, 0);
    constexpr u32 kOne = 1u << 12 | 1u << 22 | 1u << 26 | 1u << 28 | 1u << 29;  // FMA MOVBE XSAVE AVX F16C
    constexpr u32 kSeven = 1u << 3 | 1u << 5 | 1u << 8;                         // BMI1 AVX2 BMI2
    CHECK((one.ecx & kOne) == kOne);
    CHECK((seven.ebx & kSeven) == kSeven);
    CHECK((cpuid(*m.cpu, 0x8000'0001, 0).ecx >> 5 & 1) == 1);  // LZCNT
    BareMachine old;
    CHECK((cpuid(*old.cpu, 1, 0).ecx & kOne) == 0);
    CHECK((cpuid(*old.cpu, 7, 0).ebx & kSeven) == 0);
    CHECK_FALSE(cpu_profile("v9"));
    CHECK(cpu_profile("v2") == CpuFeatures());
}
