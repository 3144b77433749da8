// The board as a whole: names, wiring from a device to a CPU's pin, callbacks, snapshots.
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

// The 8259s as every PC's software sets them up: vectors 20-2F.
void set_up_pics(Board& board) {
    board.out(0x20, 0x11);
    board.out(0x21, 0x20);
    board.out(0x21, 4);
    board.out(0x21, 1);
    board.out(0xa0, 0x11);
    board.out(0xa1, 0x28);
    board.out(0xa1, 2);
    board.out(0xa1, 1);
}

}  // namespace

TEST_CASE("board: every device is found by its name, and names are unique") {
    Board board;
    for (Device* device : board.board.devices()) CHECK(board.board.find(device->name()) == device);
    CHECK(board.board.find("uart16550.1") != nullptr);
    CHECK(board.board.find("uart16550.2") == nullptr);
    CHECK(board.board.find("virtio_rng.0") != nullptr);
}

TEST_CASE("board: the PIT interrupts through the 8259 with the local APIC disabled") {
    Board board;
    set_up_pics(board);
    board.out(0x21, 0xfe);
    CHECK(board.board.local_interrupts(0).write_msr(0x1b, 0xfee00100));
    board.out(0x43, 0x34);
    board.out(0x40, 0x9c);
    board.out(0x40, 0x2e);  // 11932: 100 Hz
    run_for(board.events, 9'000'000);
    CHECK_FALSE(board.cpu[0].intr);
    run_for(board.events, 2'000'000);
    REQUIRE(board.cpu[0].intr);
    CHECK(board.board.local_interrupts(0).acknowledge() == 0x20);
    CHECK_FALSE(board.cpu[0].intr);
    board.out(0x20, 0x20);
    run_for(board.events, 10'000'000);
    CHECK(board.cpu[0].intr);
}

TEST_CASE("board: the PIT interrupts through virtual-wire LINT0, and through the IOAPIC's input 2") {
    Board board;
    set_up_pics(board);
    board.out(0x21, 0xfe);
    board.write32(0xfee000f0, 0x1ff);
    board.write32(0xfee00350, 0x700);
    board.out(0x43, 0x34);
    board.out(0x40, 0x9c);
    board.out(0x40, 0x2e);
    run_for(board.events, 11'000'000);
    REQUIRE(board.cpu[0].intr);
    CHECK(board.board.local_interrupts(0).acknowledge() == 0x20);
    board.out(0x20, 0x20);
    // Now as the IOAPIC's: the 8259 masked.
    board.out(0x21, 0xff);
    board.write32(0xfee00350, 0x10700);
    board.write32(0xfec00000, 0x14);
    board.write32(0xfec00010, 0x31);
    run_for(board.events, 10'000'000);
    REQUIRE(board.cpu[0].intr);
    CHECK(board.board.local_interrupts(0).acknowledge() == 0x31);
    CHECK_FALSE(board.cpu[0].intr);
    board.write32(0xfee000b0, 0);
}

TEST_CASE("board: serial output and input by device name") {
    Board board;
    board.out(0x3fb, 3);  // 8N1
    board.out(0x3f8, 'h');
    CHECK(board.com1.text == "h");
    const u8 key = 'k';
    board.board.find("uart16550.0")->input({&key, 1});
    run_for(board.events, 1'000'000);
    CHECK((board.in(0x3fd) & 1) == 1);
    CHECK(board.in(0x3f8) == 'k');
}

TEST_CASE("board: power-off, resets and debug exit reach the machine") {
    Board board;
    board.out(0x604, 0x2000 | AcpiPm::kSleepTypeS5 << 10, 2);
    CHECK(board.power_offs == 1);
    board.out(0x604, 0x2000 | 1 << 10, 2);
    CHECK(board.power_offs == 1);
    board.out(0xcf9, 6);
    CHECK(board.resets == 1);
    board.out(0x64, 0xfe);
    CHECK(board.resets == 2);
    board.out(0x92, 3);
    CHECK(board.resets == 3);
    board.out(0xf4, 0x10, 4);
    CHECK(board.exit_status == 0x21);
}

TEST_CASE("board: a busy board saved and loaded goes on alike") {
    Board board(2);
    set_up_pics(board);
    board.out(0x21, 0);
    board.out(0x3f9, 3);
    board.out(0x3fc, 8);
    board.out(0x3f8, 'x');
    board.write32(0xfee000f0, 0x1ff);
    board.write32(0xfee00320, 0x20040);
    board.write32(0xfee00380, 12345);
    board.out(0x70, 0xb);
    board.out(0x71, 0x42);
    run_for(board.events, 3'333'333);
    const auto visit_all = [](Board& which, Archive& archive) {
        which.events.visit(archive);
        which.bus.visit(archive);
        which.board.visit(archive);
    };
    SaveArchive save;
    visit_all(board, save);
    Board other(2);
    LoadArchive load(save.take());
    visit_all(other, load);
    CHECK(load.at_end());
    run_for(board.events, 7'777'777);
    run_for(other.events, 7'777'777);
    HashArchive a;
    HashArchive b;
    visit_all(board, a);
    visit_all(other, b);
    CHECK(a.digest() == b.digest());
}

TEST_CASE("board: a reset gives the state of power-on but for the clock") {
    Board fresh;
    Board used;
    set_up_pics(used);
    used.out(0x3f9, 3);
    used.out(0x60, 0xed);
    used.write32(0xfee000f0, 0x1ff);
    used.board.reset();
    for (Device* device : used.board.devices()) {
        INFO(device->name());
        CHECK(hash_of(*device) == hash_of(*fresh.board.find(device->name())));
    }
    CHECK(hash_of(used.board.lapic(0)) == hash_of(fresh.board.lapic(0)));
}

TEST_CASE("board: a wrong number of CPUs is refused") {
    EventQueue events;
    Bus bus(1 << 20);
    PcConfig config;
    config.cpus = 9;
    CHECK_THROWS_AS(PcBoard(bus, events, config), std::invalid_argument);
}

TEST_CASE("board: an idle board has nothing due") {
    Board board;
    board.board.reset();
    CHECK(board.events.next_deadline() == kNever);
}
