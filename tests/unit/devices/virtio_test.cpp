// Virtio through its registers: negotiation, the console both ways, entropy, interrupts, and a hostile
// driver.
#include "tests/unit/devices/virtio_driver.h"

using namespace orrery;
using namespace orrery::test;

namespace {

constexpr unsigned kConsole = 2, kRng = 3;
constexpr u16 kNext = 1, kWrite = 2, kIndirect = 4;

}  // namespace

TEST_CASE("virtio: features are offered, checked and frozen") {
    VirtioDriver d(kConsole);
    CHECK(d.offered() == (kVersion1 | kIndirectFeature | kEventIndexFeature | 1));
    CHECK_FALSE(d.negotiate(1));                         // not a legacy device
    CHECK_FALSE(d.negotiate(kVersion1 | u64{1} << 40));  // never offered
    CHECK(d.negotiate(kVersion1 | 1));
    d.set(8, 0);
    d.set(0xc, 0);
    CHECK(d.get(0xc) == 1);  // frozen
    d.set(0x14, 0, 1);
    CHECK(d.get(0x14, 1) == 0);
    CHECK(d.get(0x12, 2) == 2);
    CHECK(d.get(0x2000, 2) == 80);
    CHECK(d.get(0x2002, 2) == 25);
    d.set(0x16, 7, 2);
    CHECK(d.get(0x18, 2) == 0);  // no such queue
}

TEST_CASE("virtio console: output from a chain of buffers") {
    VirtioDriver d(kConsole);
    REQUIRE(d.negotiate(kVersion1));
    d.add_queue(0);
    auto queue = d.add_queue(1);
    d.driver_ok();
    d.put_text(0x300000, "hello, ");
    d.put_text(0x300100, "world\n");
    d.describe(queue, 3, 0x300000, 7, kNext, 5);
    d.describe(queue, 5, 0x300100, 6, 0);
    d.offer(queue, 3);
    CHECK(d.hvc.text.empty());
    d.notify(1);
    CHECK(d.hvc.text == "hello, world\n");
    CHECK(d.used_index(queue) == 1);
    CHECK(d.bus.read(queue.used + 4, 4) == 3);
    CHECK(d.used_length(queue, 0) == 0);
    CHECK(d.get(0x1000, 1) == 1);  // ISR
    CHECK(d.get(0x1000, 1) == 0);  // cleared by the read
}

TEST_CASE("virtio console: input waits for buffers and fills them") {
    VirtioDriver d(kConsole);
    REQUIRE(d.negotiate(kVersion1));
    const std::string text = "abcdefgh";
    d.board.find("virtio_console.0")->input({reinterpret_cast<const u8*>(text.data()), text.size()});
    auto queue = d.add_queue(0);
    d.add_queue(1);
    d.describe(queue, 0, 0x300000, 5, kWrite);
    d.describe(queue, 1, 0x300100, 5, kWrite);
    d.offer(queue, 0);
    d.offer(queue, 1);
    d.driver_ok();  // serves what was offered before
    CHECK(d.used_index(queue) == 2);
    CHECK(d.used_length(queue, 0) == 5);
    CHECK(d.used_length(queue, 1) == 3);
    CHECK(d.text(0x300000, 5) + d.text(0x300100, 3) == text);
}

TEST_CASE("virtio: indirect descriptors") {
    VirtioDriver d(kConsole);
    REQUIRE(d.negotiate(kVersion1 | kIndirectFeature));
    auto queue = d.add_queue(1);
    d.driver_ok();
    d.put_text(0x300000, "indirect");
    VirtioDriver::Queue table = queue;
    table.descriptors = 0x310000;
    d.describe(table, 0, 0x300000, 2, kNext, 1);
    d.describe(table, 1, 0x300002, 6, 0);
    d.describe(queue, 0, 0x310000, 32, kIndirect);
    d.offer(queue, 0);
    d.notify(1);
    CHECK(d.hvc.text == "indirect");
}

TEST_CASE("virtio: interrupts through INTx as the driver asks, by flag and by index") {
    for (const bool by_index : {false, true}) {
        VirtioDriver d(kConsole);
        REQUIRE(d.negotiate(kVersion1 | (by_index ? kEventIndexFeature : 0)));
        auto queue = d.add_queue(1);
        d.driver_ok();
        d.write32(0xfec00000, 0x10 + 2 * PciHost::gsi_of(kConsole, 0));
        d.write32(0xfec00010, 0xa077);  // level, active low
        d.describe(queue, 0, 0x300000, 1, 0);
        if (by_index)
            d.bus.write(queue.available + 4 + 2 * 8, 2, 1);  // tell me after the second
        else
            d.bus.write(queue.available, 2, 1);  // do not tell me
        d.offer(queue, 0);
        d.notify(1);
        CHECK_FALSE(d.cpu[0].intr);
        if (!by_index) d.bus.write(queue.available, 2, 0);
        d.offer(queue, 0);
        d.notify(1);
        REQUIRE(d.cpu[0].intr);
        CHECK(d.board.local_interrupts(0).acknowledge() == 0x77);
        CHECK((d.board.pci().function(kConsole)->config_read(6, 2) & 8) != 0);
        CHECK(d.get(0x1000, 1) == 1);
        d.write32(0xfee000b0, 0);
        CHECK_FALSE(d.cpu[0].intr);
        if (by_index) CHECK(d.bus.read(queue.used + 4 + 8 * 8, 2) == 2);  // avail_event: tell me of the next
    }
}

