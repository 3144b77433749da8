// The event log against a plain list of the same events.
#include "emulator/time-travel/timeline/event_log.h"

#include <random>

#include "tests/unit/catch.h"

using namespace orrery;

namespace {

struct Logged {
    explicit Logged(u64 limit = EventLog::kLimit) : machine(config()), log(machine, limit) {}
    static MachineConfig config() {
        MachineConfig config;
        config.ram_size = 16 << 20;
        return config;
    }
    Machine machine;
    EventLog log;
    std::vector<Event> all;  // what the log should hold

    void emit(const Event& event, bool is_new = true) {
        machine.observers().emit(event);
        if (is_new) all.push_back(event);
    }
};

Event make(u64 instructions, u64 ticks, event::What what, u8 cpu = 0, u8 cpl = 0, u64 rip = 0) {
    return {std::move(what), cpu, cpl, {instructions, ticks}, rip};
}

// A random run: bursts of events with the same moment, and long silences.
std::vector<Event> random_events(size_t count, u32 seed) {
    std::mt19937_64 random(seed);
    std::vector<Event> events;
    u64 instructions = 0, ticks = 0;
    while (events.size() < count) {
        if (random() % 4 != 0) {
            instructions += random() % 50 == 0 ? random() % 5'000'000'000 : random() % 300;
            ticks += random() % 1000;
        }
        event::What what;
        switch (random() % 8) {
            case 0:
                what = event::RingEnter{event::RingEnter::By::Event, static_cast<u8>(random())};
                break;
            case 1:
                what = event::SystemCall{static_cast<u32>(random() % 400)};
                break;
            case 2:
                what = event::SystemReturn{random() % 2 == 0, random()};
                break;
            case 3:
                what = event::Exception{14, static_cast<u32>(random()), random()};
                break;
            case 4:
                what = event::PortIo{static_cast<u16>(random()), 4, true, static_cast<u32>(random())};
                break;
            case 5:
                what = event::Halt{random() % 2 == 0};
                break;
            default:
                what = event::TlbFill{random() % 2 == 0, 12, random() & ~u64{0xfff}, random() & ~u64{0xfff}};
        }
        events.push_back(make(instructions, ticks, what, static_cast<u8>(random() % 8),
                              static_cast<u8>(random() % 4), 0xffff'ffff'8100'0000 + random() % 4096));
    }
    return events;
}

EventCounts count(const std::vector<Event>& events, u64 from, u64 to) {
    EventCounts counts{};
    for (const Event& event : events)
        if (event.moment.instructions >= from && event.moment.instructions < to) ++counts[event.what.index()];
    return counts;
}

void compare(const Logged& logged) {
    REQUIRE(logged.log.begin() == 0);
    REQUIRE(logged.log.end() == logged.all.size());
    size_t different = 0;
    for (size_t i = 0; i < logged.all.size(); ++i) different += !(logged.log.at(i) == logged.all[i]);
    CHECK(different == 0);
}

}  // namespace

TEST_CASE("what is logged comes out again", "[event-log]") {
    for (const size_t count :
         {size_t{1}, EventChunk::kMost - 1, EventChunk::kMost, 3 * EventChunk::kMost + 77}) {
        Logged logged;
        for (const Event& event : random_events(count, 1)) logged.emit(event);
        compare(logged);
        CHECK_THROWS_AS(logged.log.at(count), std::out_of_range);
    }
}

TEST_CASE("events are counted exactly at every zoom", "[event-log]") {
    Logged logged;
    for (const Event& event : random_events(3 * EventChunk::kMost + 1000, 2)) logged.emit(event);
    const u64 last = logged.log.last_instructions();
    std::mt19937_64 random(3);
    for (unsigned round = 0; round < 300; ++round) {
        const u64 from = random() % (last + 10);
        const u64 to = from + 1 + (round % 3 == 0 ? random() % 500 : random() % last);
        const size_t columns = 1 + random() % 20;
        const std::vector<EventCounts> counts = logged.log.counts(from, to, columns);
        REQUIRE(counts.size() == columns);
        EventCounts sum{};
        for (const EventCounts& column : counts)
            for (size_t kind = 0; kind < kEventKinds; ++kind) sum[kind] += column[kind];
        CHECK(sum == count(logged.all, from, to));
        // One column by itself.
        const u64 begin =
            from + (to - from) / columns * (columns / 2) + (to - from) % columns * (columns / 2) / columns;
        const u64 end = from + (to - from) / columns * (columns / 2 + 1) +
                        (to - from) % columns * (columns / 2 + 1) / columns;
        CHECK(counts[columns / 2] == count(logged.all, begin, end));
        const u64 first = logged.log.first_from(from);
        CHECK((first == logged.all.size() || logged.all[first].moment.instructions >= from));
        CHECK((first == 0 || logged.all[first - 1].moment.instructions < from));
    }
    CHECK(logged.log.counts(5, 5, 3) == std::vector<EventCounts>(3));
}

TEST_CASE("the next and the last event of a kind are found", "[event-log]") {
    Logged logged;
    for (const Event& event : random_events(2 * EventChunk::kMost + 500, 4)) logged.emit(event);
    for (const u32 kinds : {Observers::bit(EventKind::Halt),
                            Observers::bit(EventKind::SystemCall) | Observers::bit(EventKind::Exception),
                            Observers::bit(EventKind::Mmio)}) {
        const auto wanted = [&](size_t i) { return (kinds >> logged.all[i].what.index() & 1) != 0; };
        for (size_t from = 0; from <= logged.all.size(); from += 137) {
            size_t next = from;
            while (next < logged.all.size() && !wanted(next)) ++next;
            CHECK(logged.log.next(from, kinds) ==
                  (next < logged.all.size() ? std::optional<u64>(next) : std::nullopt));
            size_t previous = from;
            while (previous > 0 && !wanted(previous - 1)) --previous;
            CHECK(logged.log.previous(from, kinds) ==
                  (previous > 0 ? std::optional<u64>(previous - 1) : std::nullopt));
        }
    }
}

TEST_CASE("what is executed again is not logged again", "[event-log]") {
    Logged logged;
    const std::vector<Event> events = random_events(EventChunk::kMost + 300, 5);
    // Back by some events, three times: also to where several have one moment.
    for (const size_t stop : {size_t{100}, EventChunk::kMost, EventChunk::kMost + 200}) {
        for (size_t i = logged.all.size(); i < stop; ++i) logged.emit(events[i]);
        logged.log.moved();
        for (size_t i = stop - 60; i < stop; ++i) logged.emit(events[i], false);
    }
    for (size_t i = logged.all.size(); i < events.size(); ++i) logged.emit(events[i]);
    compare(logged);
}

TEST_CASE("runs that branch share what they have in common", "[event-log]") {
    Logged logged;
    const std::vector<Event> events = random_events(3 * EventChunk::kMost, 6);
    for (const Event& event : events) logged.emit(event);
    const u64 before = logged.log.bytes();
    const Moment fork{events[EventChunk::kMost + 50].moment};
    logged.log.branch(fork);
    size_t common = 0;
    while (events[common].moment < fork) ++common;
    CHECK(logged.log.end() == common);
    logged.machine.observers().emit(make(fork.instructions + 7, fork.ticks + 7, event::Halt{}));
    CHECK(logged.log.end() == common + 1);
    CHECK(logged.log.at(common).kind() == EventKind::Halt);
    CHECK(logged.log.at(3) == events[3]);
    CHECK(logged.log.bytes() == before);
    logged.log.enter(0);
    compare(logged);
    logged.log.enter(1);
    CHECK(logged.log.end() == common + 1);
}

TEST_CASE("the oldest events are forgotten where the limit is reached", "[event-log]") {
    Logged logged(300'000);
    const std::vector<Event> events = random_events(8 * EventChunk::kMost, 7);
    for (const Event& event : events) logged.emit(event);
    CHECK(logged.log.bytes() <= 300'000);
    CHECK(logged.log.begin() > 0);
    CHECK(logged.log.end() == events.size());
    CHECK(logged.log.at(logged.log.begin()) == events[logged.log.begin()]);
    CHECK_THROWS_AS(logged.log.at(logged.log.begin() - 1), std::out_of_range);
    CHECK(logged.log.first_from(0) == logged.log.begin());
}

TEST_CASE("a run that branches within what is forgotten begins anew", "[event-log]") {
    Logged logged(300'000);
    const std::vector<Event> events = random_events(8 * EventChunk::kMost, 8);
    for (const Event& event : events) logged.emit(event);
    REQUIRE(logged.log.begin() > EventChunk::kMost);
    logged.log.branch(events[EventChunk::kMost / 2].moment);
    CHECK(logged.log.begin() == logged.log.end());
    // Of both runs together no more than the limit, and the present one keeps what it logs.
    const Moment fork = events[EventChunk::kMost / 2].moment;
    for (u64 i = 0; i < 3 * EventChunk::kMost; ++i)
        logged.machine.observers().emit(
            make(fork.instructions + i, fork.ticks + i, event::SystemCall{static_cast<u32>(i)}));
    CHECK(logged.log.bytes() <= 300'000);
    CHECK(logged.log.end() == 3 * EventChunk::kMost);
    CHECK(logged.log.begin() == 0);
    CHECK(logged.log.at(5).get<event::SystemCall>()->number == 5);
    CHECK(logged.log.counts(fork.instructions, fork.instructions + 10,
                            1)[0][static_cast<size_t>(EventKind::SystemCall)] == 10);
}
