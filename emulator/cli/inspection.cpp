#include "emulator/cli/inspection.h"

#include <sys/stat.h>

#include "emulator/cli/guest_options.h"

namespace orrery {

std::unique_ptr<DebugInfo> kernel_debug_info(const std::string& kernel_path) {
    try {
        return DebugInfo::open(kernel_path);
    } catch (const DebugInfoError&) {
        return nullptr;
    }
}

std::string source_directory() {
    const std::string above = program_directory() + "/..";
    struct stat info;
    return stat((above + "/guest-kernel").c_str(), &info) == 0 ? above : "";
}

}  // namespace orrery
