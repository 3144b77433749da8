// pc-testdev and fw_cfg (tests/baremetal/qemu_devices.c compares them with QEMU's): what a guest cannot see
// there, and accesses that go wrong.
#include "devices/fw_cfg.h"
#include "devices/pc_testdev.h"
#include "tests/unit/devices/harness.h"

using namespace orrery;
using namespace orrery::test;

namespace {

// fw_cfg on a bus of its own, with a transfer's request at 1000H.
struct Configured {
    Configured() : bus(1 << 20), fw_cfg(bus, 2, {{"opt/b", {1, 2, 3, 4, 5}}, {"opt/a", {9}}}) {}
    void select(u16 item) { fw_cfg.io_write(0x510, 2, item); }
    u8 next() { return static_cast<u8>(fw_cfg.io_read(0x511, 1)); }
    u32 transfer(u32 control, u32 length, u64 address) {
        const u32 words[] = {__builtin_bswap32(control), __builtin_bswap32(length)};
        const u64 big = __builtin_bswap64(address);
        bus.dma_write(0x1000, words, sizeof words);
        bus.dma_write(0x1008, &big, sizeof big);
        fw_cfg.io_write(0x514, 4, 0);
        fw_cfg.io_write(0x518, 4, __builtin_bswap32(0x1000));
        return __builtin_bswap32(static_cast<u32>(bus.read(0x1000, 4)));
    }
    Bus bus;
    FwCfg fw_cfg;
};

}  // namespace

TEST_CASE("fw_cfg: files are listed by name and read by their items") {
    Configured guest;
    guest.select(FwCfg::kDirectory);
    std::vector<u8> directory;
    for (unsigned i = 0; i < 4 + 2 * 64; ++i) directory.push_back(guest.next());
    CHECK(directory[3] == 2);
    CHECK(std::string(reinterpret_cast<char*>(&directory[12])) == "opt/a");
    CHECK(std::string(reinterpret_cast<char*>(&directory[76])) == "opt/b");
    CHECK(directory[4 + 64 + 3] == 5);
    guest.select(static_cast<u16>(directory[4 + 64 + 4] << 8 | directory[4 + 64 + 5]));
    for (u8 byte : {1, 2, 3, 4, 5, 0, 0}) CHECK(guest.next() == byte);
}

TEST_CASE("fw_cfg: a transfer reads, pads with zeros, skips, and refuses what cannot be") {
    Configured guest;
    guest.bus.write(0x2000, 8, ~u64{0});
    CHECK(guest.transfer(0x0021'000a, 7, 0x2000) == 0);
    CHECK(guest.bus.read(0x2000, 8) == 0xff00'0005'0403'0201);
    CHECK(guest.transfer(0x0021'000c, 3, 0) == 0);
    CHECK(guest.next() == 4);
    CHECK(guest.transfer(0x0021'0018, 2, 0x2000) == 1);       // a write
    CHECK(guest.transfer(0x0021'000a, 7, 0xfffff) == 1);      // beyond RAM
    CHECK(guest.transfer(0x0021'000a, ~0u, 0x2000) == 1);     // far beyond
    CHECK(guest.transfer(0x7777'000a, 4, ~u64{0} - 1) == 1);  // around the end of all addresses
    CHECK(guest.transfer(0x7777'000a, 4, 0x2000) == 0);       // an item that is none: zeros
    CHECK(guest.bus.read(0x2000, 4) == 0);
}

TEST_CASE("fw_cfg: its state comes back from a snapshot") {
    Configured one, other;
    one.fw_cfg.set_command_line("words", 0x20000);
    one.select(0x21);
    one.next();
    SaveArchive saved;
    one.fw_cfg.visit(saved);
    LoadArchive loaded(saved.take());
    other.fw_cfg.visit(loaded);
    CHECK(hash_of(one.fw_cfg) == hash_of(other.fw_cfg));
    CHECK(other.next() == 2);
    other.select(FwCfg::kCommandLineData);
    CHECK(other.next() == 'w');
}

TEST_CASE("pc-testdev: its lines are driven and idle after a reset") {
    LineProbe probe;
    std::array<IrqLine, PcTestdev::kLineCount> lines{};
    lines[5] = probe.line();
    PcTestdev device(lines);
    device.io_write(0x2005, 1, 0x80);
    CHECK(probe.level);
    device.io_write(0x2006, 1, 0);
    CHECK(probe.level);
    device.reset();
    CHECK_FALSE(probe.level);
    device.io_write(0xe1, 1, 0x12);
    CHECK(device.io_read(0xe8, 4) == 0x1200);
    device.mmio_write(0, 0xffff, 8, 0x1122);  // cut at the end
    CHECK(device.mmio_read(0, 0xffff, 8) == 0x22);
}

TEST_CASE("isa-debug-exit: further places work, one that is taken is refused") {
    EventQueue events;
    Bus bus(1 << 20);
    unsigned status = 0;
    PcConfig config;
    config.on_debug_exit = [&](u32 value) { status = value; };
    config.test_devices.exits = {{0x501, 2}, {0x700, 1}};
    PcBoard board(bus, events, config);
    bus.io_write(0x501, 1, 3);
    CHECK(status == 7);
    bus.io_write(0x700, 1, 4);
    CHECK(status == 9);
    config.test_devices.exits = {{0x3f8, 2}};
    Bus other(1 << 20);
    CHECK_THROWS_AS(PcBoard(other, events, config), TestDeviceError);
}
