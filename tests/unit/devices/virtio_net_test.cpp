// The virtio network card: frames out and in, mergeable buffers, filters, what happens without room.
#include "devices/virtio_net.h"

#include "tests/unit/devices/virtio_driver.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr unsigned kSlot = 12;
constexpr u16 kNext = 1, kWritable = 2;
constexpr u64 kMergeable = 1 << 15, kControlQueue = 1 << 17, kControlRx = 1 << 18;
constexpr u64 kBuffers = 0x300000, kFrameAt = 0x310000, kCommandAt = 0x320000;
constexpr MacAddress kOwn = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
constexpr MacAddress kOther = {2, 2, 2, 2, 2, 2};
constexpr MacAddress kGroup = {1, 0, 0x5e, 0, 0, 1};
constexpr MacAddress kAll = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct NetDriver : VirtioDriver {
    explicit NetDriver(u64 features = 0) : VirtioDriver(kSlot) {
        REQUIRE(negotiate(kVersion1 | features));
        for (unsigned i = 0; i < 3; ++i) queues[i] = add_queue(i);
        driver_ok();
    }
    VirtioNet& card() { return *board.network(); }
    std::vector<u8> frame(const MacAddress& to, size_t size) {
        std::vector<u8> bytes(size);
        for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<u8>(i * 7);
        std::copy(to.begin(), to.end(), bytes.begin());
        return bytes;
    }
    // Gives the card a buffer of `size` bytes.
    void give(u16 index, u32 size) {
        describe(queues[0], index, kBuffers + 0x1000 * index, size, kWritable);
        offer(queues[0], index);
        notify(0);
    }
    void send(u32 header_and_frame) {
        describe(queues[1], 0, kFrameAt, header_and_frame, 0);
        offer(queues[1], 0);
        notify(1);
    }
    // The acknowledgement of a command on the control queue.
    u8 command(u8 kind, u8 which, const std::string& data) {
        put_text(kCommandAt, std::string{static_cast<char>(kind), static_cast<char>(which)} + data);
        bus.write(kCommandAt + 0x800, 1, 0xee);
        describe(queues[2], 0, kCommandAt, static_cast<u32>(2 + data.size()), kNext, 1);
        describe(queues[2], 1, kCommandAt + 0x800, 1, kWritable);
        offer(queues[2], 0);
        notify(2);
        return static_cast<u8>(bus.read(kCommandAt + 0x800, 1));
    }
    bool hears(const MacAddress& to) {
        const u64 before = card().counters().filtered;
        card().input(frame(to, 60));
        return card().counters().filtered == before;
    }
    std::array<Queue, 3> queues;
};

std::string address_text(const MacAddress& address) {
    return {address.begin(), address.end()};
}

}  // namespace

TEST_CASE("virtio net: identity, address and link") {
    NetDriver d;
    CHECK(d.board.pci().function(kSlot)->config_read(0, 4) == 0x10411af4);
    for (unsigned i = 0; i < 6; ++i) CHECK(d.get(0x2000 + i, 1) == kOwn[i]);
    CHECK((d.get(0x2006, 2) & 1) == 1);
    CHECK((d.offered() & 0x00878020) == 0x00878020);
    PcConfig without;
    without.network.present = false;
    EventQueue events;
    Bus bus(16 << 20);
    PcBoard board(bus, events, without);
    CHECK(board.find("virtio_net.0") == nullptr);
    CHECK(board.network() == nullptr);
}

TEST_CASE("virtio net: what is sent reaches the backend, without its header") {
    struct Keeper : NetBackend {
        void send(std::span<const u8> frame) override { frames.emplace_back(frame.begin(), frame.end()); }
        std::vector<std::vector<u8>> frames;
    } keeper;
    NetDriver d;
    d.card().set_backend(&keeper);
    const std::vector<u8> bytes = d.frame(kOther, 100);
    d.bus.dma_write(kFrameAt + 12, bytes.data(), bytes.size());
    d.send(112);
    CHECK(d.used_index(d.queues[1]) == 1);
    CHECK(d.card().counters().sent == 1);
    CHECK(d.card().counters().sent_bytes == 100);
    CHECK(keeper.frames == std::vector<std::vector<u8>>{bytes});
    d.send(12 + 13);    // no whole header
    d.send(12 + 1519);  // longer than Ethernet's
    d.send(5);
    CHECK(d.card().counters().malformed == 3);
    CHECK(d.used_index(d.queues[1]) == 4);
}

