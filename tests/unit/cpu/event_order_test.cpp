// What comes first where several events meet, what holds which back, and how faults combine (SDM vol.
// 3A, 6.7, 6.8, 6.9 and tables 6-2, 6-4 and 6-5); INIT and start-up IPIs (8.4, 9.1).
#include "tests/unit/catch.h"
#include "tests/unit/cpu/bare_machine.h"

using namespace orrery;
using namespace orrery::test;
using M = BareMachine;

namespace {

constexpr u32 kOne = rflags::kReservedOne;

u64 saved_rip(M& m) {
    return m.get(m.cpu->gpr[kRsp]);
}

}  // namespace

TEST_CASE("Trap of the last instruction, then NMI, then interrupt, then breakpoint, then the instruction") {
    M m;
    m.enter_long(0);
    m.cpu->set_rflags(kOne | rflags::kIf);
    m.cpu->gpr[kRax] = M::kCode + 1;
    m.cpu->gpr[kRbx] = 0x401;
    // Execution breakpoint 0 at kCode + 1, by MOV DR0, RAX; MOV DR7, RBX.
    m.cpu->rip() = M::kCode + 0x100;
    m.code_here({0x0f, 0x23, 0xc0, 0x0f, 0x23, 0xfb});
    m.run(2);
    m.cpu->rip() = M::kCode;
    m.code_here({0x90, 0x0f, 0x0b});  // NOP; UD2
    for (unsigned vector : {1u, 2u, 6u, 0x40u}) m.write(M::handler(vector), {0x90, 0xf4});
    SECTION("all of them: nested in order of priority, each handler entered before its first instruction") {
        m.cpu->set_rflags(kOne | rflags::kIf | rflags::kTf);
        for (unsigned vector : {1u, 2u}) m.set_gate(vector, 0x8f);  // trap gates: IF stays
        m.run();
        CHECK(m.cpu->rip() == M::handler(1));  // the single step
        CHECK(saved_rip(m) == M::kCode + 1);
        CHECK(m.cpu->dr[6] == 0xffff'4ff0);
        m.cpu->nmi_pending = true;
        m.cpu->intr = true;
        m.run();  // NMI, and at its boundary the interrupt
        CHECK(m.cpu->rip() == M::handler(0x40) + 1);
        CHECK(saved_rip(m) == M::handler(2));
        CHECK(m.get(M::kKernelStack - 2 * 48 + 8) == M::handler(1));
    }
    SECTION("an interrupt before the breakpoint, and the breakpoint after its return") {
        m.write(M::handler(0x40), {0x48, 0xcf});
        m.run();
        REQUIRE(m.cpu->rip() == M::kCode + 1);
        m.cpu->intr = true;
        m.run();  // IRETQ
        CHECK(m.apic.acknowledged == 1);
        CHECK(m.cpu->exceptions_taken == 0);
        m.run();
        CHECK(m.cpu->rip() == M::handler(1) + 1);
        CHECK(saved_rip(m) == M::kCode + 1);
        CHECK(m.cpu->dr[6] == 0xffff'0ff1);
    }
    SECTION("the breakpoint before the instruction's own fault, and before one of its fetch") {
        m.run(2);
        CHECK(m.cpu->rip() == M::handler(1) + 1);
        CHECK(m.cpu->exceptions_taken == 1);
    }
}

TEST_CASE("STI's shadow lasts one instruction, and only where IF was clear") {
    M m;
    m.enter_long(0);
    SECTION("STI; STI") {
        m.cpu->intr = true;
        m.code_here({0xfb, 0xfb, 0x90});
        m.run(3);
        CHECK(saved_rip(m) == M::kCode + 2);
    }
    SECTION("IF set before") {
        m.cpu->set_rflags(kOne | rflags::kIf);
        m.code_here({0xfb, 0x90});
        m.run();
        m.cpu->intr = true;
        m.run();
        CHECK(saved_rip(m) == M::kCode + 1);
    }
    SECTION("STI; CLI: no interrupt comes between") {
        m.cpu->intr = true;
        m.code_here({0xfb, 0xfa, 0x90, 0x90});
        m.run(4);
        CHECK(m.cpu->rip() == M::kCode + 4);
        CHECK(m.apic.acknowledged == 0);
    }
    SECTION("STI; HLT: the interrupt wakes it at once") {
        m.cpu->intr = true;
        m.code_here({0xfb, 0xf4, 0x90});
        m.run(3);
        CHECK(saved_rip(m) == M::kCode + 2);
    }
    SECTION("a fault in the shadow ends it") {
        m.set_gate(6, 0x8f);
        m.cpu->intr = true;
        m.code_here({0xfb, 0x0f, 0x0b});
        m.run(2);
        CHECK(saved_rip(m) == M::handler(6));
    }
}

TEST_CASE("An NMI during an NMI waits for IRET, one is remembered; a fault's IRET unblocks too") {
    M m;
    m.enter_long(0);
    m.cpu->nmi_pending = true;
    m.code_here({0x90, 0x90, 0x90});
    SECTION("nested") {
        m.write(M::handler(2), {0x90, 0x90, 0x48, 0xcf});
        m.run();
        m.cpu->nmi_pending = true;
        m.run();
        CHECK(m.cpu->rip() == M::handler(2) + 2);
        m.run(2);  // IRETQ, the second NMI, its first instruction
        CHECK(m.cpu->rip() == M::handler(2) + 1);
        CHECK(saved_rip(m) == M::kCode);
        CHECK(m.cpu->interrupts_taken == 2);
    }
    SECTION("an exception in the handler: its IRET ends the blocking, as on hardware") {
        m.write(M::handler(2), {0x0f, 0x0b});
        m.write(M::handler(6), {0x48, 0xcf});
        m.run();
        CHECK_FALSE(m.cpu->nmi_blocked);
    }
    SECTION("it wakes a HLT with IF clear, and maskable interrupts do not") {
        m.cpu->nmi_pending = false;
        m.code_here({0xf4});
        m.cpu->intr = true;
        m.run(2);
        CHECK(m.cpu->waits());
        m.cpu->nmi_pending = true;
        m.run();
        CHECK(m.in_handler(2));
        CHECK(saved_rip(m) == M::kCode + 1);
    }
}

namespace {

// Raises `first` by an instruction; its delivery fails by a gate of the vector `second`'s kind.
enum class Fault { De, Ud, Gp, Pf };
struct Combination {
    Fault first;
    bool second_is_page_fault;  // else #NP
    unsigned delivered;
};

void raise_first(M& m, Fault fault) {
    switch (fault) {
        case Fault::De:
            m.cpu->gpr[kRcx] = 0;
            m.code_here({0xf7, 0xf1});  // DIV ECX
            return;
        case Fault::Ud:
            m.code_here({0x0f, 0x0b});
            return;
        case Fault::Gp:
            m.cpu->gpr[kRcx] = 0x1234;
            m.code_here({0x0f, 0x32});
            return;
        case Fault::Pf:
            m.code_here({0x8b, 0x04, 0x25, 0, 0, 0, 0x70});
            return;
    }
}
unsigned vector_of(Fault fault) {
    constexpr unsigned kVectors[] = {0, 6, 13, 14};
    return kVectors[static_cast<unsigned>(fault)];
}

}  // namespace

TEST_CASE("Table 6-5: which faults combine to a double fault, and which are delivered one after the other") {
    const auto [first, page_fault, delivered] = GENERATE_COPY(values<Combination>({
        {Fault::De, false, 8},
        {Fault::De, true, 14},
        {Fault::Ud, false, 11},
        {Fault::Ud, true, 14},
        {Fault::Gp, false, 8},
        {Fault::Gp, true, 14},
        {Fault::Pf, false, 8},
        {Fault::Pf, true, 8},
    }));
    CAPTURE(static_cast<int>(first), page_fault);
    M m;
    m.enter_long(0);
    // The IDT in the small pages; the entry of the first vector is not present, or lies on a page that is
    // not.
    const u64 idt = M::kSmallPages + 0x1000 - vector_of(first) * 16;
    std::memmove(m.bus.ram_at(idt), m.bus.ram_at(M::kIdt), 4096);
    m.cpu->idtr.base = idt;
    const u64 entry = idt + vector_of(first) * 16;
    REQUIRE(entry == M::kSmallPages + 0x1000);
    if (!page_fault) m.put(entry + 5, u8{0x0e});
    if (page_fault) {
        m.cpu->gpr[kRsp] = M::kSmallPages + 0x9000;  // the stack is not there
        m.put(M::kTable + 8 * 8, u64{0});
        for (unsigned vector : {8u, 14u})
            if (vector != vector_of(first)) m.put(idt + vector * 16 + 4, u8{1});  // IST 1
    }
    raise_first(m, first);
    m.run();
    CHECK(m.in_handler(delivered));
    if (delivered == 8) CHECK(m.get(m.cpu->gpr[kRsp]) == 0);
}

TEST_CASE("A fault while the double fault is delivered shuts down; a benign first fault does not count") {
    M m;
    m.enter_long(0);
    m.set_gate(13, 0x0e);
    SECTION("#DF's gate is not there either") {
        m.set_gate(8, 0x0e);
        m.cpu->gpr[kRcx] = 0x1234;
        m.code_here({0x0f, 0x32});
        m.run();
        CHECK(m.cpu->activity == Activity::Shutdown);
        CHECK(m.cpu->shutdown.fault_count == 3);
        m.run();
        CHECK(m.cpu->activity == Activity::Shutdown);
    }
    SECTION("an interrupt's gate that is bad, then #GP's: a double fault of two") {
        m.set_gate(0x40, 0x8c);
        m.cpu->set_rflags(kOne | rflags::kIf);
        m.cpu->intr = true;
        m.code_here({0x90});
        m.run();
        CHECK(m.in_handler(8));
    }
    SECTION("INT n through a bad gate: the #GP's own gate fails, so #NP and #GP make a double fault") {
        m.set_gate(0x80, 0x8c);
        m.code_here({0xcd, 0x80});
        m.run();
        CHECK(m.in_handler(8));
    }
}

TEST_CASE("INIT: registers as after reset, but for caches, FPU and SSE; an application processor waits") {
    M m;
    m.enter_long(3);
    m.cpu->xmm[3].q[0] = 77;
    m.cpu->mxcsr = 0x1f00;
    m.cpu->x87.control = 0x27f;
    m.cpu->dr[7] = 0x401;
    m.cpu->dr[0] = M::kCode;
    m.cpu->pkru = 5;
    m.cpu->msr.star = 0x1234;
    m.cpu->init_pending = true;
    m.cpu->env.cpu_count = 1;
    m.run(1);
    // The reset vector reads as ones here: #UD, whose frame tells where it was.
    CHECK(m.items<u16>(0xfffa, 3) == std::vector<u16>{0xfff0, 0xf000, 2});
    CHECK(m.cpu->cr0 == cr0::kEt);
    CHECK(m.cpu->cr4 == 0);
    CHECK(m.cpu->msr.efer == 0);
    CHECK(m.cpu->cpl == 0);
    CHECK(m.cpu->dr[7] == 0x400);
    CHECK(m.cpu->code_breakpoints == 0);
    CHECK(m.cpu->idtr.base == 0);
    CHECK(m.cpu->xmm[3].q[0] == 77);
    CHECK(m.cpu->x87.control == 0x27f);
    CHECK(m.cpu->msr.star == 0x1234);
}

TEST_CASE("A start-up IPI begins at its vector's page in real mode") {
    M m;
    m.cpu->activity = Activity::WaitForSipi;
    m.write(0x9'a000, {0x8c, 0xc8, 0xf4});  // MOV AX, CS; HLT
    m.cpu->nmi_pending = true;
    m.run(1);
    CHECK(m.cpu->activity == Activity::WaitForSipi);  // an NMI waits
    m.cpu->nmi_pending = false;
    m.cpu->sipi_pending = true;
    m.cpu->sipi_vector = 0x9a;
    m.run(2);
    CHECK((m.cpu->gpr[kRax] & 0xffff) == 0x9a00);
    CHECK(m.cpu->activity == Activity::Halted);
}
