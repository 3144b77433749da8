// What keeping the event log costs a guest, what the log takes, and how long counting takes at any zoom.
//
// usage: event-bench [--pairs N] [options of orrery run] --max-insns N [-- COMMAND]
//
// Runs the guest in pairs, without and with a log, and prints medians of processor time.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ctime>
#include <iostream>
#include <random>

#include "cli/guest_options.h"
#include "emulator/time-travel/timeline/event_log.h"

using namespace orrery;

namespace {

constexpr size_t kColumns = 1366;
constexpr unsigned kZooms = 200;

double processor_seconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double seconds_of(const std::function<void()>& work) {
    const double begin = processor_seconds();
    work();
    return processor_seconds() - begin;
}

double at_share(std::vector<double> times, double share) {
    std::sort(times.begin(), times.end());
    return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))];
}

void print_zooms(const EventLog& log) {
    std::mt19937_64 random(1);
    std::vector<double> times;
    const u64 begin = log.first_instructions(), span = log.last_instructions() + 1 - begin;
    for (unsigned i = 0; i < kZooms; ++i) {
        // From all of the run to a millionth of it.
        const u64 width = std::max<u64>(span >> i % 20, kColumns);
        const u64 from = begin + random() % std::max<u64>(span - std::min(width, span - 1), 1);
        times.push_back(seconds_of([&] { log.counts(from, from + width, kColumns); }));
    }
    fmt::print("counts for {} columns, {} zooms: median {:.2f} ms, 95 % {:.2f} ms, most {:.2f} ms\n",
               kColumns, kZooms, at_share(times, 0.5) * 1e3, at_share(times, 0.95) * 1e3,
               at_share(times, 1) * 1e3);
}

int run(std::vector<std::string> words) {
    GuestOptions options;
    unsigned pairs = 5;
    const auto dashes = std::find(words.begin(), words.end(), "--");
    if (dashes != words.end()) options.command.assign(dashes + 1, words.end());
    words.erase(dashes, words.end());
    CLI::App app("What the event log costs.", "event-bench");
    app.add_option("--pairs", pairs, "How many pairs of runs")->check(CLI::Range(1, 1000));
    options.declare(app);
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    RunLimits limits;
    limits.instructions = options.max_instructions;
    std::vector<double> plain, logged, ratios;
    for (unsigned pair = 0; pair < pairs; ++pair) {
        for (const bool with : {false, true}) {
            Machine machine(options.machine_config());
            machine.load(options.boot_images());
            std::optional<EventLog> log;
            if (with) log.emplace(machine, u64{1} << 40);
            const double seconds = seconds_of([&] { machine.run(limits); });
            (with ? logged : plain).push_back(seconds);
            if (!with || pair + 1 != pairs) continue;
            const u64 events = log->end();
            fmt::print("{} instructions, {} events, {:.1f} MB: {:.1f} bytes an event\n",
                       machine.moment().instructions, events, static_cast<double>(log->bytes()) / 1e6,
                       static_cast<double>(log->bytes()) / static_cast<double>(std::max<u64>(events, 1)));
            print_zooms(*log);
        }
        ratios.push_back(logged.back() / plain.back());
    }
    fmt::print("{:.3f} s without, {:.3f} s with a log: {:+.1f} % (median of {} pairs, processor time)\n",
               at_share(plain, 0.5), at_share(logged, 0.5), (at_share(ratios, 0.5) - 1) * 100, pairs);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::cerr << "event-bench: " << error.what() << '\n';
        return 2;
    }
}
