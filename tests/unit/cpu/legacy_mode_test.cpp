// Real and 32-bit protected mode: event frames, segment limits, far transfers, and the way from real to
// 64-bit mode (SDM vol. 3A, 6.12, 9.9, 9.8.5, 20.1).
#include "emulator/core/cpu/run/exceptions.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;

u32 error_on_stack(M& m) {
    return m.get<u32>(m.cpu->gpr[kRsp]);
}

}  // namespace

TEST_CASE("Protected mode, inner level: SS, ESP, EFLAGS, CS, EIP on the TSS's stack") {
    M m;
    m.enter_protected(3);
    m.cpu->set_rflags(kOne | rflags::kIf);
    m.code_here({0x0f, 0x0b});
    m.run();
    CHECK(m.in_handler(6));
    CHECK(m.cpu->gpr[kRsp] == M::kRsp0 - 20);
    CHECK(m.items<u32>(M::kRsp0 - 20, 5) == std::vector<u32>{static_cast<u32>(M::kCode), M::kUserCs32,
                                                             kOne | rflags::kIf | rflags::kRf,
                                                             static_cast<u32>(M::kUserStack), M::kUserSs});
    CHECK(m.cpu->seg[kSs].selector == M::kKernelSs);
    CHECK(m.cpu->cpl == 0);
    CHECK((m.cpu->rflags() & rflags::kIf) == 0);
}

TEST_CASE("Protected mode, same level, with an error code") {
    M m;
    m.enter_protected(0);
    m.cpu->gpr[kRcx] = 0x1234;
    m.code_here({0x0f, 0x32});
    m.run();
    CHECK(m.in_handler(13));
    CHECK(m.items<u32>(M::kKernelStack - 16, 4) ==
          std::vector<u32>{0, static_cast<u32>(M::kCode), M::kKernelCs, kOne | rflags::kRf});
}

TEST_CASE("A 16-bit gate pushes words") {
    M m;
    m.enter_protected(0);
    m.put(M::kIdt + 0x80 * 8, gate(M::kKernelCs, 0x600, 0xe6));
    m.write(0x600, {0xf4});
    m.code_here({0xcd, 0x80});
    m.run();
    CHECK(m.cpu->rip() == 0x600);
    CHECK(m.items<u16>(M::kKernelStack - 6, 3) == std::vector<u16>{0x0002, M::kKernelCs, kOne});
    CHECK(m.cpu->gpr[kRsp] == M::kKernelStack - 6);
}

TEST_CASE("A TSS with a bad stack selector raises #TS") {
    M m;
    m.enter_protected(3);
    SECTION("null") {
        m.put(M::kTss + 8, u16{0});
        // #TS from the same TSS again, then #DF: a shutdown.
        m.code_here({0x0f, 0x0b});
        m.run();
        CHECK(m.cpu->activity == Activity::Shutdown);
        CHECK(m.cpu->shutdown.faults[0].vector == 10);
        CHECK(m.cpu->shutdown.faults[0].error_code == 1);
    }
    SECTION("wrong privilege") {
        m.put(M::kTss + 8, u16{M::kUserSs});
        m.code_here({0x0f, 0x0b});
        m.run();
        CHECK(m.cpu->shutdown.faults[0].error_code == (M::kUserSs & 0xfffc) + 1);
    }
}

