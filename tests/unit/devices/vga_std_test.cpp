// The display adapter: its registers, its memory as plain memory behind a BAR, snapshots, and what a loader
// finds.
#include "devices/vga_std.h"

#include "emulator/machine/boot/firmware.h"
#include "emulator/machine/boot/linear_display.h"
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

struct Screen {
    Screen() : bus(16 << 20), board(bus, events, config()) {}
    static PcConfig config() {
        PcConfig made;
        made.display = {true, 800, 600};
        return made;
    }
    u16 get(u16 index) {
        bus.io_write(0x1ce, 2, index);
        return static_cast<u16>(bus.io_read(0x1cf, 2));
    }
    void set(u16 index, u16 value) {
        bus.io_write(0x1ce, 2, index);
        bus.io_write(0x1cf, 2, value);
    }
    void mode(u16 width, u16 height, u16 bits, u16 enable = 0x41) {
        set(4, 0);
        set(1, width);
        set(2, height);
        set(3, bits);
        set(4, enable);
    }
    EventQueue events;
    Bus bus;
    PcBoard board;
};

constexpr unsigned kSlot = 13;

}  // namespace

TEST_CASE("vga: a mode is set by the registers, and what does not fit is refused") {
    Screen s;
    CHECK(s.get(0) == 0xb0c5);
    CHECK(s.get(10) == 256);
    s.set(4, 2);
    CHECK(s.get(1) == 2560);
    CHECK(s.get(3) == 32);
    s.mode(640, 480, 32);
    DisplayMode mode = s.board.display()->mode();
    CHECK(mode.enabled);
    CHECK(mode.width == 640);
    CHECK(mode.stride == 2560);
    s.set(1, 800);  // not while it is on
    CHECK(s.get(1) == 640);
    s.set(6, 1024);
    s.set(9, 100);
    s.set(8, 1000);  // beyond the line
    mode = s.board.display()->mode();
    CHECK(mode.stride == 4096);
    CHECK(mode.origin == 100 * 4096);
    s.mode(1024, 768, 8);  // no palette here
    CHECK_FALSE(s.board.display()->mode().enabled);
    s.mode(2560, 1600, 32);
    CHECK(s.board.display()->mode().enabled);
    s.mode(2568, 600, 32);
    CHECK_FALSE(s.board.display()->mode().enabled);
    s.mode(0, 0, 32);
    CHECK_FALSE(s.board.display()->mode().enabled);
}

TEST_CASE("vga: its memory is plain memory where the BAR is") {
    Screen s;
    unsigned moves = 0;
    s.bus.on_video_moved([&](u64, u64 size) { moves += size == VgaStd::kMemory; });
    PciFunction& function = *s.board.pci().function(kSlot);
    CHECK(function.config_read(0, 4) == 0x11111234);
    CHECK(function.config_read(8, 4) >> 8 == 0x030000);
    function.config_write(0x10, 4, ~0u);
    CHECK(function.config_read(0x10, 4) == 0xff000008);
    function.config_write(0x10, 4, 0xd1000000);
    CHECK(s.bus.ram_at(0xd1000000) == nullptr);
    function.config_write(4, 2, 2);
    CHECK(moves == 1);
    REQUIRE(s.bus.ram_at(0xd1000000) != nullptr);
    s.bus.write(0xd1000ffe, 8, 0x1122334455667788);
    CHECK(s.bus.read(0xd1001002, 4) == 0x11223344);
    const u32 pixel = 0xabcdef;
    CHECK(s.bus.dma_write(0xd1fffffc, &pixel, 4));
    CHECK_FALSE(s.bus.dma_write(0xd1fffffe, &pixel, 4));
    CHECK(s.bus.ram_at(0xd2000000) == nullptr);
    function.config_write(0x10, 4, 0xd3000000);
    CHECK(moves == 3);
    CHECK(s.bus.ram_at(0xd1000000) == nullptr);
    CHECK(s.bus.read(0xd3fffffc, 4) == pixel);
    s.mode(640, 480, 32);  // clears it
    CHECK(s.bus.read(0xd3fffffc, 4) == 0);
    s.bus.write(0xd3000000, 4, pixel);
    s.mode(640, 480, 32, 0xc1);  // keeps it
    CHECK(s.bus.read(0xd3000000, 4) == pixel);
}

TEST_CASE("vga: registers are reached through BAR 2 as well") {
    Screen s;
    PciFunction& function = *s.board.pci().function(kSlot);
    function.config_write(0x18, 4, 0xd5000000);
    function.config_write(4, 2, 2);
    s.bus.write(0xd5000502, 2, 320);
    CHECK(s.get(1) == 320);
    CHECK(s.bus.read(0xd5000500, 2) == 0xb0c5);
}

TEST_CASE("vga: a loader finds the mode that the firmware set") {
    Screen s;
    CHECK_FALSE(find_display(s.bus));
    set_up_firmware(s.bus, s.board);
    const auto display = find_display(s.bus);
    REQUIRE(display);
    CHECK(display->width == 800);
    CHECK(display->height == 600);
    CHECK(display->stride == 3200);
    CHECK(display->size == VgaStd::kMemory);
    CHECK(display->address >= PciHost::kWindowBase);
    CHECK(s.bus.ram_at(display->address) != nullptr);
    s.mode(800, 600, 16);
    CHECK_FALSE(find_display(s.bus));
}

TEST_CASE("vga: what is on the screen is in snapshots and in the hash") {
    Screen s, other;
    set_up_firmware(s.bus, s.board);
    s.bus.write(find_display(s.bus)->address + 0x5000, 4, 0x123456);
    const auto visit_all = [](Screen& which, Archive& archive) {
        which.events.visit(archive);
        which.bus.visit(archive);
        which.board.visit(archive);
    };
    SaveArchive save;
    visit_all(s, save);
    LoadArchive load(save.take());
    visit_all(other, load);
    CHECK(hash_of(other.bus) == hash_of(s.bus));
    CHECK(hash_of(other.board) == hash_of(s.board));
    CHECK(other.bus.read(find_display(s.bus)->address + 0x5000, 4) == 0x123456);
    other.bus.write(find_display(s.bus)->address + 0x5000, 4, 0x123457);
    CHECK(hash_of(other.bus) != hash_of(s.bus));
    other.bus.clear_ram();
    CHECK(other.bus.read(find_display(s.bus)->address + 0x5000, 4) == 0);
}
