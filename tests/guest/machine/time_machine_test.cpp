// Going to moments of a run of our kernel, and back: the state there is the one that was there.
#include <cstring>
#include <map>
#include <random>

#include "cli/command_archive.h"
#include "emulator/time-travel/timeline/time_machine.h"
#include "tests/unit/catch.h"

using namespace orrery;

namespace {

constexpr const char* kSerial = "uart16550.0";

struct Guest {
    // With a command the guest ends by itself; without, it waits for input.
    explicit Guest(unsigned cpus = 1, std::vector<std::string> command = {}, u64 history = u64{1} << 30) {
        MachineConfig config;
        config.ram_size = u64{64} << 20;
        config.cpus = cpus;
        config.serial_output = &tape;
        machine = std::make_unique<Machine>(config);
        BootImages images;
        images.kernel = GUEST_KERNEL;
        images.initrd = GUEST_INITRAMFS;
        images.command_line = "console=ttyS0 quiet";
        if (!command.empty()) images.extra_initrd = command_archive(command);
        machine->load(images);
        time = std::make_unique<TimeMachine>(*machine, std::vector<ConsoleTape*>{&tape}, history);
    }
    void run_to(u64 instructions) {
        RunLimits limits;
        limits.instructions = instructions;
        machine->run(limits);
    }
    void run_for_ticks(Ticks ticks) {
        RunLimits limits;
        limits.ticks = machine->moment().ticks + ticks;
        machine->run(limits);
    }
    void type(const std::string& text) { machine->input(kSerial, {text.begin(), text.end()}); }

    ConsoleTape tape;
    std::unique_ptr<Machine> machine;
    std::unique_ptr<TimeMachine> time;
};

const std::vector<std::string> kCommand = {"sh", "-c", "ls -l / | sort | sha256sum; echo $((6*7)); exit 3"};

}  // namespace

TEST_CASE("any moment of a run is reached, in any order, with the state that was there") {
    for (const unsigned cpus : {1u, 4u}) {
        Guest guest(cpus, kCommand, u64{24} << 20);
        std::mt19937_64 random(cpus);
        std::map<u64, std::pair<u64, std::string>> known;  // hash and console by instruction count
        while (!guest.machine->ended()) {
            guest.run_to(guest.machine->moment().instructions + random() % 3'000'000);
            known[guest.machine->moment().instructions] = {guest.machine->state_hash(),
                                                           std::string(guest.tape.text())};
        }
        const Moment end = guest.time->end();
        std::vector<u64> moments;
        for (const auto& [count, state] : known) moments.push_back(count);
        std::shuffle(moments.begin(), moments.end(), random);
        for (const u64 count : moments) {
            if (count == end.instructions)
                continue;  // where it powered off is not the first boundary of its count
            guest.time->seek_instructions(count);
            CHECK(guest.machine->moment().instructions == count);
            CHECK(guest.machine->state_hash() == known[count].first);
            CHECK(guest.tape.text() == known[count].second);
        }
        guest.time->seek(end);
        CHECK(guest.machine->ended() == StopReason::DebugExit);
        CHECK(guest.machine->exit_code() >> 1 == 3);
        CHECK(guest.machine->state_hash() == known[end.instructions].first);
    }
}

