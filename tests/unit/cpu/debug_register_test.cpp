// Breakpoints of the debug registers, the debug exceptions they make, and RF (SDM vol. 3B, chapter 17).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;
constexpr u64 kDr6 = 0xffff'0ff0, kBs = 1u << 14, kBd = 1u << 13;
enum Condition { kExecute = 0, kWrite = 1, kPort = 2, kReadWrite = 3 };
enum Length { k1 = 0, k2 = 1, k8 = 2, k4 = 3 };

// MOV DRn, RAX as an instruction of its own, so that what it does besides storing is done too.
void set_dr(M& m, unsigned number, u64 value) {
    const u64 rax = m.cpu->gpr[kRax], rip = m.cpu->rip();
    m.cpu->gpr[kRax] = value;
    m.cpu->rip() = M::kCode + 0x3000;
    m.cpu->activity = Activity::Running;
    m.code_here({0x0f, 0x23, 0xc0 + number * 8});
    m.run();
    REQUIRE(m.cpu->rip() == M::kCode + 0x3003);
    m.cpu->gpr[kRax] = rax;
    m.cpu->rip() = rip;
}

void arm(M& m, unsigned i, u64 address, Condition condition, Length length) {
    set_dr(m, i, address);
    set_dr(m, 7, m.cpu->dr[7] | 2u << (2 * i) | u64{condition} << (16 + 4 * i) | u64{length} << (18 + 4 * i));
}

// Runs until the instruction count says that `count` more are done, however often the run is left.
void run_on(M& m, unsigned count) {
    const u64 end = m.cpu->instructions() + count;
    while (m.cpu->instructions() < end && m.cpu->activity == Activity::Running) m.cpu->run(end, kNever);
}

u64 saved_rip(M& m) {
    return m.get(m.cpu->gpr[kRsp]);
}
u64 saved_flags(M& m) {
    return m.get(m.cpu->gpr[kRsp] + 16);
}

// NOP; MOV EAX, [RBX]; MOV [RBX], EAX; NOP; HLT
void memory_program(M& m) {
    m.code_here({0x90, 0x8b, 0x03, 0x89, 0x03, 0x90, 0xf4});
}

}  // namespace

TEST_CASE("An execution breakpoint is a fault before the instruction; RF lets it pass once") {
    M m;
    m.enter_long(0);
    m.code_here({0x90, 0x90, 0x90, 0x90, 0xf4});
    m.write(M::handler(1), {0x48, 0x81, 0x4c, 0x24, 0x10, 0x00, 0x00, 0x01, 0x00, 0x48, 0xcf});
    arm(m, 2, M::kCode + 2, kExecute, k1);
    // Warm: blocks of this code exist already.
    SECTION("taken") {
        m.run(2);
        CHECK(m.cpu->rip() == M::kCode + 2);
        m.run(1);  // the handler's OR [RSP + 16], 10000H
        CHECK(m.cpu->rip() == M::handler(1) + 9);
        CHECK(saved_rip(m) == M::kCode + 2);
        CHECK(m.cpu->dr[6] == (kDr6 | 4));
        CHECK(saved_flags(m) == (kOne | rflags::kRf));
        run_on(m, 1);  // IRETQ
        CHECK(m.cpu->rip() == M::kCode + 2);
        CHECK((m.cpu->rflags() & rflags::kRf) != 0);
        run_on(m, 1);
        CHECK(m.cpu->rip() == M::kCode + 3);
        CHECK((m.cpu->rflags() & rflags::kRf) == 0);
    }
    SECTION("the image has no RF") {
        m.write(M::handler(1), {0xf4});
        run_on(m, 3);
        CHECK(m.in_handler(1));
        CHECK(saved_flags(m) == kOne);
    }
    SECTION("not on a byte within an instruction, nor once it is disarmed") {
        set_dr(m, 7, 0);
        run_on(m, 5);
        CHECK(m.cpu->rip() == M::kCode + 5);
        CHECK(m.cpu->exceptions_taken == 0);
    }
    SECTION("reached by a branch from another page") {
        m.write(M::kCode + 0x1000, {0xe9, 0xfd, 0xef, 0xff, 0xff});  // JMP kCode + 2
        set_dr(m, 7, 0);
        for (unsigned i = 0; i < 3; ++i) {  // links are made
            m.cpu->rip() = M::kCode + 0x1000;
            m.cpu->activity = Activity::Running;
            run_on(m, 4);
        }
        REQUIRE(m.cpu->activity == Activity::Halted);
        arm(m, 2, M::kCode + 2, kExecute, k1);
        m.write(M::handler(1), {0xf4});
        m.cpu->rip() = M::kCode + 0x1000;
        m.cpu->activity = Activity::Running;
        run_on(m, 4);
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::kCode + 2);
    }
}

