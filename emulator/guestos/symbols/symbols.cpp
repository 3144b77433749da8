// ELF symbols by libelf. ELF-64 object file format, "Symbol table"; names by the Itanium C++ ABI's demangler.
#include "emulator/guestos/symbols/symbols.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "emulator/guestos/symbols/elf_file.h"

namespace orrery {
namespace {

// The end of a demangled function's name: its parameter list is the last "(" at depth 0 of <> and ().
size_t parameters_at(const std::string& text) {
    int depth = 0;
    for (size_t i = text.size(); i-- > 0;) {
        const char c = text[i];
        if (c == ')' || c == '>') ++depth;
        if (c == '(' || c == '<') --depth;
        if (depth == 0 && c == '(') return i;
    }
    return std::string::npos;
}

void read_section(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, std::vector<Symbol>& out) {
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr || header.sh_entsize == 0) return;
    const size_t count = data->d_size / header.sh_entsize;
    for (size_t i = 0; i < count; ++i) {
        GElf_Sym symbol;
        if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
        const unsigned type = GELF_ST_TYPE(symbol.st_info);
        if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS || type == STT_FILE ||
            type == STT_SECTION || type == STT_TLS)
            continue;
        const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
        if (name == nullptr || *name == '\0') continue;
        out.push_back({plain_symbol_name(name), name, symbol.st_value, symbol.st_size, type == STT_FUNC});
    }
}

}  // namespace

std::string plain_symbol_name(const std::string& linkage) {
    if (linkage.rfind("_Z", 0) != 0) return linkage;
    // GCC's clones ("foo.part.0", "foo.cold") are demangled with a suffix in brackets: cut before, and put
    // back.
    const size_t dot = linkage.find('.');
    const std::string suffix = dot == std::string::npos ? "" : linkage.substr(dot);
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(linkage.substr(0, dot).c_str(), nullptr, nullptr, &status), &std::free);
    if (status != 0 || !text) return linkage;
    std::string plain = text.get();
    if (plain.size() > 6 && plain.compare(plain.size() - 6, 6, " const") == 0) plain.resize(plain.size() - 6);
    if (!plain.empty() && plain.back() == ')') {
        const size_t end = parameters_at(plain);
        if (end != std::string::npos && end > 0) plain.resize(end);
    }
    // Function templates have their return type in front ("int f<int>"): keep what follows the last blank at
    // depth 0.
    int depth = 0;
    for (size_t i = plain.size(); i-- > 0;) {
        if (plain[i] == '>' || plain[i] == ')') ++depth;
        if (plain[i] == '<' || plain[i] == '(') --depth;
        if (depth == 0 && plain[i] == ' ' && plain.find("operator") == std::string::npos &&
            plain.find(" for ") == std::string::npos) {
            plain.erase(0, i + 1);
            break;
        }
    }
    return plain + suffix;
}

SymbolTable SymbolTable::of(std::vector<Symbol> symbols) {
    SymbolTable table;
    // At one address the sized and named-for-people one comes last, so that at() finds it.
    std::stable_sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) {
        if (a.address != b.address) return a.address < b.address;
        if (a.size != b.size) return a.size < b.size;
        return !a.function && b.function;
    });
    table.symbols_ = std::move(symbols);
    std::vector<Symbol>& all = table.symbols_;
    for (size_t i = all.size(); i-- > 0;) {
        if (all[i].size != 0) continue;
        size_t next = i + 1;
        while (next < all.size() && all[next].address == all[i].address) ++next;
        // Assembly labels have no size; they reach up to the next symbol, but not across a gap of a page.
        if (next < all.size()) all[i].size = std::min<u64>(all[next].address - all[i].address, 4096);
    }
    for (size_t i = 0; i < all.size(); ++i) {
        const auto add = [&](const std::string& name) {
            auto [at, added] = table.by_name_.emplace(name, i);
            if (!added && all[i].function && !all[at->second].function) at->second = i;
        };
        add(all[i].name);
        if (all[i].linkage != all[i].name) add(all[i].linkage);
    }
    return table;
}

SymbolTable SymbolTable::open(const std::string& path) {
    const ElfFile file(path);
    std::vector<Symbol> symbols;
    for (const GElf_Word wanted : {SHT_SYMTAB, SHT_DYNSYM}) {
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(file.elf(), section)) != nullptr) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) != nullptr && header.sh_type == wanted)
                read_section(file.elf(), section, header, symbols);
        }
        if (!symbols.empty()) break;
    }
    return of(std::move(symbols));
}

void SymbolTable::slide_to(u64 slide) {
    for (Symbol& symbol : symbols_) symbol.address += slide - slide_;
    slide_ = slide;
}

const Symbol* SymbolTable::at(u64 address) const {
    auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                  [](u64 value, const Symbol& symbol) { return value < symbol.address; });
    // A few steps back, since a small symbol may lie within a larger one.
    for (int tries = 0; after != symbols_.begin() && tries < 8; ++tries) {
        --after;
        if (address - after->address < after->size || address == after->address) return &*after;
    }
    return nullptr;
}

const Symbol* SymbolTable::find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &symbols_[found->second];
}

std::vector<const Symbol*> SymbolTable::completions(std::string_view prefix, size_t limit) const {
    std::vector<const Symbol*> result;
    for (auto at = by_name_.lower_bound(prefix); at != by_name_.end() && result.size() < limit; ++at) {
        if (at->first.compare(0, prefix.size(), prefix) != 0) break;
        if (at->first.rfind("_Z", 0) != 0) result.push_back(&symbols_[at->second]);
    }
    return result;
}

std::string SymbolTable::describe(u64 address) const {
    const Symbol* symbol = at(address);
    if (symbol == nullptr) return "";
    if (address == symbol->address) return symbol->name;
    char offset[24];
    std::snprintf(offset, sizeof offset, "+0x%llx",
                  static_cast<unsigned long long>(address - symbol->address));
    return symbol->name + offset;
}

}  // namespace orrery
