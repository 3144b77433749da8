// A driver of virtio devices gone mad: queues set up as they should be, then descriptors, rings and registers
// of any bytes. The first byte says which device.
#include "emulator/machine/boot/firmware.h"
#include "tests/fuzz/board.h"

namespace orrery::fuzz {

namespace {

constexpr u64 kArea = 0x200000;  // queues and buffers: 16 KiB a queue
constexpr u16 kSize = 8;

void run(std::span<const u8> data) {
    Input input(data);
    Board guest;
    set_up_firmware(guest.bus, guest.board);
    std::vector<unsigned> slots;
    for (unsigned slot = 0; slot < 32; ++slot) {
        PciFunction* function = guest.board.pci().function(slot);
        if (function != nullptr && (function->config_read(0, 4) & 0xffff) == 0x1af4) slots.push_back(slot);
    }
    PciFunction* function = guest.board.pci().function(slots[input.take<u8>() % slots.size()]);
    const u64 bar = function->config_read(0x10, 4) & ~15u;
    const auto set = [&](u64 reg, unsigned size, u64 value) { guest.bus.write(bar + reg, size, value); };
    const u8 features = input.take<u8>();
    for (u8 status : {0, 1, 3}) set(0x14, 1, status);
    for (u32 word : {0u, 1u}) {
        set(0, 4, word);
        const u64 offered = guest.bus.read(bar + 4, 4);
        set(8, 4, word);
        set(0xc, 4, word == 1 ? 1 : (features & 1) != 0 ? offered : 0);
    }
    set(0x14, 1, 11);
    for (u64 queue = 0; queue < 4; ++queue) {
        set(0x16, 2, queue);
        set(0x18, 2, kSize);
        set(0x20, 4, kArea + queue * 0x4000);
        set(0x28, 4, kArea + queue * 0x4000 + 0x100);
        set(0x30, 4, kArea + queue * 0x4000 + 0x200);
        set(0x1c, 2, 1);
    }
    set(0x14, 1, 15);
    for (unsigned i = 0; i < 200 && !input.done(); ++i) {
        const u8 kind = input.take<u8>();
        const u64 queue = kArea + (kind >> 4 & 3) * 0x4000;
        switch (kind & 7) {
            case 0: {  // a descriptor: address within the area or anywhere, any flags
                const u64 at = queue + 16 * (input.take<u8>() % 16);
                const u16 where = input.take<u16>();
                guest.bus.write(at, 8, (kind & 8) != 0 ? input.take<u64>() : kArea + where);
                guest.bus.write(at + 8, 4, (kind & 8) != 0 ? input.take<u32>() : input.take<u8>());
                guest.bus.write(at + 12, 2, input.take<u16>());
                guest.bus.write(at + 14, 2, input.take<u8>());
                break;
            }
            case 1: {  // the available ring: any entry, and one more of them
                const u64 index = guest.bus.read(queue + 0x102, 2);
                guest.bus.write(queue + 0x104 + 2 * (index % kSize), 2, input.take<u8>());
                guest.bus.write(queue + 0x102, 2, (kind & 8) != 0 ? input.take<u16>() : index + 1);
                break;
            }
            case 2:
                set(0x3000 + 4 * (kind >> 4 & 3), 2, kind >> 4 & 3);
                break;
            case 3: {  // any bytes into the area: headers of requests
                const u64 at = kArea + input.take<u16>();
                const auto bytes = input.take_bytes(kind >> 3);
                guest.bus.dma_write(at, bytes.data(), bytes.size());
                break;
            }
            case 4: {
                const u16 reg = input.take<u16>();
                set(reg % 0x4000, 1u << (kind >> 4 & 3), input.take<u32>());
                break;
            }
            case 5:
                guest.bus.read(bar + input.take<u16>() % 0x4000, 1u << (kind >> 4 & 3));
                break;
            case 6:
                guest.pass(1'000'000);
                break;
            case 7:
                guest.board.virtio_console().input(input.take_bytes(kind >> 3));
                break;
        }
    }
    guest.pass(10'000'000);
    SaveArchive archive;
    guest.board.visit(archive);
}

const Target target("virtio", run);

}  // namespace

}  // namespace orrery::fuzz
