// MXCSR in the guest and on the host, SIMD floating-point exceptions, and what keeps SSE from running (SDM
// vol. 1, 10.2.3 and 11.5; vol. 3A, 13.1). Results and flags of every instruction are compared with the
// host's in tests/isa.
#include <cfloat>
#include <cmath>
#include <limits>

#include "tests/unit/catch.h"
#include "tests/unit/cpu/sse_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = SseMachine;

namespace {

constexpr u32 kAll = M::kMxcsrDefault;
constexpr u32 kNoZm = kAll & ~0x200u, kNoIm = kAll & ~0x80u, kNoOm = kAll & ~0x400u, kNoUm = kAll & ~0x800u;

}  // namespace

TEST_CASE("LDMXCSR sets the rounding of what follows, STMXCSR shows the flags, the host's MXCSR stays") {
    struct Rounding {
        u32 mxcsr;
        double value;
        u64 rounded;
    };
    const u32 outside = host_mxcsr();
    for (const Rounding& r : {Rounding{kAll, 2.5, 2},
                              {kAll | 0x2000, 2.5, 2},
                              {kAll | 0x4000, 2.5, 3},
                              {kAll | 0x6000, 2.5, 2},
                              {kAll | 0x2000, -2.5, 0xffff'fffd},
                              {kAll | 0x4000, -2.5, 0xffff'fffe}}) {
        M m;
        m.put(M::kData, r.mxcsr);
        m.set_double(0, r.value);
        // LDMXCSR [RBX]; CVTSD2SI EAX, XMM0; STMXCSR [RBX + 4]
        m.again({0x0f, 0xae, 0x13, 0xf2, 0x0f, 0x2d, 0xc0, 0x0f, 0xae, 0x5b, 0x04}, 3);
        CHECK(m.cpu->gpr[kRax] == r.rounded);
        CHECK(m.get<u32>(M::kData + 4) == (r.mxcsr | mxcsr::kPe));
        CHECK(m.cpu->mxcsr == (r.mxcsr | mxcsr::kPe));
        CHECK(host_mxcsr() == outside);
    }
}

TEST_CASE("LDMXCSR of a reserved bit raises #GP and changes nothing") {
    M m;
    m.put(M::kData, u32{0x1'1f80});
    CHECK(m.faults(13, {0x0f, 0xae, 0x13}));
    CHECK(m.cpu->mxcsr == kAll);
}

TEST_CASE("Flags stay over blocks, faults and single steps") {
    const std::initializer_list<unsigned> program = {0xf3, 0x0f, 0x5e, 0xc1,  // DIVSS XMM0, XMM1: 1/3, PE
                                                     0xeb, 0x00,              // JMP +0
                                                     0xf3, 0x0f, 0x5e, 0xd3,  // DIVSS XMM2, XMM3: 1/0, ZE
                                                     0x0f, 0x0b};             // UD2
    for (const bool stepped : {false, true}) {
        M m;
        m.set_floats(0, {1});
        m.set_floats(1, {3});
        m.set_floats(2, {1});
        m.set_floats(3, {0});
        m.code_here(program);
        if (stepped) {
            m.run(1);
            CHECK(m.cpu->mxcsr == (kAll | mxcsr::kPe));
            m.run(1);
            m.run(1);
            CHECK(m.cpu->mxcsr == (kAll | mxcsr::kPe | mxcsr::kZe));
            m.run(1);
        } else {
            m.run(4);
        }
        CHECK(m.in_handler(6));
        CHECK(m.cpu->mxcsr == (kAll | mxcsr::kPe | mxcsr::kZe));
        CHECK(m.floats(2)[0] == std::numeric_limits<float>::infinity());
    }
}

TEST_CASE("An observer sees MXCSR as it is, and its own arithmetic leaves no trace in the guest") {
    M m;
    m.set_mxcsr(kAll | 0x6000);
    m.set_floats(0, {1});
    m.set_floats(1, {3});
    std::vector<u32> seen;
    volatile double one = 1, ten = 10, quotient = 0;
    m.observers.subscribe(Observers::bit(EventKind::Instruction), [&](const Event&) {
        seen.push_back(m.cpu->mxcsr);
        quotient = one / ten;
    });
    m.again({0x90, 0xf3, 0x0f, 0x5e, 0xc1, 0x90}, 3);  // NOP; DIVSS XMM0, XMM1; NOP
    CHECK(seen == std::vector<u32>{kAll | 0x6000, kAll | 0x6000, kAll | 0x6000 | mxcsr::kPe});
    CHECK(quotient == 0.1);  // rounded to nearest, not towards zero
    CHECK(m.floats(0)[0] == std::nextafterf(1.0f / 3.0f, 0.0f));
}

TEST_CASE("An exception unmasked by LDMXCSR is raised by the next instruction, which changes nothing") {
    M m;
    m.put(M::kData, kNoZm);
    m.set_floats(0, {1, 2, 3, 4});
    m.set_floats(1, {0, 1, 1, 1});
    m.again({0x0f, 0xae, 0x13, 0x0f, 0x5e, 0xc1}, 2);  // LDMXCSR [RBX]; DIVPS XMM0, XMM1
    CHECK(m.in_handler(19));
    CHECK(m.get(m.cpu->gpr[kRsp]) == M::kCode + 3);
    CHECK(m.floats(0) == std::array<float, 4>{1, 2, 3, 4});
    CHECK(m.cpu->mxcsr == (kNoZm | mxcsr::kZe));

    m.put(M::kData, kAll);
    m.again({0x0f, 0xae, 0x13, 0x0f, 0x5e, 0xc1}, 2);
    CHECK_FALSE(m.in_handler(19));
    CHECK(std::isinf(m.floats(0)[0]));
}

TEST_CASE("Without CR4.OSXMMEXCPT an unmasked exception is #UD") {
    M m;
    m.cpu->cr4 &= ~cr4::kOsxmmexcpt;
    m.set_mxcsr(kNoZm);
    m.set_floats(0, {1});
    m.set_floats(1, {0});
    CHECK(m.faults(6, {0xf3, 0x0f, 0x5e, 0xc1}));
    CHECK(m.cpu->mxcsr == (kNoZm | mxcsr::kZe));
}

TEST_CASE("A flag that is set already raises nothing") {
    M m;
    m.set_mxcsr(kNoZm | mxcsr::kZe);
    m.set_floats(0, {1});
    m.set_floats(1, {2});
    m.again({0xf3, 0x0f, 0x5e, 0xc1});
    CHECK(m.floats(0)[0] == 0.5f);
    CHECK(m.cpu->mxcsr == (kNoZm | mxcsr::kZe));
}

TEST_CASE("An unmasked invalid operation in one lane hides the precision flag of another") {
    M m;
    m.set_mxcsr(kNoIm);
    m.set_floats(0, {1, 0, 1, 1});
    m.set_floats(1, {3, 0, 1, 1});
    CHECK(m.faults(19, {0x0f, 0x5e, 0xc1}));
    CHECK(m.cpu->mxcsr == (kNoIm | mxcsr::kIe));
}

TEST_CASE("Unmasked, overflow and underflow are inexact only where the unbounded result is") {
    struct Product {
        u32 mxcsr;
        float x, y;
        u32 flags;
    };
    for (const Product& p : {Product{kAll, FLT_MIN, 0.5f, 0},
                             {kNoUm, FLT_MIN, 0.5f, mxcsr::kUe},
                             {kNoUm, FLT_MIN * 1.0000001f, 0.5f, mxcsr::kUe},
                             {kNoUm, FLT_MIN, 0.1f, mxcsr::kUe},
                             {kNoUm, FLT_MIN * 1.5f, 0.1f, mxcsr::kUe | mxcsr::kPe},
                             {kAll, FLT_MAX, 2, mxcsr::kOe | mxcsr::kPe},
                             {kNoOm, FLT_MAX, 2, mxcsr::kOe},
                             {kNoOm, FLT_MAX, 1e10f, mxcsr::kOe | mxcsr::kPe}}) {
        CAPTURE(p.mxcsr, p.x, p.y);
        M m;
        m.set_mxcsr(p.mxcsr);
        m.set_floats(0, {p.x});
        m.set_floats(1, {p.y});
        m.again({0xf3, 0x0f, 0x59, 0xc1});  // MULSS XMM0, XMM1
        CHECK(m.in_handler(19) == (p.mxcsr != kAll));
        CHECK(m.cpu->mxcsr == (p.mxcsr | p.flags));
    }
}

TEST_CASE("COMISS with an unmasked invalid operation leaves EFLAGS") {
    M m;
    m.set_mxcsr(kNoIm);
    m.set_floats(0, {NAN});
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kSf | rflags::kOf);
    CHECK(m.faults(19, {0x0f, 0x2f, 0xc0}));
    CHECK((m.get<u32>(m.cpu->gpr[kRsp] + 16) & 0xffff) == (rflags::kReservedOne | rflags::kSf | rflags::kOf));
}

TEST_CASE("CR0.EM, CR0.TS and CR4.OSFXSR keep SSE, MMX and FXSAVE from running") {
    struct Control {
        u64 cr0_set, cr4_clear;
        unsigned sse, mmx, fxsave;  // the vector, 0 for none
    };
    for (const Control& control : {Control{0, 0, 0, 0, 0},
                                   {cr0::kTs, 0, 7, 7, 7},
                                   {cr0::kEm, 0, 6, 6, 7},
                                   {cr0::kEm | cr0::kTs, 0, 6, 6, 7},
                                   {0, cr4::kOsfxsr, 6, 0, 0},
                                   {cr0::kTs, cr4::kOsfxsr, 6, 7, 7}}) {
        M m;
        m.cpu->cr0 |= control.cr0_set;
        m.cpu->cr4 &= ~control.cr4_clear;
        m.cpu->update_mode();
        auto check = [&](unsigned vector, std::initializer_list<unsigned> bytes) {
            CAPTURE(control.cr0_set, control.cr4_clear, *bytes.begin());
            m.again(bytes);
            if (vector == 0) CHECK(m.cpu->rip() == M::kCode + bytes.size());
            if (vector != 0) CHECK(m.in_handler(vector));
        };
        check(control.sse, {0x0f, 0x58, 0xc1});              // ADDPS
        check(control.sse, {0x0f, 0x10, 0x03});              // MOVUPS XMM0, [RBX]
        check(control.sse, {0x66, 0x0f, 0xef, 0xc0});        // PXOR
        check(control.sse, {0x0f, 0xae, 0x1b});              // STMXCSR
        check(control.sse, {0xf2, 0x48, 0x0f, 0x2a, 0xc0});  // CVTSI2SD XMM0, RAX
        check(control.mmx, {0x0f, 0xfc, 0xc1});              // PADDB MM0, MM1
        check(control.mmx, {0x0f, 0x77});                    // EMMS
        check(control.fxsave, {0x0f, 0xae, 0x03});           // FXSAVE
        check(0, {0x0f, 0xc3, 0x03});                        // MOVNTI
        check(0, {0x0f, 0xae, 0xf8});                        // SFENCE
        check(0, {0x0f, 0xae, 0x3b});                        // CLFLUSH
        check(0, {0x0f, 0x18, 0x0b});                        // PREFETCHT0
        const unsigned both = control.sse != 0 ? control.sse : control.mmx;
        check(both, {0xf3, 0x0f, 0xd6, 0xc1});  // MOVQ2DQ
        check(both, {0x0f, 0x2a, 0xc1});        // CVTPI2PS XMM0, MM1
    }
}
