// Opening a program's debug information.
#include "emulator/guestos/types/debug_info.h"

namespace orrery {

std::unique_ptr<DebugInfo> DebugInfo::open(const std::string& path) {
    return std::make_unique<DebugInfo>(SymbolTable::open(path), SourceLines::open(path),
                                       TypeTable::open(path));
}

std::unique_ptr<DebugInfo> DebugInfo::of_kernel(const std::string& path) {
    try {
        return open(path);
    } catch (const DebugInfoError&) {
    }
    try {
        const size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash);
        auto info = std::make_unique<DebugInfo>(SymbolTable::open(directory + "/vmlinux"), SourceLines(),
                                                TypeTable());
        info->relocatable = true;
        return info;
    } catch (const DebugInfoError&) {
        return nullptr;
    }
}

}  // namespace orrery