TEST_CASE("Segment limits and types: #GP, and #SS for the stack") {
    M m;
    m.enter_protected(0);
    m.cpu->seg[kDs].limit = 0x3fff;
    SECTION("the last byte inside") {
        m.code_here({0xa0, 0xff, 0x3f, 0x00, 0x00});  // MOV AL, [3FFFH]
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 5);
    }
    SECTION("one beyond") {
        CHECK(m.raises(13, {0xa1, 0xfd, 0x3f, 0x00, 0x00}));
    }
    SECTION("read-only") {
        m.cpu->seg[kDs].access = 0xc091;
        CHECK(m.raises(13, {0xa2, 0x00, 0x20, 0x00, 0x00}));
    }
    SECTION("expand-down: valid above the limit") {
        m.cpu->seg[kDs].access = 0xc097;
        m.code_here({0xa0, 0x00, 0x40, 0x00, 0x00});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 5);
        CHECK(m.raises(13, {0xa0, 0xff, 0x3f, 0x00, 0x00}));
    }
    SECTION("a null selector") {
        m.cpu->gpr[kRax] = 0;
        m.code_here({0x8e, 0xd8, 0xa0, 0x00, 0x20, 0x00, 0x00});  // MOV DS, AX; MOV AL, [2000H]
        m.run(2);
        CHECK(m.in_handler(13));
        CHECK(error_on_stack(m) == 0);
    }
    SECTION("the stack segment") {
        m.cpu->seg[kSs].limit = 0x6'ffff;
        m.cpu->gpr[kRbp] = 0x7'0000;
        CHECK(m.raises(12, {0x8b, 0x45, 0x00}));  // MOV EAX, [EBP]
        CHECK(error_on_stack(m) == 0);
    }
    SECTION("a base is added, and LEA adds none") {
        m.cpu->seg[kDs].base = 0x2000;
        m.put(0x3000, u32{0x1234'5678});
        m.cpu->update_mode();
        m.code_here({0xa1, 0x00, 0x10, 0x00, 0x00, 0x8d, 0x1d, 0x00, 0x10, 0x00, 0x00});
        m.run(2);
        CHECK(m.cpu->gpr[kRax] == 0x1234'5678);
        CHECK(m.cpu->gpr[kRbx] == 0x1000);
    }
    SECTION("16-bit offsets wrap at 64 KiB") {
        m.cpu->seg[kDs].limit = 0xffff'ffff;
        m.put(0x10, u8{0x77});
        m.cpu->gpr[kRbx] = 0xfff0;
        m.cpu->gpr[kRsi] = 0x20;
        m.code_here({0x67, 0x8a, 0x00});  // MOV AL, [BX+SI]
        m.run();
        CHECK(m.cpu->gpr[kRax] == 0x77);
    }
}

TEST_CASE("Real mode: the interrupt vector table, three words, and no error code") {
    M m;
    m.enter_real();
    m.put(0x21 * 4, u32{0x0100'0008});  // 0100:0008
    m.write(0x1008, {0xcf});
    m.cpu->set_rflags(kOne | rflags::kIf | rflags::kCf);
    m.code_here({0xcd, 0x21, 0x90});
    m.run();
    CHECK(m.cpu->rip() == 8);
    CHECK(m.cpu->seg[kCs].selector == 0x100);
    CHECK(m.cpu->seg[kCs].base == 0x1000);
    CHECK(m.cpu->gpr[kRsp] == 0x7000 - 6);
    CHECK(m.items<u16>(0x7000 - 6, 3) ==
          std::vector<u16>{M::kRealCode + 2, 0, kOne | rflags::kIf | rflags::kCf});
    CHECK((m.cpu->rflags() & rflags::kIf) == 0);
    m.run();
    CHECK(m.cpu->rip() == M::kRealCode + 2);
    CHECK(m.cpu->rflags() == (kOne | rflags::kIf | rflags::kCf));
    CHECK(m.cpu->gpr[kRsp] == 0x7000);
}

TEST_CASE("Real mode: a word at offset FFFFH is beyond the limit") {
    M m;
    m.enter_real();
    m.put(13 * 4, u32{0x0700});
    m.write(0x700, {0xf4});
    m.code_here({0xa1, 0xff, 0xff});
    m.run();
    CHECK(m.cpu->rip() == 0x701);
    CHECK(m.cpu->gpr[kRsp] == 0x7000 - 6);
}

TEST_CASE("Protected-mode instructions do not exist in real mode") {
    M m;
    m.enter_real();
    m.put(6 * 4, u32{0x0700});
    m.write(0x700, {0xf4});
    SECTION("SLDT") {
        m.code_here({0x0f, 0x00, 0xc0});
    }
    SECTION("LAR") {
        m.code_here({0x0f, 0x02, 0xc0});
    }
    SECTION("ARPL") {
        m.code_here({0x63, 0xc0});
    }
    m.run();
    CHECK(m.cpu->rip() == 0x701);
}

TEST_CASE("Far CALL and RET in real mode") {
    M m;
    m.enter_real();
    m.code_here({0x9a, 0x04, 0x00, 0x00, 0x01});  // CALL 0100:0004
    m.write(0x1004, {0xca, 0x02, 0x00});          // RETF 2
    m.run();
    CHECK(m.cpu->rip() == 4);
    CHECK(m.cpu->seg[kCs].base == 0x1000);
    CHECK(m.items<u16>(0x7000 - 4, 2) == std::vector<u16>{M::kRealCode + 5, 0});
    m.run();
    CHECK(m.cpu->rip() == M::kRealCode + 5);
    CHECK(m.cpu->gpr[kRsp] == 0x7002);
}

TEST_CASE("From real mode through protected to 64-bit mode, as a boot loader goes") {
    M m;
    m.enter_long(0);  // for the tables only
    m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode32));
    m.cpu->reset();
    m.cpu->seg[kCs].base = 0;
    m.cpu->seg[kCs].selector = 0;
    m.cpu->rip() = 0x5000;
    m.cpu->update_mode();
    m.put(0x5800, u16{0xfff});
    m.put(0x5802, static_cast<u32>(M::kGdt));
    m.write(0x5000, {0x66, 0x0f, 0x01, 0x16,     0x00, 0x58,                  // LGDT [5800H]
                     0x0f, 0x20, 0xc0, 0x66,     0x83, 0xc8, 0x01,            // MOV EAX, CR0; OR EAX, 1
                     0x0f, 0x22, 0xc0,                                        // MOV CR0, EAX
                     0xea, 0x00, 0x51, M::kFree, 0x00});                      // JMP kFree:5100H
    m.write(0x5100, {0xb8, 0x20, 0x00, 0x00, 0x00, 0x0f,         0x22, 0xe0,  // MOV EAX, PAE; MOV CR4, EAX
                     0xb8, 0x00, 0x10, 0x00, 0x00, 0x0f,         0x22, 0xd8,  // MOV EAX, kPml4; MOV CR3, EAX
                     0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f,         0x32,        // RDMSR EFER
                     0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f,         0x30,        // OR EAX, LME; WRMSR
                     0x0f, 0x20, 0xc0, 0x0d, 0x00, 0x00,         0x00, 0x80,  // MOV EAX, CR0; OR EAX, PG
                     0x0f, 0x22, 0xc0,                                        // MOV CR0, EAX
                     0xea, 0x00, 0x52, 0x00, 0x00, M::kKernelCs, 0x00});      // JMP kKernelCs:5200H
    m.write(0x5200, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0xf4});              // MOV RAX, imm64
    m.run(5);
    CHECK(m.cpu->rip() == 0x5100);
    CHECK_FALSE(m.cpu->long_mode());
    CHECK((m.cpu->key & key::kModeMask) == static_cast<u32>(CpuMode::Bits32));
    m.run(11);
    CHECK(m.cpu->long_mode());
    CHECK_FALSE(m.cpu->code64());
    m.run(1);
    CHECK(m.cpu->code64());
    m.run(1);
    CHECK(m.cpu->gpr[kRax] == 0x0807'0605'0403'0201);
    CHECK(m.cpu->rip() == 0x520a);
}

TEST_CASE("A 32-bit call gate switches the stack and copies parameters; RETF n gives both back") {
    M m;
    m.enter_protected(3);
    m.set_descriptor(M::kFree, gate(M::kKernelCs, 0x2'8000, 0xec, 2));
    m.write(0x2'8000, {0xca, 0x08, 0x00});  // RETF 8
    m.cpu->gpr[kRsp] = M::kUserStack - 8;
    m.put(M::kUserStack - 8, u32{0x1111});
    m.put(M::kUserStack - 4, u32{0x2222});
    m.code_here({0x9a, 0, 0, 0, 0, M::kFree | 3, 0x00});
    m.run();
    CHECK(m.cpu->rip() == 0x2'8000);
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->seg[kCs].selector == M::kKernelCs);
    CHECK(m.cpu->gpr[kRsp] == M::kRsp0 - 24);
    CHECK(m.items<u32>(M::kRsp0 - 24, 6) ==
          std::vector<u32>{static_cast<u32>(M::kCode + 7), M::kUserCs32, 0x1111, 0x2222,
                           static_cast<u32>(M::kUserStack - 8), M::kUserSs});
    m.run();
    CHECK(m.cpu->rip() == M::kCode + 7);
    CHECK(m.cpu->cpl == 3);
    CHECK(m.cpu->gpr[kRsp] == M::kUserStack);
    CHECK(m.cpu->seg[kSs].selector == M::kUserSs);
}

TEST_CASE("POPF: what may change depends on CPL and IOPL") {
    M m;
    constexpr u32 kAll = rflags::kArithmetic | rflags::kDf | rflags::kIf | rflags::kIopl | rflags::kNt |
                         rflags::kAc | rflags::kId;
    auto popped = [&](unsigned cpl, u32 before) {
        m.enter_protected(cpl);
        m.cpu->set_rflags(kOne | before);
        m.put(m.cpu->gpr[kRsp] - 4, kAll | rflags::kVm | rflags::kRf | kOne);
        m.cpu->gpr[kRsp] -= 4;
        m.code_here({0x9d});
        m.run();
        return m.cpu->rflags();
    };
    CHECK(popped(0, 0) == (kAll | kOne));
    CHECK(popped(3, 0) == ((kAll & ~(rflags::kIf | rflags::kIopl)) | kOne));
    CHECK(popped(3, rflags::kIopl) == (kAll | kOne));
}

TEST_CASE("CLI and STI obey IOPL") {
    M m;
    m.enter_protected(3);
    SECTION("refused") {
        CHECK(m.raises(13, {0xfa}));
    }
    SECTION("allowed") {
        m.cpu->set_rflags(kOne | rflags::kIopl);
        m.code_here({0xfb, 0xfa});
        m.run();
        CHECK((m.cpu->rflags() & rflags::kIf) != 0);
        m.run();
        CHECK((m.cpu->rflags() & rflags::kIf) == 0);
    }
}

TEST_CASE("POP to memory reads the stack before it looks at where to write") {
    BareMachine m;
    m.enter_protected(3);
    m.cpu->seg[kSs].limit = 0xffff;
    m.cpu->gpr[kRsp] = 0x2'0000;
    m.cpu->gpr[kRbx] = 0x3'0000;
    CHECK(m.raises(12, {0x2e, 0x8f, 0x03}));  // POP CS:[EBX]: #SS of the stack, not #GP of CS

    BareMachine top;
    top.enter_protected(3);
    top.cpu->seg[kSs].limit = 0x8003;
    top.cpu->gpr[kRsp] = 0x8000;
    CHECK(top.raises(12, {0x8f, 0x04, 0x24}));  // POP [ESP]: to 8004H, beyond the limit
}
