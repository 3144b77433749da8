// Going somewhere on machines of a few instructions: forwards, backwards, of one CPU, and stopped in between.
#include "emulator/time-travel/timeline/navigation.h"

#include "tests/unit/catch.h"
#include "tests/unit/models/small_machine.h"

using namespace orrery;
using test::SmallMachine;
using Why = Arrival::Why;

namespace {

constexpr u64 kCode = SmallMachine::kCode, kFunction = SmallMachine::kFunction;

RunLimits limit(u64 instructions) {
    RunLimits limits;
    limits.instructions = instructions;
    return limits;
}

struct Place {
    explicit Place(unsigned cpus = 1) : small(cpus), time(small.machine), nav(time) {}
    Arrival go(const Destination& to, std::optional<unsigned> cpu = std::nullopt, u64 most = 1'000'000'000) {
        return nav.go({to, false, cpu}, limit(most));
    }
    Arrival back(const Destination& to, std::optional<unsigned> cpu = std::nullopt) {
        return nav.go({to, true, cpu});
    }
    // The same in slices of a few instructions.
    Arrival sliced(const Journey& journey, u64 slice) {
        nav.begin(journey);
        for (;;) {
            const Arrival arrival = nav.go_on(limit(machine.moment().instructions + slice));
            if (arrival.why != Why::UnderWay) return arrival;
        }
    }
    Position here() const { return position_of(machine); }
    u64 count() const { return machine.moment().instructions; }

    SmallMachine small;
    Machine& machine = small.machine;
    TimeMachine time;
    Navigation nav;
};

StopPoint breakpoint(u64 address, unsigned id = 1) {
    return {id, address};
}
StopPoint watchpoint(u64 address, u64 size, unsigned id = 1) {
    return {id, 0, DataPoint{address, size, false, false, true}};
}

}  // namespace

TEST_CASE("a run stops before a breakpoint's instruction, and goes on from it", "[navigation]") {
    Place place;
    place.nav.stop_at({breakpoint(kCode + 8, 7)});
    std::vector<Position> hits;
    for (unsigned round = 1; round <= 3; ++round) {
        const Arrival arrival = place.go(going::Run{});
        CHECK(arrival.why == Why::Point);
        CHECK(arrival.point->id == 7);
        CHECK(place.machine.cpu().rip() == kCode + 8);
        CHECK(place.machine.cpu().gpr[kRax] == 2 * round - 1);
        hits.push_back(place.here());
    }
    for (unsigned round = 2; round-- > 0;) {
        CHECK(place.back(going::Run{}).why == Why::Point);
        CHECK(place.here() == hits[round]);
    }
    CHECK(place.back(going::Run{}).why == Why::HistoryBegin);
    CHECK(place.count() == 0);
    place.nav.stop_at({});
    CHECK(place.go(going::Run{}, {}, 1000).why == Why::UnderWay);
    CHECK(place.count() == 1000);
}

TEST_CASE("step, step over and step out", "[navigation]") {
    Place place;
    const Cpu& cpu = place.machine.cpu();
    SECTION("over a call, and back") {
        CHECK(place.go(going::Over{}).why == Why::Done);
        CHECK(cpu.rip() == kCode + 5);
        CHECK(cpu.gpr[kRsp] == SmallMachine::kStack);
        CHECK(place.go(going::Over{}).why == Why::Done);
        CHECK(cpu.rip() == kCode + 8);
        CHECK(place.back(going::Over{}).why == Why::Done);
        CHECK(cpu.rip() == kCode + 5);
        CHECK(place.back(going::Over{}).why == Why::Done);
        CHECK(place.count() == 0);
    }
    SECTION("into it, out, and back") {
        CHECK(place.go(going::Step{}).why == Why::Done);
        CHECK(cpu.rip() == kFunction);
        place.go(going::Step{});
        place.go(going::Step{});
        const Position inside = place.here();
        CHECK(place.go(going::Out{}).why == Why::Done);
        CHECK(cpu.rip() == kCode + 5);
        place.time.seek(inside.moment);
        CHECK(place.back(going::Out{}).why == Why::Done);
        CHECK(place.count() == 0);
        CHECK(place.back(going::Out{}).why == Why::None);
        CHECK(place.back(going::Step{}).why == Why::HistoryBegin);
    }
    SECTION("a breakpoint on the way") {
        place.nav.stop_at({breakpoint(kFunction + 6, 3)});
        const Arrival arrival = place.go(going::Over{});
        CHECK(arrival.why == Why::Point);
        CHECK(arrival.point->id == 3);
    }
    SECTION("to a place, both ways, or to none") {
        CHECK(place.go(going::Place{kFunction + 10}).why == Why::Done);
        CHECK(cpu.gpr[kRcx] == 0);
        const Position there = place.here();
        CHECK(place.back(going::Place{kFunction + 6}).why == Why::Done);
        CHECK(cpu.gpr[kRcx] == 1);
        CHECK(place.go(going::Place{kFunction + 10}).why == Why::Done);
        CHECK(place.here() == there);
        CHECK(place.go(going::Place{0x77777}, {}, 50).why == Why::UnderWay);
        const Position before = place.here();
        CHECK(place.back(going::Place{0x77777}).why == Why::None);
        CHECK(place.here() == before);
    }
    SECTION("a watchpoint: forwards after the access, backwards before it") {
        place.nav.stop_at({watchpoint(SmallMachine::kStack - 16, 8)});
        const Arrival arrival = place.go(going::Over{});
        CHECK(arrival.why == Why::Point);
        CHECK(arrival.event->get<event::DataAccess>()->linear == SmallMachine::kStack - 16);
        CHECK(cpu.rip() == kFunction + 1);
        CHECK(place.back(going::Run{}).why == Why::Point);
        CHECK(cpu.rip() == kFunction);
        CHECK(place.go(going::Step{}).why == Why::Point);
    }
}