TEST_CASE("A data breakpoint is a trap after the access") {
    M m;
    m.enter_long(0);
    memory_program(m);
    const u64 at = M::kSmallPages + 0x1008;
    m.cpu->gpr[kRbx] = at;
    run_on(m, 7);  // warm: the page is in the fast table
    m.restart();
    struct Case {
        Condition condition;
        Length length;
        u64 address;
        u64 trapped_after;  // 0: not at all
    };
    auto [condition, length, address, after] = GENERATE_COPY(values<Case>({
        {kWrite, k4, at, 5},
        {kReadWrite, k4, at, 3},
        {kWrite, k1, at + 3, 5},
        {kWrite, k1, at + 4, 0},
        {kWrite, k2, at - 1, 0},  // aligned down: at - 2
        {kReadWrite, k8, at + 7, 3},
        {kReadWrite, k8, at - 1, 0},
        {kReadWrite, k4, at + 0x1000, 0},
    }));
    CAPTURE(condition, length, address);
    arm(m, 1, address, condition, length);
    run_on(m, 5);
    if (after == 0) {
        CHECK(m.cpu->rip() == M::kCode + 7);
        CHECK(m.cpu->dr[6] == kDr6);
    } else {
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::kCode + after);
        CHECK(m.cpu->dr[6] == (kDr6 | 2));
        CHECK(saved_flags(m) == kOne);
    }
}

TEST_CASE("Data breakpoints see pushes, wide and crossing accesses, reads that change, and other levels") {
    M m;
    m.enter_long(3);
    const u64 at = M::kSmallPages + 0x2000;
    m.cpu->gpr[kRbx] = at - 4;
    m.cpu->gpr[kRsp] = at + 8;
    auto trapped = [&](std::initializer_list<unsigned> bytes, Condition condition, u64 address) {
        m.enter_long(0);
        m.cpu->dr[7] = 0x400;
        arm(m, 0, address, condition, k1);
        m.enter_long(3);
        m.cpu->gpr[kRbx] = at - 4;
        m.cpu->gpr[kRsp] = at + 8;
        m.cpu->dr[6] = kDr6;
        m.code_here(bytes);
        run_on(m, 1);
        return m.cpu->cpl == 0 && m.cpu->dr[6] == (kDr6 | 1);
    };
    CHECK(trapped({0x50}, kWrite, at));                   // PUSH RAX
    CHECK(trapped({0x58}, kReadWrite, at + 8));           // POP RAX
    CHECK(trapped({0x48, 0x8b, 0x03}, kReadWrite, at));   // MOV RAX, [RBX], over two pages
    CHECK(trapped({0x0f, 0x11, 0x03}, kWrite, at + 11));  // MOVUPS [RBX], XMM0
    CHECK_FALSE(trapped({0x0f, 0x11, 0x03}, kWrite, at + 12));
    CHECK(trapped({0x83, 0x03, 0x01}, kWrite, at - 4));          // ADD [RBX], 1
    CHECK(trapped({0xf0, 0x87, 0x03}, kWrite, at - 1));          // XCHG [RBX], EAX
    CHECK_FALSE(trapped({0x39, 0x03}, kWrite, at - 4));          // CMP [RBX], EAX
    CHECK(trapped({0x0f, 0xae, 0x43, 0x04}, kWrite, at + 400));  // FXSAVE [RBX + 4]
}

