// Event delivery in 64-bit mode: frames byte for byte, error codes, stacks, double and triple faults,
// interrupts (SDM vol. 3A, chapter 6).
#include "emulator/core/cpu/run/exceptions.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;

// The frame at `top`: pushed from there downwards.
std::vector<u64> frame_below(M& m, u64 top, unsigned count) {
    return m.items(top - 8 * count, count);
}

u64 error_on_stack(M& m) {
    return m.get(m.cpu->gpr[kRsp]);
}

}  // namespace

TEST_CASE("A fault at CPL 3 pushes SS, RSP, RFLAGS with RF, CS and RIP on RSP0") {
    M m;
    m.enter_long(3);
    m.cpu->set_rflags(kOne | rflags::kCf | rflags::kIf);
    m.code_here({0x90, 0x0f, 0x0b});  // NOP; UD2
    m.run(2);
    CHECK(m.in_handler(6));
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->gpr[kRsp] == M::kRsp0 - 40);
    const u64 flags = kOne | rflags::kCf | rflags::kIf | rflags::kRf;
    CHECK(frame_below(m, M::kRsp0, 5) ==
          std::vector<u64>{M::kCode + 1, M::kUserCs, flags, M::kUserStack, M::kUserSs});
    CHECK(m.cpu->seg[kCs].selector == M::kKernelCs);
    CHECK(m.cpu->seg[kSs].selector == 0);
    CHECK(m.cpu->rflags() == (kOne | rflags::kCf));
    CHECK(m.cpu->exceptions_taken == 1);
}

TEST_CASE("At the same privilege the stack stays, aligned to 16 bytes, and a trap gate leaves IF") {
    M m;
    m.enter_long(0);
    m.set_gate(13, 0x8f);
    m.cpu->gpr[kRsp] = M::kKernelStack - 5;
    m.cpu->set_rflags(kOne | rflags::kIf);
    m.code_here({0x0f, 0x32});  // RDMSR of a register that is not there
    m.cpu->gpr[kRcx] = 0x1234;
    m.run();
    CHECK(m.in_handler(13));
    CHECK(m.cpu->gpr[kRsp] == M::kKernelStack - 16 - 48);
    const u64 flags = kOne | rflags::kIf | rflags::kRf;
    CHECK(frame_below(m, M::kKernelStack - 16, 6) ==
          std::vector<u64>{0, M::kCode, M::kKernelCs, flags, M::kKernelStack - 5, M::kKernelSs});
    CHECK(m.cpu->rflags() == (kOne | rflags::kIf));
    CHECK(m.cpu->seg[kSs].selector == M::kKernelSs);
}

TEST_CASE("A page fault has its error code and CR2, and takes the gate's interrupt stack") {
    M m;
    m.enter_long(0);
    m.set_gate(14, 0x8e, 1);
    m.put(M::kTable + 8 * 5, u64{0});
    m.cpu->gpr[kRax] = M::kSmallPages + 0x5678;
    m.code_here({0x89, 0x18});  // MOV [RAX], EBX
    m.run();
    CHECK(m.in_handler(14));
    CHECK(m.cpu->cr2 == M::kSmallPages + 0x5678);
    CHECK(m.cpu->gpr[kRsp] == M::kIst1 - 48);
    CHECK(error_on_stack(m) == 2);
    CHECK(m.cpu->page_faults == 1);
    CHECK(m.cpu->seg[kSs].selector == M::kKernelSs);
}

TEST_CASE("INT n needs a gate of DPL 3 from CPL 3, and returns after itself") {
    M m;
    m.enter_long(3);
    SECTION("allowed") {
        m.set_gate(0x80, 0xee);
        m.code_here({0xcd, 0x80});
        m.run();
        CHECK(m.in_handler(0x80));
        CHECK(m.get(M::kRsp0 - 40) == M::kCode + 2);
        CHECK(m.get(M::kRsp0 - 24) == kOne);
    }
    SECTION("refused") {
        m.code_here({0xcd, 0x80});
        m.run();
        CHECK(m.in_handler(13));
        CHECK(error_on_stack(m) == 0x80 * 8 + 2);
        CHECK(m.get(M::kRsp0 - 40) == M::kCode);
    }
    SECTION("INT3") {
        m.set_gate(3, 0xef);
        m.code_here({0xcc});
        m.run();
        CHECK(m.in_handler(3));
        CHECK(m.get(M::kRsp0 - 40) == M::kCode + 1);
    }
    SECTION("INT1 asks for no privilege") {
        m.code_here({0xf1});
        m.run();
        CHECK(m.in_handler(1));
        CHECK(m.get(M::kRsp0 - 40) == M::kCode + 1);
    }
}

