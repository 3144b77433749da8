// All that is known of a program from its file: symbols, source lines, types.
#pragma once

#include <memory>
#include <string>

#include "emulator/guestos/symbols/source_lines.h"
#include "emulator/guestos/symbols/symbols.h"
#include "emulator/guestos/types/types.h"

namespace orrery {

class DebugInfo {
  public:
    DebugInfo() = default;
    DebugInfo(SymbolTable symbol_table, SourceLines source_lines, TypeTable type_table)
        : symbols(std::move(symbol_table)), lines(std::move(source_lines)), types(std::move(type_table)) {}

    // Throws DebugInfoError for what is no ELF file. A stripped file gives empty tables.
    static std::unique_ptr<DebugInfo> open(const std::string& path);
    // Of the kernel in a file. A compressed Linux image has none of its own: what is known of it are the
    // symbols in the file vmlinux beside it. Null where there is nothing.
    static std::unique_ptr<DebugInfo> of_kernel(const std::string& path);

    // Whether its structures are known, and so its tasks.
    bool has_types() const { return !types.empty(); }

    SymbolTable symbols;
    SourceLines lines;
    TypeTable types;
    bool relocatable = false;  // a kernel that may lie elsewhere than its symbols say (kernel_slide.h)
};

}  // namespace orrery