TEST_CASE("The frame of an event matches too: the trap comes before the handler's first instruction") {
    M m;
    m.enter_long(3);
    m.cpu->gpr[kRbx] = 0;
    m.code_here({0x0f, 0x0b});
    m.enter_long(0);
    arm(m, 0, M::kRsp0 - 40, kWrite, k8);
    m.enter_long(3);
    run_on(m, 1);
    CHECK(m.in_handler(1));
    CHECK(saved_rip(m) == M::handler(6));
    CHECK(m.cpu->exceptions_taken == 2);
}

TEST_CASE("REP: a data breakpoint traps after the iteration, and the rest follows") {
    M m;
    m.enter_long(0);
    const u64 at = M::kSmallPages + 0x1000;
    m.cpu->gpr[kRdi] = at;
    m.cpu->gpr[kRcx] = 16;
    m.cpu->gpr[kRax] = 0x11;
    arm(m, 3, at + 5, kWrite, k1);
    m.write(M::handler(1), {0x90, 0x48, 0xcf});  // NOP; IRETQ
    m.code_here({0xf3, 0xaa, 0x90, 0xf4});
    run_on(m, 1);
    CHECK(m.cpu->rip() == M::handler(1) + 1);
    CHECK(m.cpu->gpr[kRcx] == 10);
    CHECK(saved_rip(m) == M::kCode);
    CHECK((saved_flags(m) & rflags::kRf) != 0);
    run_on(m, 2);
    CHECK(m.cpu->rip() == M::kCode + 2);
    CHECK(m.cpu->gpr[kRcx] == 0);
    CHECK((m.cpu->rflags() & rflags::kRf) == 0);
}

TEST_CASE("TF: a trap after each iteration of REP, and the last one after the instruction") {
    M m;
    m.enter_long(0);
    m.cpu->set_rflags(kOne | rflags::kTf);
    m.cpu->gpr[kRdi] = M::kSmallPages;
    m.cpu->gpr[kRcx] = 3;
    m.code_here({0xf3, 0xaa, 0x90});
    for (u64 left : {2, 1, 0}) {
        m.cpu->run(m.cpu->instructions() + 1, kNever);
        CAPTURE(left);
        REQUIRE(m.in_handler(1));
        CHECK(m.cpu->gpr[kRcx] == left);
        const bool last = left == 0;
        const u64 top = M::kKernelStack - 40;
        CHECK(m.get(top) == M::kCode + (last ? 2 : 0));
        CHECK((m.get(top + 16) & rflags::kRf) == (last ? 0 : rflags::kRf));
        m.restart();
        m.cpu->gpr[kRsp] = M::kKernelStack;
        m.cpu->set_rflags(static_cast<u32>(m.get(top + 16)));
    }
}

TEST_CASE("An execution breakpoint on a REP matches once, also when an interrupt comes between iterations") {
    M m;
    m.enter_long(0);
    const u64 at = M::kSmallPages + 0x1000;
    m.cpu->gpr[kRdi] = at;
    m.cpu->gpr[kRcx] = 8;
    arm(m, 0, M::kCode, kExecute, k1);
    arm(m, 1, at + 3, kWrite, k1);
    // The handler sets RF, as one does to go on.
    m.write(M::handler(1), {0x48, 0x81, 0x4c, 0x24, 0x10, 0x00, 0x00, 0x01, 0x00, 0x48, 0xcf});
    m.code_here({0xf3, 0xaa, 0x90, 0xf4});
    run_on(m, 6);
    CHECK(m.cpu->gpr[kRcx] == 0);
    CHECK(m.cpu->rip() == M::kCode + 3);
    CHECK(m.cpu->exceptions_taken == 2);
}

TEST_CASE("Port breakpoints need CR4.DE and cover IN, OUT and their strings") {
    M m;
    m.enter_long(0);
    const bool extensions = GENERATE(true, false);
    CAPTURE(extensions);
    if (extensions) m.cpu->cr4 |= cr4::kDe;
    arm(m, 1, 0x302, kPort, k2);
    m.cpu->gpr[kRdx] = 0x300;
    m.cpu->gpr[kRsi] = M::kSmallPages;
    SECTION("a doubleword that overlaps") {
        m.code_here({0xef, 0x90});
        m.run();
        CHECK(m.in_handler(1) == extensions);
        if (extensions) CHECK(saved_rip(m) == M::kCode + 1);
    }
    SECTION("a word below") {
        m.code_here({0x66, 0xed, 0x90});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 2);
    }
    SECTION("OUTS") {
        m.cpu->gpr[kRdx] = 0x303;
        m.code_here({0x6e, 0x90});
        m.run();
        CHECK(m.in_handler(1) == extensions);
    }
}

