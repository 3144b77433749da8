// Code that changes: by itself, through other mappings, by DMA, by strings; in the running block and in
// linked ones. SDM vol. 3A, 8.1.3: on one processor a store is seen by the instructions after it.
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u64 kPage = M::kSmallPages + 0x3000, kAlias = M::kSmallPages + 0x7000;

// 64-bit mode at `cpl`, code at kPage, which kAlias maps too.
void enter(M& m, unsigned cpl = 0) {
    m.enter_long(cpl);
    m.put(M::kTable + 8 * 7, kPage | 7);
    m.cpu->rip() = kPage;
}

void run_on(M& m, unsigned count) {
    const u64 end = m.cpu->instructions() + count;
    while (m.cpu->instructions() < end && m.cpu->activity == Activity::Running) m.cpu->run(end, kNever);
}

}  // namespace

TEST_CASE("A store into the next instruction of the running block is seen by it") {
    M m;
    enter(m);
    const bool through_alias = GENERATE(false, true);
    const bool warm = GENERATE(false, true);
    CAPTURE(through_alias, warm);
    m.cpu->gpr[kRbx] = (through_alias ? kAlias : kPage) + 3;
    // MOV [RBX], AL; NOP; INC ECX; HLT. The store goes to INC's first byte.
    m.code_here({0x88, 0x03, 0x90, 0xff, 0xc1, 0xf4, 0xf4});
    if (warm) {
        m.cpu->gpr[kRax] = 0xff;
        run_on(m, 4);
        REQUIRE(m.cpu->gpr[kRcx] == 1);
        m.cpu->rip() = kPage;
        m.cpu->activity = Activity::Running;
    }
    m.cpu->gpr[kRcx] = 0;
    // 83 C1 F4: ADD ECX, -12
    m.cpu->gpr[kRax] = 0x83;
    run_on(m, 4);  // as long as the block is, so that it is entered
    CHECK(m.cpu->activity == Activity::Halted);
    CHECK(static_cast<i32>(m.cpu->gpr[kRcx]) == -12);
}

TEST_CASE("A loop that changes its own immediate each time round") {
    M m;
    enter(m);
    // 0: INC BYTE [RIP + 1], the immediate's low byte; 6: ADD EAX, 0; 11: LOOP 0; 13: HLT
    m.code_here({0xfe, 0x05, 0x01, 0, 0, 0, 0x05, 0, 0, 0, 0, 0xe2, 0xf3, 0xf4});
    m.cpu->gpr[kRcx] = 10;
    run_on(m, 31);
    CHECK(m.cpu->activity == Activity::Halted);
    CHECK(m.cpu->gpr[kRax] == 55);
}

TEST_CASE("Changed code is not run through links that other blocks keep to it") {
    M m;
    enter(m);
    // kPage: JMP to kPage + 40H; there: INC EAX; HLT.
    m.code_here({0xeb, 0x3e});
    m.write(kPage + 0x40, {0xff, 0xc0, 0xf4});
    for (unsigned i = 0; i < 3; ++i) {
        m.cpu->rip() = kPage;
        m.cpu->activity = Activity::Running;
        run_on(m, 3);
    }
    REQUIRE(m.cpu->gpr[kRax] == 3);
    SECTION("changed by a store through the alias") {
        m.write(M::kCode, {0xc6, 0x03, 0xff, 0xc6, 0x43, 0x01, 0xc8, 0xf4});  // MOV [RBX], FFH; [RBX+1], C8H
        m.cpu->gpr[kRbx] = kAlias + 0x40;
        m.cpu->rip() = M::kCode;
        m.cpu->activity = Activity::Running;
        run_on(m, 3);
    }
    SECTION("changed by DMA") {
        // As Machine does: the bus tells of writes to RAM.
        m.bus.on_ram_write([&](u64 physical, u64 size) {
            if (m.code.invalidate(physical, size)) m.cpu->request_exit();
        });
        const u8 dec[] = {0xff, 0xc8};
        m.bus.dma_write(kPage + 0x40, dec, sizeof dec);
    }
    m.cpu->rip() = kPage;
    m.cpu->activity = Activity::Running;
    run_on(m, 3);
    CHECK(m.cpu->gpr[kRax] == 2);  // DEC EAX
}

TEST_CASE("REP STOS over code, also over the code behind itself") {
    M m;
    enter(m);
    m.cpu->gpr[kRax] = 0xf4;
    m.cpu->gpr[kRcx] = 0x40;
    m.cpu->gpr[kRdi] = kPage + 0x102;
    m.write(kPage + 0x100, {0xf3, 0xaa, 0xff, 0xc2, 0xff, 0xc2});  // REP STOSB; INC EDX; INC EDX
    m.cpu->rip() = kPage + 0x100;
    run_on(m, 2);
    CHECK(m.cpu->activity == Activity::Halted);
    CHECK(m.cpu->gpr[kRdx] == 0x000506e3);  // as after reset
    CHECK(m.cpu->rip() == kPage + 0x103);
    CHECK(m.cpu->gpr[kRcx] == 0);
}

