// SYSCALL, SYSRET, SYSENTER, SYSEXIT, SWAPGS, and far transfers of 64-bit mode (SDM vol. 2; vol. 3A, 5.8).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;
constexpr u64 kEntry = 0xffff'8000'0010'0000;

void set_up(M& m) {
    m.cpu->msr.star = u64{0x1b} << 48 | u64{M::kKernelCs} << 32;
    m.cpu->msr.lstar = kEntry;
    m.cpu->msr.fmask = rflags::kIf | rflags::kDf | rflags::kTf;
}

}  // namespace

TEST_CASE("SYSCALL saves RIP and RFLAGS, masks flags, and loads flat kernel segments") {
    M m;
    m.enter_long(3);
    set_up(m);
    m.cpu->set_rflags(kOne | rflags::kIf | rflags::kDf | rflags::kZf);
    m.code_here({0x0f, 0x05});
    m.run();
    CHECK(m.cpu->rip() == kEntry);
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->gpr[kRcx] == M::kCode + 2);
    CHECK(m.cpu->gpr[11] == (kOne | rflags::kIf | rflags::kDf | rflags::kZf));
    CHECK(m.cpu->rflags() == (kOne | rflags::kZf));
    CHECK(m.cpu->seg[kCs].selector == M::kKernelCs);
    CHECK(m.cpu->seg[kCs].access == kCode64);
    CHECK(m.cpu->seg[kSs].selector == M::kKernelCs + 8);
    CHECK(m.cpu->seg[kSs].access == kData32);
    CHECK(m.cpu->gpr[kRsp] == M::kUserStack);
}

TEST_CASE("SYSCALL without EFER.SCE is undefined") {
    M m;
    m.enter_long(3);
    m.cpu->msr.efer &= ~efer::kSce;
    CHECK(m.raises(6, {0x0f, 0x05}));
}

TEST_CASE("SYSRET goes back to CPL 3") {
    M m;
    m.enter_long(0);
    set_up(m);
    m.cpu->gpr[kRcx] = 0x7000;
    m.cpu->gpr[11] = rflags::kIf | rflags::kCf | rflags::kRf | rflags::kVm;
    SECTION("64 bits") {
        m.code_here({0x48, 0x0f, 0x07});
        m.run();
        CHECK(m.cpu->rip() == 0x7000);
        CHECK(m.cpu->cpl == 3);
        CHECK(m.cpu->seg[kCs].selector == 0x2b);
        CHECK(m.cpu->seg[kCs].access == (kCode64 | kUser));
        CHECK(m.cpu->seg[kSs].selector == 0x23);
        CHECK(m.cpu->seg[kSs].access == (kData32 | kUser));
        CHECK(m.cpu->rflags() == (kOne | rflags::kIf | rflags::kCf));
    }
    SECTION("32 bits") {
        m.cpu->gpr[kRcx] = 0xffff'ffff'0000'7000;
        m.code_here({0x0f, 0x07});
        m.run();
        CHECK(m.cpu->rip() == 0x7000);
        CHECK(m.cpu->seg[kCs].selector == 0x1b);
        CHECK_FALSE(m.cpu->code64());
        CHECK(m.cpu->long_mode());
    }
    SECTION("a target that is not canonical faults at CPL 0") {
        m.cpu->gpr[kRcx] = u64{1} << 47;
        CHECK(m.raises(13, {0x48, 0x0f, 0x07}));
        CHECK(m.get(M::kKernelStack - 40) == M::kCode);
    }
}

TEST_CASE("SYSRET is refused at CPL 3") {
    M m;
    m.enter_long(3);
    set_up(m);
    CHECK(m.raises(13, {0x48, 0x0f, 0x07}));
}

TEST_CASE("SYSENTER and SYSEXIT") {
    M m;
    m.enter_long(3);
    m.cpu->set_rflags(kOne | rflags::kIf);
    SECTION("without a code segment") {
        CHECK(m.raises(13, {0x0f, 0x34}));
    }
    SECTION("there and back") {
        m.cpu->msr.sysenter_cs = M::kKernelCs;
        m.cpu->msr.sysenter_eip = M::kCode + 0x80;
        m.cpu->msr.sysenter_esp = M::kKernelStack;
        m.write(M::kCode + 0x80, {0x48, 0x0f, 0x35});
        m.code_here({0x0f, 0x34});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 0x80);
        CHECK(m.cpu->gpr[kRsp] == M::kKernelStack);
        CHECK(m.cpu->cpl == 0);
        CHECK((m.cpu->rflags() & rflags::kIf) == 0);
        m.cpu->gpr[kRcx] = M::kUserStack;
        m.cpu->gpr[kRdx] = M::kCode + 2;
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
        CHECK(m.cpu->cpl == 3);
        CHECK(m.cpu->seg[kCs].selector == M::kKernelCs + 32 + 3);
        CHECK(m.cpu->code64());
    }
}