TEST_CASE("One #DB tells of all its causes, and of this instruction only") {
    M m;
    m.enter_long(0);
    const u64 at = M::kSmallPages + 0x1000;
    m.cpu->gpr[kRbx] = at;
    arm(m, 0, at, kWrite, k4);
    arm(m, 3, at, kReadWrite, k1);
    SECTION("two breakpoints and a single step") {
        m.cpu->set_rflags(kOne | rflags::kTf);
        m.code_here({0x89, 0x03});
        m.run();
        CHECK(m.in_handler(1));
        CHECK(m.cpu->dr[6] == (kDr6 | kBs | 9));
        CHECK(m.cpu->exceptions_taken == 1);
    }
    SECTION("bits 0-3 are not left from the one before") {
        m.code_here({0x89, 0x03, 0x8b, 0x03});
        run_on(m, 1);
        CHECK(m.cpu->dr[6] == (kDr6 | 9));
        m.cpu->rip() = M::kCode + 2;
        m.cpu->activity = Activity::Running;
        run_on(m, 1);
        CHECK(m.cpu->dr[6] == (kDr6 | 8));
    }
    SECTION("an instruction that faults after its access has no trap") {
        // MOVS: the source matches, the destination is not mapped.
        m.cpu->gpr[kRsi] = at;
        m.cpu->gpr[kRdi] = 0x7000'0000;
        m.code_here({0xa4});
        m.run();
        CHECK(m.in_handler(14));
        m.cpu->activity = Activity::Running;
        run_on(m, 1);
        CHECK(m.cpu->exceptions_taken == 1);
        CHECK(m.cpu->dr[6] == kDr6);
    }
}

TEST_CASE("General detect: a fault before any access to a debug register, which clears GD") {
    M m;
    m.enter_long(0);
    set_dr(m, 7, 0x400 | 1u << 13);
    m.code_here({0x0f, 0x21, 0xc8});  // MOV RAX, DR1
    m.run();
    CHECK(m.in_handler(1));
    CHECK(saved_rip(m) == M::kCode);
    CHECK((saved_flags(m) & rflags::kRf) != 0);
    CHECK(m.cpu->dr[6] == (kDr6 | kBd));
    CHECK(m.cpu->dr[7] == 0x400);
}

TEST_CASE("DR4 and DR5 are DR6 and DR7, or #UD with CR4.DE at any level; reserved bits stay") {
    M m;
    m.enter_long(0);
    SECTION("aliases") {
        set_dr(m, 5, 0xffff'ffff & ~(1u << 13));
        CHECK(m.cpu->dr[7] == 0xffff'0fff);
        set_dr(m, 7, 0x400);
        set_dr(m, 4, 0);
        CHECK(m.cpu->dr[6] == kDr6);
    }
    SECTION("upper halves") {
        m.cpu->gpr[kRax] = u64{1} << 32;
        CHECK(m.raises(13, {0x0f, 0x23, 0xf8}));
    }
    SECTION("CR4.DE") {
        m.enter_long(GENERATE(0, 3));
        m.cpu->cr4 |= cr4::kDe;
        CHECK(m.raises(6, {0x0f, 0x21, 0xe8}));
    }
    SECTION("CPL 3") {
        m.enter_long(3);
        CHECK(m.raises(13, {0x0f, 0x21, 0xf0}));
    }
}

TEST_CASE("MOV SS holds back its own trap and an execution breakpoint on the next instruction") {
    M m;
    m.enter_long(0);
    const u64 at = M::kSmallPages + 0x1000;
    m.put(at, u16{M::kKernelSs});
    m.cpu->gpr[kRbx] = at;
    arm(m, 0, at, kReadWrite, k2);
    SECTION("the trap comes after the next instruction") {
        m.code_here({0x8e, 0x13, 0x90, 0x90});  // MOV SS, [RBX]
        run_on(m, 1);
        CHECK(m.cpu->rip() == M::kCode + 2);
        run_on(m, 1);
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::kCode + 3);
        CHECK(m.cpu->dr[6] == (kDr6 | 1));
    }
    SECTION("which may be INT n: then at the handler's first instruction") {
        m.code_here({0x8e, 0x13, 0xcd, 0x80});
        run_on(m, 2);
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::handler(0x80));
    }
    SECTION("an execution breakpoint there is suppressed") {
        set_dr(m, 7, 0x400);
        arm(m, 1, M::kCode + 2, kExecute, k1);
        m.code_here({0x8e, 0x13, 0x90, 0x90});
        run_on(m, 3);
        CHECK(m.cpu->rip() == M::kCode + 4);
        CHECK(m.cpu->exceptions_taken == 0);
    }
}

