// Virtual-8086 mode: the way in by IRET, the way out by events, what IOPL guards, ports by the map alone, and
// instructions that are not there (SDM vol. 3A, chapter 20).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;
constexpr u16 kV86Cs = 0x1200, kV86Ss = 0x3000, kV86Es = 0x2100, kV86Ds = 0x2200, kV86Fs = 0x2300,
              kV86Gs = 0x2400;
constexpr u32 kIp = 0x40, kSp = 0x100;
constexpr u64 kCodeAt = kV86Cs * 16 + kIp;

// In virtual-8086 mode with `flags` besides VM, by an IRETD of level 0.
void enter_v86(M& m, u32 flags = 0) {
    m.enter_protected(0);
    const u32 frame[] = {kIp,    kV86Cs, kOne | rflags::kVm | flags, kSp, kV86Ss, kV86Es, kV86Ds,
                         kV86Fs, kV86Gs};
    m.cpu->gpr[kRsp] = M::kKernelStack - sizeof frame;
    for (unsigned i = 0; i < 9; ++i) m.put(m.cpu->gpr[kRsp] + 4 * i, frame[i]);
    m.code_here({0xcf});
    m.run();
}

void v86_code(M& m, std::initializer_list<unsigned> bytes) {
    m.write(kCodeAt, bytes);
}

// The bytes, run in virtual-8086 mode, raise `vector` at their address, with the error code 0 if there is
// one.
bool v86_raises(M& m, u32 flags, unsigned vector, std::initializer_list<unsigned> bytes) {
    enter_v86(m, flags);
    v86_code(m, bytes);
    m.run();
    const u64 eip = m.cpu->gpr[kRsp] + (vector == 13 ? 4 : 0);
    return m.in_handler(vector) && m.get<u32>(eip) == kIp && (vector != 13 || m.get<u32>(eip - 4) == 0);
}

}  // namespace

TEST_CASE("IRETD with VM in its image enters virtual-8086 mode") {
    M m;
    enter_v86(m, rflags::kIopl | rflags::kCf);
    CHECK(m.cpu->virtual_8086());
    CHECK(m.cpu->cpl == 3);
    CHECK(m.cpu->rip() == kIp);
    CHECK(m.cpu->gpr[kRsp] == kSp);
    CHECK(m.cpu->rflags() == (kOne | rflags::kVm | rflags::kIopl | rflags::kCf));
    CHECK(m.cpu->seg[kCs].base == kV86Cs * 16u);
    CHECK(m.cpu->seg[kSs].base == kV86Ss * 16u);
    CHECK(m.cpu->seg[kEs].selector == kV86Es);
    CHECK(m.cpu->seg[kDs].selector == kV86Ds);
    CHECK(m.cpu->seg[kFs].selector == kV86Fs);
    CHECK(m.cpu->seg[kGs].base == kV86Gs * 16u);
    CHECK(m.cpu->seg[kGs].limit == 0xffff);
    CHECK(m.cpu->seg[kGs].dpl() == 3);
}

TEST_CASE("Not from CPL 3, nor by a 16-bit IRET") {
    M m;
    m.enter_protected(3);
    const u32 frame[] = {static_cast<u32>(M::kCode) + 0x40, M::kUserCs32, kOne | rflags::kVm};
    m.cpu->gpr[kRsp] -= 12;
    for (unsigned i = 0; i < 3; ++i) m.put(m.cpu->gpr[kRsp] + 4 * i, frame[i]);
    m.code_here({0xcf});
    m.run();
    CHECK_FALSE(m.cpu->virtual_8086());
    CHECK(m.cpu->rip() == M::kCode + 0x40);
}