TEST_CASE(
    "Bad gates: the error code names the vector, with EXT for events that the program did not ask for") {
    M m;
    m.enter_long(0);
    SECTION("INT n, gate not present") {
        m.set_gate(0x80, 0x0e);
        CHECK(m.raises(11, {0xcd, 0x80}));
        CHECK(error_on_stack(m) == 0x80 * 8 + 2);
    }
    SECTION("a fault, gate not present: #UD is benign, so #NP follows") {
        m.set_gate(6, 0x0e);
        CHECK(m.raises(11, {0x0f, 0x0b}));
        CHECK(error_on_stack(m) == 6 * 8 + 3);
    }
    SECTION("a 32-bit call gate's type") {
        m.set_gate(6, 0x8c);
        CHECK(m.raises(13, {0x0f, 0x0b}));
        CHECK(error_on_stack(m) == 6 * 8 + 3);
    }
    SECTION("outside the IDT") {
        m.cpu->idtr.limit = 0x80 * 16 - 1;
        CHECK(m.raises(13, {0xcd, 0x80}));
        CHECK(error_on_stack(m) == 0x80 * 8 + 2);
    }
    SECTION("a null code selector") {
        m.set_gate(6, 0x8e, 0, 0);
        CHECK(m.raises(13, {0x0f, 0x0b}));
        CHECK(error_on_stack(m) == 1);
    }
    SECTION("a 32-bit code segment") {
        m.set_gate(6, 0x8e, 0, M::kFree);
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode32));
        CHECK(m.raises(13, {0x0f, 0x0b}));
        CHECK(error_on_stack(m) == M::kFree + 1);
    }
    SECTION("code not present") {
        m.set_gate(6, 0x8e, 0, M::kFree);
        m.set_descriptor(M::kFree, descriptor(0, 0xfffff, kCode64 & ~0x80));
        CHECK(m.raises(11, {0x0f, 0x0b}));
        CHECK(error_on_stack(m) == M::kFree + 1);
    }
    SECTION("a TSS too small for RSP0") {
        m.enter_long(3);
        m.cpu->tr.limit = 10;
        m.set_gate(10, 0x8e, 0);
        m.code_here({0x0f, 0x0b});
        m.run();
        // #TS meets the same; so does #DF's delivery.
        CHECK(m.cpu->activity == Activity::Shutdown);
    }
}

