#include "emulator/cli/inspection.h"

#include <sys/stat.h>

#include "emulator/cli/guest_options.h"

namespace orrery {

std::unique_ptr<DebugInfo> kernel_debug_info(const std::string& kernel_path) {
    return DebugInfo::of_kernel(kernel_path);
}

std::string source_directory() {
    const std::string above = program_directory() + "/..";
    struct stat info;
    return stat((above + "/guest-kernel").c_str(), &info) == 0 ? above : "";
}

}  // namespace orrery
