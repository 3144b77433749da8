#include "emulator/machine/boot/memory_map.h"

#include <algorithm>

#include "devices/pci_host.h"
#include "emulator/machine/boot/boot_error.h"

namespace orrery {

u64 low_memory_end(const Bus& bus) {
    return std::min(bus.ram_size(), kPciHoleStart);
}

std::vector<MemoryRange> memory_map(const Bus& bus) {
    const u64 low_end = low_memory_end(bus);
    std::vector<MemoryRange> map = {
        {0, kEbdaAddress, MemoryType::Usable},
        {kEbdaAddress, 0xa0000 - kEbdaAddress, MemoryType::Reserved},
        {kFirmwareAddress, kFirmwareEnd - kFirmwareAddress, MemoryType::Reserved},
    };
    if (low_end > kHighMemory) map.push_back({kHighMemory, low_end - kHighMemory, MemoryType::Usable});
    map.push_back({PciHost::kEcamBase, PciHost::kEcamLength, MemoryType::Reserved});
    if (bus.ram_size() > low_end) map.push_back({kPciHoleEnd, bus.ram_size() - low_end, MemoryType::Usable});
    return map;
}

std::string mebibytes(u64 bytes) {
    return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

void require_memory(const Bus& bus, const std::string& who) {
    if (bus.ram_size() >= 2 << 20) return;
    throw BootError(who + ": the machine's memory of " + std::to_string(bus.ram_size() >> 10) +
                    " KiB is too small; at least 2 MiB and the kernel's own size are needed");
}

u64 place_initrd(Bus& bus, const std::string& name, const std::vector<u8>& image, u64 kernel_end, u64 limit) {
    const u64 end = std::min(limit, low_memory_end(bus)) & ~(kPageSize - 1);
    const u64 first = (kernel_end + kPageSize - 1) & ~(kPageSize - 1);
    const u64 size = (image.size() + kPageSize - 1) & ~(kPageSize - 1);
    if (end < first || end - first < size)
        throw BootError(name + ": does not fit into memory beside the kernel: both need " +
                        mebibytes(first + size) + ", the machine has " + mebibytes(bus.ram_size()));
    const u64 base = end - size;
    bus.dma_write(base, image.data(), image.size());
    return base;
}

void place_command_line(Bus& bus, const std::string& text, u64 at, u64 limit) {
    limit = std::min(limit, kCommandLineRoom - 1);
    if (text.size() > limit)
        throw BootError("the kernel's command line has " + std::to_string(text.size()) + " bytes; at most " +
                        std::to_string(limit) + " are possible");
    bus.dma_write(at, text.c_str(), text.size() + 1);
}

}  // namespace orrery
