// A guest that does anything to ports, registers and memory: fw_cfg's transfers, timers, interrupt
// controllers, PCI, ACPI, the keyboard controller. Each input is a list of accesses.
#include "emulator/machine/boot/firmware.h"
#include "tests/fuzz/board.h"

namespace orrery::fuzz {

namespace {

constexpr u16 kPorts[] = {0x20,  0x21,  0xa0,   0xa1,   0x4d0,  0x4d1, 0x40,  0x41,  0x42,  0x43,  0x60,
                          0x61,  0x64,  0x70,   0x71,   0x92,   0xcf8, 0xcf9, 0xcfc, 0xcfd, 0xe0,  0xe2,
                          0xe4,  0xe8,  0x2000, 0x2004, 0x2010, 0x510, 0x511, 0x514, 0x518, 0x600, 0x602,
                          0x604, 0x608, 0x3f8,  0x3f9,  0x3fa,  0x3fb, 0x3fc, 0x3fe, 0x80,  0xb000};
constexpr u64 kRegisters[] = {0xfec00000, 0xfec00010, 0xfed00000, 0xfee00000, 0xff000000, 0xc0000000,
                              0xc0010000, 0xc0018000, 0xd0000000, 0x100000,   0xffc};

void run(std::span<const u8> data) {
    Board guest;
    set_up_firmware(guest.bus, guest.board);
    Input input(data);
    for (unsigned i = 0; i < 500 && !input.done(); ++i) {
        const u8 kind = input.take<u8>();
        const unsigned size = 1u << (kind >> 3 & 3);
        const u16 port = kPorts[input.take<u8>() % std::size(kPorts)];
        const u64 address = kRegisters[port % std::size(kRegisters)] + input.take<u16>();
        switch (kind & 7) {
            case 0:
                guest.bus.io_read(port, std::min(size, 4u));
                break;
            case 1:
            case 2:
                guest.bus.io_write(port, std::min(size, 4u), input.take<u32>());
                break;
            case 3:
                guest.bus.read(address, size);
                break;
            case 4:
            case 5:
                guest.bus.write(address, size, input.take<u64>());
                break;
            case 6:
                guest.pass(input.take<u32>());
                break;
            case 7:
                guest.bus.dma_write(0x100000 + (address & 0xff), input.take_bytes(16).data(), 0);
                for (Device* device : guest.board.devices())
                    if (device->name() == "uart16550.0" || device->name() == "i8042")
                        device->input(input.take_bytes(4));
                break;
        }
    }
    SaveArchive archive;
    guest.board.visit(archive);
}

const Target target("devices", run);

}  // namespace

}  // namespace orrery::fuzz
