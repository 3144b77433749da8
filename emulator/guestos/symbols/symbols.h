// The symbol table of an ELF file: addresses to names and back.
//
// A file is input from outside: one that is missing, damaged or of another kind makes open() throw, and
// nothing else.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/isa/types.h"

namespace orrery {

// what() is one line that names the file.
class DebugInfoError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Symbol {
    std::string name;     // as people say it: "vfs_read", without parameters
    std::string linkage;  // as in the file: "_Z8vfs_readR4FilePvmRl"
    u64 address = 0;
    u64 size = 0;  // bytes; where the file has none, up to the next symbol
    bool function = false;
};

class SymbolTable {
  public:
    SymbolTable() = default;

    // Reads .symtab (or .dynsym where there is none). Throws DebugInfoError. A stripped file gives an empty
    // table.
    static SymbolTable open(const std::string& path);

    // The symbol that `address` lies in, nullptr if none.
    const Symbol* at(u64 address) const;
    // By name without parameters, or as in the file. Of several, a function first, then the lowest address.
    const Symbol* find(std::string_view name) const;
    // Names beginning with `prefix`, at most `limit`, sorted: for completion in the palette.
    std::vector<const Symbol*> completions(std::string_view prefix, size_t limit) const;

    // "vfs_read+0x1c", "vfs_read", or "" where no symbol covers the address.
    std::string describe(u64 address) const;

    // Moves all symbols: each lies at its address in the file plus `slide` from now on.
    void slide_to(u64 slide);
    u64 slide() const { return slide_; }

    const std::vector<Symbol>& all() const { return symbols_; }
    bool empty() const { return symbols_.empty(); }

    // Sorts and indexes; for tests that make their own.
    static SymbolTable of(std::vector<Symbol> symbols);

  private:
    std::vector<Symbol> symbols_;  // by address
    std::map<std::string, size_t, std::less<>> by_name_;
    u64 slide_ = 0;
};

// "vfs_read" of "_Z8vfs_readR4FilePvmRl"; a C name as it is.
std::string plain_symbol_name(const std::string& linkage);

}  // namespace orrery
