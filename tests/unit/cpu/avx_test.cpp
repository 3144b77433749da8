// AVX and AVX2 where the host oracle (tests/isa) cannot look: what keeps them from running, memory that
// faults in the middle, exceptions in either half, and who keeps the upper halves (SDM vol. 1, 14.2 and 14.3;
// vol. 2, 2.3 and 2.4).
#include <cfloat>

#include "tests/unit/catch.h"
#include "tests/unit/cpu/sse_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr std::initializer_list<unsigned> kAddps = {0xc5, 0xf4, 0x58, 0xc2};  // VADDPS YMM0, YMM1, YMM2

CpuFeatures with_avx() {
    CpuFeatures features;
    features.set(Feature::Avx);
    features.set(Feature::Avx2);
    features.set(Feature::Bmi1);
    return features;
}

class AvxMachine : public SseMachine {
  public:
    explicit AvxMachine(unsigned cpl = 0) : SseMachine(cpl, with_avx()) { enable(); }

    void enable() {
        cpu->cr4 |= cr4::kOsxsave;
        cpu->xcr0 = xcr0::kX87 | xcr0::kSse | xcr0::kAvx;
        cpu->update_mode();
    }
    void set(unsigned n, u64 a, u64 b, u64 c, u64 d) {
        const u64 values[4] = {a, b, c, d};
        std::memcpy(cpu->xmm[n].q, values, sizeof values);
    }
    bool has(unsigned n, u64 a, u64 b, u64 c, u64 d) const {
        const u64* q = cpu->xmm[n].q;
        return q[0] == a && q[1] == b && q[2] == c && q[3] == d;
    }
    // The 4 KiB page at kSmallPages + 4096 * n.
    void unmap(unsigned n) {
        put(kTable + 8 * n, u64{0});
        cpu->tlb.invalidate_all(true);
        cpu->flush_fast();
    }
    void map(unsigned n) { put(kTable + 8 * n, kSmallPages + n * 4096 + 7); }
};
using M = AvxMachine;

constexpr u64 kBorder = M::kSmallPages + 0x1000;  // between two small pages

}  // namespace

TEST_CASE("AVX is #UD without CR4.OSXSAVE, SSE and AVX in XCR0, or CPUID") {
    for (const u64 xcr0 : {u64{1}, u64{3}}) {
        M m;
        m.cpu->xcr0 = xcr0;
        m.cpu->update_mode();
        CHECK(m.faults(6, kAddps));
    }
    M m;
    m.cpu->cr4 &= ~cr4::kOsxsave;
    m.cpu->update_mode();
    CHECK(m.faults(6, kAddps));
    SseMachine v2;
    v2.cpu->cr4 |= cr4::kOsxsave;
    v2.cpu->xcr0 = 7;
    v2.cpu->update_mode();
    CHECK(v2.faults(6, kAddps));
    M ready;
    CHECK_FALSE(ready.faults(6, kAddps));
}

TEST_CASE("CR0.TS makes AVX raise #NM; CR0.EM and CR4.OSFXSR do not matter to it") {
    M m;
    m.cpu->cr0 |= cr0::kTs;
    m.cpu->update_mode();
    CHECK(m.faults(7, kAddps));
    M both;  // #UD comes first
    both.cpu->cr0 |= cr0::kTs;
    both.cpu->cr4 &= ~cr4::kOsxsave;
    both.cpu->update_mode();
    CHECK(both.faults(6, kAddps));
    M other;
    other.cpu->cr0 |= cr0::kEm;
    other.cpu->cr4 &= ~cr4::kOsfxsr;
    other.cpu->update_mode();
    other.again(kAddps);
    CHECK(other.cpu->rip() == M::kCode + 4);
}

TEST_CASE("VEX is #UD in real and virtual-8086 mode") {
    BareMachine m(with_avx());
    m.enter_real();
    m.cpu->cr4 |= cr4::kOsxsave;
    m.cpu->xcr0 = 7;
    m.cpu->update_mode();
    m.code_here(kAddps);
    m.run(2);
    CHECK(m.cpu->rip() == 0x601);  // IVT's handler

    for (const u32 mode : {0u, rflags::kVm}) {
        BareMachine legacy(with_avx());
        legacy.enter_protected(3);
        legacy.cpu->cr4 |= cr4::kOsxsave;
        legacy.cpu->xcr0 = 7;
        legacy.cpu->eflags |= mode;
        legacy.cpu->update_mode();
        CHECK(legacy.raises(6, kAddps) == (mode != 0));
    }
}

