// A small virtio driver for the tests: negotiates, sets queues up in guest RAM, and makes requests.
#pragma once

#include "emulator/machine/boot/firmware.h"
#include "tests/unit/devices/harness.h"

namespace orrery::test {

struct VirtioDriver : Board {
    static constexpr u16 kSize = 8;
    struct Queue {
        u64 descriptors, available, used;
        u16 index = 0;
    };

    explicit VirtioDriver(unsigned which, u64 seed = 1, std::vector<std::shared_ptr<Disk>> disks = {})
        : Board(1, seed, std::move(disks)), slot(which) {
        set_up_firmware(bus, board);
        write32(0xfee000f0, 0x1ff);
        bar0 = board.pci().function(slot)->config_read(0x10, 4) & ~15u;
        bar1 = board.pci().function(slot)->config_read(0x14, 4) & ~15u;
    }
    u32 get(unsigned reg, unsigned size = 4) { return static_cast<u32>(bus.read(bar0 + reg, size)); }
    void set(unsigned reg, u32 value, unsigned size = 4) { bus.write(bar0 + reg, size, value); }
    u64 offered() {
        set(0, 0);
        const u64 low = get(4);
        set(0, 1);
        return low | u64{get(4)} << 32;
    }
    // Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK. True if the device accepts them.
    bool negotiate(u64 features) {
        set(0x14, 0, 1);
        set(0x14, 1, 1);
        set(0x14, 3, 1);
        set(8, 0);
        set(0xc, static_cast<u32>(features));
        set(8, 1);
        set(0xc, static_cast<u32>(features >> 32));
        set(0x14, 11, 1);
        return (get(0x14, 1) & 8) != 0;
    }
    Queue add_queue(unsigned index) {
        Queue queue{0x200000 + index * 0x10000ull, 0x201000 + index * 0x10000ull,
                    0x202000 + index * 0x10000ull};
        set(0x16, index, 2);
        set(0x18, kSize, 2);
        set(0x20, static_cast<u32>(queue.descriptors));
        set(0x28, static_cast<u32>(queue.available));
        set(0x30, static_cast<u32>(queue.used));
        set(0x1c, 1, 2);
        return queue;
    }
    void driver_ok() { set(0x14, 15, 1); }
    void describe(const Queue& queue, unsigned index, u64 address, u32 length, u16 flags, u16 next = 0) {
        const u64 at = queue.descriptors + 16 * index;
        bus.write(at, 8, address);
        bus.write(at + 8, 4, length);
        bus.write(at + 12, 2, flags);
        bus.write(at + 14, 2, next);
    }
    void offer(Queue& queue, u16 head) {
        bus.write(queue.available + 4 + 2 * (queue.index % kSize), 2, head);
        ++queue.index;
        bus.write(queue.available + 2, 2, queue.index);
    }
    void notify(unsigned index) { set(0x3000 + 4 * index, index, 2); }
    u16 used_index(const Queue& queue) { return static_cast<u16>(bus.read(queue.used + 2, 2)); }
    u32 used_length(const Queue& queue, unsigned entry) {
        return static_cast<u32>(bus.read(queue.used + 8 + 8 * (entry % kSize), 4));
    }
    void put_text(u64 address, const std::string& text) { bus.dma_write(address, text.data(), text.size()); }
    std::string text(u64 address, size_t size) {
        std::string out(size, ' ');
        bus.dma_read(address, out.data(), size);
        return out;
    }

    unsigned slot;
    u64 bar0 = 0;
    u64 bar1 = 0;
};

inline constexpr u64 kVersion1 = u64{1} << 32;
inline constexpr u64 kIndirectFeature = u64{1} << 28;
inline constexpr u64 kEventIndexFeature = u64{1} << 29;

}  // namespace orrery::test
