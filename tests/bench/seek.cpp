// How long it takes to go to any moment of a run, and a step back from there.
//
// usage: seek-bench [--moments N] [options of orrery run] --max-insns N [-- COMMAND]
//
// A first machine runs to the end and is hashed at N random moments; a second one, with a TimeMachine, goes
// to them in random order, and a step back and forth from each. Prints a table of times, and how many hashes
// were wrong (0).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <random>

#include "cli/guest_options.h"
#include "emulator/time-travel/timeline/time_machine.h"

using namespace orrery;

namespace {

double seconds_of(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void print_times(const char* what, std::vector<double> times) {
    std::sort(times.begin(), times.end());
    const auto at = [&](double share) {
        return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))] * 1e3;
    };
    fmt::print("{:<22} {:>8} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f}\n", what, times.size(), at(0.5), at(0.95),
               at(0.99), times.back() * 1e3);
}

int run(std::vector<std::string> words) {
    GuestOptions options;
    unsigned moments = 1000;
    const auto dashes = std::find(words.begin(), words.end(), "--");
    if (dashes != words.end()) options.command.assign(dashes + 1, words.end());
    words.erase(dashes, words.end());
    CLI::App app("Times of going to random moments of a run.", "seek-bench");
    app.add_option("--moments", moments, "How many")->check(CLI::Range(1, 1'000'000));
    u64 history = TimeMachine::kDefaultHistory >> 20;
    app.add_option("--history", history, "For snapshots, in MiB");
    options.declare(app);
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }

    RunLimits limits;
    limits.instructions = options.max_instructions;
    Moment end;
    {
        Machine machine(options.machine_config());
        machine.load(options.boot_images());
        machine.run(limits);
        end = machine.moment();
    }
    std::mt19937_64 random(1);
    std::map<u64, u64> hashes;
    while (hashes.size() < moments) hashes[1 + random() % (end.instructions - 1)] = 0;
    {
        Machine machine(options.machine_config());
        machine.load(options.boot_images());
        for (auto& [count, hash] : hashes) {
            machine.run({count, kNever});
            hash = machine.state_hash();
        }
    }

    Machine machine(options.machine_config());
    machine.load(options.boot_images());
    TimeMachine time(machine, {}, history << 20);
    const double ran = seconds_of([&] { machine.run(limits); });
    fmt::print("a run of {} instructions in {:.2f} s ({:.0f} million a second); {} snapshots, {:.0f} MiB\n",
               end.instructions, ran, static_cast<double>(end.instructions) / ran / 1e6,
               time.history().count(), static_cast<double>(time.history().bytes()) / (1 << 20));

    std::vector<u64> order;
    for (const auto& [count, hash] : hashes) order.push_back(count);
    std::shuffle(order.begin(), order.end(), random);
    std::vector<double> seeks, backs;
    unsigned wrong = 0;
    for (const u64 count : order) {
        seeks.push_back(seconds_of([&] { time.seek_instructions(count); }));
        wrong += machine.state_hash() != hashes[count];
        if (count == 1) continue;
        backs.push_back(seconds_of([&] { time.step_back(); }));
        machine.step();
        wrong += machine.state_hash() != hashes[count];
    }
    fmt::print("{:<22} {:>8} {:>9} {:>9} {:>9} {:>9}\n", "milliseconds", "count", "median", "95 %", "99 %",
               "most");
    print_times("to a random moment", seeks);
    print_times("a step back", backs);
    fmt::print("wrong hashes: {} of {}; {} snapshots, {:.0f} MiB\n", wrong, order.size() + backs.size(),
               time.history().count(), static_cast<double>(time.history().bytes()) / (1 << 20));
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "seek-bench: " << error.what() << "\n";
        return 2;
    }
}
