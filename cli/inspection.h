// What `show`, `strace` and gdb have in common: the kernel's debug information.
#pragma once

#include <memory>
#include <string>

#include "emulator/guestos/types/debug_info.h"

namespace orrery {

// Of the kernel that is booted: DebugInfo::of_kernel, or that of the same image beside the program; null
// where nothing is known.
std::unique_ptr<DebugInfo> kernel_debug_info(const std::string& kernel_path);

}  // namespace orrery
