// Opening a program's debug information.
#include "emulator/guest/debug_info.h"

namespace orrery {

std::unique_ptr<DebugInfo> DebugInfo::open(const std::string& path) {
    return std::make_unique<DebugInfo>(SymbolTable::open(path), SourceLines::open(path),
                                       TypeTable::open(path));
}

}  // namespace orrery
