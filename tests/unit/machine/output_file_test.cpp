// Files that are whole or not there.
#include "emulator/machine/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/unit/catch.h"

using namespace orrery;

namespace {

struct Directory {
    Directory() { REQUIRE(mkdtemp(path.data()) != nullptr); }
    ~Directory() { std::filesystem::remove_all(path); }
    size_t entries() const {
        return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
    }
    std::string path = "/tmp/orrery-output-XXXXXX";
};

std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a file has its name once it is committed") {
    const Directory directory;
    const std::string path = directory.path + "/a";
    {
        OutputFile file(path);
        file.write("half");
        CHECK_FALSE(std::filesystem::exists(path));
    }
    CHECK(directory.entries() == 0);
    OutputFile file(path);
    file.write("whole");
    file.commit();
    CHECK(content(path) == "whole");
    CHECK(directory.entries() == 1);
}

TEST_CASE("what was there stays until then, and keeps its permissions and its links") {
    const Directory directory;
    const std::string path = directory.path + "/a", link = directory.path + "/link";
    std::ofstream(path) << "before";
    REQUIRE(chmod(path.c_str(), 0640) == 0);
    REQUIRE(symlink(path.c_str(), link.c_str()) == 0);
    { OutputFile(link).write("lost"); }
    CHECK(content(path) == "before");
    OutputFile file(link);
    file.write("after");
    file.commit();
    CHECK(content(path) == "after");
    CHECK(std::filesystem::is_symlink(link));
    struct stat there;
    REQUIRE(stat(path.c_str(), &there) == 0);
    CHECK((there.st_mode & 07777) == 0640);
    CHECK(directory.entries() == 2);
}

TEST_CASE("what cannot be written says so") {
    const Directory directory;
    CHECK_THROWS_AS(OutputFile("/nonexistent/a"), OutputError);
    CHECK_THROWS_AS(OutputFile(directory.path), OutputError);
    CHECK_THROWS_AS(OutputFile::check("/nonexistent/a"), OutputError);
    CHECK_THROWS_AS(OutputFile::check(directory.path), OutputError);
    OutputFile::check(directory.path + "/a");
    CHECK(directory.entries() == 0);
    OutputFile full("/dev/full");
    CHECK_THROWS_AS(full.write("x"), OutputError);
}
