// Disk images: modes, what a snapshot keeps of them, and files that cannot be used.
#include "devices/disk.h"

#include <fstream>
#include <iterator>

#include "tests/unit/devices/harness.h"
#include "tests/unit/devices/test_image.h"

using namespace orrery;
using namespace orrery::test;

namespace {

std::string disk_error(const char* path, Disk::Mode mode = Disk::Mode::Overlay) {
    try {
        Disk disk(path, mode);
    } catch (const DiskError& error) {
        return error.what();
    }
    return "no error";
}

std::vector<u8> file_bytes(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<u8> saved(Disk& disk) {
    SaveArchive archive;
    disk.visit(archive);
    return archive.take();
}

std::string load_error(Disk& disk, std::vector<u8> state) {
    LoadArchive archive(std::move(state));
    try {
        disk.visit(archive);
    } catch (const ArchiveError& error) {
        return error.what();
    }
    return "no error";
}

std::vector<u8> contents(Disk& disk) {
    std::vector<u8> bytes(disk.size());
    REQUIRE(disk.read(0, bytes));
    return bytes;
}

}  // namespace

TEST_CASE("disk: images that cannot be used say why") {
    CHECK(disk_error("/nonexistent.img") == "/nonexistent.img: No such file or directory");
    CHECK(disk_error("/tmp") == "/tmp: is a directory");
    CHECK(disk_error("/tmp", Disk::Mode::ReadWrite) == "/tmp: is a directory");
    CHECK(disk_error("/dev/null") == "/dev/null: is not a regular file");
    TestImage empty(0);
    CHECK(disk_error(empty.path) == std::string(empty.path) + ": is empty");
    TestImage odd(1000);
    for (const Disk::Mode mode : {Disk::Mode::ReadOnly, Disk::Mode::Overlay, Disk::Mode::ReadWrite})
        CHECK(disk_error(odd.path, mode) ==
              std::string(odd.path) + ": is no disk: its size is not a multiple of 512 bytes");
}

TEST_CASE("disk: a file that is written is open once") {
    TestImage image(4096);
    {
        Disk writer(image.path, Disk::Mode::ReadWrite);
        CHECK(disk_error(image.path) == std::string(image.path) + ": is being written by another machine");
    }
    Disk reader(image.path, Disk::Mode::ReadOnly);
    CHECK(disk_error(image.path) == "no error");
    CHECK(disk_error(image.path, Disk::Mode::ReadWrite) ==
          std::string(image.path) + ": is in use, and a disk that is written must not be shared");
}

TEST_CASE("disk: the last block may be a part of one") {
    TestImage image(4096 + 1024);
    Disk disk(image.path, Disk::Mode::Overlay);
    CHECK(disk.size() == 4096 + 1024);
    std::vector<u8> expected = image.bytes;
    CHECK(contents(disk) == expected);
    const u8 byte = 0x77;
    CHECK(disk.write(disk.size() - 1, {&byte, 1}));
    expected.back() = byte;
    CHECK(contents(disk) == expected);
    CHECK_FALSE(disk.write(disk.size(), {&byte, 1}));
}

TEST_CASE("disk: each mode writes where it says") {
    TestImage image(5 * 4096);
    const std::vector<u8> data(5000, 0x5a);
    std::vector<u8> changed = image.bytes;
    std::copy(data.begin(), data.end(), changed.begin() + 3000);
    std::fill_n(changed.begin() + 12000, 7000, u8{0});
    {
        Disk disk(image.path, Disk::Mode::ReadOnly);
        CHECK_FALSE(disk.write(3000, data));
        CHECK_FALSE(disk.zero(12000, 7000));
        CHECK(contents(disk) == image.bytes);
    }
    {
        Disk disk(image.path, Disk::Mode::Overlay);
        CHECK(disk.write(3000, data));
        CHECK(disk.zero(12000, 7000));
        CHECK(contents(disk) == changed);
        disk.power_on();
        CHECK(contents(disk) == image.bytes);
    }
    CHECK(file_bytes(image.path) == image.bytes);
    Disk disk(image.path, Disk::Mode::ReadWrite);
    CHECK(disk.write(3000, data));
    CHECK(disk.zero(12000, 7000));
    CHECK(disk.flush());
    CHECK(contents(disk) == changed);
    CHECK(file_bytes(image.path) == changed);
}

TEST_CASE("disk: the overlay is saved, sparsely, and restored") {
    TestImage image(64 * 4096);
    Disk disk(image.path, Disk::Mode::Overlay);
    const std::vector<u8> data(4096, 0x33);
    CHECK(disk.write(4096, data));
    CHECK(disk.write(9 * 4096 + 5, {data.data(), 7}));
    CHECK(disk.zero(20 * 4096, 30 * 4096));
    CHECK(disk.zero(4096, 4096));  // of a block that was written
    const std::vector<u8> state = saved(disk);
    CHECK(state.size() < 3 * 4096);
    Disk other(image.path, Disk::Mode::Overlay);
    CHECK(other.write(60 * 4096, data));
    CHECK(load_error(other, state) == "no error");
    CHECK(contents(other) == contents(disk));
    CHECK(hash_of(other) == hash_of(disk));
    CHECK(other.write(5, {data.data(), 1}));
    CHECK(hash_of(other) != hash_of(disk));
}

TEST_CASE("disk: a snapshot is refused with another image, another mode, or where it is damaged") {
    TestImage image(8 * 4096);
    Disk disk(image.path, Disk::Mode::Overlay);
    const std::vector<u8> state = saved(disk);
    Disk read_only(image.path, Disk::Mode::ReadOnly);
    CHECK(load_error(read_only, state) ==
          "snapshot: made with " + std::string(image.path) + " in another mode");
    TestImage longer(9 * 4096);
    Disk another(longer.path, Disk::Mode::Overlay);
    const std::string not_it = "snapshot: " + std::string(longer.path) + " is not the disk it was made with";
    CHECK(load_error(another, state) == not_it + ": another size");
    TestImage changed(8 * 4096);
    std::fstream(changed.path, std::ios::in | std::ios::out | std::ios::binary).seekp(10000).put('!');
    Disk altered(changed.path, Disk::Mode::Overlay);
    CHECK(load_error(altered, state) ==
          "snapshot: " + std::string(changed.path) + " is not the disk it was made with: other contents");
    std::vector<u8> damaged = state;
    damaged[17] = 0xff;  // the index's length
    CHECK(load_error(disk, damaged) == "snapshot: a disk's contents are damaged");
}

TEST_CASE("disk: the identity of a written file follows its contents") {
    TestImage image(300 * 4096);
    Disk disk(image.path, Disk::Mode::ReadWrite);
    const u64 before = hash_of(disk);
    const std::vector<u8> state = saved(disk);
    const std::vector<u8> data(5000, 0x11);
    CHECK(disk.write(260 * 4096 + 100, data));
    CHECK(disk.zero(3, 10000));
    const u64 after = hash_of(disk);
    CHECK(after != before);
    CHECK(load_error(disk, state) == "snapshot: " + std::string(image.path) +
                                         " is not the disk it was made with, or was written since (a file "
                                         "that is written is not kept in it)");
    // Put back what was there: the file is again the one that it was.
    CHECK(disk.write(0, image.bytes));
    CHECK(hash_of(disk) == before);
    CHECK(load_error(disk, state) == "no error");
    CHECK(disk.zero(0, disk.size()));
    CHECK(contents(disk) == std::vector<u8>(disk.size()));
}
