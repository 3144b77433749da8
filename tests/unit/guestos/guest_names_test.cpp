// The names of our kernel's structures stand in one table: no other file of the emulator has them.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "tests/unit/catch.h"

namespace {

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The words of each string in a source: "vmas.head_" has two.
std::set<std::string> words_in_strings(const std::string& source) {
    static const std::regex string("\"([A-Za-z_][A-Za-z_0-9.]*)\""), word("[A-Za-z_0-9]+");
    std::set<std::string> words;
    for (std::sregex_iterator at(source.begin(), source.end(), string), end; at != end; ++at) {
        const std::string text = (*at)[1];
        for (std::sregex_iterator part(text.begin(), text.end(), word); part != end; ++part)
            words.insert(part->str());
    }
    return words;
}

// A name that nobody writes by chance: not "pid" or "path", which are words of the debugger's own too, nor what the
// machine has as well.
bool is_distinctive(const std::string& word) {
    if (word == "exit_code") return false;
    return word.find('_') != std::string::npos ||
           std::regex_match(word, std::regex("[A-Z][a-z]+[A-Z][A-Za-z]*"));
}

}  // namespace

TEST_CASE("the names of the kernel's structures stand in one table", "[guest]") {
    const std::filesystem::path root = SOURCE_ROOT "/emulator";
    const std::filesystem::path table = root / "guestos/orrery/paths.def";
    std::set<std::string> names;
    for (const std::string& word : words_in_strings(text_of(table)))
        if (is_distinctive(word)) names.insert(word);
    REQUIRE(names.contains("task_struct"));
    REQUIRE(names.contains("head_"));
    REQUIRE(names.contains("CpuData"));
    // Linux has the same names for some: they stand in its own table.
    const std::filesystem::path linux_table = root / "guestos/linux/names.h";
    std::string elsewhere;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (!entry.is_regular_file() || entry.path() == table || entry.path() == linux_table) continue;
        for (const std::string& word : words_in_strings(text_of(entry.path())))
            if (names.contains(word))
                elsewhere += fmt::format("{}: {}\n", entry.path().lexically_relative(root).string(), word);
    }
    CHECK(elsewhere == "");
}