TEST_CASE("Legacy SSE keeps the upper halves, VEX.128 clears its destination's") {
    M m;
    m.set(1, 1, 2, 3, 4);
    m.set(2, 5, 6, 7, 8);
    m.again({0x0f, 0x28, 0xca});  // MOVAPS XMM1, XMM2
    CHECK(m.has(1, 5, 6, 3, 4));
    m.again({0xc5, 0xf8, 0x28, 0xca});  // VMOVAPS XMM1, XMM2
    CHECK(m.has(1, 5, 6, 0, 0));
    CHECK(m.has(2, 5, 6, 7, 8));
    m.again({0xc5, 0xfc, 0x28, 0xca});  // VMOVAPS YMM1, YMM2
    CHECK(m.has(1, 5, 6, 7, 8));
}

TEST_CASE("VZEROUPPER and VZEROALL reach all registers of the mode, and no more") {
    M m;
    for (unsigned i = 0; i < 16; ++i) m.set(i, i + 1, 2, 3, 4);
    m.again({0xc5, 0xf8, 0x77});
    for (unsigned i = 0; i < 16; ++i) CHECK(m.has(i, i + 1, 2, 0, 0));
    m.again({0xc5, 0xfc, 0x77});
    for (unsigned i = 0; i < 16; ++i) CHECK(m.has(i, 0, 0, 0, 0));

    BareMachine legacy(with_avx());
    legacy.enter_protected(0);
    legacy.cpu->cr4 |= cr4::kOsxsave | cr4::kOsfxsr;
    legacy.cpu->xcr0 = 7;
    legacy.cpu->update_mode();
    for (VectorRegister& value : legacy.cpu->xmm) value.q[2] = 9;
    legacy.code_here({0xc5, 0xf8, 0x77});
    legacy.run();
    CHECK(legacy.cpu->xmm[7].q[2] == 0);
    CHECK(legacy.cpu->xmm[8].q[2] == 9);
}

TEST_CASE("An interrupt leaves the upper halves alone") {
    M m;
    m.set_gate(0x40, 0x8e);
    m.set(3, 1, 2, 3, 4);
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kIf);
    m.code_here({0x90, 0xc5, 0xf8, 0x77});  // NOP; VZEROUPPER
    m.run(1);
    m.cpu->intr = true;
    m.run(1);
    CHECK(m.in_handler(0x40));
    CHECK(m.has(3, 1, 2, 3, 4));
    m.write(M::handler(0x40), {0x48, 0xcf});  // IRETQ
    m.cpu->rip() = M::handler(0x40);
    m.cpu->activity = Activity::Running;
    m.run(2);
    CHECK(m.has(3, 1, 2, 0, 0));
}

TEST_CASE("32 bytes across a page: a fault changes nothing, otherwise both parts are there") {
    M m;
    m.cpu->gpr[kRbx] = kBorder - 12;
    for (unsigned i = 0; i < 32; i += 4) m.put(kBorder - 12 + i, u32{0x100} + i);
    m.again({0xc5, 0xfe, 0x6f, 0x03});  // VMOVDQU YMM0, [RBX]
    CHECK(m.has(0, 0x104'0000'0100, 0x10c'0000'0108, 0x114'0000'0110, 0x11c'0000'0118));

    m.set(1, 1, 2, 3, 4);
    m.unmap(1);
    CHECK(m.faults(14, {0xc5, 0xfe, 0x6f, 0x03}));
    CHECK(m.cpu->cr2 == kBorder);
    CHECK(m.has(0, 0x104'0000'0100, 0x10c'0000'0108, 0x114'0000'0110, 0x11c'0000'0118));
    CHECK(m.faults(14, {0xc5, 0xfe, 0x7f, 0x0b}));  // VMOVDQU [RBX], YMM1
    CHECK(m.cpu->cr2 == kBorder);
    CHECK(m.get<u32>(kBorder - 12) == 0x100);
    m.map(1);
    m.again({0xc5, 0xfe, 0x7f, 0x0b});
    CHECK(m.items(kBorder - 12, 4) == std::vector<u64>{1, 2, 3, 4});
}

