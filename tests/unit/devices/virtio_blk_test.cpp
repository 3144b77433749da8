// The virtio disk and its image: requests in virtual time, the overlay, errors, snapshots, bad files.
#include "devices/virtio_blk.h"

#include "tests/unit/devices/test_image.h"
#include "tests/unit/devices/virtio_driver.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr unsigned kSlot = 4;
constexpr u16 kNext = 1, kWritable = 2;
constexpr u64 kHeaderAt = 0x300000, kDataAt = 0x301000, kStatusAt = 0x302000;

struct BlkDriver : VirtioDriver {
    explicit BlkDriver(const TestImage& image, Disk::Mode mode = Disk::Mode::Overlay)
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

}  // namespace

TEST_CASE("virtio blk: configuration") {
    TestImage image(64 * 512);
    BlkDriver d(image, Disk::Mode::ReadOnly);
    CHECK(d.get(0x2000) == 64);
    CHECK(d.get(0x2014) == 512);
    CHECK((d.offered() & 1 << 5) != 0);
    BlkDriver writable(image);
    CHECK((writable.offered() & 1 << 5) == 0);
    CHECK(d.board.find("virtio_blk.0") != nullptr);
}

TEST_CASE("virtio blk: a read completes in virtual time") {
    TestImage image(64 * 512);
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
    TestImage image(9 * 512);  // the last block is a partial one
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
    // A reset leaves the disk alone.
    d.board.reset();
    CHECK(d.board.disks()[0]->disk().overlay_blocks() == 1);
    // Power-on again: as the image is.
    d.board.power_on();
    CHECK(hash_of(*d.board.find("virtio_blk.0")) ==
          hash_of(*Board(1, 1, {std::make_shared<Disk>(image.path, Disk::Mode::Overlay)})
                       .board.find("virtio_blk.0")));
}

TEST_CASE("virtio blk: errors are statuses") {
    TestImage image(64 * 512);
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
    TestImage image(64 * 512);
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
    TestImage image(64 * 512);
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

TEST_CASE("virtio blk: discard and write zeroes") {
    TestImage image(64 * 512);
    BlkDriver d(image);
    CHECK((d.offered() & 1 << 13) != 0);
    CHECK((d.offered() & 1 << 14) != 0);
    CHECK(d.get(0x2024) >= 64);  // max_discard_sectors
    const auto clear = [&](u32 type, u64 sector, u32 sectors, u32 flags) {
        d.bus.write(kDataAt, 8, sector);
        d.bus.write(kDataAt + 8, 4, sectors);
        d.bus.write(kDataAt + 12, 4, flags);
        d.bus.write(kHeaderAt, 4, type);
        d.bus.write(kHeaderAt + 8, 8, 0);
        d.describe(d.queue, 0, kHeaderAt, 16, kNext, 1);
        d.describe(d.queue, 1, kDataAt, 16, kNext, 2);
        d.describe(d.queue, 2, kStatusAt, 1, kWritable);
        d.offer(d.queue, 0);
        d.notify(0);
        run_for(d.events, 1'000'000);
        return d.status();
    };
    const auto sector_is_zero = [&](u64 sector) {
        CHECK(d.perform(0, sector, 512) == 0);
        return d.text(kDataAt, 512) == std::string(512, '\0');
    };
    CHECK(clear(13, 3, 20, 1) == 0);
    CHECK_FALSE(sector_is_zero(2));
    for (const u64 sector : {3, 7, 8, 15, 16, 22}) CHECK(sector_is_zero(sector));
    CHECK_FALSE(sector_is_zero(23));
    CHECK(clear(11, 32, 8, 0) == 0);
    CHECK(sector_is_zero(32));
    CHECK(clear(11, 40, 8, 1) == 2);  // discard knows no flags
    CHECK(clear(13, 60, 5, 0) == 1);  // beyond the end
    CHECK(clear(13, ~u64{0}, 1, 0) == 1);
    // What was zeroed can be written again.
    d.put_text(kDataAt, std::string(512, 'Z'));
    CHECK(d.perform(1, 33, 512) == 0);
    CHECK(sector_is_zero(32));
    CHECK(d.perform(0, 33, 512) == 0);
    CHECK(d.text(kDataAt, 512) == std::string(512, 'Z'));
    CHECK(d.board.disks()[0]->counters().discards == 2);
    CHECK(d.board.disks()[0]->counters().errors == 3);
    BlkDriver read_only(image, Disk::Mode::ReadOnly);
    CHECK((read_only.offered() & 1 << 13) == 0);
}

TEST_CASE("virtio blk: several requests are outstanding, and are done one by one") {
    TestImage image(64 * 512);
    BlkDriver d(image);
    for (u16 i = 0; i < 4; ++i) {
        d.bus.write(kHeaderAt + 32 * i, 8, 0);
        d.bus.write(kHeaderAt + 32 * i + 8, 8, u64{10} + i);
        d.describe(d.queue, 2 * i, kHeaderAt + 32 * i, 16, kNext, static_cast<u16>(2 * i + 1));
        d.describe(d.queue, 2 * i + 1, kDataAt + 0x1000 * i, 513, kWritable);
        d.offer(d.queue, static_cast<u16>(2 * i));
    }
    d.notify(0);
    u16 done = 0;
    for (unsigned slice = 0; slice < 40 && done < 4; ++slice) {
        run_for(d.events, VirtioBlk::kLatency / 4);
        CHECK(d.used_index(d.queue) - done <= 1);
        done = d.used_index(d.queue);
    }
    CHECK(done == 4);
    for (u16 i = 0; i < 4; ++i) {
        CHECK(static_cast<u8>(d.text(kDataAt + 0x1000 * i, 1)[0]) == image.bytes[512 * (10 + i)]);
        CHECK(d.bus.read(kDataAt + 0x1000 * i + 512, 1) == 0);
    }
}

TEST_CASE("virtio blk: a host that fails gives an I/O error") {
    TestImage image(64 * 512);
    BlkDriver d(image);
    REQUIRE(truncate(image.path, 16 * 512) == 0);
    CHECK(d.perform(0, 8, 512) == 0);
    CHECK(d.perform(0, 32, 512) == 1);
    CHECK(d.board.disks()[0]->disk().image().error() ==
          std::string(image.path) + ": cannot be read: No data available");
}