TEST_CASE("Contributory faults in a row make a double fault, a third a shutdown that tells why") {
    M m;
    m.enter_long(0);
    SECTION("#GP in #GP") {
        m.set_gate(13, 0x0e);
        m.set_gate(8, 0x8e, 1);
        m.code_here({0x0f, 0x32});
        m.cpu->gpr[kRcx] = 0x1234;
        m.run();
        CHECK(m.in_handler(8));
        CHECK(error_on_stack(m) == 0);
        CHECK(m.get(M::kIst1 - 40) == M::kCode);
    }
    SECTION("#NP in #PF") {
        m.set_gate(14, 0x0e);
        CHECK(m.raises(8, {0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x70}));  // MOV EAX, [70000000H]
        CHECK(m.cpu->cr2 == 0x7000'0000);
    }
    SECTION("#PF in #GP is delivered by itself") {
        m.cpu->gpr[kRsp] = M::kSmallPages + 0x3000;
        m.put(M::kTable + 8 * 2, u64{0});
        m.set_gate(14, 0x8e, 1);
        m.cpu->gpr[kRcx] = 0x1234;
        m.code_here({0x0f, 0x32});
        m.run();
        CHECK(m.in_handler(14));
        CHECK(m.cpu->cr2 == M::kSmallPages + 0x3000 - 8);
        CHECK(m.get(M::kIst1 - 48) == 2);
    }
    SECTION("triple") {
        m.cpu->idtr.limit = 0;
        m.code_here({0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x70});
        m.run();
        CHECK(m.cpu->activity == Activity::Shutdown);
        const ShutdownReason& why = m.cpu->shutdown;
        CHECK(why.valid);
        REQUIRE(why.fault_count == 3);
        CHECK(why.faults[0].vector == 14);
        CHECK(why.faults[0].address == 0x7000'0000);
        CHECK(why.faults[1].vector == 13);
        CHECK(why.faults[1].error_code == 14 * 8 + 3);
        CHECK(why.faults[2].vector == 13);
        CHECK(why.faults[2].error_code == 8 * 8 + 3);
        CHECK(why.rip == M::kCode);
        CHECK(why.cs == M::kKernelCs);
    }
}

TEST_CASE("An interrupt is taken at a boundary with IF, and not in the shadow of STI or MOV SS") {
    M m;
    m.enter_long(0);
    m.cpu->intr = true;
    SECTION("IF clear") {
        m.code_here({0x90, 0x90});
        m.run(2);
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("STI") {
        m.code_here({0xfb, 0x90, 0x90});
        m.run(3);
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 2);
        CHECK(m.cpu->rip() == M::handler(0x40) + 1);
        CHECK(m.cpu->activity == Activity::Halted);
        CHECK(m.apic.acknowledged == 1);
        CHECK((m.get(M::kKernelStack - 24) & rflags::kRf) == 0);
    }
    SECTION("MOV SS") {
        m.cpu->set_rflags(kOne | rflags::kIf);
        m.cpu->intr = false;
        m.cpu->gpr[kRax] = M::kKernelSs;
        m.code_here({0x8e, 0xd0, 0x90, 0x90});
        m.run();
        m.cpu->intr = true;
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 3);
        m.run();
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 3);
    }
    SECTION("wakes a HLT") {
        m.cpu->intr = false;
        m.code_here({0xfb, 0xf4, 0x90});
        m.run(5);
        CHECK(m.cpu->activity == Activity::Halted);
        m.cpu->intr = true;
        m.run(1);
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 2);
    }
    SECTION("a fault of its delivery has EXT") {
        m.set_gate(0x40, 0x0e);
        m.cpu->set_rflags(kOne | rflags::kIf);
        m.code_here({0x90});
        m.run();
        CHECK(m.get(M::kKernelStack - 48) == 0x40 * 8 + 3);
        CHECK(m.get(M::kKernelStack - 40) == M::kCode);
    }
}

TEST_CASE("An NMI blocks further ones until IRET") {
    M m;
    m.enter_long(0);
    m.write(M::handler(2), {0x90, 0x48, 0xcf});  // NOP; IRETQ
    m.code_here({0x90, 0x90});
    m.cpu->nmi_pending = true;
    m.run();
    CHECK(m.cpu->rip() == M::handler(2) + 1);
    m.cpu->nmi_pending = true;
    m.run();
    CHECK(m.cpu->rip() == M::kCode);
    CHECK(m.cpu->gpr[kRsp] == M::kKernelStack);
    m.run();
    CHECK(m.cpu->rip() == M::handler(2) + 1);
}