TEST_CASE("A single step over HLT, STI and IRET") {
    M m;
    m.enter_long(0);
    m.cpu->set_rflags(kOne | rflags::kTf);
    SECTION("HLT does not halt") {
        m.code_here({0xf4});
        m.run();
        CHECK(m.cpu->rip() == M::handler(1));
        CHECK(saved_rip(m) == M::kCode + 1);
        CHECK(m.cpu->activity == Activity::Running);
    }
    SECTION("STI is followed by its trap, not by the interrupt") {
        m.cpu->intr = true;
        m.code_here({0xfb, 0x90});
        m.run();
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::kCode + 1);
        CHECK(m.apic.acknowledged == 0);
    }
    SECTION("IRET that sets TF: after the instruction it returns to") {
        m.cpu->set_rflags(kOne);
        const u64 frame = M::kKernelStack - 40;
        const u64 items[] = {M::kCode + 0x10, M::kKernelCs, kOne | rflags::kTf, M::kKernelStack,
                             M::kKernelSs};
        for (unsigned i = 0; i < 5; ++i) m.put(frame + 8 * i, items[i]);
        m.cpu->gpr[kRsp] = frame;
        m.code_here({0x48, 0xcf});
        m.write(M::kCode + 0x10, {0x90, 0x90});
        m.run();
        CHECK(m.cpu->rip() == M::kCode + 0x10);
        m.run();
        CHECK(m.in_handler(1));
        CHECK(saved_rip(m) == M::kCode + 0x11);
    }
}

TEST_CASE("ICEBP leaves DR6 alone, and its frame has no RF") {
    M m;
    m.enter_long(0);
    m.code_here({0xf1});
    m.run();
    CHECK(m.in_handler(1));
    CHECK(m.cpu->dr[6] == kDr6);
    CHECK(saved_flags(m) == kOne);
}

TEST_CASE("An interrupt right after IRET saves RF for the instruction that was not reached") {
    M m;
    m.enter_long(0);
    const u64 frame = M::kKernelStack - 40;
    const u64 items[] = {M::kCode + 0x10, M::kKernelCs, kOne | rflags::kRf | rflags::kIf, M::kKernelStack,
                         M::kKernelSs};
    for (unsigned i = 0; i < 5; ++i) m.put(frame + 8 * i, items[i]);
    m.cpu->gpr[kRsp] = frame;
    m.code_here({0x48, 0xcf});
    m.run();
    m.cpu->intr = true;
    m.run();
    CHECK(m.cpu->rip() == M::handler(0x40) + 1);
    CHECK(saved_flags(m) == items[2]);
}

TEST_CASE("Breakpoints survive a snapshot") {
    M a, b;
    a.enter_long(0);
    b.enter_long(0);
    memory_program(a);
    memory_program(b);
    a.cpu->gpr[kRbx] = M::kSmallPages + 0x1000;
    arm(a, 0, M::kSmallPages + 0x1000, kWrite, k1);
    SaveArchive save;
    a.cpu->visit(save);
    LoadArchive load(save.take());
    b.cpu->visit(load);
    run_on(b, 3);
    CHECK(b.in_handler(1));
    CHECK(saved_rip(b) == M::kCode + 5);
}
