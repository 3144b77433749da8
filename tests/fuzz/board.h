// A board for the targets that play a guest's driver: 16 MiB of RAM, CPU pins that go nowhere, a disk and a
// card.
#pragma once

#include "devices/pc_board.h"
#include "tests/fuzz/target.h"

namespace orrery::fuzz {

class Pins : public CpuPort {
  public:
    void set_intr(bool) override {}
    void raise_nmi() override {}
    void raise_init() override {}
    void raise_startup(u8) override {}
};

// A file of 1 MiB for the disk, gone at the program's end.
const std::string& disk_file();

struct Board {
    Board() : bus(16 << 20), board(bus, events, config()) {
        board.connect_cpu(0, pins);
        board.reset();
    }
    static PcConfig config() {
        PcConfig made;
        made.test_devices.pc_testdev = made.test_devices.fw_cfg = true;
        made.test_devices.fw_cfg_files = {{"opt/a", {1, 2, 3}}};
        made.disks = {std::make_shared<Disk>(disk_file(), Disk::Mode::Overlay)};
        return made;
    }
    // Lets `ticks` go by, with what falls due in them (at most 100 events: a timer may be set to run wild).
    void pass(Ticks ticks) {
        const Ticks end = events.now() + ticks;
        for (unsigned i = 0; i < 100 && events.next_deadline() <= end; ++i) {
            events.set_now(std::max(events.now(), events.next_deadline()));
            events.run_due();
        }
        if (events.next_deadline() > end) events.set_now(end);
    }

    EventQueue events;
    Bus bus;
    Pins pins;
    PcBoard board;
};

}  // namespace orrery::fuzz
