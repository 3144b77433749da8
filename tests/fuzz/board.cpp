#include "tests/fuzz/board.h"

#include <unistd.h>

namespace orrery::fuzz {

namespace {

struct TemporaryFile {
    TemporaryFile() {
        const int fd = mkstemp(path.data());
        if (fd < 0 || ftruncate(fd, 1 << 20) != 0) std::abort();
        close(fd);
    }
    ~TemporaryFile() { unlink(path.c_str()); }
    std::string path = "/tmp/orrery-fuzz-XXXXXX";
};

}  // namespace

const std::string& disk_file() {
    static const TemporaryFile file;
    return file.path;
}

}  // namespace orrery::fuzz