TEST_CASE("SWAPGS exchanges the bases, at CPL 0 only") {
    M m;
    m.enter_long(0);
    m.cpu->seg[kGs].base = 0x1000;
    m.cpu->msr.kernel_gs_base = M::kSmallPages;
    m.put(M::kSmallPages + 8, u64{0xabcd});
    m.code_here({0x0f, 0x01, 0xf8, 0x65, 0x48, 0x8b, 0x04, 0x25, 8, 0, 0, 0});  // SWAPGS; MOV RAX, GS:[8]
    m.run(2);
    CHECK(m.cpu->gpr[kRax] == 0xabcd);
    CHECK(m.cpu->msr.kernel_gs_base == 0x1000);
    m.enter_long(3);
    CHECK(m.raises(13, {0x0f, 0x01, 0xf8}));
}

TEST_CASE("A 64-bit call gate: a new stack with SS, RSP, CS and RIP, and RETF back") {
    M m;
    m.enter_long(3);
    m.set_descriptor(M::kFree, gate(M::kKernelCs, 0x2'8000, 0xec));
    m.put(M::kGdt + M::kFree + 8, u64{0});
    m.write(0x2'8000, {0x48, 0xcb});  // RETFQ
    m.put(M::kUserStack, u32{0});
    m.put(M::kUserStack + 4, u16{M::kFree | 3});
    m.code_here({0xff, 0x1c, 0x24});  // CALL m16:32 [RSP]
    m.run();
    CHECK(m.cpu->rip() == 0x2'8000);
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->seg[kSs].selector == 0);
    CHECK(m.items(M::kRsp0 - 32, 4) == std::vector<u64>{M::kCode + 3, M::kUserCs, M::kUserStack, M::kUserSs});
    m.run();
    CHECK(m.cpu->rip() == M::kCode + 3);
    CHECK(m.cpu->cpl == 3);
    CHECK(m.cpu->gpr[kRsp] == M::kUserStack);
}

TEST_CASE("Far jumps check the target's descriptor") {
    M m;
    m.enter_long(0);
    m.put(M::kSmallPages, u32{0x3000});
    m.cpu->gpr[kRbx] = M::kSmallPages;
    auto jump = [&](u16 selector) {
        m.put(M::kSmallPages + 4, selector);
        m.code_here({0xff, 0x2b});  // JMP m16:32 [RBX]
        m.run();
        return m.cpu->rip();
    };
    SECTION("null") {
        jump(3);
        CHECK(m.in_handler(13));
        CHECK(m.get(m.cpu->gpr[kRsp]) == 0);
    }
    SECTION("data") {
        jump(M::kKernelSs);
        CHECK(m.in_handler(13));
        CHECK(m.get(m.cpu->gpr[kRsp]) == M::kKernelSs);
    }
    SECTION("another privilege") {
        jump(M::kUserCs);
        CHECK(m.in_handler(13));
    }
    SECTION("not present") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode64 & ~0x80));
        jump(M::kFree);
        CHECK(m.in_handler(11));
        CHECK(m.get(m.cpu->gpr[kRsp]) == M::kFree);
    }
    SECTION("both L and D") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode64 | 0x4000));
        jump(M::kFree);
        CHECK(m.in_handler(13));
    }
    SECTION("a TSS: no task switch") {
        jump(M::kTssSelector);
        CHECK(m.in_handler(13));
    }
    SECTION("outside the GDT") {
        jump(0x2000);
        CHECK(m.in_handler(13));
        CHECK(m.get(m.cpu->gpr[kRsp]) == 0x2000);
    }
    SECTION("compatibility code beyond its limit") {
        m.set_descriptor(M::kFree, descriptor(0, 2, kCode32));
        jump(M::kFree);
        CHECK(m.in_handler(13));
    }
    SECTION("compatibility code; the accessed bit is set") {
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode32 & ~1));
        CHECK(jump(M::kFree) == 0x3000);
        CHECK_FALSE(m.cpu->code64());
        CHECK((m.get_descriptor(M::kFree) >> 40 & 1) == 1);
    }
}

TEST_CASE("PUSHF shows neither RF nor VM; SYSCALL's R11 holds no RF") {
    M m;
    m.enter_long(0);
    m.cpu->eflags |= rflags::kRf;
    m.code_here({0x9c});
    m.run();
    CHECK(m.get(M::kKernelStack - 8) == kOne);
}
