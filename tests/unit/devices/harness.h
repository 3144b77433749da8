// What device tests share: a board without CPUs' insides, a clock to turn, and probes at the pins.
#pragma once

#include <string>
#include <vector>

#include "devices/pc_board.h"
#include "tests/unit/catch.h"

namespace orrery::test {

// Keeps what a device sends.
class TextSink : public OutputSink {
  public:
    void write(std::span<const u8> data) override { text.append(data.begin(), data.end()); }
    std::string text;
};

// An interrupt line's level, and how often it rose.
class LineProbe : public IrqSink {
  public:
    void set_irq(unsigned, bool now) override {
        if (now && !level) ++rises;
        level = now;
    }
    IrqLine line() { return {this, 0}; }
    bool level = false;
    unsigned rises = 0;
};

// A CPU as its pins see it.
class CpuProbe : public CpuPort {
  public:
    void set_intr(bool asserted) override { intr = asserted; }
    void raise_nmi() override { ++nmis; }
    void raise_init() override { ++inits; }
    void raise_startup(u8 vector) override { startups.push_back(vector); }
    bool intr = false;
    unsigned nmis = 0;
    unsigned inits = 0;
    std::vector<u8> startups;
};

// Moves the clock to `when`, stopping at each deadline on the way as the machine does.
inline void run_until(EventQueue& events, Ticks when) {
    while (events.next_deadline() <= when) {
        events.set_now(std::max(events.now(), events.next_deadline()));
        events.run_due();
    }
    events.set_now(when);
}
inline void run_for(EventQueue& events, Ticks ticks) {
    run_until(events, events.now() + ticks);
}

template <typename T>
u64 hash_of(T& component) {
    HashArchive archive;
    component.visit(archive);
    return archive.digest();
}

// A whole board with 16 MiB of RAM.
struct Board {
    explicit Board(unsigned cpus = 1, u64 seed = 1, std::vector<std::shared_ptr<Disk>> disks = {})
        : bus(16 << 20), cpu(cpus), board(bus, events, config(cpus, seed, std::move(disks))) {
        for (unsigned i = 0; i < cpus; ++i) board.connect_cpu(i, cpu[i]);
        board.reset();
    }
    PcConfig config(unsigned cpus, u64 seed, std::vector<std::shared_ptr<Disk>> disks) {
        PcConfig made;
        made.disks = std::move(disks);
        made.cpus = cpus;
        made.seed = seed;
        made.serial_ports = 2;
        made.serial[0] = &com1;
        made.virtio_console = &hvc;
        made.on_power_off = [this] { ++power_offs; };
        made.on_reset = [this] { ++resets; };
        made.on_debug_exit = [this](u32 status) { exit_status = status; };
        return made;
    }
    u32 in(u16 port, unsigned size = 1) { return bus.io_read(port, size); }
    void out(u16 port, u32 value, unsigned size = 1) { bus.io_write(port, size, value); }
    u32 read32(u64 address) { return static_cast<u32>(bus.read(address, 4)); }
    void write32(u64 address, u32 value) { bus.write(address, 4, value); }

    EventQueue events;
    Bus bus;
    TextSink com1;
    TextSink hvc;
    unsigned power_offs = 0;
    unsigned resets = 0;
    u32 exit_status = 0;
    std::vector<CpuProbe> cpu;
    PcBoard board;
};

}  // namespace orrery::test
