// A run's time as rows.
#include "emulator/inspect/models/timeline.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "emulator/time-travel/timeline/event_log.h"
#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {
namespace {

std::string count_text(u64 count) {
    return count == 0 ? "" : grouped(count);
}

Json moment_json(const Moment& moment) {
    return {{"instructions", moment.instructions}, {"ticks", moment.ticks}};
}

void add_bins(const EventLog& log, size_t bins, TimelineModel& model) {
    model.event_bytes = log.bytes();
    model.bin_begin = log.first_instructions();
    const u64 span = log.last_instructions() + 1 - model.bin_begin;
    model.bin_width = (span + bins - 1) / bins;
    const size_t count = static_cast<size_t>((span + model.bin_width - 1) / model.bin_width);
    const auto of = [](const EventCounts& counts, EventKind kind) {
        return counts[static_cast<size_t>(kind)];
    };
    for (const EventCounts& counts :
         log.counts(model.bin_begin, model.bin_begin + count * model.bin_width, count))
        model.bins.push_back({of(counts, EventKind::RingEnter), of(counts, EventKind::Exception),
                              of(counts, EventKind::Interrupt)});
}

}  // namespace

TimelineModel timeline_model(const ModelContext& context, size_t bins) {
    TimelineModel model;
    if (context.time == nullptr) {
        model.problem = "this machine's past is not kept";
        return model;
    }
    const TimeMachine& time = *context.time;
    model.start = time.start();
    model.now = time.now();
    model.end = time.end();
    model.run = time.run();
    model.in_past = time.in_past();
    if (context.events != nullptr) add_bins(*context.events, bins, model);
    for (const LoggedInput& input : time.runs()[time.run()].inputs)
        if (model.inputs.empty() || model.inputs.back() != input.moment.instructions)
            model.inputs.push_back(input.moment.instructions);
    for (unsigned i = 0; i < time.runs().size(); ++i) {
        const TimelineRun& run = time.runs()[i];
        model.runs.push_back({i, run.parent, run.fork, i == time.run() ? time.end() : run.end,
                              run.inputs.size() - run.inherited, i == time.run()});
    }
    model.snapshots = time.history().count();
    model.history_bytes = time.history().bytes();
    return model;
}

std::string to_text(const TimelineModel& model, const TimelineParameters& parameters) {
    if (!model.problem.empty()) return model.problem + "\n";
    std::string text = fmt::format("run {}: instructions {} to {}, now {}{}\n", model.run,
                                   grouped(model.start.instructions), grouped(model.end.instructions),
                                   grouped(model.now.instructions), model.in_past ? " (in the past)" : "");
    text += fmt::format("history: {} snapshot{}, {} MiB\n", model.snapshots, model.snapshots == 1 ? "" : "s",
                        model.history_bytes >> 20);
    for (const TimelineRunRow& run : model.runs)
        if (run.number != 0)
            text += fmt::format("run {} leaves run {} at instruction {} and goes to {}{}\n", run.number,
                                run.parent, grouped(run.fork.instructions), grouped(run.end.instructions),
                                run.present ? " (present)" : "");
    const size_t together = std::max<size_t>((model.bins.size() + parameters.rows - 1) / parameters.rows, 1);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = 0; i < model.bins.size(); i += together) {
        TimelineBin sum;
        for (size_t j = i; j < std::min(i + together, model.bins.size()); ++j) {
            sum.crossings += model.bins[j].crossings;
            sum.faults += model.bins[j].faults;
            sum.interrupts += model.bins[j].interrupts;
        }
        const u64 begin = model.bin_begin + i * model.bin_width;
        const u64 end = begin + together * model.bin_width;
        const auto inputs = std::count_if(model.inputs.begin(), model.inputs.end(),
                                          [&](u64 input) { return input >= begin && input < end; });
        const bool here = model.now.instructions >= begin && model.now.instructions < end;
        rows.push_back({grouped(begin), count_text(sum.crossings), count_text(sum.faults),
                        count_text(sum.interrupts), count_text(static_cast<u64>(inputs)),
                        here ? "<-- now" : ""});
    }
    return text + table_text({"from instruction", "into the kernel", "faults", "interrupts", "inputs", ""},
                             rows, {true, true, true, true, true, false});
}

Json to_json(const TimelineModel& model) {
    Json json;
    if (!model.problem.empty()) {
        json["problem"] = model.problem;
        return json;
    }
    json["start"] = moment_json(model.start);
    json["now"] = moment_json(model.now);
    json["end"] = moment_json(model.end);
    json["run"] = model.run;
    json["in_past"] = model.in_past;
    json["runs"] = Json::array();
    for (const TimelineRunRow& run : model.runs)
        json["runs"].push_back({{"number", run.number},
                                {"parent", run.parent},
                                {"fork", moment_json(run.fork)},
                                {"end", moment_json(run.end)},
                                {"inputs", run.inputs},
                                {"present", run.present}});
    json["inputs"] = model.inputs;
    json["bin_begin"] = model.bin_begin;
    json["bin_width"] = model.bin_width;
    json["bins"] = Json::array();
    for (const TimelineBin& bin : model.bins)
        json["bins"].push_back(
            {{"crossings", bin.crossings}, {"faults", bin.faults}, {"interrupts", bin.interrupts}});
    json["snapshots"] = model.snapshots;
    json["history_bytes"] = model.history_bytes;
    json["event_bytes"] = model.event_bytes;
    return json;
}

}  // namespace orrery
