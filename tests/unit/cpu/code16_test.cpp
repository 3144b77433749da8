// 16-bit code, in real and protected mode: addressing forms and their wrapping, the stack, near and far
// transfers, and 32-bit operands and addresses by prefix (SDM vol. 2, table 2-1; vol. 1, 3.6, 6.2; vol. 3A,
// 20.1).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;

void enter(M& m) {
    m.enter_real();
    m.cpu->set_rflags(kOne);
    m.cpu->seg[kDs].selector = 0x1000;
    m.cpu->seg[kDs].base = 0x1'0000;
    m.cpu->seg[kSs].selector = 0x3000;
    m.cpu->seg[kSs].base = 0x3'0000;
    m.cpu->update_mode();
}

// A handler of its own for each of the vectors 12 and 13: 0000:0610H and 0000:0620H.
void separate_handlers(M& m) {
    for (unsigned vector : {12u, 13u}) {
        m.put(vector * 4, u32{0x600 + (vector - 11) * 16});
        m.write(0x600 + (vector - 11) * 16, {0xf4});
    }
}
bool in_handler(M& m, unsigned vector) {
    return m.cpu->seg[kCs].base == 0 && m.cpu->rip() == 0x601 + (vector - 11) * 16u;
}

}  // namespace

TEST_CASE("The eight base and index forms, with displacements, wrap at 64 KiB; BP ones go to SS") {
    struct Case {
        unsigned rm;
        u16 sum;
        bool stack;
    };
    constexpr u16 bx = 0xf100, bp = 0xe200, si = 0x1f30, di = 0x2040;
    const Case cases[] = {
        {0, static_cast<u16>(bx + si), false},
        {1, static_cast<u16>(bx + di), false},
        {2, static_cast<u16>(bp + si), true},
        {3, static_cast<u16>(bp + di), true},
        {4, si, false},
        {5, di, false},
        {6, bp, true},
        {7, bx, false},
    };
    M m;
    for (const auto& [rm, sum, stack] : cases) {
        for (unsigned mod = 0; mod < 3; ++mod) {
            CAPTURE(rm, mod);
            enter(m);
            m.cpu->gpr[kRbx] = 0x7777'0000 + bx;
            m.cpu->gpr[kRbp] = 0x7777'0000 + bp;
            m.cpu->gpr[kRsi] = 0x7777'0000 + si;
            m.cpu->gpr[kRdi] = 0x7777'0000 + di;
            const bool direct = mod == 0 && rm == 6;
            u16 offset = direct ? 0x1234 : sum;
            if (mod == 1) offset = static_cast<u16>(offset - 2);
            if (mod == 2) offset = static_cast<u16>(offset + 0x9000);
            m.put((stack && !direct ? 0x3'0000 : 0x1'0000) + offset, u16{0xabcd});
            switch (mod) {
                case 0:
                    m.code_here({0x8b, rm | 0x08, 0x34, 0x12});
                    break;
                case 1:
                    m.code_here({0x8b, rm | 0x48, 0xfe});
                    break;
                default:
                    m.code_here({0x8b, rm | 0x88, 0x00, 0x90});
                    break;
            }
            m.cpu->gpr[kRcx] = 0x5555'0000;
            m.run();
            CHECK(m.cpu->gpr[kRcx] == 0x5555'abcd);
        }
    }
}

TEST_CASE("32-bit operands and addresses by prefix; beyond 64 KiB is #GP, or #SS for the stack") {
    M m;
    enter(m);
    separate_handlers(m);
    m.cpu->gpr[kRax] = 0x8000;
    m.cpu->gpr[kRcx] = 0x0800;
    m.put(0x1'0000 + 0x8000 + 0x800 * 4 + 0x10, u32{0x1122'3344});
    SECTION("MOV EDX, [EAX + ECX * 4 + 10H]") {
        m.code_here({0x66, 0x67, 0x8b, 0x54, 0x88, 0x10});
        m.run();
        CHECK(m.cpu->gpr[kRdx] == 0x1122'3344);
    }
    SECTION("outside DS") {
        m.cpu->gpr[kRax] = 0x1'0000;
        m.code_here({0x67, 0x8a, 0x10});
        m.run(2);
        CHECK(in_handler(m, 13));
    }
    SECTION("outside SS, by ESP as base") {
        m.cpu->gpr[kRsp] = 0x7000;
        m.code_here({0x67, 0x8a, 0x84, 0x24, 0, 0, 1, 0});  // MOV AL, [ESP + 10000H]
        m.run(2);
        CHECK(in_handler(m, 12));
    }
    SECTION("a segment left large by protected mode stays large") {
        m.cpu->seg[kDs].limit = 0xffff'ffff;
        m.cpu->gpr[kRax] = 0x3'0000;
        m.put(0x4'0000, u8{0x99});
        m.cpu->gpr[kRbx] = 0x1000;
        m.code_here({0x8e, 0xdb, 0x67, 0x8a, 0x10});  // MOV DS, BX; MOV DL, [EAX]
        m.run(2);
        CHECK((m.cpu->gpr[kRdx] & 0xff) == 0x99);
    }
    SECTION("LEA cuts to 16 bits") {
        m.cpu->gpr[kRbx] = 0xfff0;
        m.cpu->gpr[kRdi] = 0x0020;
        m.cpu->gpr[kRdx] = ~u64{0} >> 32;
        m.code_here({0x66, 0x8d, 0x11});  // LEA EDX, [BX + DI]
        m.run();
        CHECK(m.cpu->gpr[kRdx] == 0x10);
    }
}

TEST_CASE("The stack wraps at 64 KiB, and an item across its end is #SS") {
    M m;
    enter(m);
    separate_handlers(m);
    m.cpu->gpr[kRax] = 0x1234'5678;
    SECTION("PUSH at SP = 0") {
        m.cpu->gpr[kRsp] = 0x9999'0000;
        m.code_here({0x50, 0x5b});
        m.run();
        CHECK(m.cpu->gpr[kRsp] == 0x9999'fffe);
        CHECK(m.get<u16>(0x3'fffe) == 0x5678);
        m.run();
        CHECK(m.cpu->gpr[kRsp] == 0x9999'0000);
        CHECK((m.cpu->gpr[kRbx] & 0xffff) == 0x5678);
    }
    SECTION("PUSH EAX") {
        m.cpu->gpr[kRsp] = 0x100;
        m.code_here({0x66, 0x50});
        m.run();
        CHECK(m.get<u32>(0x3'00fc) == 0x1234'5678);
        CHECK(m.cpu->gpr[kRsp] == 0xfc);
    }
    SECTION("a POP across the end") {
        m.cpu->gpr[kRsp] = 0xffff;
        m.code_here({0x58});
        m.run(2);
        // The frame wraps too: FFFD, FFFB, FFF9.
        CHECK(in_handler(m, 12));
        CHECK(m.get<u16>(0x3'fff9) == M::kRealCode);
    }
    SECTION("PUSHA and POPA; SP is pushed as it was, and not popped") {
        m.cpu->gpr[kRsp] = 0x200;
        for (unsigned i : {0, 1, 2, 3, 5, 6, 7}) m.cpu->gpr[i] = 0xa000 + i;
        m.code_here({0x60, 0x61});
        m.run();
        CHECK(m.items<u16>(0x3'01f0, 8) ==
              std::vector<u16>{0xa007, 0xa006, 0xa005, 0x200, 0xa003, 0xa002, 0xa001, 0xa000});
        for (unsigned i : {0, 1, 2, 3, 5, 6, 7}) m.cpu->gpr[i] = 0;
        m.run();
        CHECK(m.cpu->gpr[kRsp] == 0x200);
        CHECK(m.cpu->gpr[kRdi] == 0xa007);
        CHECK(m.cpu->gpr[kRax] == 0xa000);
    }
    SECTION("ENTER and LEAVE") {
        m.cpu->gpr[kRsp] = 0x200;
        m.cpu->gpr[kRbp] = 0x7777'8888;
        m.code_here({0xc8, 0x10, 0x00, 0x01, 0xc9});  // ENTER 16, 1
        m.run();
        CHECK((m.cpu->gpr[kRbp] & 0xffff) == 0x1fe);
        CHECK(m.cpu->gpr[kRsp] == 0x1fe - 2 - 0x10);
        CHECK(m.items<u16>(0x3'01fc, 2) == std::vector<u16>{0x1fe, 0x8888});
        m.run();
        CHECK((m.cpu->gpr[kRbp] & 0xffff) == 0x8888);
        CHECK(m.cpu->gpr[kRsp] == 0x200);
    }
}

TEST_CASE("Near transfers cut IP to 16 bits; LOOP and JCXZ count CX") {
    M m;
    enter(m);
    m.cpu->gpr[kRsp] = 0x200;
    SECTION("CALL backwards and RET") {
        m.code_here({0xe8, 0xfd, 0xef});  // to 4000H
        m.write(0x4000, {0xc2, 0x04, 0x00});
        m.run();
        CHECK(m.cpu->rip() == 0x4000);
        CHECK(m.get<u16>(0x3'01fe) == M::kRealCode + 3);
        m.run();
        CHECK(m.cpu->rip() == M::kRealCode + 3);
        CHECK(m.cpu->gpr[kRsp] == 0x204);
    }
    SECTION("a short jump below 0 wraps to the segment's end") {
        m.cpu->rip() = 0x10;
        m.code_here({0xeb, 0xe0});
        m.run();
        CHECK(m.cpu->rip() == 0xfff2);
    }
    SECTION("LOOP: CX wraps, the upper half stays") {
        m.cpu->gpr[kRcx] = 0x1'0000;
        m.code_here({0xe2, 0xfe});
        m.run();
        CHECK(m.cpu->gpr[kRcx] == 0x1'ffff);
        CHECK(m.cpu->rip() == M::kRealCode);
    }
    SECTION("JCXZ looks at CX, JECXZ at ECX") {
        m.cpu->gpr[kRcx] = 0x1'0000;
        m.code_here({0x67, 0xe3, 0x10, 0xe3, 0x10});
        m.run();
        CHECK(m.cpu->rip() == M::kRealCode + 3);
        m.run();
        CHECK(m.cpu->rip() == M::kRealCode + 0x15);
    }
    SECTION("JMP through memory, and through a register as wide as the prefix says") {
        m.put(0x1'2000, u16{0x4444});
        m.code_here({0xff, 0x26, 0x00, 0x20});
        m.run();
        CHECK(m.cpu->rip() == 0x4444);
        m.cpu->gpr[kRax] = 0x4555;
        m.code_here({0x66, 0xff, 0xe0});
        m.run();
        CHECK(m.cpu->rip() == 0x4555);
    }
    SECTION("a 32-bit jump beyond the limit is #GP") {
        separate_handlers(m);
        m.cpu->gpr[kRax] = 0x1'0000;
        m.code_here({0x66, 0xff, 0xe0});
        m.run(2);
        CHECK(in_handler(m, 13));
        CHECK(m.get<u16>(0x3'01fa) == M::kRealCode);
    }
}

TEST_CASE("Far transfers and interrupts of real mode") {
    M m;
    enter(m);
    m.cpu->gpr[kRsp] = 0x200;
    SECTION("CALL through memory with a 32-bit offset, and a 32-bit RETF") {
        m.put(0x1'3000, u32{0x123});
        m.put(0x1'3004, u16{0x4000});
        m.write(0x4'0123, {0x66, 0xcb});
        m.code_here({0x66, 0xff, 0x1e, 0x00, 0x30});
        m.run();
        CHECK(m.cpu->seg[kCs].base == 0x4'0000);
        CHECK(m.cpu->rip() == 0x123);
        CHECK(m.items<u32>(0x3'01f8, 2) == std::vector<u32>{M::kRealCode + 5, 0});
        m.run();
        CHECK(m.cpu->rip() == M::kRealCode + 5);
        CHECK(m.cpu->gpr[kRsp] == 0x200);
    }
    SECTION("INT and IRET: IF, TF and AC are cleared, then restored") {
        m.cpu->set_rflags(kOne | rflags::kIf | rflags::kCf);
        m.put(0x21 * 4, u32{0x4000'0010});
        m.write(0x4'0010, {0xcf});
        m.code_here({0xcd, 0x21});
        m.run();
        CHECK(m.cpu->rip() == 0x10);
        CHECK(m.cpu->rflags() == (kOne | rflags::kCf));
        CHECK(m.items<u16>(0x3'01fa, 3) ==
              std::vector<u16>{M::kRealCode + 2, 0, kOne | rflags::kIf | rflags::kCf});
        m.run();
        CHECK(m.cpu->rip() == M::kRealCode + 2);
        CHECK(m.cpu->rflags() == (kOne | rflags::kIf | rflags::kCf));
    }
    SECTION("POPF sets IOPL and NT, PUSHF shows them") {
        m.put(0x3'0200, u16{0x7002});
        m.code_here({0x9d, 0x9c});
        m.run(2);
        CHECK(m.get<u16>(0x3'0200) == 0x7002);
    }
    SECTION("LIDT moves the vector table") {
        m.put(0x1'3000, u16{0x3ff});
        m.put(0x1'3002, u32{0x8000});
        m.put(0x8000 + 0x21 * 4, u32{0x5000'0000});
        m.code_here({0x0f, 0x01, 0x1e, 0x00, 0x30, 0xcd, 0x21});
        m.run(2);
        CHECK(m.cpu->seg[kCs].selector == 0x5000);
    }
}

TEST_CASE(
    "16-bit protected mode: a 16-bit stack segment uses SP, a 32-bit one ESP, whatever the code's size") {
    M m;
    m.enter_protected(0);
    m.load(kCs, M::kKernelCs, kCode16);
    m.cpu->seg[kCs].base = M::kCode;
    m.cpu->rip() = 0;
    m.cpu->gpr[kRax] = 0x1234'5678;
    auto push = [&](u16 stack_access) {
        m.load(kSs, M::kKernelSs, stack_access);
        m.cpu->gpr[kRsp] = 0x3'0010;
        m.cpu->update_mode();
        m.cpu->rip() = 0;
        m.write(M::kCode, {0x50});
        m.run();
        return m.cpu->gpr[kRsp];
    };
    CHECK(push(kData16) == 0x3'000e);
    CHECK(m.get<u16>(0xe) == 0x5678);
    CHECK(push(kData32) == 0x3'000e);
    CHECK(m.get<u16>(0x3'000e) == 0x5678);
}

TEST_CASE("16-bit protected mode: a far call to 32-bit code and back") {
    M m;
    m.enter_protected(0);
    m.set_descriptor(M::kFree, descriptor(M::kCode, 0xffff, kCode16));
    m.load(kCs, M::kFree, kCode16);
    m.cpu->seg[kCs].base = M::kCode;
    m.cpu->rip() = 0x100;
    m.cpu->update_mode();
    const u32 target = 0x1'2000;
    // CALL FAR 0008:00012000 with a 32-bit offset; there: RETF.
    m.write(M::kCode + 0x100, {0x66, 0x9a, target & 0xff, target >> 8 & 0xff, target >> 16, 0, 8, 0});
    m.write(target, {0xb8, 1, 2, 3, 4, 0xcb});
    m.run(2);
    CHECK(m.cpu->gpr[kRax] == 0x0403'0201);
    CHECK(m.cpu->seg[kCs].big());
    m.run();
    CHECK(m.cpu->rip() == 0x108);
    CHECK_FALSE(m.cpu->seg[kCs].big());
    CHECK(m.cpu->seg[kCs].base == M::kCode);
}
