// MONITOR and MWAIT (SDM vol. 2; vol. 3A, 8.10.4): what ends the wait, and what they refuse.
#include "emulator/core/cpu/run/memory.h"
#include "emulator/core/cpu/state/cpuid.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u64 kLine = M::kSmallPages + 0x1040;

// MONITOR; MWAIT; NOP; NOP at kCode. Ends waiting.
void wait_for_line(M& m, u64 address = kLine + 5) {
    m.enter_long(0);
    m.cpu->gpr[kRax] = address;
    m.code_here({0x0f, 0x01, 0xc8, 0x0f, 0x01, 0xc9, 0x90, 0x90});
    m.run(2);
}

// As another CPU's or a device's write.
void write_from_outside(M& m, u64 physical, unsigned size) {
    m.code.invalidate(physical, size);
    m.put(physical, u8{1});
}

}  // namespace

TEST_CASE("A write to the monitored line ends the wait, one beside it does not") {
    M m;
    wait_for_line(m);
    REQUIRE(m.cpu->activity == Activity::MonitorWait);
    CHECK(m.cpu->waits());
    CHECK(m.cpu->rip() == M::kCode + 6);
    m.run(1);
    CHECK(m.cpu->rip() == M::kCode + 6);
    write_from_outside(m, kLine - 1, 1);
    write_from_outside(m, kLine + 64, 8);
    CHECK(m.cpu->waits());
    write_from_outside(m, kLine - 4, 5);
    CHECK_FALSE(m.cpu->waits());
    m.run(1);
    CHECK(m.cpu->rip() == M::kCode + 7);
}

TEST_CASE("A write between MONITOR and MWAIT is not missed, through whatever mapping and fast table") {
    M m;
    m.enter_long(0);
    m.put(M::kTable + 8 * 9, (M::kSmallPages + 0x1000) | 7);  // an alias of the page
    m.cpu->gpr[kRbx] = M::kSmallPages + 0x9000;
    m.cpu->gpr[kRax] = kLine;
    // MOV [RBX], EAX (the page is now in the fast table); MONITOR; MOV [RBX], EAX; MOV [RBX + 40H], ECX;
    // MWAIT; NOP
    m.code_here({0x89, 0x03, 0x0f, 0x01, 0xc8, 0x89, 0x03, 0x89, 0x4b, 0x40, 0x0f, 0x01, 0xc9, 0x90});
    for (unsigned i = 0; i < 5; ++i) m.run(1);
    CHECK(m.cpu->activity == Activity::Running);
    CHECK(m.cpu->rip() == M::kCode + 13);
}

TEST_CASE("An interrupt ends the wait if IF is set; an NMI always") {
    M m;
    wait_for_line(m);
    SECTION("IF clear") {
        m.cpu->intr = true;
        CHECK(m.cpu->waits());
    }
    SECTION("IF set") {
        m.cpu->set_rflags(rflags::kReservedOne | rflags::kIf);
        m.cpu->intr = true;
        CHECK_FALSE(m.cpu->waits());
        m.run(1);
        CHECK(m.in_handler(0x40));
        CHECK(m.get(M::kKernelStack - 40) == M::kCode + 6);
    }
    SECTION("NMI") {
        m.cpu->nmi_pending = true;
        m.run(1);
        CHECK(m.in_handler(2));
    }
}

TEST_CASE("STI; MWAIT is not interrupted before it waits") {
    M m;
    m.enter_long(0);
    m.cpu->gpr[kRax] = kLine;
    m.code_here({0x0f, 0x01, 0xc8, 0xfb, 0x0f, 0x01, 0xc9, 0x90});
    m.cpu->intr = true;
    m.run(4);
    CHECK(m.get(M::kKernelStack - 40) == M::kCode + 7);
}

TEST_CASE("MWAIT without MONITOR goes on; a line that is no RAM cannot be armed") {
    M m;
    m.enter_long(0);
    m.code_here({0x0f, 0x01, 0xc9, 0x90});
    m.run(2);
    CHECK(m.cpu->rip() == M::kCode + 4);
    m.put(M::kTable + 8 * 3, u64{0x1000'0000} | 7);
    wait_for_line(m, M::kSmallPages + 0x3000);
    // enter_long() has mapped the page again.
    CHECK(m.cpu->activity == Activity::MonitorWait);
    m.cpu->activity = Activity::Running;
    m.put(M::kTable + 8 * 3, u64{0x1000'0000} | 7);
    m.cpu->tlb.invalidate_all(true);
    m.cpu->rip() = M::kCode;
    m.run(3);
    CHECK(m.cpu->rip() == M::kCode + 7);
}

TEST_CASE("What MONITOR and MWAIT refuse") {
    M m;
    SECTION("CPL 3") {
        m.enter_long(3);
        CHECK(m.raises(6, {0x0f, 0x01, 0xc8}));
        m.enter_long(3);
        CHECK(m.raises(6, {0x0f, 0x01, 0xc9}));
    }
    SECTION("extensions in ECX") {
        m.enter_long(0);
        m.cpu->gpr[kRcx] = 1;
        CHECK(m.raises(13, {0x0f, 0x01, 0xc9}));
        m.restart();
        CHECK(m.raises(13, {0x0f, 0x01, 0xc8}));
    }
    SECTION("a page that is not there") {
        m.enter_long(0);
        m.cpu->gpr[kRax] = 0x7000'0000;
        CHECK(m.raises(14, {0x0f, 0x01, 0xc8}));
    }
    SECTION("IA32_MISC_ENABLE, and CPUID tells") {
        m.enter_long(0);
        CHECK((cpuid(*m.cpu, 1, 0).ecx & 8) != 0);
        m.cpu->gpr[kRcx] = 0x1a0;
        m.cpu->gpr[kRax] = 1;
        m.cpu->gpr[kRdx] = 0;
        m.code_here({0x0f, 0x30});
        m.run();
        REQUIRE(m.cpu->rip() == M::kCode + 2);
        CHECK((cpuid(*m.cpu, 1, 0).ecx & 8) == 0);
        m.cpu->gpr[kRcx] = 0;
        CHECK(m.raises(6, {0x0f, 0x01, 0xc8}));
    }
}

TEST_CASE("The wait is in a snapshot") {
    M a, b;
    wait_for_line(a);
    b.enter_long(0);
    b.write(M::kCode + 6, {0x90});
    SaveArchive save;
    a.cpu->visit(save);
    LoadArchive load(save.take());
    b.cpu->visit(load);
    CHECK(b.cpu->waits());
    write_from_outside(b, kLine, 1);
    b.run(1);
    CHECK(b.cpu->rip() == M::kCode + 7);
}
