// Watched instructions and data: every access is told of once, with what it was, by whatever way it came.
#include "emulator/core/observe/watch_points.h"

#include "emulator/points/armed_points.h"
#include "emulator/points/stop_points.h"
#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;

namespace {

constexpr u64 kData = 0x10'0000;      // linear and physical
constexpr u64 kAlias = 0x40'2000;     // the same page
constexpr u64 kBeyond = 0x40'3000;    // the physical page after it; its entry's A and D bits are clear
constexpr u64 kBeyondEntry = 0x4018;  // physical
constexpr u64 kValue = 0x1122'3344;
constexpr u64 kStore = SmallMachine::kCode + 7, kAdd = kStore + 8, kLoad = kAdd + 8, kCross = kLoad + 8;
constexpr unsigned kLoop = 6;  // instructions

struct Program : SmallMachine {
    Program() {
        put(0x4010, kData | 0x63);
        put(kBeyondEntry, (kData + 0x1000) | 3);
        write(kCode, {0x48, 0xc7, 0xc0, 0x44, 0x33, 0x22, 0x11,        // mov rax, kValue
                      0x48, 0x89, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00,  // mov [kData], rax
                      0x48, 0x01, 0x04, 0x25, 0x00, 0x20, 0x40, 0x00,  // add [kAlias], rax
                      0x48, 0x8b, 0x1c, 0x25, 0x00, 0x00, 0x10, 0x00,  // mov rbx, [kData]
                      0x48, 0x89, 0x04, 0x25, 0xfc, 0x2f, 0x40, 0x00,  // mov [kBeyond - 4], rax
                      0xeb, 0xd7});                                    // jmp to the first
    }
    void run_to(u64 instructions) {
        RunLimits limits;
        limits.instructions = instructions;
        machine.run(limits);
    }
    // The accesses to `point` in the first `instructions` instructions.
    std::vector<Event> accesses(const DataPoint& point, u64 instructions) {
        std::vector<Event> seen;
        ArmedPoints armed(machine.observers());
        armed.data(point);
        const Subscription watch(machine.observers(), Observers::bit(EventKind::DataAccess),
                                 [&](const Event& event) {
                                     CHECK(point.matches(event));
                                     seen.push_back(event);
                                 });
        run_to(instructions);
        return seen;
    }
};

const event::DataAccess& access_of(const Event& event) {
    return *event.get<event::DataAccess>();
}

DataPoint range(u64 address, u64 size, bool physical, bool reads, bool writes) {
    return {address, size, physical, reads, writes};
}

}  // namespace

TEST_CASE("a physical range sees writes and reads through every mapping", "[watch]") {
    Program program;
    program.run_to(2 * kLoop);  // what is watched is in the fast table by then
    const auto seen = program.accesses(range(kData + 2, 1, true, true, true), 4 * kLoop);
    REQUIRE(seen.size() == 8);
    for (unsigned round = 0; round < 2; ++round) {
        const Event* event = &seen[round * 4];
        const u64 begin = (2 + round) * kLoop;
        CHECK(event[0].rip == kStore);
        CHECK(access_of(event[0]).size == 8);
        CHECK(access_of(event[0]).write);
        CHECK(access_of(event[0]).data == kValue);
        CHECK(access_of(event[0]).linear == kData);
        CHECK(event[0].moment.instructions == begin + 1);
        CHECK(event[1].rip == kAdd);
        CHECK(access_of(event[1]).size == 8);
        CHECK_FALSE(access_of(event[1]).write);
        CHECK(event[2].rip == kAdd);
        CHECK(access_of(event[2]).linear == kAlias);
        CHECK(access_of(event[2]).physical == kData);
        CHECK(access_of(event[2]).data == 2 * kValue);
        CHECK(access_of(event[2]).write);
        CHECK(event[3].rip == kLoad);
        CHECK(access_of(event[3]).data == 2 * kValue);
        CHECK(event[3].moment.instructions == begin + 3);
    }
}

