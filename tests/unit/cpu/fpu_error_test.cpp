// x87 errors with CR0.NE = 0, as a PC reports them: FERR# latches interrupt 13, a write to port F0H clears it
// and has the CPU ignore the error (SDM vol. 1, D.2.1).
#include "devices/fpu_error.h"
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

struct Wire : IrqSink {
    void set_irq(unsigned number, bool asserted) override {
        line = number;
        level = asserted;
    }
    unsigned line = 0;
    bool level = false;
};

// Real mode; the vector is 75H, its handler at 0000:0700H.
struct Pc {
    Pc() : latch({&wire, 13}, [this] { m.cpu->ignne = true; }) {
        m.bus.map_io(FpuErrorLatch::kPort, 2, latch);
        m.enter_real();
        m.put(0x75 * 4, u32{0x700});
        m.apic.vector = 0x75;
        m.cpu->x87 = {};
        m.cpu->set_rflags(rflags::kReservedOne | rflags::kIf);
        m.cpu->env.ferr = [](void* to) { static_cast<FpuErrorLatch*>(to)->raise(); };
        m.cpu->env.ferr_context = &latch;
        m.put(0x4000, u16{0x37b});  // #Z unmasked
        // FLDCW [4000H]; FLD1; FLDZ; FDIVP; FLD1; HLT
        m.code_here({0xd9, 0x2e, 0x00, 0x40, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0xd9, 0xe8, 0xf4});
    }
    M m;
    Wire wire;
    FpuErrorLatch latch;
};

}  // namespace

TEST_CASE("The next waiting instruction asserts FERR# and waits for the interrupt, then goes on") {
    Pc pc;
    M& m = pc.m;
    // OUT F0H, AL; FNCLEX; IRET
    m.write(0x700, {0xe6, 0xf0, 0xdb, 0xe2, 0xcf});
    m.run(4);
    CHECK_FALSE(pc.wire.level);  // not before the next one
    m.run(1);
    CHECK(pc.wire.level);
    CHECK(pc.wire.line == 13);
    CHECK(m.cpu->waits());
    CHECK(m.cpu->rip() == M::kRealCode + 10);
    m.cpu->intr = true;
    m.run(1);
    CHECK_FALSE(pc.wire.level);
    CHECK(m.cpu->ignne);
    m.run(3);  // FNCLEX; IRET; FLD1
    CHECK(m.cpu->rip() == M::kRealCode + 12);
    CHECK((m.cpu->x87.status & 0x80) == 0);
}

TEST_CASE("IGNNE#: waiting instructions run with the error pending, until another error") {
    Pc pc;
    M& m = pc.m;
    // OUT F0H, AL; FWAIT; FLDPI; FNCLEX; FLDZ; FDIV ST, ST(1); FWAIT
    m.write(0x700,
            {0xe6, 0xf0, 0x9b, 0xd9, 0xeb, 0xdb, 0xe2, 0xd9, 0xe8, 0xd9, 0xee, 0xd8, 0xf1, 0xd8, 0xf9, 0x9b});
    m.run(5);
    m.cpu->intr = true;
    m.run(3);
    CHECK(m.cpu->rip() == 0x705);
    CHECK((m.cpu->x87.status & 0x80) != 0);
    CHECK(m.cpu->activity == Activity::Running);
    m.run(6);  // FNCLEX; FLD1; FLDZ; FDIV 0 / 1; FDIVR 1 / 0: the next error
    CHECK_FALSE(m.cpu->ignne);
    CHECK(pc.wire.level);
    CHECK(m.cpu->waits());
    CHECK(m.cpu->rip() == 0x70f);
}

TEST_CASE("The latch: reads, and writes where nothing is latched") {
    Pc pc;
    CHECK(pc.m.bus.io_read(0xf0, 1) == 0xff);
    pc.m.bus.io_write(0xf0, 1, 0);
    CHECK_FALSE(pc.m.cpu->ignne);
    pc.latch.raise();
    pc.m.bus.io_write(0xf1, 1, 0);
    CHECK(pc.wire.level);
    SaveArchive save;
    pc.latch.visit(save);
    Pc other;
    LoadArchive load(save.take());
    other.latch.visit(load);
    other.m.bus.io_write(0xf0, 1, 0);
    CHECK(other.m.cpu->ignne);
}
