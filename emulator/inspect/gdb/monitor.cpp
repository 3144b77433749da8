#include "emulator/inspect/gdb/monitor.h"

#include <fmt/format.h>

#include <vector>

#include "emulator/inspect/models/windows.h"
#include "emulator/isa/number.h"
#include "emulator/time-travel/timeline/queries.h"
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
        "write PLACE; code PLACE\n";
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

std::string go_to(TimeMachine& time, const std::string& text, bool& moved) {
    const bool is_relative = text[0] == '+' || text[0] == '-';
    const std::optional<u64> number =
        parse_number(std::string_view(text).substr(is_relative ? 1 : 0), kLargestCount);
    if (!number) return fmt::format("{} is not a number of instructions\n", text);
    u64 count = *number;
    const u64 now = time.now().instructions;
    if (text[0] == '+') count += now;
    if (text[0] == '-') count = now - std::min(now, count);
    if (count > time.end().instructions && count - time.end().instructions > kFarthest)
        return fmt::format("{} is too far beyond the end of what is known\n", text);
    try {
        time.seek_instructions(count);
    } catch (const TimeError& problem) {
        return std::string(problem.what()) + "\n";
    }
    moved = true;
    return where(time) + kForget;
}

std::string look(TimeMachine& time, const ModelContext& context, std::vector<std::string> words,
                 bool& moved) {
    const bool forwards = words[0] == "next";
    words.erase(words.begin());
    try {
        Search search(time, *context.os, parse_query(words, context.kernel()));
        RunLimits limits;
        limits.instructions = time.now().instructions + kFarthest;
        moved = true;
        const std::optional<Event> match = forwards ? search.forwards(limits) : search.backwards();
        return (match ? match_text(*match) + "\n" : std::string("there is none\n")) + where(time) + kForget;
    } catch (const std::runtime_error& problem) {  // QueryError, TimeError
        return std::string(problem.what()) + "\n";
    }
}

}  // namespace

std::string gdb_monitor(TimeMachine& time, const ModelContext& context, std::string_view command,
                        bool& moved) {
    moved = false;
    std::vector<std::string> words = split(command);
    if (words.empty() || (words.size() == 1 && words[0] == "help")) return help();
    if (words.size() == 1 && words[0] == "where") return where(time);
    if (words.size() == 2 && words[0] == "goto") return go_to(time, words[1], moved);
    if (words.size() > 1 && (words[0] == "next" || words[0] == "previous"))
        return look(time, context, std::move(words), moved);
    if (words.size() < 2 || words[0] != "show")
        return fmt::format("no such command: {}; try help\n", command);
    try {
        const ShowWindow& window = find_window(words[1]);
        words.erase(words.begin(), words.begin() + 2);
        return window.render(context, words).text;
    } catch (const ShowError& error) {
        return std::string(error.what()) + "\n";
    }
}

}  // namespace orrery
