// Guests that get nothing done: signals that a CPU cannot take now, and faults in the place of handlers. Time
// passes, other CPUs have their turns, and a limit in instructions ends the run all the same.
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr u64 kIdt = 0x2'0000, kUd2 = 0x2'1000, kStackTop = 0x7'0000;

// #UD's handler begins with UD2 on an interrupt stack, so that it goes on for ever.
void make_fault_loop(SmallMachine& m, unsigned index) {
    Cpu& cpu = m.machine.cpu(index);
    cpu.idtr = {kIdt, 0xfff};
    m.put(kIdt + 6 * 16,
          (kUd2 & 0xffff) | u64{0x10} << 16 | u64{1} << 32 | u64{0x8e} << 40 | (kUd2 >> 16) << 48);
    m.put(kIdt + 6 * 16 + 8, 0);
    m.write(kUd2, {0x0f, 0x0b});
    m.put(0x2'2024, kStackTop);
    cpu.tr.base = 0x2'2000;
    cpu.tr.limit = 0x67;
    cpu.tr.access = 0x8b;
    cpu.gdtr = {0x2'3000, 0x1f};
    m.put(0x2'3010, 0x00af'9b00'0000'ffff);
    cpu.rip() = kUd2;
    cpu.set_rflags(2);
}

RunLimits up_to(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

}  // namespace

TEST_CASE("an endless chain of faults does not outrun a limit in instructions, and takes time") {
    SmallMachine m;
    make_fault_loop(m, 0);
    const Ticks before = m.machine.moment().ticks;
    CHECK(m.machine.run(up_to(1'000'000)) == StopReason::Budget);
    CHECK(m.machine.moment().instructions == 0);
    CHECK(m.machine.moment().ticks - before > 1'000'000);
    CHECK(m.machine.cpu().exceptions_taken > 1'000'000);
    CHECK(m.machine.step());

    // Time is exact in it.
    RunLimits limits;
    limits.ticks = m.machine.moment().ticks + 12'345;
    CHECK(m.machine.run(limits) == StopReason::Budget);
    CHECK(m.machine.moment().ticks == limits.ticks);
}

TEST_CASE("how an endless chain of faults is cut into runs changes nothing") {
    SmallMachine whole, cut;
    for (SmallMachine* m : {&whole, &cut}) make_fault_loop(*m, 0);
    RunLimits limits;
    limits.ticks = 100'000;
    CHECK(whole.machine.run(limits) == StopReason::Budget);
    for (limits.ticks = 77; limits.ticks < 100'000; limits.ticks += 777) cut.machine.run(limits);
    limits.ticks = 100'000;
    CHECK(cut.machine.run(limits) == StopReason::Budget);
    CHECK(whole.machine.state_hash() == cut.machine.state_hash());
}

TEST_CASE("a CPU that is caught in faults leaves the others their turns") {
    SmallMachine m(2);
    make_fault_loop(m, 0);
    CHECK(m.machine.run(up_to(100'000)) == StopReason::Budget);
    CHECK(m.machine.moment().instructions == 100'000);
    CHECK(m.machine.cpu(1).own_instructions() == 100'000);
    CHECK(m.machine.cpu(0).exceptions_taken > 100);
}

TEST_CASE("signals that cannot be taken now leave a CPU waiting") {
    SmallMachine m(2);
    Cpu& cpu = m.machine.cpu(1);
    cpu.activity = Activity::WaitForSipi;
    SECTION("an NMI before the start-up IPI") {
        cpu.nmi_pending = true;
        CHECK(cpu.waits());
        cpu.sipi_pending = true;
        CHECK_FALSE(cpu.waits());
    }
    SECTION("an interrupt before it") {
        cpu.intr = true;
        cpu.set_rflags(2 | rflags::kIf);
        CHECK(cpu.waits());
    }
    SECTION("an NMI in an NMI's handler that has halted") {
        cpu.activity = Activity::Halted;
        cpu.nmi_pending = cpu.nmi_blocked = true;
        CHECK(cpu.waits());
        cpu.nmi_blocked = false;
        CHECK_FALSE(cpu.waits());
        cpu.nmi_pending = false;
    }
    SECTION("a start-up IPI that comes to a halted CPU") {
        cpu.activity = Activity::Halted;
        cpu.sipi_pending = true;
        CHECK(cpu.waits());
    }
    SECTION("INIT is taken always") {
        cpu.init_pending = true;
        CHECK_FALSE(cpu.waits());
        cpu.init_pending = false;
    }
}

TEST_CASE("with signals that cannot be taken pending, a run still ends") {
    SmallMachine m(2);
    m.machine.cpu(1).activity = Activity::WaitForSipi;
    m.machine.cpu(1).nmi_pending = true;
    CHECK(m.machine.run(up_to(100'000)) == StopReason::Budget);
    CHECK(m.machine.cpu(0).own_instructions() == 100'000);
    m.machine.cpu(0).activity = Activity::Halted;
    m.machine.cpu(0).nmi_blocked = m.machine.cpu(0).nmi_pending = true;
    RunLimits limits;
    limits.ticks = m.machine.moment().ticks + 1000;
    CHECK(m.machine.run(limits) == StopReason::Idle);
}
