#include "emulator/inspect/gdb/monitor.h"

#include <fmt/format.h>

#include <vector>

#include "emulator/inspect/models/windows.h"
#include "emulator/isa/number.h"
#include "emulator/time-travel/timeline/query_text.h"

namespace orrery {

namespace {

constexpr u64 kFarthest = 100'000'000'000;  // a guess that is wrong should not keep gdb for hours
constexpr const char* kForget =
    "gdb keeps what it has read: have it forget with `maintenance flush register-cache`\n";

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        if (c != ' ' && c != '\t' && c != '\n') {
            word += c;
        } else if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

std::string help() {
    std::string text =
        "where                            the present moment, and those that can be gone to\n"
        "goto N                           to the moment at which N instructions are complete; +N, -N: from "
        "here\n"
        "next QUERY, previous QUERY       to where it happens: crossing; syscall name=write pid=7; return "
        "result=-2;\n"
        "                                 page-fault; interrupt vector=32; switch; device name=uart16550.0; "
        "write PLACE; code PLACE\n"
        "over, out, back-over, back-out   over a call or to the function's end, of the selected thread's "
        "CPU; and "
        "back\n";
    for (const ShowWindow& window : show_windows())
        text += fmt::format("show {:<28} {}\n", window.name + " " + window.arguments, window.summary);
    return text;
}

std::string where(TimeMachine& time) {
    const Moment now = time.now();
    std::string text =
        fmt::format("instruction {}, {} ns, CPU {}\n", now.instructions, now.ticks, time.machine().cpu().id);
    text +=
        fmt::format("known from instruction {} to {}", time.start().instructions, time.end().instructions);
    if (time.runs().size() > 1) text += fmt::format(" (run {} of {})", time.run(), time.runs().size());
    return text + "\n";
}

// What is said of an arrival, if it is one at another moment than before.
GdbMonitored said_of(TimeMachine& time, const Arrival& arrival) {
    switch (arrival.why) {
        case Arrival::Why::None:
            return {"there is none\n" + where(time), {}};
        case Arrival::Why::Stopped:
            return {"stopped looking\n" + where(time), {}};
        case Arrival::Why::HistoryBegin:
            return {"there is nothing before\n" + where(time), arrival.cpu};
        case Arrival::Why::UnderWay:
        case Arrival::Why::Requested:
        case Arrival::Why::HistoryEnd:
            return {"there is none\n" + where(time) + kForget, arrival.cpu};
        default:
            break;
    }
    const std::string match = arrival.event ? match_text(*arrival.event) + "\n" : "";
    return {match + where(time) + kForget, arrival.cpu};
}

GdbMonitored go_to(Navigation& navigation, const std::string& text) {
    TimeMachine& time = navigation.time();
    const bool is_relative = text[0] == '+' || text[0] == '-';
    const std::optional<u64> number =
        parse_number(std::string_view(text).substr(is_relative ? 1 : 0), kLargestCount);
    if (!number) return {fmt::format("{} is not a number of instructions\n", text), {}};
    u64 count = *number;
    const u64 now = time.now().instructions;
    if (text[0] == '+') count += now;
    if (text[0] == '-') count = now - std::min(now, count);
    if (count > time.end().instructions && count - time.end().instructions > kFarthest)
        return {fmt::format("{} is too far beyond the end of what is known\n", text), {}};
    return said_of(time, navigation.go_to(count));
}

// Forwards a slice at a time, so that it can be stopped.
GdbMonitored go(Navigation& navigation, const Journey& journey) {
    TimeMachine& time = navigation.time();
    Arrival arrival;
    const bool there = navigation.look([&] {
        RunLimits limits;
        limits.instructions = time.now().instructions + kFarthest;
        arrival = navigation.go(journey, limits);
    });
    if (!there) arrival.why = Arrival::Why::Stopped;
    return said_of(time, arrival);
}

GdbMonitored look(Navigation& navigation, const ModelContext& context, std::vector<std::string> words) {
    const bool back = words[0] == "previous";
    words.erase(words.begin());
    return go(navigation, {going::Match{parse_query(words, context.kernel())}, back});
}

// Steps that gdb makes of many packets.
std::optional<Journey> step_of(const std::string& word, unsigned cpu) {
    const bool back = word.starts_with("back-");
    const std::string name = back ? word.substr(5) : word;
    if (name == "over") return Journey{going::Over{}, back, cpu};
    if (name == "out") return Journey{going::Out{}, back, cpu};
    return std::nullopt;
}

GdbMonitored carry_out(Navigation& navigation, const ModelContext& context, std::string_view command) {
    std::vector<std::string> words = split(command);
    if (words.empty() || (words.size() == 1 && words[0] == "help")) return {help(), {}};
    if (words.size() == 1 && words[0] == "where") return {where(navigation.time()), {}};
    if (words.size() == 1)
        if (const std::optional<Journey> step = step_of(words[0], context.cpu)) return go(navigation, *step);
    if (words.size() == 2 && words[0] == "goto") return go_to(navigation, words[1]);
    if (words.size() > 1 && (words[0] == "next" || words[0] == "previous"))
        return look(navigation, context, std::move(words));
    if (words.size() < 2 || words[0] != "show")
        return {fmt::format("no such command: {}; try help\n", command), {}};
    const ShowWindow& window = find_window(words[1]);
    words.erase(words.begin(), words.begin() + 2);
    GdbMonitored shown;
    if (!navigation.look([&] { shown.text = window.render(context, words).text; }))
        shown.text = "stopped looking\n";
    return shown;
}

}  // namespace

GdbMonitored gdb_monitor(Navigation& navigation, const ModelContext& context, std::string_view command) {
    try {
        return carry_out(navigation, context, command);
    } catch (const std::runtime_error& problem) {  // QueryError, TimeError, ShowError
        return {std::string(problem.what()) + "\n", {}};
    }
}

}  // namespace orrery