TEST_CASE("a history changes nothing") {
    Guest watched(3, kCommand, u64{16} << 20);
    watched.run_to(12'000'000);
    watched.time->seek_instructions(7'000'000);
    Guest plain(3, kCommand);
    plain.time.reset();
    plain.run_to(7'000'000);
    CHECK(watched.machine->component_hashes() == plain.machine->component_hashes());
    for (Guest* guest : {&watched, &plain}) guest->run_to(1'000'000'000);
    CHECK(watched.machine->ended() == StopReason::DebugExit);
    CHECK(watched.machine->component_hashes() == plain.machine->component_hashes());
    CHECK(watched.tape.text() == plain.tape.text());
}

TEST_CASE("a step back undoes a step") {
    Guest guest(2, kCommand);
    guest.run_to(9'000'000);
    std::vector<u64> hashes;
    std::vector<Moment> moments;
    for (unsigned i = 0; i < 200; ++i) {
        hashes.push_back(guest.machine->state_hash());
        moments.push_back(guest.machine->moment());
        guest.machine->step();
    }
    for (unsigned i = 200; i-- > 0;) {
        REQUIRE(guest.time->step_back());
        CHECK(guest.machine->moment() == moments[i]);
        REQUIRE(guest.machine->state_hash() == hashes[i]);
    }
    guest.time->seek(guest.time->start());
    CHECK_FALSE(guest.time->step_back());
}

TEST_CASE("what was typed enters again at its moment; what is typed in the past begins another run") {
    Guest guest;
    std::mt19937_64 random(1);
    for (const char* line : {"echo one\n", "sleep 0.01; echo two\n", "echo three | wc -c\n"}) {
        guest.run_for_ticks(40'000'000 + random() % 1000);
        guest.type(line);
    }
    guest.run_for_ticks(60'000'000);
    const Moment end = guest.time->end();
    const u64 hash = guest.machine->state_hash();
    const std::string text(guest.tape.text());
    CHECK(text.find("three") != std::string::npos);
    REQUIRE(guest.time->runs()[0].inputs.size() == 3);

    // Back to just before the second line, and on: the same end.
    const Moment second = guest.time->runs()[0].inputs[1].moment;
    guest.time->seek({second.instructions, second.ticks - 1'000});
    const Moment here = guest.machine->moment();
    const u64 there = guest.machine->state_hash();
    guest.time->seek(end);
    CHECK(guest.machine->state_hash() == hash);
    CHECK(guest.tape.text() == text);

    // Another line there: another run; the first one is still to be had.
    guest.time->seek(here);
    CHECK(guest.machine->state_hash() == there);
    guest.type("echo other\n");
    REQUIRE(guest.time->runs().size() == 2);
    CHECK(guest.time->run() == 1);
    guest.run_for_ticks(60'000'000);
    CHECK(guest.tape.text().find("other") != std::string::npos);
    CHECK(guest.tape.text().find("two") == std::string::npos);
    const Moment other_end = guest.time->end();
    const u64 other = guest.machine->state_hash();
    guest.time->enter_run(0);
    CHECK(guest.machine->moment() == here);
    CHECK(guest.machine->state_hash() == there);
    guest.time->seek(end);
    CHECK(guest.machine->state_hash() == hash);
    guest.time->enter_run(1);
    guest.time->seek(other_end);
    CHECK(guest.machine->state_hash() == other);
}

TEST_CASE("a debugger's writes are inputs too, and an unwatched run with them is the same") {
    Guest guest(1, kCommand);
    guest.run_to(5'000'000);
    const u64 physical = 0x3f0'0000;
    std::vector<u8> poke(8 + 4, 0xaa);
    std::memcpy(poke.data(), &physical, sizeof physical);
    guest.machine->input(kMemoryInput, poke);
    guest.machine->input(kRegisterInput, {0, 11 /* r11 */, 1, 2, 3, 4, 5, 6, 7, 8});
    const u64 hash = guest.machine->state_hash();
    const Moment moment = guest.machine->moment();
    guest.run_to(6'000'000);
    guest.time->seek_instructions(4'000'000);
    guest.time->seek(moment);
    CHECK(guest.machine->state_hash() == hash);
    CHECK(guest.machine->cpu().gpr[11] == 0x0807060504030201);
    CHECK(guest.machine->bus().read(physical, 4) == 0xaaaaaaaa);
    CHECK_THROWS_AS(guest.machine->input(kMemoryInput, {1, 2}), std::invalid_argument);
    CHECK_THROWS_AS(guest.machine->input("nothing", {1}), std::invalid_argument);
}

TEST_CASE("a search goes backwards through all of a run") {
    Guest guest(1, kCommand);
    std::vector<u64> calls;
    const auto watch = guest.machine->observers().subscribe(
        Observers::bit(EventKind::SystemCall),
        [&](const Event& event) { calls.push_back(event.moment.instructions); });
    guest.run_to(20'000'000);
    guest.machine->observers().unsubscribe(watch);
    REQUIRE(calls.size() > 20);
    std::vector<u64> found;
    guest.time->backwards(guest.time->end(), [&](Moment begin, Moment end) {
        std::vector<u64> here;
        const auto id = guest.machine->observers().subscribe(
            Observers::bit(EventKind::SystemCall),
            [&](const Event& event) { here.push_back(event.moment.instructions); });
        CHECK(guest.machine->moment() == begin);
        guest.run_to(end.instructions);
        guest.machine->observers().unsubscribe(id);
        found.insert(found.begin(), here.begin(), here.end());
        return false;
    });
    CHECK(found == calls);
}