TEST_CASE("16-bit code runs on paragraphs; segment loads and far transfers too") {
    M m;
    enter_v86(m);
    m.put(0x5'0010, u16{0xbeef});
    m.write(0x4000 * 16 + 8, {0xcb});  // RETF
    // MOV AX, 5000H; MOV DS, AX; MOV BX, [10H]; CALL 4000H:0008H; PUSH BX
    v86_code(m, {0xb8, 0x00, 0x50, 0x8e, 0xd8, 0x8b, 0x1e, 0x10, 0x00, 0x9a, 0x08, 0x00, 0x00, 0x40, 0x53});
    m.run(4);
    CHECK((m.cpu->gpr[kRbx] & 0xffff) == 0xbeef);
    CHECK(m.cpu->seg[kDs].access == 0xf3);
    CHECK(m.cpu->seg[kCs].selector == 0x4000);
    CHECK(m.cpu->rip() == 8);
    CHECK(m.items<u16>(kV86Ss * 16 + kSp - 4, 2) == std::vector<u16>{kIp + 14, kV86Cs});
    m.run(2);
    CHECK(m.cpu->seg[kCs].selector == kV86Cs);
    CHECK(m.get<u16>(kV86Ss * 16 + kSp - 2) == 0xbeef);
    CHECK(m.cpu->gpr[kRsp] == kSp - 2);
    CHECK(m.cpu->cpl == 3);
}

TEST_CASE("A fault leaves for level 0 with all segments in the frame, and IRETD goes back") {
    M m;
    enter_v86(m, rflags::kIf);
    v86_code(m, {0x0f, 0x0b, 0x90});
    m.write(M::handler(6), {0x83, 0x04, 0x24, 0x02, 0xcf});  // ADD DWORD [ESP], 2; IRETD
    m.run();
    CHECK(m.cpu->rip() == M::handler(6) + 4);
    CHECK_FALSE(m.cpu->virtual_8086());
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->seg[kSs].selector == M::kKernelSs);
    CHECK_FALSE(m.cpu->seg[kDs].present());
    CHECK(m.cpu->seg[kGs].selector == 0);
    CHECK(m.items<u32>(M::kRsp0 - 36, 9) == std::vector<u32>{kIp + 2, kV86Cs,
                                                             kOne | rflags::kVm | rflags::kIf | rflags::kRf,
                                                             kSp, kV86Ss, kV86Es, kV86Ds, kV86Fs, kV86Gs});
    m.run(2);
    CHECK(m.cpu->virtual_8086());
    CHECK(m.cpu->rip() == kIp + 3);
    CHECK(m.cpu->seg[kFs].base == kV86Fs * 16u);
}

TEST_CASE("An interrupt does the same; its handler must be of level 0") {
    M m;
    enter_v86(m, rflags::kIf);
    m.cpu->intr = true;
    v86_code(m, {0x90});
    SECTION("level 0") {
        m.run();
        CHECK(m.in_handler(0x40));
        CHECK(m.get<u32>(M::kRsp0 - 36) == kIp);
    }
    SECTION("level 3: #GP with the handler's selector") {
        m.put(M::kIdt + 0x40 * 8, gate(M::kUserCs32, static_cast<u32>(M::handler(0x40)), 0x8e));
        m.run();
        CHECK(m.in_handler(13));
        CHECK(m.get<u32>(m.cpu->gpr[kRsp]) == (M::kUserCs32 & 0xfffc) + 1);
    }
}

TEST_CASE("IOPL below 3 guards CLI, STI, PUSHF, POPF, INT n and IRET") {
    M m;
    const u32 iopl = GENERATE(0u, 2u << 12);
    CHECK(v86_raises(m, iopl, 13, {0xfa}));
    CHECK(v86_raises(m, iopl, 13, {0xfb}));
    CHECK(v86_raises(m, iopl, 13, {0x9c}));
    CHECK(v86_raises(m, iopl, 13, {0x9d}));
    CHECK(v86_raises(m, iopl, 13, {0xcd, 0x21}));
    CHECK(v86_raises(m, iopl, 13, {0xcf}));
    // Not INT3 and INTO.
    m.put(M::kIdt + 3 * 8, gate(M::kKernelCs, static_cast<u32>(M::handler(3)), 0xee));
    enter_v86(m, iopl);
    m.put(M::kIdt + 3 * 8, gate(M::kKernelCs, static_cast<u32>(M::handler(3)), 0xee));
    v86_code(m, {0xcc});
    m.run();
    CHECK(m.in_handler(3));
    CHECK(m.get<u32>(m.cpu->gpr[kRsp]) == kIp + 1);
}

