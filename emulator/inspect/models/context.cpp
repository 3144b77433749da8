// Text that all models share.
#include "emulator/inspect/models/context.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/guest_os.h"

namespace orrery {

std::string hex64(u64 value) {
    return fmt::format("{:#018x}", value);
}
std::string hex(u64 value) {
    return fmt::format("{:#x}", value);
}

std::string grouped(u64 value) {
    std::string digits = fmt::format("{}", value);
    for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

std::string pad_right(std::string text, size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string pad_left(std::string text, size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
}

const DebugInfo* ModelContext::kernel() const {
    return os->kernel();
}

std::string symbol_text(const ModelContext& context, u64 address) {
    return context.kernel() == nullptr ? "" : context.kernel()->symbols.describe(address);
}

std::string size_text(u64 bytes) {
    static const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned unit = 0;
    while (unit < 4 && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        ++unit;
    }
    return fmt::format("{} {}", bytes, units[unit]);
}

std::string table_text(const std::vector<std::string>& heading,
                       const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right) {
    std::vector<size_t> widths;
    for (const std::string& title : heading) widths.push_back(title.size());
    for (const std::vector<std::string>& row : rows)
        for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    std::string text;
    const auto add = [&](const std::vector<std::string>& row) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i) {
            if (i != 0) line += "  ";
            line += i < right.size() && right[i] ? pad_left(row[i], widths[i]) : pad_right(row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    };
    add(heading);
    for (const std::vector<std::string>& row : rows) add(row);
    return text;
}

}  // namespace orrery
