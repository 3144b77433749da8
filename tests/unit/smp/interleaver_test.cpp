#include "emulator/core/smp/interleaver.h"

#include <array>
#include <utility>
#include <vector>

#include "tests/unit/catch.h"

using namespace orrery;

namespace {

// The first turns of four busy CPUs: who, and until when.
std::vector<std::pair<unsigned, u64>> turns(u64 seed, unsigned count) {
    Interleaver interleaver(4, seed);
    std::vector<std::pair<unsigned, u64>> list;
    u64 now = 0;
    for (unsigned i = 0; i < count; ++i) {
        interleaver.begin(now, 0b1111);
        now = interleaver.end();
        list.emplace_back(interleaver.current(), now);
    }
    return list;
}

}  // namespace

TEST_CASE("one seed is one interleaving, another seed another") {
    CHECK(turns(1, 500) == turns(1, 500));
    CHECK(turns(1, 500) != turns(2, 500));
}

TEST_CASE("busy CPUs get like shares, in turns of all lengths") {
    std::array<u64, 4> share{};
    u64 before = 0, shortest = ~u64{0}, longest = 0;
    unsigned last = 4;
    for (const auto& [cpu, end] : turns(3, 20'000)) {
        CHECK(cpu != last);
        last = cpu;
        const u64 length = end - before;
        share[cpu] += length;
        shortest = std::min(shortest, length);
        longest = std::max(longest, length);
        before = end;
    }
    for (const u64 one : share)
        CHECK(std::abs(static_cast<double>(one) / static_cast<double>(before) - 0.25) < 0.02);
    CHECK(shortest >= 1);
    CHECK(shortest <= 4);
    CHECK(longest > 16'000);
    CHECK(longest < 16'384);
}

TEST_CASE("a CPU that runs alone keeps its turn until another is woken") {
    Interleaver interleaver(2, 0);
    CHECK(interleaver.end() == Interleaver::kNoEnd);
    interleaver.begin(100, 0b10);
    CHECK(interleaver.current() == 1);
    CHECK(interleaver.sharing() == 1);
    CHECK(interleaver.end() == Interleaver::kNoEnd);
    interleaver.yield(150);
    CHECK(interleaver.end() == Interleaver::kNoEnd);
    interleaver.wake(200);
    const u64 end = interleaver.end();
    CHECK(end > 200);
    CHECK(end <= 200 + 16'384);
    interleaver.wake(201);
    CHECK(interleaver.end() == end);
    interleaver.begin(end, 0b11);
    CHECK(interleaver.current() == 0);
    CHECK(interleaver.sharing() == 2);
}

TEST_CASE("yielding ends a turn, never lengthens it") {
    Interleaver interleaver(2, 0);
    interleaver.begin(1000, 0b11);
    const u64 end = interleaver.end();
    interleaver.yield(end + 1);
    CHECK(interleaver.end() == end);
    interleaver.yield(1001);
    CHECK(interleaver.end() == 1001);
}
