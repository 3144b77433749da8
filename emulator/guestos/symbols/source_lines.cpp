// The line table by libdw.
#include "emulator/guestos/symbols/source_lines.h"

#include <elfutils/libdw.h>
#include <gelf.h>

#include <algorithm>
#include <map>

#include "emulator/guestos/symbols/elf_file.h"
#include "emulator/guestos/symbols/symbols.h"

namespace orrery {
namespace {

class FileNames {
  public:
    u32 index_of(const char* name) {
        auto [at, added] = index_.emplace(name != nullptr ? name : "?", static_cast<u32>(names.size()));
        if (added) names.push_back(at->first);
        return at->second;
    }
    std::vector<std::string> names;

  private:
    std::map<std::string, u32> index_;
};

void read_unit(Dwarf_Die* unit, FileNames& files, std::vector<SourceLines::Row>& rows) {
    Dwarf_Lines* lines = nullptr;
    size_t count = 0;
    if (dwarf_getsrclines(unit, &lines, &count) != 0) return;
    for (size_t i = 0; i + 1 < count; ++i) {
        Dwarf_Line* line = dwarf_onesrcline(lines, i);
        Dwarf_Line* next = dwarf_onesrcline(lines, i + 1);
        bool end = false;
        Dwarf_Addr begin_address = 0, end_address = 0;
        int number = 0;
        if (dwarf_lineendsequence(line, &end) != 0 || end) continue;
        if (dwarf_lineaddr(line, &begin_address) != 0 || dwarf_lineaddr(next, &end_address) != 0) continue;
        if (dwarf_lineno(line, &number) != 0 || number <= 0 || end_address <= begin_address) continue;
        rows.push_back({begin_address, end_address, files.index_of(dwarf_linesrc(line, nullptr, nullptr)),
                        static_cast<u32>(number)});
    }
}

// Rows of functions that the linker dropped lie where no code is, at 0 and on: they would name lines for a
// program's addresses.
void keep_code(Elf* elf, std::vector<SourceLines::Row>& rows) {
    std::vector<GElf_Phdr> code;
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0) count = 0;
    for (size_t i = 0; i < count; ++i) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) continue;
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) code.push_back(segment);
    }
    if (code.empty()) return;  // not linked
    std::erase_if(rows, [&](const SourceLines::Row& row) {
        return std::none_of(code.begin(), code.end(), [&](const GElf_Phdr& segment) {
            return row.begin - segment.p_vaddr < segment.p_memsz &&
                   row.end - segment.p_vaddr <= segment.p_memsz;
        });
    });
}

bool ends_with_path(const std::string& full, const std::string& end) {
    if (end.empty() || full.size() < end.size()) return false;
    if (full.compare(full.size() - end.size(), end.size(), end) != 0) return false;
    return full.size() == end.size() || full[full.size() - end.size() - 1] == '/';
}

}  // namespace

SourceLines::SourceLines(std::vector<std::string> files, std::vector<Row> rows)
    : files_(std::move(files)), rows_(std::move(rows)) {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const Row& a, const Row& b) { return a.begin < b.begin; });
    // Where ranges overlap (a function that the linker dropped lies at 0), the later one wins from its
    // beginning on.
    for (size_t i = 0; i + 1 < rows_.size(); ++i) rows_[i].end = std::min(rows_[i].end, rows_[i + 1].begin);
    rows_.erase(
        std::remove_if(rows_.begin(), rows_.end(), [](const Row& row) { return row.end <= row.begin; }),
        rows_.end());
}

SourceLines SourceLines::open(const std::string& path) {
    const ElfFile file(path);
    Dwarf* dwarf = dwarf_begin_elf(file.elf(), DWARF_C_READ, nullptr);
    if (dwarf == nullptr) return {};
    FileNames files;
    std::vector<Row> rows;
    Dwarf_CU* cursor = nullptr;
    Dwarf_Die unit;
    while (dwarf_get_units(dwarf, cursor, &cursor, nullptr, nullptr, &unit, nullptr) == 0)
        read_unit(&unit, files, rows);
    dwarf_end(dwarf);
    keep_code(file.elf(), rows);
    return SourceLines(std::move(files.names), std::move(rows));
}

SourceLocation SourceLines::at(u64 address) const {
    auto after = std::upper_bound(rows_.begin(), rows_.end(), address,
                                  [](u64 value, const Row& row) { return value < row.begin; });
    if (after == rows_.begin()) return {};
    --after;
    if (address >= after->end) return {};
    return {files_[after->file], after->line};
}

std::vector<u64> SourceLines::addresses_of(const std::string& file, unsigned line) const {
    u32 best = ~u32{0};
    std::vector<bool> matches(files_.size());
    for (size_t i = 0; i < files_.size(); ++i) matches[i] = ends_with_path(files_[i], file);
    for (const Row& row : rows_)
        if (matches[row.file] && row.line >= line) best = std::min(best, row.line);
    std::vector<u64> result;
    const Row* previous = nullptr;
    for (const Row& row : rows_) {
        if (!matches[row.file] || row.line != best) continue;
        // A line's code may be cut into several rows that follow one another: only the first is a place to
        // stop.
        if (previous == nullptr || previous->end != row.begin) result.push_back(row.begin);
        previous = &row;
    }
    return result;
}

}  // namespace orrery
