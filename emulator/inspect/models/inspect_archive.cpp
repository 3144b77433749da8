// Visited state as text.
#include "emulator/inspect/models/inspect_archive.h"

#include <fmt/format.h>

#include <cstring>

namespace orrery {

std::string InspectArchive::path_of(std::string_view name) {
    Scope& scope = scopes_.back();
    const unsigned index = scope.seen[std::string(name)]++;
    // The elements of an array are all called "item": they are shown by number alone.
    if (name == "item" && !scope.path.empty()) return fmt::format("{}[{}]", scope.path, index);
    const std::string own = index == 0 ? std::string(name) : fmt::format("{}[{}]", name, index);
    return scope.path.empty() ? own : fmt::format("{}.{}", scope.path, own);
}

void InspectArchive::begin(std::string_view name) {
    Scope scope;
    scope.path = path_of(name);
    scopes_.push_back(std::move(scope));
}

void InspectArchive::end() {
    if (scopes_.size() > 1) scopes_.pop_back();
}

void InspectArchive::bytes(std::string_view name, void* data, size_t size) {
    constexpr size_t kShown = 16;
    std::string text = fmt::format("{} bytes", size);
    const u8* from = static_cast<const u8*>(data);
    for (size_t i = 0; i < size && i < kShown; ++i)
        text += fmt::format("{}{:02x}", i == 0 ? ": " : " ", from[i]);
    if (size > kShown) text += " ...";
    fields_.push_back({path_of(name), std::move(text)});
}

void InspectArchive::scalar(std::string_view name, void* data, size_t size, Kind kind) {
    u64 value = 0;
    std::memcpy(&value, data, std::min(size, sizeof value));
    std::string text;
    if (kind == Kind::Bool) {
        text = value != 0 ? "true" : "false";
    } else if (kind == Kind::Signed) {
        const unsigned shift = static_cast<unsigned>(64 - 8 * size);
        text = fmt::format("{}", static_cast<i64>(value << shift) >> shift);
    } else {
        text = value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
    }
    fields_.push_back({path_of(name), std::move(text)});
}

void InspectArchive::pages(std::string_view name, PagedMemory& memory) {
    fields_.push_back({path_of(name), fmt::format("{} bytes of memory", memory.size())});
}

}  // namespace orrery