TEST_CASE("virtio net: a frame fills one buffer") {
    NetDriver d;
    const std::vector<u8> bytes = d.frame(kOwn, 200);
    d.card().input(bytes);
    CHECK(d.card().counters().dropped == 1);  // no buffer yet
    d.give(0, 1530);
    d.card().input(bytes);
    CHECK(d.used_index(d.queues[0]) == 1);
    CHECK(d.used_length(d.queues[0], 0) == 212);
    CHECK(d.bus.read(kBuffers + 10, 2) == 1);
    const std::string got = d.text(kBuffers + 12, 200);
    CHECK(std::equal(got.begin(), got.end(), bytes.begin(),
                     [](char a, u8 b) { return static_cast<u8>(a) == b; }));
    // It interrupted, by INTx, which firmware has led to line 10 of the 8259s too.
    const auto requested = [&d] {
        d.out(0xa0, 0x0a);
        return (d.in(0xa0) & 4) != 0;
    };
    CHECK(requested());
    CHECK((d.get(0x1000, 1) & 1) == 1);
    CHECK_FALSE(requested());
    // A buffer that is too short stays for a shorter frame.
    d.give(1, 100);
    d.card().input(bytes);
    CHECK(d.card().counters().dropped == 2);
    d.card().input(d.frame(kOwn, 60));
    CHECK(d.used_length(d.queues[0], 1) == 72);
    d.card().input(d.frame(kOwn, 13));
    d.card().input(d.frame(kOwn, 1519));
    CHECK(d.card().counters().malformed == 2);
    CHECK(d.card().counters().received == 2);
}

TEST_CASE("virtio net: mergeable buffers take a frame together") {
    NetDriver d(kMergeable);
    for (u16 i = 0; i < 4; ++i) d.give(i, 100);
    d.card().input(d.frame(kOwn, 240));
    CHECK(d.used_index(d.queues[0]) == 3);
    CHECK(d.bus.read(kBuffers + 10, 2) == 3);
    CHECK(d.used_length(d.queues[0], 2) == 52);
    CHECK(d.bus.read(kBuffers + 0x2000 + 51, 1) == static_cast<u8>(239 * 7));
    d.card().input(d.frame(kOwn, 240));  // only one is left
    CHECK(d.card().counters().dropped == 1);
    d.card().input(d.frame(kOwn, 80));
    CHECK(d.used_index(d.queues[0]) == 4);
}

TEST_CASE("virtio net: the control queue says which frames are wanted") {
    NetDriver d(kControlQueue | kControlRx);
    CHECK(d.hears(kOther));  // promiscuous until told otherwise
    CHECK(d.command(0, 0, std::string(1, '\0')) == 0);
    CHECK(d.hears(kOwn));
    CHECK(d.hears(kAll));
    CHECK_FALSE(d.hears(kOther));
    CHECK_FALSE(d.hears(kGroup));
    CHECK(d.command(0, 1, "\1") == 0);
    CHECK(d.hears(kGroup));
    CHECK(d.command(0, 1, std::string(1, '\0')) == 0);
    const std::string one("\1\0\0\0", 4);
    CHECK(d.command(1, 0, one + address_text(kOther) + one + address_text(kGroup)) == 0);
    CHECK(d.hears(kOther));
    CHECK(d.hears(kGroup));
    CHECK(d.command(1, 0, std::string(8, '\0')) == 0);
    CHECK_FALSE(d.hears(kOther));
    CHECK(d.command(1, 1, address_text(kOther)) == 0);
    CHECK(d.hears(kOther));
    CHECK_FALSE(d.hears(kOwn));
    CHECK(d.get(0x2000, 1) == 2);
    // Commands that are none.
    CHECK(d.command(0, 2, "\1") == 1);
    CHECK(d.command(9, 0, "\1") == 1);
    CHECK(d.command(1, 0, std::string("\xff\xff\xff\xff\0\0\0\0", 8)) == 1);
    CHECK(d.command(1, 1, "short") == 1);
    // Too many addresses for the table mean all of their kind.
    std::string many("\x41\0\0\0", 4);
    for (unsigned i = 0; i < 65; ++i) many += std::string("\2\0\0\0\0", 5) + static_cast<char>(i);
    CHECK(d.command(1, 0, many + std::string(4, '\0')) == 0);
    CHECK(d.hears({2, 9, 9, 9, 9, 9}));
}

TEST_CASE("virtio net: a snapshot with buffers in hand goes on alike") {
    NetDriver d;
    d.give(0, 50);
    d.card().input(d.frame(kOwn, 60));  // dropped, but the buffer is now in the card's hands
    NetDriver other;
    SaveArchive save;
    d.bus.visit(save);
    d.board.visit(save);
    LoadArchive load(save.take());
    other.bus.visit(load);
    other.board.visit(load);
    for (NetDriver* which : {&d, &other}) which->card().input(which->frame(kOwn, 30));
    CHECK(other.used_index(other.queues[0]) == 1);
    CHECK(hash_of(d.board) == hash_of(other.board));
    CHECK(hash_of(d.bus) == hash_of(other.bus));
}
