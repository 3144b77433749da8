// The line table of a program: addresses to source lines and back (DWARF 5, section 6.2).
#pragma once

#include <string>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

struct SourceLocation {
    std::string file;  // as the debug information has it: "guest-kernel/fs/open.cpp"
    unsigned line = 0;
    bool operator==(const SourceLocation&) const = default;
};

class SourceLines {
  public:
    struct Row {
        u64 begin = 0;
        u64 end = 0;
        u32 file = 0;  // index
        u32 line = 0;
    };

    SourceLines() = default;
    SourceLines(std::vector<std::string> files, std::vector<Row> rows);

    // Throws DebugInfoError if the file is no ELF file; one without DWARF gives an empty table.
    static SourceLines open(const std::string& path);

    // The line of the instruction at `address`; line 0 if none is known.
    SourceLocation at(u64 address) const;
    // First addresses of the code made from a line. `file` may be the end of a path ("open.cpp"). If the line
    // itself has no code, the next one that has.
    std::vector<u64> addresses_of(const std::string& file, unsigned line) const;

    bool empty() const { return rows_.empty(); }
    const std::vector<std::string>& files() const { return files_; }

  private:
    std::vector<std::string> files_;
    std::vector<Row> rows_;  // by begin; do not overlap
};

}  // namespace orrery
