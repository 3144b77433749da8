// EEVDF: shares by weight, bounds of lag, sleepers, new entities, yields.
#include <cstdlib>
#include <random>
#include <vector>

#include "sched/eevdf.h"
#include "tests/unit/catch.h"

namespace {

constexpr i64 kTick = 1'000'000;

/// One CPU that always runs whom the queue picks, and asks again at each tick.
struct Cpu {
    EevdfQueue queue;
    EevdfEntity* running = nullptr;
    bool over = true;

    EevdfEntity& run(i64 ns) {
        running = queue.pick(over ? nullptr : running);
        REQUIRE(running);
        over = queue.account(*running, static_cast<u64>(ns));
        return *running;
    }
};

i64 slice_of(const EevdfEntity& e) {
    return EevdfQueue::kSliceNs * kNominalWeight / e.weight;
}

}  // namespace

TEST_CASE("EEVDF shares time by weight") {
    Cpu cpu;
    EevdfEntity e[3];
    const u32 weights[3] = {1024, 335, 15};  // nice 0, 5, 19
    i64 had[3] = {};
    for (int i = 0; i < 3; i++) e[i].weight = weights[i], cpu.queue.enqueue(e[i]);
    constexpr i64 kTicks = 100'000;
    for (i64 t = 0; t < kTicks; t++) had[&cpu.run(kTick) - e] += kTick;
    for (int i = 0; i < 3; i++) {
        const double due = double(kTicks) * kTick * weights[i] / (1024 + 335 + 15);
        CHECK(std::abs(double(had[i]) - due) < 2.0 * EevdfQueue::kSliceNs);
    }
    for (EevdfEntity& one : e) cpu.queue.dequeue(one);
    CHECK(cpu.queue.count() == 0);
    CHECK(cpu.queue.pick(nullptr) == nullptr);
}

TEST_CASE("EEVDF's lags stay within two slices and add up to nothing, under random work") {
    std::mt19937 random(7);
    Cpu cpu;
    std::vector<EevdfEntity> e(40);
    const u32 weights[] = {88761, 9548, 3121, 1024, 1024, 335, 110, 15};
    for (size_t i = 0; i < e.size(); i++) e[i].weight = weights[random() % 8];
    size_t in = 0;
    for (int step = 0; step < 200'000; step++) {
        EevdfEntity& one = e[random() % e.size()];
        if (random() % 8 == 0 || in == 0) {
            if (one.node.linked()) {
                cpu.queue.dequeue(one), in--;
                CHECK(std::abs(one.lag) <= 2 * slice_of(one));
                if (&one == cpu.running) cpu.over = true;
            } else {
                cpu.queue.enqueue(one), in++;
            }
        }
        if (in == 0) continue;
        REQUIRE(cpu.queue.count() == in);
        cpu.run(static_cast<i64>(random() % kTick));
        if (step % 100) continue;
        double sum = 0, load = 0;
        for (const EevdfEntity& x : e) {
            if (!x.node.linked()) continue;
            const i64 lag = cpu.queue.average() - x.vruntime;
            sum += double(lag) * x.weight, load += x.weight;
            CHECK(lag >= -2 * slice_of(x) - kTick * kNominalWeight / x.weight);
        }
        CHECK(std::abs(sum) <= load);
    }
}

TEST_CASE("EEVDF: who slept is owed what it was owed, and no more") {
    Cpu cpu;
    EevdfEntity busy, sleeper;
    cpu.queue.enqueue(busy);
    cpu.queue.enqueue(sleeper);
    for (int t = 0; t < 10; t++) cpu.run(kTick);
    const i64 owed = cpu.queue.average() - sleeper.vruntime;
    cpu.queue.dequeue(sleeper);
    cpu.over = true;
    for (int t = 0; t < 1000; t++) cpu.run(kTick);  // a long sleep earns nothing
    cpu.queue.enqueue(sleeper);
    CHECK(std::abs(cpu.queue.average() - sleeper.vruntime - owed) <= 2);
    i64 had = 0;
    for (int t = 0; t < 100; t++) had += &cpu.run(kTick) == &sleeper ? kTick : 0;
    CHECK(std::abs(had - 50 * kTick) <= 2 * EevdfQueue::kSliceNs);
}

TEST_CASE("EEVDF: a new entity is served within its first slices; a yield gives up a slice") {
    Cpu cpu;
    EevdfEntity old[4], fresh;
    for (EevdfEntity& one : old) cpu.queue.enqueue(one);
    for (int t = 0; t < 1000; t++) cpu.run(kTick);
    cpu.queue.enqueue(fresh);
    CHECK(cpu.queue.eligible(fresh));
    int waited = 0;
    while (&cpu.run(kTick) != &fresh) waited++;
    CHECK(waited <= 12);
    cpu.queue.yield(fresh);
    CHECK_FALSE(cpu.queue.eligible(fresh));
    cpu.over = true;
    CHECK(&cpu.run(kTick) != &fresh);
}