TEST_CASE("TF traps after the instruction, with DR6.BS and no RF") {
    M m;
    m.enter_long(3);
    m.cpu->set_rflags(kOne | rflags::kTf);
    m.code_here({0x90, 0x90});
    m.run();
    CHECK(m.in_handler(1));
    CHECK(m.get(M::kRsp0 - 40) == M::kCode + 1);
    CHECK(m.get(M::kRsp0 - 24) == (kOne | rflags::kTf));
    CHECK(m.cpu->dr[6] == 0xffff'4ff0);
    CHECK((m.cpu->rflags() & rflags::kTf) == 0);
}

TEST_CASE("The trap follows an instruction that clears TF, but not MOV SS, INT n or SYSCALL") {
    M m;
    m.enter_long(0);
    m.cpu->set_rflags(kOne | rflags::kTf);
    SECTION("POPF") {
        m.cpu->gpr[kRsp] -= 8;
        m.put(m.cpu->gpr[kRsp], u64{kOne});
        m.code_here({0x9d, 0x90});
        m.run();
        CHECK(m.in_handler(1));
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 1);
        CHECK(m.get(M::kKernelStack - 24) == kOne);
    }
    SECTION("MOV SS: after the next instruction") {
        m.cpu->gpr[kRax] = M::kKernelSs;
        m.code_here({0x8e, 0xd0, 0x90, 0x90});
        m.run(2);
        CHECK(m.in_handler(1));
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 3);
    }
    SECTION("INT n") {
        m.write(M::handler(0x80), {0x90, 0x90});
        m.code_here({0xcd, 0x80});
        m.run(2);
        CHECK(m.cpu->rip() == M::handler(0x80) + 1);
        CHECK(m.get(M::kKernelStack - 24) == (kOne | rflags::kTf));
    }
    SECTION("SYSCALL with TF masked") {
        m.cpu->msr.star = u64{M::kKernelCs} << 32;
        m.cpu->msr.lstar = M::kCode + 0x40;
        m.cpu->msr.fmask = rflags::kTf;
        m.write(M::kCode + 0x40, {0x90, 0x90});
        m.code_here({0x0f, 0x05});
        m.run(2);
        CHECK(m.cpu->rip() == M::kCode + 0x41);
    }
}

TEST_CASE("IRETQ returns to CPL 3 with stack and flags, and empties segments of the kernel") {
    M m;
    m.enter_long(0);
    const u64 frame = M::kKernelStack - 40;
    m.put(frame, M::kCode + 0x100);
    m.put(frame + 8, u64{M::kUserCs});
    m.put(frame + 16, u64{kOne | rflags::kIf | rflags::kZf | rflags::kRf});
    m.put(frame + 24, M::kUserStack - 8);
    m.put(frame + 32, u64{M::kUserSs});
    m.cpu->gpr[kRsp] = frame;
    SECTION("valid") {
        m.cpu->seg[kFs].base = 0x1234;
        m.cpu->seg[kFs].access = 0;
        m.code_here({0x48, 0xcf});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 0x100);
        CHECK(m.cpu->cpl == 3);
        CHECK(m.cpu->gpr[kRsp] == M::kUserStack - 8);
        CHECK((m.cpu->rflags() & ~rflags::kRf) == (kOne | rflags::kIf | rflags::kZf));
        CHECK(m.cpu->seg[kDs].selector == 0);
        CHECK_FALSE(m.cpu->seg[kDs].present());
        CHECK(m.cpu->seg[kFs].base == 0x1234);
    }
    SECTION("FS and GS of the kernel lose their selectors, and keep their bases") {
        m.cpu->seg[kFs].base = 0x1'2345'0000;
        m.cpu->seg[kGs].base = 0x5'4321'0000;
        m.cpu->update_mode();
        SECTION("IRETQ") {
            m.code_here({0x48, 0xcf});
        }
        SECTION("far RET") {
            m.put(frame + 16, M::kUserStack - 8);
            m.put(frame + 24, u64{M::kUserSs});
            m.code_here({0x48, 0xcb});
        }
        m.run();
        CHECK(m.cpu->cpl == 3);
        for (const SegmentIndex index : {kFs, kGs}) {
            CHECK(m.cpu->seg[index].selector == 0);
            CHECK_FALSE(m.cpu->seg[index].present());
            CHECK(m.cpu->seg_base[index] == (index == kFs ? 0x1'2345'0000 : 0x5'4321'0000));
        }
    }
    SECTION("a null SS for CPL 3") {
        m.put(frame + 32, u64{3});
        CHECK(m.raises(13, {0x48, 0xcf}));
        CHECK(error_on_stack(m) == 0);
    }
    SECTION("RPL of SS differs") {
        m.put(frame + 32, u64{M::kKernelSs});
        CHECK(m.raises(13, {0x48, 0xcf}));
        CHECK(error_on_stack(m) == M::kKernelSs);
    }
    SECTION("a target that is not canonical") {
        m.put(frame, u64{1} << 47);
        CHECK(m.raises(13, {0x48, 0xcf}));
    }
    SECTION("NT") {
        m.cpu->set_rflags(kOne | rflags::kNt);
        CHECK(m.raises(13, {0x48, 0xcf}));
    }
}
