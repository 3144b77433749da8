#include "emulator/points/debugger.h"

#include "emulator/guestos/types/debug_info.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;

namespace {

RunLimits limit(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

}  // namespace

TEST_CASE("breakpoints are places by address, symbol or line", "[debug]") {
    const auto info = DebugInfo::open(DEBUG_FIXTURE);
    BreakpointSet set;
    const unsigned first = set.add("ns::add", info.get());
    CHECK(set.at(info->symbols.find("ns::add")->address)->id == first);
    set.add("main+0x4", info.get());
    const unsigned line = set.add("program.cpp:9", info.get());
    CHECK(set.all().size() == 3);
    CHECK_THROWS_WITH(set.add("nowhere", info.get()), "no symbol is called nowhere");
    CHECK_THROWS_WITH(set.add("0x12zz", info.get()), "0x12zz is not an address");
    CHECK_THROWS_WITH(set.add("program.cpp:ten", info.get()),
                      "program.cpp:ten: after the colon a line number must follow");
    CHECK_THROWS_WITH(set.add("other.cpp:10", info.get()), "other.cpp:10: no code is known there");
    CHECK_THROWS_WITH(set.add("", nullptr), "an address, a symbol or FILE:LINE is needed");
    CHECK_THROWS_WITH(set.add("main", nullptr), "main: no symbols are known");
    CHECK_THROWS_WITH(set.add("ns::add", info.get()), orrery::testing::has_text("there is a breakpoint at"));
    CHECK(set.enable(first, false));
    CHECK(set.at(info->symbols.find("ns::add")->address) == nullptr);
    CHECK(set.remove(line));
    CHECK_FALSE(set.remove(line));
    CHECK(set.all().size() == 2);
}

TEST_CASE("run stops before a breakpoint's instruction, and goes on from it", "[debug]") {
    SmallMachine small;
    Debugger debugger(small.machine);
    const unsigned id = debugger.breakpoints().add(SmallMachine::kCode + 8, "second inc");
    for (unsigned round = 1; round <= 3; ++round) {
        CHECK(debugger.run(limit(1000)) == StopCause::Breakpoint);
        CHECK(debugger.stopped_at() == id);
        CHECK(small.machine.cpu().rip() == SmallMachine::kCode + 8);
        CHECK(small.machine.cpu().gpr[kRax] == 2 * round - 1);
        CHECK(debugger.breakpoints().all()[0].hits == round);
    }
    debugger.breakpoints().enable(id, false);
    CHECK(debugger.run(limit(1000)) == StopCause::Limit);
    CHECK(small.machine.moment().instructions == 1000);
}

TEST_CASE("step, step over and step out", "[debug]") {
    SmallMachine small;
    Debugger debugger(small.machine);
    const Cpu& cpu = small.machine.cpu();
    SECTION("over a call") {
        CHECK(debugger.step_over(limit(1000)) == StopCause::Done);
        CHECK(cpu.rip() == SmallMachine::kCode + 5);
        CHECK(cpu.gpr[kRsp] == SmallMachine::kStack);
        CHECK(debugger.step_over(limit(1000)) == StopCause::Done);
        CHECK(cpu.rip() == SmallMachine::kCode + 8);
    }
    SECTION("into it and out") {
        CHECK(debugger.step() == StopCause::Done);
        CHECK(cpu.rip() == SmallMachine::kFunction);
        debugger.step();
        debugger.step();
        CHECK(debugger.step_out(limit(1000)) == StopCause::Done);
        CHECK(cpu.rip() == SmallMachine::kCode + 5);
    }
    SECTION("a breakpoint on the way") {
        const unsigned id = debugger.breakpoints().add(SmallMachine::kFunction + 6, "loop");
        CHECK(debugger.step_over(limit(1000)) == StopCause::Breakpoint);
        CHECK(debugger.stopped_at() == id);
    }
    SECTION("to an address, or the limit") {
        CHECK(debugger.run_to(SmallMachine::kFunction + 10, limit(1000)) == StopCause::Done);
        CHECK(cpu.gpr[kRcx] == 0);
        CHECK(debugger.run_to(0x77777, limit(50)) == StopCause::Limit);
    }
}

TEST_CASE("watching changes nothing", "[debug]") {
    SmallMachine plain, stepped, watched;
    plain.machine.run(limit(200));
    Debugger steps(stepped.machine);
    while (stepped.machine.moment().instructions < 100) steps.step();
    stepped.machine.run(limit(200));
    Debugger stops(watched.machine);
    stops.breakpoints().add(SmallMachine::kCode + 5, "loop");
    while (stops.run(limit(200)) == StopCause::Breakpoint) {
    }
    CHECK(stepped.machine.state_hash() == plain.machine.state_hash());
    CHECK(watched.machine.state_hash() == plain.machine.state_hash());
}