TEST_CASE("A store that crosses into a page of code from the page before it") {
    M m;
    enter(m);
    m.cpu->rip() = kPage + 0x1000;
    m.write(kPage + 0x1000, {0xff, 0xc0, 0xf4});  // INC EAX; HLT
    run_on(m, 2);
    REQUIRE(m.cpu->gpr[kRax] == 1);
    m.write(kPage + 0x200, {0x89, 0x0b, 0xf4});  // MOV [RBX], ECX
    m.cpu->gpr[kRbx] = kPage + 0xffe;
    m.cpu->gpr[kRcx] = 0xc8ff'0000;
    m.cpu->rip() = kPage + 0x200;
    m.cpu->activity = Activity::Running;
    run_on(m, 2);
    m.cpu->rip() = kPage + 0x1000;
    m.cpu->activity = Activity::Running;
    run_on(m, 2);
    CHECK(m.cpu->gpr[kRax] == 0);
}

TEST_CASE("An instruction that crosses two pages sees changes of both") {
    M m;
    enter(m);
    auto run_it = [&] {
        m.cpu->gpr[kRax] = 0;
        m.cpu->rip() = kPage + 0xffd;
        m.cpu->activity = Activity::Running;
        run_on(m, 2);
        return m.cpu->gpr[kRax];
    };
    m.write(kPage + 0xffd, {0xb8, 0x11, 0x22});
    m.write(kPage + 0x1000, {0x33, 0x44, 0xf4});  // MOV EAX, 44332211H; HLT
    CHECK(run_it() == 0x4433'2211);
    m.write(kPage + 0x1000, {0x55});
    CHECK(run_it() == 0x4455'2211);
    m.write(kPage + 0xfff, {0x66});
    CHECK(run_it() == 0x4455'6611);
}

TEST_CASE("A page that becomes code is watched although its address was in the fast table for writing") {
    M m;
    enter(m);
    m.cpu->gpr[kRbx] = kAlias + 0x80;
    // MOV BYTE [RBX + 700H], 0: the page comes into the fast table; MOV BYTE [RBX], F4H; HLT
    m.write(M::kCode, {0xc6, 0x83, 0x00, 0x07, 0x00, 0x00, 0x00, 0xc6, 0x03, 0xf4, 0xf4});
    m.cpu->rip() = M::kCode;
    run_on(m, 3);
    m.write(kPage + 0x80, {0xff, 0xc0, 0xf4});  // a write from outside: INC EAX; HLT
    m.cpu->rip() = kPage + 0x80;
    m.cpu->activity = Activity::Running;
    run_on(m, 2);
    REQUIRE(m.cpu->gpr[kRax] == 1);
    m.cpu->rip() = M::kCode;
    m.cpu->activity = Activity::Running;
    run_on(m, 3);  // the first store, beside the code, must not bring it back
    m.cpu->rip() = kPage + 0x80;
    m.cpu->activity = Activity::Running;
    run_on(m, 2);  // a block of the old code would fit
    CHECK(m.cpu->rip() == kPage + 0x81);
    CHECK(m.cpu->gpr[kRax] == 1);
}

TEST_CASE("The same bytes under another mode are decoded anew") {
    M m;
    m.enter_protected(0);
    m.code_here({0xb8, 0x11, 0x22, 0x33, 0x44});
    m.run();
    CHECK(m.cpu->gpr[kRax] == 0x4433'2211);
    m.load(kCs, M::kKernelCs, kCode16);
    m.cpu->seg[kCs].base = M::kCode;
    m.cpu->gpr[kRax] = 0;
    m.cpu->rip() = 0;
    m.cpu->update_mode();
    m.run();
    CHECK(m.cpu->gpr[kRax] == 0x2211);
}

TEST_CASE("A block's link is forgotten when an interrupt comes between it and its target") {
    M m;
    enter(m);
    m.write(M::handler(0x40), {0xff, 0xc2, 0x48, 0xcf});  // INC EDX; IRETQ
    m.cpu->set_rflags(rflags::kReservedOne | rflags::kIf);
    m.cpu->gpr[kRdx] = 0;
    // INC EAX; JMP to INC ECX; HLT
    m.code_here({0xff, 0xc0, 0xeb, 0x3c});
    m.write(kPage + 0x40, {0xff, 0xc1, 0xf4});
    m.run(2);  // the block's link is to be set by the next look-up
    m.cpu->intr = true;
    run_on(m, 3);  // INC EDX; IRETQ; INC ECX
    m.cpu->rip() = kPage;
    run_on(m, 4);  // as many as the handler's block would fit into
    CHECK(m.cpu->activity == Activity::Halted);
    CHECK(m.cpu->gpr[kRax] == 2);
    CHECK(m.cpu->gpr[kRcx] == 2);
    CHECK(m.cpu->gpr[kRdx] == 1);
}