TEST_CASE("virtio: MSI-X, masked and unmasked") {
    VirtioDriver d(kRng);
    REQUIRE(d.negotiate(kVersion1));
    auto queue = d.add_queue(0);
    d.bus.write(d.bar1, 4, 0xfee00000);
    d.bus.write(d.bar1 + 8, 4, 0x66);
    PciFunction* function = d.board.pci().function(kRng);
    unsigned at = function->config_read(0x34, 1);
    while (function->config_read(at, 1) != 0x11) at = function->config_read(at + 1, 1);
    function->config_write(at + 2, 2, 0x8000);
    d.set(0x16, 0, 2);
    d.set(0x1a, 9, 2);
    CHECK(d.get(0x1a, 2) == 0xffff);  // no such vector
    d.set(0x1a, 0, 2);
    CHECK(d.get(0x1a, 2) == 0);
    d.driver_ok();
    d.describe(queue, 0, 0x300000, 16, kWrite);
    d.offer(queue, 0);
    d.notify(0);
    CHECK_FALSE(d.cpu[0].intr);
    CHECK((d.bus.read(d.bar1 + 0x800, 4) & 1) == 1);
    d.bus.write(d.bar1 + 12, 4, 0);
    REQUIRE(d.cpu[0].intr);
    CHECK(d.board.local_interrupts(0).acknowledge() == 0x66);
    CHECK(d.bus.read(d.bar1 + 0x800, 4) == 0);
    CHECK(d.get(0x1000, 1) == 0);
}

TEST_CASE("virtio rng: bytes are the seed's and nothing else's") {
    const auto draw = [](u64 seed) {
        VirtioDriver d(kRng, seed);
        REQUIRE(d.negotiate(kVersion1));
        auto queue = d.add_queue(0);
        d.driver_ok();
        d.describe(queue, 0, 0x300000, 100, kWrite);
        d.offer(queue, 0);
        d.notify(0);
        CHECK(d.used_length(queue, 0) == 100);
        return d.text(0x300000, 100);
    };
    const std::string one = draw(1);
    CHECK(one == draw(1));
    CHECK(one != draw(2));
    CHECK(one.substr(0, 50) != one.substr(50));
    CHECK(draw(0) != std::string(100, '\0'));
}

TEST_CASE("virtio: configuration space access reaches the registers") {
    VirtioDriver d(kConsole);
    PciFunction* function = d.board.pci().function(kConsole);
    unsigned at = function->config_read(0x34, 1);
    while (function->config_read(at, 1) != 9 || function->config_read(at + 3, 1) != 5)
        at = function->config_read(at + 1, 1);
    function->config_write(at + 4, 1, 0);
    function->config_write(at + 8, 4, 0x14);
    function->config_write(at + 12, 4, 1);
    function->config_write(at + 16, 1, 3);
    CHECK(d.get(0x14, 1) == 3);
    CHECK(function->config_read(at + 16, 1) == 3);
    // Out of range: nothing.
    function->config_write(at + 8, 4, 0xffffffff);
    function->config_write(at + 16, 1, 7);
    function->config_read(at + 16, 1);
    function->config_write(at + 4, 1, 3);
    function->config_write(at + 16, 1, 7);
    CHECK(d.get(0x14, 1) == 3);
}

TEST_CASE("virtio: without bus mastering nothing is served") {
    VirtioDriver d(kConsole);
    REQUIRE(d.negotiate(kVersion1));
    auto queue = d.add_queue(1);
    d.driver_ok();
    d.describe(queue, 0, 0x300000, 4, 0);
    d.offer(queue, 0);
    d.board.pci().function(kConsole)->config_write(4, 2, 2);
    d.notify(1);
    CHECK(d.used_index(queue) == 0);
}

