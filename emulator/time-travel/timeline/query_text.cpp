#include "emulator/time-travel/timeline/query_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "emulator/guestos/syscalls/syscall_decode.h"
#include "emulator/isa/number.h"
#include "emulator/points/breakpoints.h"

namespace orrery {

namespace {

constexpr u64 kMostBytes = u64{1} << 20;

struct Kind {
    const char* word;
    Query::What what;
    const char* keys;  // blank after each
    bool place = false;
};
constexpr Kind kKinds[] = {
    {"crossing", Query::What::RingCrossing, ""},
    {"syscall", Query::What::SystemCall, "name number pid "},
    {"return", Query::What::SystemReturn, "name number result pid "},
    {"page-fault", Query::What::PageFault, "address pid "},
    {"interrupt", Query::What::Interrupt, "vector "},
    {"switch", Query::What::ContextSwitch, "pid "},
    {"device", Query::What::DeviceAccess, "name address "},
    {"write", Query::What::MemoryAccess, "size physical ", true},
    {"read", Query::What::MemoryAccess, "size physical ", true},
    {"access", Query::What::MemoryAccess, "size physical ", true},
    {"code", Query::What::Code, "", true},
};

constexpr const char* kAnyKind = "cpu ";  // keys of all of them

const Kind& find_kind(const std::string& word) {
    std::string all;
    for (const Kind& kind : kKinds) {
        if (word == kind.word) return kind;
        all += std::string(all.empty() ? "" : ", ") + kind.word;
    }
    throw QueryError(fmt::format("{}: one of {}", word.empty() ? "what is looked for" : word, all));
}

i64 number_of(const std::string& key, const std::string& text) {
    const bool negative = text.starts_with("-");
    const std::optional<u64> value = parse_number(std::string_view(text).substr(negative ? 1 : 0));
    if (!value || (negative && key != "result"))
        throw QueryError(fmt::format("{}={}: a number, please", key, text));
    return static_cast<i64>(negative ? 0 - *value : *value);
}

u64 system_call(const std::string& name) {
    if (const std::optional<u64> number = syscall_number(name)) return *number;
    throw QueryError(fmt::format("no system call is called {}", name));
}

u64 place(const std::string& text, const DebugInfo* kernel) {
    try {
        return resolve_place(text, kernel);
    } catch (const BreakpointError& error) {
        throw QueryError(error.what());
    }
}

void set(Query& query, DataPoint& data, const std::string& key, const std::string& value) {
    if (key == "name" && query.what == Query::What::DeviceAccess) {
        query.device = value;
    } else if (key == "name") {
        query.number = system_call(value);
    } else if (key == "number" || key == "vector") {
        query.number = static_cast<u64>(number_of(key, value));
    } else if (key == "result") {
        query.result = number_of(key, value);
    } else if (key == "pid") {
        query.pid = static_cast<int>(number_of(key, value));
    } else if (key == "cpu") {
        query.cpu = static_cast<unsigned>(number_of(key, value));
    } else if (key == "address") {
        query.address = static_cast<u64>(number_of(key, value));
    } else if (key == "physical") {
        data.physical = number_of(key, value) != 0;
    } else {
        data.size = static_cast<u64>(number_of(key, value));
        if (data.size == 0 || data.size > kMostBytes) throw QueryError("size: 1 byte to 1 MiB");
    }
}

}  // namespace

Query parse_query(const std::vector<std::string>& words, const DebugInfo* kernel) {
    const std::string word = words.empty() ? "" : words[0];
    const Kind& kind = find_kind(word);
    Query query;
    query.what = kind.what;
    DataPoint data;
    data.reads = words[0] == "read" || words[0] == "access";
    data.writes = words[0] != "read";
    size_t next = 1;
    if (kind.place) {
        if (words.size() < 2) throw QueryError(fmt::format("{}: which address?", kind.word));
        data.address = place(words[next++], kernel);
    }
    for (; next < words.size(); ++next) {
        const size_t equals = words[next].find('=');
        const std::string key = words[next].substr(0, equals);
        if (equals == std::string::npos || key.empty() ||
            (std::string(kind.keys) + kAnyKind).find(key + " ") == std::string::npos)
            throw QueryError(
                fmt::format("{}: {} takes {}{}with =VALUE", words[next], kind.word, kind.keys, kAnyKind));
        set(query, data, key, words[next].substr(equals + 1));
    }
    if (kind.what == Query::What::MemoryAccess) query.data = {data};
    if (kind.what == Query::What::Code) query.code = {data.address};
    return query;
}

bool is_query_word(const std::string& word) {
    return std::any_of(std::begin(kKinds), std::end(kKinds),
                       [&](const Kind& kind) { return word == kind.word; });
}

std::string match_text(const Event& match) {
    return fmt::format("CPU {} at {:#x}, instruction {}", match.cpu, match.rip, match.moment.instructions);
}

}  // namespace orrery