TEST_CASE("a linear range sees its own mapping only, and what was asked for", "[watch]") {
    Program program;
    CHECK(program.accesses(range(kAlias, 8, false, false, true), 10 * kLoop).size() == 10);
    CHECK(program.accesses(range(kData, 8, false, false, true), 20 * kLoop).size() == 10);
    CHECK(program.accesses(range(kData, 8, false, true, false), 30 * kLoop).size() == 10);
    CHECK(program.accesses(range(kData + 8, 8, false, true, true), 40 * kLoop).empty());
}

TEST_CASE("an access that crosses a page is told of by its parts", "[watch]") {
    Program program;
    const auto seen = program.accesses(range(kData + 0x1000, 8, true, true, true), 2 * kLoop);
    REQUIRE(seen.size() == 2);
    CHECK(access_of(seen[0]).linear == kBeyond);
    CHECK(access_of(seen[0]).size == 4);
    CHECK(access_of(seen[0]).write);
    CHECK(access_of(seen[0]).data == kValue >> 32);
    CHECK(seen[0].rip == kCross);
}

TEST_CASE("page walks and devices are seen writing", "[watch]") {
    Program program;
    const DataPoint entry = range(kBeyondEntry, 8, true, false, true);
    const auto walks = program.accesses(entry, 3 * kLoop);
    REQUIRE_FALSE(walks.empty());
    CHECK(walks.back().rip == kCross);
    CHECK(access_of(walks.back()).by == event::DataAccess::By::Walk);
    CHECK((access_of(walks.back()).data & 0x60) == 0x60);
    CHECK(walks.back().moment.instructions == 4);

    std::vector<Event> seen;
    ArmedPoints armed(program.machine.observers());
    armed.data(range(kData, 1, true, false, true));
    const Subscription watch(program.machine.observers(), Observers::bit(EventKind::DataAccess),
                             [&](const Event& event) { seen.push_back(event); });
    const u64 value = 0x55;
    program.machine.bus().dma_write(kData - 4, &value, 8);
    program.machine.bus().dma_write(kData + 1, &value, 8);
    REQUIRE(seen.size() == 1);
    CHECK(access_of(seen[0]).by == event::DataAccess::By::Device);
    CHECK(access_of(seen[0]).physical == kData - 4);
}

TEST_CASE("a watched instruction is told of each time, and nothing depends on it", "[watch]") {
    constexpr u64 kEnd = 1000 * kLoop;
    Program plain, watched;
    plain.run_to(kEnd);
    unsigned hits = 0;
    {
        ArmedPoints armed(watched.machine.observers());
        const Subscription watch(watched.machine.observers(), Observers::bit(EventKind::Breakpoint),
                                 [&](const Event& event) {
                                     CHECK(event.rip == kLoad);
                                     CHECK(event.moment.instructions % kLoop == 3);
                                     ++hits;
                                 });
        watched.run_to(500 * kLoop);
        armed.code(kLoad);
        armed.data(range(kData, 64, true, true, true));
        watched.run_to(700 * kLoop);
    }
    watched.run_to(kEnd);
    CHECK(hits == 200);
    CHECK(watched.machine.state_hash() == plain.machine.state_hash());
}

TEST_CASE("watchpoints are ranges, once each", "[watch]") {
    WatchpointSet set;
    const unsigned id = set.add(range(kAlias, 8, false, false, true), "alias");
    CHECK(stop_points({}, set).size() == 1);
    CHECK_THROWS_AS(set.add(range(kAlias, 8, false, false, true), "again"), BreakpointError);
    CHECK_THROWS_AS(set.add(range(0, 0, false, false, true), "empty"), BreakpointError);
    CHECK_THROWS_AS(set.add(range(~u64{0}, 2, false, false, true), "around"), BreakpointError);
    CHECK(set.enable(id, false));
    CHECK(stop_points({}, set).empty());
}