TEST_CASE("virtio: whatever breaks the rules stops the device and no more") {
    const auto broken = [](const std::function<void(VirtioDriver&, VirtioDriver::Queue&)>& spoil) {
        VirtioDriver d(kConsole);
        REQUIRE(d.negotiate(kVersion1 | kIndirectFeature));
        auto queue = d.add_queue(1);
        d.driver_ok();
        d.describe(queue, 0, 0x300000, 4, 0);
        spoil(d, queue);
        d.offer(queue, 0);
        d.notify(1);
        const bool needs_reset = (d.get(0x14, 1) & 0x40) != 0;
        // A reset brings it back.
        REQUIRE(d.negotiate(kVersion1));
        queue = d.add_queue(1);
        d.bus.write(queue.available, 4, 0);
        d.bus.write(queue.used, 4, 0);
        d.driver_ok();
        d.put_text(0x300000, "back");
        d.describe(queue, 0, 0x300000, 4, 0);
        d.hvc.text.clear();
        d.offer(queue, 0);
        d.notify(1);
        CHECK(d.hvc.text == "back");
        return needs_reset;
    };
    using Queue = VirtioDriver::Queue;
    CHECK_FALSE(broken([](VirtioDriver&, Queue&) {}));
    // A loop, a next beyond the table, a readable part behind a writable one.
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, 0x300000, 4, kNext, 0); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, 0x300000, 4, kNext, 200); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) {
        d.describe(q, 0, 0x300000, 4, kWrite | kNext, 1);
        d.describe(q, 1, 0x300000, 4, 0);
    }));
    // More than any request may have; an indirect table that is nested, empty, odd or nowhere.
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, 0, 0xffffffff, 0); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, q.descriptors, 16, kIndirect); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, q.descriptors, 0, kIndirect); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, q.descriptors, 17, kIndirect); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, ~u64{0} - 8, 32, kIndirect); }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, 0x300000, 0xfffffff0, kIndirect); }));
    // The available index too far ahead; a head that is no descriptor.
    CHECK(broken([](VirtioDriver&, Queue& q) { q.index = 100; }));
    CHECK(broken([](VirtioDriver& d, Queue& q) { d.offer(q, 0xffff); }));
    // Buffers that are not RAM: no output, but no fault of the queue.
    CHECK_FALSE(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, 0xfee00000, 4, 0); }));
    CHECK_FALSE(broken([](VirtioDriver& d, Queue& q) { d.describe(q, 0, ~u64{0} - 2, 4, 0); }));
}

TEST_CASE("virtio: rings placed where there is no RAM stop the device") {
    VirtioDriver d(kConsole);
    for (unsigned which = 0; which < 3; ++which) {
        REQUIRE(d.negotiate(kVersion1 | kEventIndexFeature));
        d.set(0x16, 1, 2);
        d.set(0x18, 8, 2);
        for (unsigned area = 0; area < 3; ++area) {
            d.set(0x20 + 8 * area, area == which ? 0xfffffff0 : 0x200000 + 0x1000 * area);
            d.set(0x24 + 8 * area, area == which ? 0xffffffff : 0);
        }
        d.set(0x1c, 1, 2);
        d.bus.write(0x201000, 4, 1 << 16);
        d.driver_ok();
        d.notify(1);
        CHECK((d.get(0x14, 1) & 0x40) != 0);
    }
}

TEST_CASE("virtio: random garbage in memory and registers neither crashes nor hangs") {
    SeededBytes random(12345);
    const auto draw = [&random] {
        u8 bytes[4];
        random.fill(bytes);
        return static_cast<u32>(bytes[0] | bytes[1] << 8 | bytes[2] << 16 | u32{bytes[3]} << 24);
    };
    for (unsigned slot : {kConsole, kRng}) {
        for (unsigned round = 0; round < 150; ++round) {
            VirtioDriver d(slot, round);
            d.negotiate(kVersion1 | (round % 2 != 0 ? kIndirectFeature : 0) |
                        (round % 3 != 0 ? kEventIndexFeature : 0));
            for (unsigned index = 0; index < 2; ++index) {
                auto queue = d.add_queue(index);
                // Descriptors mostly within RAM and short, so that walks get far.
                for (unsigned i = 0; i < 8; ++i)
                    d.describe(queue, i, 0x200000 + draw() % 0x20000, draw() % 0x1000,
                               static_cast<u16>(draw() % 8), static_cast<u16>(draw() % 10));
                for (unsigned i = 0; i < 8; ++i) d.bus.write(queue.available + 4 + 2 * i, 2, draw() % 9);
                d.bus.write(queue.available + 2, 2, draw() % 9);
            }
            d.driver_ok();
            const u8 key[] = {1, 2, 3};
            for (unsigned i = 0; i < 20; ++i) {
                d.notify(draw() % 3);
                d.bus.write(d.bar0 + draw() % 0x3010, 1u << draw() % 4, draw());
                d.bus.write(d.bar1 + draw() % 0x1000, 1u << draw() % 4, draw());
                d.bus.read(d.bar0 + draw() % 0x4000, 1u << draw() % 4);
                d.bus.read(d.bar1 + draw() % 0x1000, 1u << draw() % 4);
                d.board.pci().function(slot)->config_write(draw() % 64 * 4, 4, draw() & ~4u);
                d.board.find(slot == kConsole ? "virtio_console.0" : "virtio_rng.0")->input(key);
            }
        }
    }
    SUCCEED();
}
