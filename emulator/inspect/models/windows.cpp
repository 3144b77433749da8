// The registry of windows with a text twin, and what their arguments may be.
#include "emulator/inspect/models/windows.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <optional>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/inspect/models/address_space.h"
#include "emulator/inspect/models/bookmarks.h"
#include "emulator/inspect/models/console.h"
#include "emulator/inspect/models/devices.h"
#include "emulator/inspect/models/disassembly.h"
#include "emulator/inspect/models/framebuffer.h"
#include "emulator/inspect/models/memory.h"
#include "emulator/inspect/models/page_walk.h"
#include "emulator/inspect/models/place.h"
#include "emulator/inspect/models/registers.h"
#include "emulator/inspect/models/ring.h"
#include "emulator/inspect/models/syscalls.h"
#include "emulator/inspect/models/tasks.h"
#include "emulator/inspect/models/timeline.h"
#include "emulator/inspect/models/tlb.h"
#include "emulator/inspect/models/who_wrote.h"
#include "emulator/isa/number.h"
#include "emulator/machine/machine.h"

namespace orrery {
namespace {

using Arguments = std::vector<std::string>;

// "do_fork+0x10" to "do_fork" and 0x10. False if what follows the sign is no number.
bool split_offset(const std::string& text, std::string& base, u64& offset) {
    base = text;
    offset = 0;
    const size_t sign = text.find_last_of("+-");
    if (sign == std::string::npos || sign == 0) return true;
    const std::optional<u64> value = parse_number(std::string_view(text).substr(sign + 1));
    if (!value) return text[sign] != '+';
    base = text.substr(0, sign);
    offset = text[sign] == '-' ? 0 - *value : *value;
    return true;
}

// The registers that an address may be given by: those of Cpu::gpr, then these.
constexpr const char* kRegisterNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8",
                                          "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "cr2"};
constexpr size_t kRip = 16, kCr2 = 17;

std::optional<size_t> register_index(std::string name) {
    if (!name.empty() && name[0] == '$') name.erase(0, 1);
    const auto* const found = std::find(std::begin(kRegisterNames), std::end(kRegisterNames), name);
    if (found == std::end(kRegisterNames)) return std::nullopt;
    return static_cast<size_t>(found - std::begin(kRegisterNames));
}

u64 register_value(const Cpu& cpu, size_t index) {
    return index == kRip ? cpu.rip() : index == kCr2 ? cpu.cr2 : cpu.gpr[index];
}

// `usage`: all that may be given; `needed`: what must be, where that is less.
void check_count(const Arguments& arguments, size_t least, size_t most, const char* usage,
                 const char* needed = nullptr) {
    if (arguments.size() < least)
        throw ShowError(fmt::format("needs {}", needed != nullptr ? needed : usage));
    if (arguments.size() > most)
        throw ShowError(most == 0 ? fmt::format("takes no argument, but got {}", arguments[0])
                                  : fmt::format("takes only {}, but got {}", usage, arguments[most]));
}

int parse_pid(const std::string& text) {
    if (const std::optional<u64> value = parse_number(text, 0x7fffffff)) return static_cast<int>(*value);
    throw ShowError(fmt::format("{} is not a pid", text));
}

// The task that an address is said to belong to, if one is.
std::optional<int> pid_argument(const Arguments& arguments, size_t index) {
    if (arguments.size() <= index) return std::nullopt;
    return parse_pid(arguments[index]);
}

size_t parse_size(const std::string& text) {
    const std::optional<u64> value = parse_number(text);
    if (!value) throw ShowError(fmt::format("{} is not a number of bytes", text));
    if (*value == 0 || *value > 65536) throw ShowError(fmt::format("{}: from 1 to 65536 bytes", text));
    return static_cast<size_t>(*value);
}

template <typename Model>
RenderedWindow rendered(const Model& model) {
    return {to_text(model), to_json(model).dump(2)};
}
// A model that has nothing to show is an error of the argument.
template <typename Model>
RenderedWindow rendered_if(bool shown, const Model& model) {
    if (!shown) throw ShowError(model.problem);
    return rendered(model);
}

// Adds the window's name to what goes wrong within.
template <typename Function>
auto named(const std::string& name, Function function) {
    return [name, function](auto&&... arguments) {
        try {
            return function(std::forward<decltype(arguments)>(arguments)...);
        } catch (const ShowError& error) {
            throw ShowError(fmt::format("show {}: {}", name, error.what()));
        }
    };
}

void add(std::vector<ShowWindow>& windows, const std::string& name, std::string arguments,
         std::string summary, const std::function<void(const Arguments&)>& check,
         const std::function<RenderedWindow(const ModelContext&, const Arguments&)>& render) {
    const auto checked = [check, render](const ModelContext& context, const Arguments& given) {
        check(given);
        return render(context, given);
    };
    windows.push_back(
        {name, std::move(arguments), std::move(summary), named(name, check), named(name, checked)});
}

std::vector<ShowWindow> make_windows() {
    std::vector<ShowWindow> windows;
    add(
        windows, "registers", "[fp]", "one CPU's registers, decoded; fp: x87 and SSE too",
        [](const Arguments& a) {
            check_count(a, 0, 1, "fp");
            if (!a.empty() && a[0] != "fp") throw ShowError(fmt::format("{}: the only argument is fp", a[0]));
        },
        [](const ModelContext& context, const Arguments& a) {
            return rendered(registers_model(context, {.floating_point = !a.empty()}));
        });
    add(
        windows, "ring", "", "the border between user and kernel, and what crossing it changed",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) { return rendered(ring_model(context)); });
    add(
        windows, "disassembly", "[ADDR [PID]]",
        "instructions around an address (default: RIP), in a task's memory",
        [](const Arguments& a) {
            check_count(a, 0, 2, "an address and a pid");
            if (!a.empty()) check_address(a[0]);
            pid_argument(a, 1);
        },
        [](const ModelContext& context, const Arguments& a) {
            DisassemblyParameters parameters;
            if (!a.empty()) {
                const Place place = parse_place(context, a[0], pid_argument(a, 1));
                parameters.address = place.address;
                parameters.cr3 = place.cr3;
                parameters.before = 0;
            }
            return rendered(disassembly_model(context, parameters));
        });
    add(
        windows, "page-walk", "ADDR [PID]",
        "how a linear address becomes a physical one, and why (not); PID: by a task's page tables",
        [](const Arguments& a) {
            check_count(a, 1, 2, "an address and a pid", "an address");
            check_address(a[0]);
            pid_argument(a, 1);
        },
        [](const ModelContext& context, const Arguments& a) {
            const Place place = parse_place(context, a[0], pid_argument(a, 1));
            return rendered(page_walk_model(context, {.address = place.address, .cr3 = place.cr3}));
        });
    add(
        windows, "address-space", "PID [pages]", "what a process has mapped; pages: frame by frame",
        [](const Arguments& a) {
            check_count(a, 1, 2, "a pid and the word pages", "a pid");
            parse_pid(a[0]);
            if (a.size() > 1 && a[1] != "pages")
                throw ShowError(fmt::format("{}: after the pid only pages may follow", a[1]));
        },
        [](const ModelContext& context, const Arguments& a) {
            const AddressSpaceModel model =
                address_space_model(context, {.pid = parse_pid(a[0]), .pages = a.size() > 1});
            return rendered_if(!model.rows.empty(), model);
        });
    add(
        windows, "tlb", "", "every TLB array, set by set, with counters",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) { return rendered(tlb_model(context, {})); });
    add(
        windows, "tasks", "", "the guest's threads: state, parent, CPU time",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) {
            const TasksModel model = tasks_model(context);
            return rendered_if(!model.rows.empty(), model);
        });
    add(
        windows, "syscalls", "[PID]", "the latest system calls of every task, or of one",
        [](const Arguments& a) {
            check_count(a, 0, 1, "a pid");
            if (!a.empty()) parse_pid(a[0]);
        },
        [](const ModelContext& context, const Arguments& a) {
            SyscallsParameters parameters;
            if (!a.empty()) parameters.pid = parse_pid(a[0]);
            const SyscallsModel model = syscalls_model(context, parameters);
            return rendered_if(model.problem.empty(), model);
        });
    add(
        windows, "console", "", "what the guest printed",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) { return rendered(console_model(context)); });
    add(
        windows, "devices", "[NAME]", "every device's state, or one's",
        [](const Arguments& a) { check_count(a, 0, 1, "a device's name"); },
        [](const ModelContext& context, const Arguments& a) {
            const DevicesModel model = devices_model(context, {.only = a.empty() ? "" : a[0]});
            return rendered_if(!model.devices.empty(), model);
        });
    add(
        windows, "framebuffer", "", "the display: its mode and a hash of its pixels; with --format png, them",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) {
            const FramebufferModel model = framebuffer_model(context);
            return rendered_if(model.visible(), model);
        });
    add(
        windows, "memory", "ADDR [BYTES [PID]]", "memory as a hex dump; PID: a task's",
        [](const Arguments& a) {
            check_count(a, 1, 3, "an address, a number of bytes and a pid", "an address");
            check_address(a[0]);
            if (a.size() > 1) parse_size(a[1]);
            pid_argument(a, 2);
        },
        [](const ModelContext& context, const Arguments& a) {
            MemoryParameters parameters;
            const Place place = parse_place(context, a[0], pid_argument(a, 2));
            parameters.address = place.address;
            parameters.cr3 = place.cr3;
            if (a.size() > 1) parameters.size = parse_size(a[1]);
            return rendered(memory_model(context, parameters));
        });
    add(
        windows, "timeline", "", "the run so far: what happened when, where the machine is, branches",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) {
            const TimelineModel model = timeline_model(context);
            return rendered_if(model.problem.empty(), model);
        });
    add(
        windows, "bookmarks", "", "a recording's bookmarks: moments with notes",
        [](const Arguments& a) { check_count(a, 0, 0, ""); },
        [](const ModelContext& context, const Arguments&) {
            const BookmarksModel model = bookmarks_model(context);
            return rendered_if(model.problem.empty(), model);
        });
    add(
        windows, "who-wrote", "ADDR", "the last write to a byte: instruction, task, system call, moment",
        [](const Arguments& a) {
            check_count(a, 1, 1, "an address");
            check_address(a[0]);
        },
        [](const ModelContext& context, const Arguments& a) {
            const WhoWroteModel model = who_wrote_model(context, {.linear = parse_address(context, a[0])});
            return rendered_if(model.problem.empty(), model);
        });
    return windows;
}

}  // namespace

