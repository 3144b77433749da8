#include "cli/inspection.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "cli/own_files.h"

namespace orrery {

namespace {

bool same_bytes(const std::string& left, const std::string& right) {
    std::ifstream a(left, std::ios::binary), b(right, std::ios::binary);
    using Bytes = std::istreambuf_iterator<char>;
    return a && b && std::equal(Bytes(a), Bytes(), Bytes(b), Bytes());
}

}  // namespace

std::unique_ptr<DebugInfo> kernel_debug_info(const std::string& kernel_path) {
    if (auto info = DebugInfo::of_kernel(kernel_path)) return info;
    // A recording may carry the very image that a build has made, without its symbols.
    const std::string made = linux_images_if_made() + "/bzImage";
    return same_bytes(kernel_path, made) ? DebugInfo::of_kernel(made) : nullptr;
}

}  // namespace orrery