TEST_CASE("VMOVAPS checks alignment to the operand's size, VADDPS none") {
    M m;
    m.cpu->gpr[kRbx] = M::kData + 16;
    CHECK_FALSE(m.faults(13, {0xc5, 0xf8, 0x28, 0x03}));  // XMM
    CHECK(m.faults(13, {0xc5, 0xfc, 0x28, 0x03}));        // YMM
    CHECK(m.faults(13, {0xc5, 0xfc, 0x29, 0x03}));
    CHECK(m.faults(13, {0xc5, 0xfd, 0xe7, 0x03}));  // VMOVNTDQ
    m.cpu->gpr[kRbx] = M::kData + 1;
    m.again({0xc5, 0xf4, 0x58, 0x03});  // VADDPS YMM0, YMM1, [RBX]
    CHECK(m.cpu->rip() == M::kCode + 4);
}

TEST_CASE("An unmasked exception in the upper half leaves the destination as it was") {
    M m;
    const u64 huge = std::bit_cast<u32>(FLT_MAX), one = std::bit_cast<u32>(1.0f);
    m.set(0, 1, 2, 3, 4);
    m.set(1, one, 0, 0, huge);
    m.set(2, one, 0, 0, huge);
    m.set_mxcsr(M::kMxcsrDefault & ~0x400u);  // overflow
    CHECK(m.faults(19, kAddps));
    CHECK(m.has(0, 1, 2, 3, 4));
    CHECK((m.cpu->mxcsr & mxcsr::kOe) != 0);
    m.set_mxcsr(M::kMxcsrDefault);
    m.again(kAddps);
    CHECK(m.cpu->xmm[0].q[3] == 0x7f80'0000);
    CHECK(m.cpu->xmm[0].q[0] == std::bit_cast<u32>(2.0f));
}

TEST_CASE("A gather that faults has done the elements before, and goes on with the rest") {
    M m;
    m.cpu->gpr[kRsi] = kBorder - 8;
    m.put(kBorder - 8, u32{0x11});
    m.put(kBorder - 4, u32{0x22});
    m.put(kBorder, u32{0x33});
    m.put(kBorder + 4, u32{0x44});
    m.set(0, ~u64{0}, ~u64{0}, 7, 7);
    m.set(1, u64{4} << 32, u64{12} << 32 | 8, 0, 0);  // 0, 4, 8, 12
    m.set(2, 0x8000'0000'8000'0000, 0x8000'0000'8000'0000, 5, 5);
    m.unmap(1);
    const std::initializer_list<unsigned> gather = {0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0e};
    CHECK(m.faults(14, gather));
    CHECK(m.cpu->cr2 == kBorder);
    CHECK(m.cpu->xmm[0].q[0] == 0x22'0000'0011);
    CHECK(m.cpu->xmm[0].q[1] == ~u64{0});
    CHECK(m.cpu->xmm[2].q[0] == 0);
    CHECK(m.cpu->xmm[2].q[1] == 0x8000'0000'8000'0000);
    m.map(1);
    m.put(kBorder - 8, u32{0x99});  // not read again
    m.again(gather);
    CHECK(m.has(0, 0x22'0000'0011, 0x44'0000'0033, 0, 0));
    CHECK(m.has(2, 0, 0, 0, 0));
}

TEST_CASE("Masked moves do not touch what the mask leaves out") {
    M m;
    m.cpu->gpr[kRbx] = kBorder - 8;
    m.unmap(1);
    m.put(kBorder - 8, u64{0x1234'5678'9abc'def0});
    m.set(1, u64{1} << 63, 0, 0, 0);
    m.again({0xc4, 0xe2, 0x75, 0x2d, 0x03});  // VMASKMOVPD YMM0, YMM1, [RBX]
    CHECK(m.cpu->rip() == M::kCode + 5);
    CHECK(m.has(0, 0x1234'5678'9abc'def0, 0, 0, 0));
    m.set(2, 42, 43, 44, 45);
    m.again({0xc4, 0xe2, 0x75, 0x2f, 0x13});  // VMASKMOVPD [RBX], YMM1, YMM2
    CHECK(m.get(kBorder - 8) == 42);
    m.set(1, u64{1} << 63, u64{1} << 63, 0, 0);
    m.put(kBorder - 8, u64{1});
    CHECK(m.faults(14, {0xc4, 0xe2, 0x75, 0x2f, 0x13}));
    CHECK(m.cpu->cr2 == kBorder);
    CHECK(m.get(kBorder - 8) == 1);  // checked before anything is written
}

TEST_CASE("Each access of a gather or a masked move is counted once") {
    M m;
    m.cpu->gpr[kRsi] = M::kData;
    m.set(1, 0, 0, 0, 0);
    m.set(2, 0x8000'0000'0000'0000, 0x8000'0000'8000'0000, 0, 0);
    const u64 before = m.cpu->accesses;
    m.again({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0e});
    CHECK(m.cpu->accesses == before + 3);
}
