#include "emulator/machine/component_hasher.h"

#include <algorithm>

namespace orrery {

// Whose children are parts of their own.
bool ComponentHasher::is_group(std::string_view name) const {
    return (depth_ == 0 && name == "machine") || (depth_ == 1 && name == "board");
}

void ComponentHasher::begin(std::string_view name) {
    // A part begins within a group only.
    const bool in_group =
        open_.empty() || (open_.back().depth == depth_ && (depth_ == 1 || open_.back().name == "board"));
    const bool group = is_group(name);
    ++depth_;
    if (in_group || group) open_.push_back({std::string(name), std::make_unique<HashArchive>(), depth_});
}

void ComponentHasher::end() {
    if (open_.back().depth == depth_) {
        done_.push_back({open_.back().name, open_.back().hash->digest()});
        open_.pop_back();
    }
    --depth_;
}

void ComponentHasher::bytes(std::string_view name, void* data, size_t size) {
    open_.back().hash->bytes(name, data, size);
}

void ComponentHasher::scalar(std::string_view name, void* data, size_t size, Kind kind) {
    open_.back().hash->scalar(name, data, size, kind);
}

void ComponentHasher::pages(std::string_view name, PagedMemory& memory) {
    const std::string& owner = open_.back().name;
    done_.push_back({owner == "bus" ? std::string(name) : owner + "." + std::string(name), memory.hash()});
}

std::vector<ComponentHash> ComponentHasher::take() {
    std::vector<ComponentHash> named = done_;
    for (size_t i = 0; i < done_.size(); ++i) {
        const auto alike = [&](const ComponentHash& other) { return other.name == done_[i].name; };
        if (std::count_if(done_.begin(), done_.end(), alike) < 2 && done_[i].name != "cpu") continue;
        const auto before =
            std::count_if(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(i), alike);
        named[i].name += std::to_string(before);
    }
    done_.clear();
    return named;
}

}  // namespace orrery