TEST_CASE("in slices one comes to where one comes at once", "[navigation]") {
    const Destination all[] = {going::Over{}, going::Out{}, going::Place{kFunction + 10}, going::Run{}};
    for (const Destination& to : all) {
        for (const u64 start : {0, 1, 3, 10}) {
            Place whole;
            whole.machine.run(limit(start));
            whole.nav.stop_at({breakpoint(kCode + 11)});
            const Arrival expected = whole.go(to);
            for (const u64 slice : {1, 2, 3, 7}) {
                Place cut;
                cut.machine.run(limit(start));
                cut.nav.stop_at({breakpoint(kCode + 11)});
                const Arrival arrival = cut.sliced({to}, slice);
                CHECK(arrival.why == expected.why);
                CHECK(cut.here() == whole.here());
            }
        }
    }
}

TEST_CASE("steps of one CPU of several, and of whichever runs, forwards and back", "[navigation]") {
    Place place(4);
    place.machine.run(limit(200'000));
    for (const unsigned id : {3u, 0u, 2u}) {
        const Cpu& cpu = place.machine.cpu(id);
        // To right before one of its instructions: steps back from there come to the same moments.
        place.go(going::Step{}, id);
        place.back(going::Step{}, id);
        const Position begin = place.here();
        const u64 hash = place.machine.state_hash();
        std::vector<u64> rips, own;
        for (unsigned i = 0; i < 12; ++i) {
            rips.push_back(cpu.rip());
            own.push_back(cpu.own_instructions());
            REQUIRE(place.go(going::Step{}, id).why == Why::Done);
            CHECK(cpu.own_instructions() == own[i] + 1);
        }
        for (unsigned i = 12; i-- > 0;) {
            const Arrival arrival = place.back(going::Step{}, id);
            REQUIRE(arrival.why == Why::Done);
            CHECK(arrival.cpu == id);
            CHECK(cpu.rip() == rips[i]);
            CHECK(cpu.own_instructions() == own[i]);
            CHECK(place.machine.cpu().id == id);
        }
        CHECK(place.here() == begin);
        CHECK(place.machine.state_hash() == hash);
    }
    // From the first boundary of its count on: whose turn is next can be the next one.
    place.time.seek_instructions(place.count());
    std::vector<u64> hashes;
    std::vector<unsigned> steppers;
    for (unsigned i = 0; i < 40; ++i) {
        hashes.push_back(place.machine.state_hash());
        const Arrival arrival = place.go(going::Step{});
        REQUIRE(arrival.why == Why::Done);
        steppers.push_back(arrival.cpu);
    }
    for (unsigned i = 40; i-- > 0;) {
        const u64 own = place.machine.cpu(steppers[i]).own_instructions();
        const Arrival arrival = place.back(going::Step{});
        REQUIRE(arrival.why == Why::Done);
        REQUIRE(place.machine.state_hash() == hashes[i]);
        REQUIRE(arrival.cpu == steppers[i]);
        REQUIRE(place.machine.cpu(arrival.cpu).own_instructions() + 1 == own);
    }
    CHECK(place.machine.cpu().id != steppers[0]);
}

TEST_CASE("a chosen CPU steps over its call and back, while the others run", "[navigation]") {
    Place place(2);
    // Each has made its call in the end: a point right before that of the second one.
    const Cpu& cpu = place.machine.cpu(1);
    REQUIRE(cpu.own_instructions() == 0);
    CHECK(place.go(going::Over{}, 1, 10'000'000).why == Why::Done);
    CHECK(cpu.rip() == kCode + 5);
    CHECK(cpu.gpr[kRax] == 0);
    const Arrival arrival = place.back(going::Over{}, 1);
    CHECK(arrival.why == Why::Done);
    CHECK(arrival.cpu == 1);
    CHECK(cpu.rip() == kCode);
    CHECK(cpu.own_instructions() == 0);
    // In the function: out of it forwards and back.
    for (unsigned i = 0; i < 4; ++i) place.go(going::Step{}, 1, 10'000'000);
    CHECK(cpu.rip() == kFunction + 8);
    CHECK(place.back(going::Out{}, 1).why == Why::Done);
    CHECK(cpu.rip() == kCode);
    for (unsigned i = 0; i < 4; ++i) place.go(going::Step{}, 1, 10'000'000);
    CHECK(place.go(going::Out{}, 1, 10'000'000).why == Why::Done);
    CHECK(cpu.rip() == kCode + 5);
}

TEST_CASE("a search of a CPU's own matches passes over the others'", "[navigation]") {
    Place place(2);
    place.machine.run(limit(100'000));
    Query query;
    query.what = Query::What::Code;
    query.code = {kCode + 8};
    for (const unsigned id : {1u, 0u}) {
        const Arrival forwards = place.go(going::Match{query}, id, 1'000'000);
        CHECK(forwards.why == Why::Done);
        CHECK(forwards.cpu == id);
        const Position first = place.here();
        CHECK(place.go(going::Match{query}, id, 2'000'000).cpu == id);
        CHECK(place.back(going::Match{query}, id).cpu == id);
        CHECK(place.here() == first);
    }
    query.cpu = 2;
    CHECK_THROWS_WITH(place.go(going::Match{query}), "there is no CPU 2");
}

TEST_CASE("what is stopped in between leaves the machine where it was", "[navigation]") {
    Place place;
    place.machine.run(limit(3'000'000));
    const Position origin = place.here();
    const u64 hash = place.machine.state_hash();
    bool stopped = false;
    // In the midst of what is looked through; of the way to a moment, after a while.
    u64 total = 0;
    place.nav.watch([&](const Progress& progress) {
        CHECK_FALSE(stopped);
        CHECK(progress.looked <= progress.at.instructions + total);
        stopped = progress.total == total &&
                  (total == 0 ? progress.at.instructions > 9'000'000 : progress.looked > total / 2);
        return !stopped;
    });
    SECTION("a search for a place") {
        total = 3'000'000;
        CHECK(place.back(going::Place{0x77777}).why == Why::Stopped);
    }
    SECTION("for a breakpoint") {
        total = 3'000'000;
        place.nav.stop_at({breakpoint(0x77777)});
        CHECK(place.back(going::Run{}).why == Why::Stopped);
    }
    SECTION("for the call of a function, within a window of it") {
        total = 400'000;
        CHECK(place.back(going::Out{}).why == Why::Stopped);
    }
    SECTION("a way to a moment") {
        CHECK(place.nav.go_to(80'000'000).why == Why::Stopped);
    }
    CHECK(stopped);
    CHECK(place.here() == origin);
    CHECK(place.machine.state_hash() == hash);
    // And then it goes to the end.
    place.nav.watch(nullptr);
    place.nav.stop_at({});
    CHECK(place.back(going::Place{0x77777}).why == Why::None);
    CHECK(place.back(going::Out{}).why == Why::None);
    CHECK(place.here() == origin);
    CHECK(place.machine.state_hash() == hash);
}

TEST_CASE("going anywhere changes nothing", "[navigation]") {
    SmallMachine plain;
    plain.machine.run(limit(200));
    Place place;
    while (place.count() < 100) place.go(going::Step{});
    place.nav.stop_at({breakpoint(kCode + 5), watchpoint(SmallMachine::kStack - 8, 8, 2)});
    while (place.go(going::Run{}, {}, 150).why == Why::Point) {
    }
    place.back(going::Over{});
    place.back(going::Run{});
    place.back(going::Out{});
    place.nav.stop_at({});
    place.go(going::Run{}, {}, 200);
    CHECK(place.count() == 200);
    CHECK(place.machine.state_hash() == plain.machine.state_hash());
}
