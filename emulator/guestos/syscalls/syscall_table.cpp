// Parses the rows of guest-kernel/syscall/table.def.
#include "emulator/guestos/syscalls/syscall_table.h"

#include <algorithm>
#include <map>
#include <sstream>

namespace orrery {
namespace {

const std::map<std::string, ArgumentKind>& scalar_kinds() {
    static const std::map<std::string, ArgumentKind> kinds = {
        {"int", ArgumentKind::Int},      {"uint", ArgumentKind::Uint},   {"long", ArgumentKind::Long},
        {"ulong", ArgumentKind::Ulong},  {"hex", ArgumentKind::Hex},     {"octal", ArgumentKind::Octal},
        {"size", ArgumentKind::Size},    {"off", ArgumentKind::Offset},  {"pid", ArgumentKind::Pid},
        {"fd", ArgumentKind::Fd},        {"dirfd", ArgumentKind::DirFd}, {"uid", ArgumentKind::Uid},
        {"gid", ArgumentKind::Gid},      {"clock", ArgumentKind::Clock}, {"signal", ArgumentKind::Signal},
        {"addr", ArgumentKind::Address}, {"path", ArgumentKind::Path},   {"str", ArgumentKind::String},
        {"strv", ArgumentKind::Strings},
    };
    return kinds;
}

// "pollfd(nfds)" to "pollfd" and "nfds".
void split_extent(const std::string& text, std::string& word, std::string& extent) {
    const size_t open = text.find('(');
    word = text.substr(0, open);
    if (open != std::string::npos && text.back() == ')')
        extent = text.substr(open + 1, text.size() - open - 2);
}

bool parse_type(const std::string& text, SyscallArgument& argument) {
    const auto scalar = scalar_kinds().find(text);
    if (scalar != scalar_kinds().end()) {
        argument.kind = scalar->second;
        return true;
    }
    const size_t colon = text.find(':');
    if (colon == std::string::npos) {
        std::string word;
        split_extent(text, word, argument.extent);
        if (argument.extent.empty() || (word != "bytes" && word != "out_bytes")) return false;
        argument.kind = ArgumentKind::Bytes;
        argument.out = word == "out_bytes";
        argument.in = !argument.out;
        return true;
    }
    const std::string how = text.substr(0, colon);
    split_extent(text.substr(colon + 1), argument.word, argument.extent);
    if (how == "in" || how == "out" || how == "inout") {
        argument.kind = ArgumentKind::Structure;
        argument.in = how != "out";
        argument.out = how != "in";
    } else if (how == "flags" || how == "mode") {
        argument.kind = ArgumentKind::Flags;
    } else if (how == "enum") {
        argument.kind = ArgumentKind::Enumeration;
    } else {
        return false;
    }
    return !argument.word.empty();
}

}  // namespace

SyscallSpec parse_syscall(int number, const std::string& name, const std::string& arguments) {
    SyscallSpec spec;
    spec.number = number;
    spec.name = name;
    std::istringstream words(arguments);
    std::string word;
    while (words >> word) {
        if (word == "->") {
            words >> word;
            if (word == "addr")
                spec.result = ResultKind::Address;
            else if (word == "hex")
                spec.result = ResultKind::Hex;
            else if (word == "octal")
                spec.result = ResultKind::Octal;
            else
                spec.complete = false;
            continue;
        }
        SyscallArgument argument;
        const size_t colon = word.find(':');
        argument.name = word.substr(0, colon);
        if (colon == std::string::npos || !parse_type(word.substr(colon + 1), argument))
            spec.complete = false;
        spec.arguments.push_back(std::move(argument));
    }
    return spec;
}

namespace {

std::vector<SyscallSpec> sorted(std::vector<SyscallSpec> rows) {
    std::stable_sort(rows.begin(), rows.end(),
                     [](const SyscallSpec& a, const SyscallSpec& b) { return a.number < b.number; });
    return rows;
}

// What table.def says of the handler's arguments.
const std::map<std::string, std::string>& arguments_by_handler() {
    static const std::map<std::string, std::string> rows = {
#define SYSCALL(number, name, handler, count, arguments, status, test, ...) {#handler, arguments},
#include "guest-kernel/syscall/table.def"
#undef SYSCALL
    };
    return rows;
}

SyscallSpec ia32_spec(int number, const std::string& name, const std::string& handler, size_t count) {
    const auto known = arguments_by_handler().find(handler);
    SyscallSpec spec =
        parse_syscall(number, name, known != arguments_by_handler().end() ? known->second : "");
    for (SyscallArgument& argument : spec.arguments) {
        if (argument.kind != ArgumentKind::Structure && argument.kind != ArgumentKind::Strings) continue;
        argument = SyscallArgument{argument.name, ArgumentKind::Address, "", ""};
    }
    while (spec.arguments.size() < count)
        spec.arguments.push_back({"arg" + std::to_string(spec.arguments.size()), ArgumentKind::Hex, "", ""});
    return spec;
}

}  // namespace

const std::vector<SyscallSpec>& syscall_specs(CallAbi abi) {
    static const std::vector<SyscallSpec> native = sorted({
#define SYSCALL(number, name, handler, count, arguments, status, test, ...) \
    parse_syscall(number, #name, arguments),
#include "guest-kernel/syscall/table.def"
#undef SYSCALL
    });
    static const std::vector<SyscallSpec> ia32 = sorted({
#define IA32(number, name, handler, count, layout) ia32_spec(number, #name, #handler, count),
#include "guest-kernel/syscall/table_ia32.def"
#undef IA32
    });
    return abi == CallAbi::Ia32 ? ia32 : native;
}

const SyscallSpec* syscall_spec(u64 number, CallAbi abi) {
    const std::vector<SyscallSpec>& specs = syscall_specs(abi);
    const auto found = std::lower_bound(
        specs.begin(), specs.end(), number,
        [](const SyscallSpec& spec, u64 value) { return static_cast<u64>(spec.number) < value; });
    return found != specs.end() && static_cast<u64>(found->number) == number ? &*found : nullptr;
}

}  // namespace orrery
