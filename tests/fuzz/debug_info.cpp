// The readers of symbols, lines and types on damaged files: a good program with some bytes changed, or any
// bytes.
#include "emulator/guestos/types/debug_info.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/fuzz/target.h"

namespace orrery::fuzz {

namespace {

std::vector<u8> good_program() {
    std::ifstream file(DEBUG_FIXTURE, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    return {bytes.begin(), bytes.end()};
}

void run(std::span<const u8> data) {
    static const std::vector<u8> good = good_program();
    static const int fd = memfd_create("fuzz", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(fd);
    Input input(data);
    const u8 how = input.take<u8>();
    std::vector<u8> bytes;
    if (how == 0) {
        const auto rest = input.rest();
        bytes.assign(rest.begin(), rest.end());
    } else {
        bytes = good;
        if ((how & 1) != 0) bytes.resize(input.take<u32>() % bytes.size() + 1);
        while (!input.done()) {
            const u32 at = input.take<u32>();
            bytes[at % bytes.size()] = input.take<u8>();
        }
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes.data(), bytes.size(), 0) < 0) return;
    try {
        const auto info = DebugInfo::open(path);
        info->symbols.describe(0x401000);
        info->lines.at(0x401000);
    } catch (const DebugInfoError& error) {
        require(std::strchr(error.what(), '\n') == nullptr, "an error is one line");
    }
}

const Target target("debug_info", run);

}  // namespace

}  // namespace orrery::fuzz
