// Breakpoints and what their text may be.
#include "emulator/points/breakpoints.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/types/debug_info.h"
#include "emulator/isa/number.h"

namespace orrery {
namespace {

u64 resolve_line(const std::string& text, size_t colon, const DebugInfo& kernel) {
    const std::string file = text.substr(0, colon);
    const u64 line = parse_number(std::string_view(text).substr(colon + 1), 0x7fffffff).value_or(0);
    if (line == 0) throw BreakpointError(fmt::format("{}: after the colon a line number must follow", text));
    const std::vector<u64> addresses = kernel.lines.addresses_of(file, static_cast<unsigned>(line));
    if (addresses.empty()) throw BreakpointError(fmt::format("{}: no code is known there", text));
    return addresses.front();
}

}  // namespace

u64 resolve_place(const std::string& text, const DebugInfo* kernel) {
    if (text.empty()) throw BreakpointError("an address, a symbol or FILE:LINE is needed");
    if (const std::optional<u64> number = parse_number(text)) return *number;
    if (text[0] >= '0' && text[0] <= '9') throw BreakpointError(fmt::format("{} is not an address", text));
    if (kernel == nullptr) throw BreakpointError(fmt::format("{}: no symbols are known", text));
    if (const Symbol* symbol = kernel->symbols.find(text)) return symbol->address;
    const size_t colon = text.rfind(':');
    if (colon != std::string::npos && colon > 0 && text[colon - 1] != ':')
        return resolve_line(text, colon, *kernel);
    const size_t plus = text.rfind('+');
    if (plus != std::string::npos)
        if (const std::optional<u64> offset = parse_number(std::string_view(text).substr(plus + 1)))
            if (const Symbol* symbol = kernel->symbols.find(text.substr(0, plus)))
                return symbol->address + *offset;
    throw BreakpointError(fmt::format("no symbol is called {}", text));
}

void BreakpointSet::index() {
    addresses_.clear();
    for (const Breakpoint& breakpoint : breakpoints_)
        if (breakpoint.enabled) addresses_.push_back(breakpoint.address);
    std::sort(addresses_.begin(), addresses_.end());
}

unsigned BreakpointSet::add(const std::string& text, const DebugInfo* kernel) {
    return add(resolve_place(text, kernel), text);
}

unsigned BreakpointSet::add(u64 address, std::string text) {
    for (const Breakpoint& other : breakpoints_)
        if (other.address == address)
            throw BreakpointError(
                fmt::format("there is a breakpoint at {:#x} already ({})", address, other.text));
    breakpoints_.push_back({next_, address, std::move(text), true, 0});
    index();
    return next_++;
}

void BreakpointSet::resolve_again(const DebugInfo* kernel) {
    for (Breakpoint& breakpoint : breakpoints_) {
        try {
            breakpoint.address = resolve_place(breakpoint.text, kernel);
        } catch (const BreakpointError&) {
            // Given by its address, with a text for people.
        }
    }
    index();
}

bool BreakpointSet::remove(unsigned id) {
    const size_t before = breakpoints_.size();
    std::erase_if(breakpoints_, [&](const Breakpoint& breakpoint) { return breakpoint.id == id; });
    index();
    return breakpoints_.size() != before;
}

bool BreakpointSet::enable(unsigned id, bool enabled) {
    for (Breakpoint& breakpoint : breakpoints_) {
        if (breakpoint.id != id) continue;
        breakpoint.enabled = enabled;
        index();
        return true;
    }
    return false;
}

Breakpoint* BreakpointSet::at(u64 address) {
    if (!std::binary_search(addresses_.begin(), addresses_.end(), address)) return nullptr;
    for (Breakpoint& breakpoint : breakpoints_)
        if (breakpoint.enabled && breakpoint.address == address) return &breakpoint;
    return nullptr;
}

bool BreakpointSet::any_enabled() const {
    return !addresses_.empty();
}

}  // namespace orrery
