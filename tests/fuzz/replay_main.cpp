// Runs every target on its corpus: files of hexadecimal digits, '#' to the end of a line is a comment.
//
// usage: fuzz-replay CORPORA            every target's directory below CORPORA; a target without inputs is an
// error
//        fuzz-replay TARGET FILE…       these inputs, as libFuzzer writes them (binary)
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/target.h"

using orrery::u8;
using orrery::fuzz::Target;

namespace {

std::vector<u8> from_hex(std::istream& file) {
    std::vector<u8> bytes;
    std::string line, digits;
    while (std::getline(file, line))
        for (char c : line.substr(0, line.find('#')))
            if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<u8>(std::stoul(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

int replay_corpus(const Target& target, const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> paths;
    if (std::filesystem::is_directory(directory))
        for (const auto& entry : std::filesystem::directory_iterator(directory))
            paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ifstream file(path);
        target.run(from_hex(file));
    }
    std::printf("%s: %zu inputs\n", target.name, paths.size());
    return paths.empty() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s CORPORA | TARGET FILE...\n", argv[0]);
        return 2;
    }
    int failures = 0;
    for (const Target* target : Target::all()) {
        if (argc == 2) failures += replay_corpus(*target, std::filesystem::path(argv[1]) / target->name);
        if (argc == 2 || std::string(argv[1]) != target->name) continue;
        for (int i = 2; i < argc; ++i) {
            std::ifstream file(argv[i], std::ios::binary);
            const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
            target->run({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
        }
    }
    return failures != 0;
}