void check_address(const std::string& text) {
    std::string base;
    u64 offset = 0;
    const bool split = split_offset(text, base, offset);
    const bool number_like = !base.empty() && base[0] >= '0' && base[0] <= '9';
    if (!split || base.empty() || (number_like && !parse_number(base)))
        throw ShowError(fmt::format("{} is not an address", text.empty() ? "\"\"" : text));
}

bool is_register_address(const std::string& text) {
    std::string base;
    u64 offset = 0;
    return split_offset(text, base, offset) && register_index(base).has_value();
}

u64 parse_address(const ModelContext& context, const std::string& text) {
    check_address(text);
    std::string base;
    u64 offset = 0;
    split_offset(text, base, offset);
    if (const std::optional<u64> number = parse_number(base)) return *number + offset;
    if (const std::optional<size_t> index = register_index(base))
        return register_value(context.machine.cpu(context.cpu), *index) + offset;
    if (context.kernel() != nullptr) {
        // A name may have the sign in it ("operator-"): whole first.
        if (const Symbol* symbol = context.kernel()->symbols.find(text)) return symbol->address;
        if (const Symbol* symbol = context.kernel()->symbols.find(base)) return symbol->address + offset;
    }
    throw ShowError(fmt::format("no symbol is called {}", base));
}

const std::vector<ShowWindow>& show_windows() {
    static const std::vector<ShowWindow> windows = make_windows();
    return windows;
}

const ShowWindow& find_window(const std::string& name) {
    std::string names;
    for (const ShowWindow& window : show_windows()) {
        if (window.name == name) return window;
        names += fmt::format("{}{}", names.empty() ? "" : ", ", window.name);
    }
    throw ShowError(fmt::format("show: no window is called {}; there are: {}", name, names));
}

}  // namespace orrery