TEST_CASE("With IOPL 3 they work, and IRET and POPF change neither IOPL nor VM") {
    M m;
    enter_v86(m, rflags::kIopl);
    SECTION("CLI, STI, PUSHF") {
        v86_code(m, {0xfb, 0x9c, 0xfa});
        m.run(2);
        CHECK(m.get<u16>(kV86Ss * 16 + kSp - 2) == (kOne | rflags::kIopl | rflags::kIf));
        m.run();
        CHECK((m.cpu->rflags() & rflags::kIf) == 0);
    }
    SECTION("POPF") {
        m.put(kV86Ss * 16 + kSp, u16{rflags::kIf | rflags::kCf});
        v86_code(m, {0x9d});
        m.run();
        CHECK(m.cpu->rflags() == (kOne | rflags::kVm | rflags::kIopl | rflags::kIf | rflags::kCf));
    }
    SECTION("IRET") {
        m.put(kV86Ss * 16 + kSp, u16{0x77});
        m.put(kV86Ss * 16 + kSp + 2, u16{0x5000});
        m.put(kV86Ss * 16 + kSp + 4, u16{rflags::kZf});
        v86_code(m, {0xcf});
        m.run();
        CHECK(m.cpu->rip() == 0x77);
        CHECK(m.cpu->seg[kCs].base == 0x5'0000);
        CHECK(m.cpu->rflags() == (kOne | rflags::kVm | rflags::kIopl | rflags::kZf));
        CHECK(m.cpu->gpr[kRsp] == kSp + 6);
    }
    SECTION("INT n goes through a gate of DPL 3") {
        m.put(M::kIdt + 0x21 * 8, gate(M::kKernelCs, static_cast<u32>(M::handler(0x21)), 0xee));
        v86_code(m, {0xcd, 0x21});
        m.run();
        CHECK(m.in_handler(0x21));
        CHECK(m.get<u32>(m.cpu->gpr[kRsp]) == kIp + 2);
    }
    SECTION("a gate of DPL 0 refuses") {
        v86_code(m, {0xcd, 0x21});
        m.run();
        CHECK(m.in_handler(13));
        CHECK(m.get<u32>(m.cpu->gpr[kRsp]) == 0x21 * 8 + 2);
    }
}

TEST_CASE("Ports are by the permission map, whatever IOPL says") {
    M m;
    enter_v86(m, rflags::kIopl);
    m.cpu->tr.limit = 0x68 + 0x100;
    m.put(M::kTss + 0x66, u16{0x68});
    m.put(M::kTss + 0x68 + 0x40, u32{0xffff'fffe});  // port 200H allowed, 201H not
    m.cpu->gpr[kRdx] = 0x200;
    SECTION("allowed") {
        v86_code(m, {0xec});
        m.run();
        CHECK(m.cpu->rip() == kIp + 1);
    }
    SECTION("the next one not") {
        v86_code(m, {0xed});
        m.run();
        CHECK(m.in_handler(13));
    }
}

TEST_CASE("Privileged instructions raise #GP, those of protected mode #UD") {
    M m;
    const u32 iopl = rflags::kIopl;
    CHECK(v86_raises(m, iopl, 13, {0xf4}));                          // HLT
    CHECK(v86_raises(m, iopl, 13, {0x0f, 0x20, 0xc0}));              // MOV EAX, CR0
    CHECK(v86_raises(m, iopl, 13, {0x0f, 0x06}));                    // CLTS
    CHECK(v86_raises(m, iopl, 13, {0x0f, 0x01, 0x16, 0, 0}));        // LGDT
    CHECK(v86_raises(m, iopl, 13, {0x0f, 0x32}));                    // RDMSR
    CHECK(v86_raises(m, iopl, 6, {0x0f, 0x00, 0xc0}));               // SLDT AX
    CHECK(v86_raises(m, iopl, 6, {0x0f, 0x00, 0xd8}));               // LTR AX
    CHECK(v86_raises(m, iopl, 6, {0x0f, 0x02, 0xc0}));               // LAR
    CHECK(v86_raises(m, iopl, 6, {0x63, 0xc0}));                     // ARPL
    CHECK(v86_raises(m, iopl, 6, {0x0f, 0x00, 0xe0}));               // VERR AX
    CHECK(v86_raises(m, iopl, 13, {0x67, 0x66, 0x0f, 0x01, 0x38}));  // INVLPG
}

TEST_CASE("A word at FFFFH is outside the segment") {
    M m;
    CHECK(v86_raises(m, 0, 13, {0xa1, 0xff, 0xff}));  // MOV AX, [FFFFH]
    enter_v86(m);
    m.cpu->gpr[kRbp] = 0xffff;
    v86_code(m, {0x8b, 0x46, 0x00});  // MOV AX, [BP]
    m.run();
    CHECK(m.in_handler(12));
}

TEST_CASE("TF in virtual-8086 mode traps into level 0 with RF clear") {
    M m;
    enter_v86(m, rflags::kTf);
    v86_code(m, {0x90, 0x90});
    m.run();
    CHECK(m.in_handler(1));
    CHECK(m.get<u32>(M::kRsp0 - 36) == kIp + 1);
    CHECK(m.get<u32>(M::kRsp0 - 28) == (kOne | rflags::kVm | rflags::kTf));
}

TEST_CASE("SYSENTER leaves virtual-8086 mode") {
    M m;
    enter_v86(m);
    m.cpu->msr.sysenter_cs = M::kKernelCs;
    m.cpu->msr.sysenter_eip = M::kCode;
    m.cpu->msr.sysenter_esp = M::kKernelStack;
    v86_code(m, {0x0f, 0x34});
    m.run();
    CHECK_FALSE(m.cpu->virtual_8086());
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->rip() == M::kCode);
    CHECK(m.cpu->seg[kCs].big());
}
