// The virtio disk and its image: requests in virtual time, the overlay, errors, snapshots, bad files.
#include "devices/virtio_blk.h"

#include <unistd.h>

#include <cstdio>

#include "tests/unit/devices/virtio_driver.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr unsigned kSlot = 4;
constexpr u16 kNext = 1, kWritable = 2;
constexpr u64 kHeaderAt = 0x300000, kDataAt = 0x301000, kStatusAt = 0x302000;

// A file that goes with its owner.
struct ImageFile {
    explicit ImageFile(size_t size) : bytes(size) {
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<u8>(i / 512 + i * 3);
        const int fd = mkstemp(path);
        REQUIRE(fd >= 0);
        REQUIRE(write(fd, bytes.data(), size) == static_cast<ssize_t>(size));
        close(fd);
    }
    ~ImageFile() { std::remove(path); }
    char path[32] = "/tmp/orrery-disk-XXXXXX";
    std::vector<u8> bytes;
};

struct BlkDriver : VirtioDriver {
    explicit BlkDriver(const ImageFile& image, Disk::Mode mode = Disk::Mode::Overlay)
        : VirtioDriver(kSlot, 1, {std::make_shared<Disk>(image.path, mode)}) {
        REQUIRE(negotiate(kVersion1));
        queue = add_queue(0);
        driver_ok();
    }
    void request(u32 type, u64 sector, u32 length) {
        bus.write(kHeaderAt, 4, type);
        bus.write(kHeaderAt + 8, 8, sector);
        bus.write(kStatusAt, 1, 0xee);
        describe(queue, 0, kHeaderAt, 16, kNext, 1);
        describe(queue, 1, kDataAt, length, type == 1 ? kNext : kNext | kWritable, 2);
        describe(queue, 2, kStatusAt, 1, kWritable);
        offer(queue, 0);
        notify(0);
    }
    u8 status() { return static_cast<u8>(bus.read(kStatusAt, 1)); }
    // The whole of a request: its status.
    u8 perform(u32 type, u64 sector, u32 length) {
        request(type, sector, length);
        run_for(events, 1'000'000);
        return status();
    }
    Queue queue;
};

std::string disk_error(const char* path) {
    try {
        Disk disk(path, Disk::Mode::ReadOnly);
    } catch (const DiskError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("virtio blk: configuration") {
    ImageFile image(64 * 512);
    BlkDriver d(image, Disk::Mode::ReadOnly);
    CHECK(d.get(0x2000) == 64);
    CHECK(d.get(0x2014) == 512);
    CHECK((d.offered() & 1 << 5) != 0);
    BlkDriver writable(image);
    CHECK((writable.offered() & 1 << 5) == 0);
    CHECK(d.board.find("virtio_blk.0") != nullptr);
}

TEST_CASE("virtio blk: a read completes in virtual time") {
    ImageFile image(64 * 512);
    BlkDriver d(image);
    d.request(0, 3, 1024);
    CHECK(d.status() == 0xee);
    const Ticks expected = VirtioBlk::kLatency + periods_to_ticks(16 + 1024 + 1, VirtioBlk::kBytesPerSecond);
    run_for(d.events, expected - 1);
    CHECK(d.used_index(d.queue) == 0);
    run_for(d.events, 1);
    CHECK(d.used_index(d.queue) == 1);
    CHECK(d.used_length(d.queue, 0) == 1025);
    CHECK(d.status() == 0);
    const std::string data = d.text(kDataAt, 1024);
    CHECK(std::equal(data.begin(), data.end(), image.bytes.begin() + 3 * 512,
                     [](char a, u8 b) { return static_cast<u8>(a) == b; }));
}

TEST_CASE("virtio blk: writes go to the overlay, and never to the file") {
    ImageFile image(9 * 512);  // the last block is a partial one
    BlkDriver d(image);
    d.put_text(kDataAt, std::string(512, 'W'));
    CHECK(d.perform(1, 8, 512) == 0);
    d.put_text(kDataAt, std::string(512, '.'));
    CHECK(d.perform(0, 8, 512) == 0);
    CHECK(d.text(kDataAt, 512) == std::string(512, 'W'));
    CHECK(d.perform(4, 0, 0) == 0);
    Disk again(image.path, Disk::Mode::ReadOnly);
    u8 byte = 0;
    CHECK(again.read(8 * 512, {&byte, 1}));
    CHECK(byte == image.bytes[8 * 512]);
    // Power-on again: as the image is.
    d.board.reset();
    CHECK(hash_of(*d.board.find("virtio_blk.0")) ==
          hash_of(*Board(1, 1, {std::make_shared<Disk>(image.path, Disk::Mode::Overlay)})
                       .board.find("virtio_blk.0")));
}

TEST_CASE("virtio blk: errors are statuses") {
    ImageFile image(64 * 512);
    BlkDriver read_only(image, Disk::Mode::ReadOnly);
    CHECK(read_only.perform(1, 0, 512) == 1);
    BlkDriver d(image);
    CHECK(d.perform(0, 63, 1024) == 1);
    CHECK(d.perform(0, ~u64{0}, 512) == 1);
    CHECK(d.perform(0, u64{1} << 55, 512) == 1);
    CHECK(d.perform(1, 64, 512) == 1);
    CHECK(d.perform(0, 0, 100) == 1);
    CHECK(d.perform(77, 0, 512) == 2);
    CHECK(d.perform(8, 0, 20) == 0);
    CHECK(d.text(kDataAt, 12) == "virtio_blk.0");
}

TEST_CASE("virtio blk: requests are done in order; one without a place for its status is given back") {
    ImageFile image(64 * 512);
    BlkDriver d(image);
    d.describe(d.queue, 4, kHeaderAt, 16, 0);
    d.offer(d.queue, 4);
    d.request(0, 0, 512);
    run_for(d.events, 1'000'000);
    CHECK(d.used_index(d.queue) == 2);
    CHECK(d.bus.read(d.queue.used + 4, 4) == 4);
    CHECK(d.used_length(d.queue, 0) == 0);
    CHECK(d.used_length(d.queue, 1) == 513);
}

TEST_CASE("virtio blk: a snapshot in the middle of a write goes on alike") {
    ImageFile image(64 * 512);
    BlkDriver d(image);
    d.put_text(kDataAt, std::string(512, 'S'));
    CHECK(d.perform(1, 5, 512) == 0);
    d.request(1, 6, 512);
    const auto visit_all = [](Board& which, Archive& archive) {
        which.events.visit(archive);
        which.bus.visit(archive);
        which.board.visit(archive);
    };
    SaveArchive save;
    visit_all(d, save);
    BlkDriver other(image);
    LoadArchive load(save.take());
    visit_all(other, load);
    for (BlkDriver* which : {&d, &other}) {
        run_for(which->events, 1'000'000);
        which->queue.index = 2;
        CHECK(which->perform(0, 6, 512) == 0);
        CHECK(which->text(kDataAt, 512) == std::string(512, 'S'));
    }
    CHECK(hash_of(d.board) == hash_of(other.board));
}

TEST_CASE("disk: images that cannot be used say why") {
    CHECK(disk_error("/nonexistent.img") == "/nonexistent.img: No such file or directory");
    CHECK(disk_error("/tmp") == "/tmp: is a directory");
    CHECK(disk_error("/dev/null") == "/dev/null: is not a regular file");
    ImageFile odd(1000);
    CHECK(disk_error(odd.path) ==
          std::string(odd.path) + ": is no disk image: its size is not a multiple of 512 bytes");
    ImageFile empty(0);
    CHECK(disk_error(empty.path) == std::string(empty.path) + ": is empty");
}
