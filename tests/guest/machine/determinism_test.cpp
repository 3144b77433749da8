// The same machine gives the same state: run again, stepped, and resumed from a snapshot at any point.
#include <memory>
#include <string>
#include <vector>

#include "cli/command_archive.h"
#include "emulator/machine/machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

class TextSink : public OutputSink {
  public:
    void write(std::span<const u8> data) override {
        text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    std::string text;
};

struct Guest {
    explicit Guest(ClockMode clock = ClockMode::Cycles, u64 seed = 0) {
        MachineConfig config;
        config.ram_size = u64{64} << 20;
        config.clock = clock;
        config.seed = seed;
        config.serial_output = &console;
        machine = std::make_unique<Machine>(config);
        BootImages images;
        images.kernel = GUEST_KERNEL;
        images.initrd = GUEST_INITRAMFS;
        images.command_line = "console=ttyS0 quiet";
        images.extra_initrd = command_archive({"sh", "-c", "ls -l / | sort | sha256sum; sleep 1; exit 3"});
        machine->load(images);
    }
    // To the end of the command; its status.
    u32 finish() {
        RunLimits limits;
        limits.instructions = 1'000'000'000;
        CHECK(machine->run(limits) == StopReason::DebugExit);
        return machine->exit_code() >> 1;
    }
    void run_to(u64 instructions) {
        RunLimits limits;
        limits.instructions = instructions;
        CHECK(machine->run(limits) == StopReason::Budget);
        CHECK(machine->moment().instructions == instructions);
    }
    TextSink console;
    std::unique_ptr<Machine> machine;
};

struct Outcome {
    u64 hash;
    Moment moment;
    std::string text;
    bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(Guest& guest) {
    CHECK(guest.finish() == 3);
    return {guest.machine->state_hash(), guest.machine->moment(), guest.console.text};
}

const Outcome& plain() {
    static const Outcome outcome = [] {
        Guest guest;
        return outcome_of(guest);
    }();
    return outcome;
}

}  // namespace

TEST_CASE("ten runs of a command end in one state") {
    for (unsigned run = 0; run < 10; ++run) {
        Guest guest;
        CHECK(outcome_of(guest) == plain());
    }
}

TEST_CASE("another clock and another seed are other runs, each the same twice") {
    Guest counted(ClockMode::InstructionCount), again(ClockMode::InstructionCount);
    const Outcome outcome = outcome_of(counted);
    CHECK(outcome == outcome_of(again));
    CHECK(outcome.hash != plain().hash);
    Guest seeded(ClockMode::Cycles, 7);
    CHECK(outcome_of(seeded).hash != plain().hash);
}

TEST_CASE("stepping over a stretch one instruction at a time changes nothing") {
    // In the kernel's start, and where programs, faults and timer interrupts alternate.
    for (const u64 from : {u64{50'000}, u64{6'000'000}}) {
        Guest stepped, ran;
        stepped.run_to(from);
        for (unsigned i = 0; i < 60'000; ++i) REQUIRE(stepped.machine->step());
        ran.run_to(stepped.machine->moment().instructions);
        CHECK(stepped.machine->moment() == ran.machine->moment());
        CHECK(stepped.machine->state_hash() == ran.machine->state_hash());
        CHECK(outcome_of(stepped) == plain());
    }
}

TEST_CASE("stopping at odd moments changes nothing") {
    Guest guest;
    for (u64 at = 1; at < 8'000'000; at = at * 5 / 3 + 7) guest.run_to(at);
    CHECK(outcome_of(guest) == plain());
}

TEST_CASE("a run resumed from a snapshot ends as the run itself") {
    for (const u64 at : {u64{1'000}, u64{777'777}, u64{5'000'001}, u64{8'500'000}}) {
        Guest original;
        original.run_to(at);
        const u64 hash = original.machine->state_hash();
        const std::vector<u8> snapshot = original.machine->save_snapshot();
        CHECK(original.machine->state_hash() == hash);

        Guest resumed;
        resumed.machine->load_snapshot(snapshot);
        CHECK(resumed.machine->moment() == original.machine->moment());
        CHECK(resumed.machine->state_hash() == hash);
        resumed.console.text = original.console.text;
        CHECK(outcome_of(resumed) == plain());
    }
}

TEST_CASE("a damaged snapshot is an error, not a machine") {
    Guest guest;
    guest.run_to(100'000);
    std::vector<u8> snapshot = guest.machine->save_snapshot();
    snapshot.resize(snapshot.size() / 2);
    Guest other;
    CHECK_THROWS_AS(other.machine->load_snapshot(snapshot), ArchiveError);
}
