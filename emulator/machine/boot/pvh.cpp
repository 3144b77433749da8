#include "emulator/machine/boot/pvh.h"

#include <cstring>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/elf_kernel.h"
#include "emulator/machine/boot/memory_map.h"

namespace orrery {

namespace {

struct StartInfo {
    u32 magic = 0x336e'c578;
    u32 version = 1;
    u32 flags = 0;
    u32 modules = 0;
    u64 module_list = 0;
    u64 command_line = 0;
    u64 rsdp = 0;
    u64 memory_map = 0;
    u32 memory_map_entries = 0;
    u32 reserved = 0;
};
static_assert(sizeof(StartInfo) == 56);

struct Module {
    u64 address;
    u64 size;
    u64 command_line;
    u64 reserved;
};

struct MapEntry {
    u64 address;
    u64 size;
    u32 type;
    u32 reserved;
};

// Of the page with the structures.
constexpr u64 kModuleList = 0x100, kMemoryMap = 0x200;
// The kernel's boot code maps the low 2 GiB at most.
constexpr u64 kInitrdLimit = 0x8000'0000;

}  // namespace

bool is_elf(const BootImage& image) {
    return image.has(0, 4) && std::memcmp(image.bytes.data(),
                                          "\x7f"
                                          "ELF",
                                          4) == 0;
}

EntryState load_pvh(Bus& bus, const GuestFiles& files, u64 rsdp) {
    KernelMemory memory(bus, files.kernel);
    const u64 entry = load_elf_kernel(memory, files.kernel);
    const u64 kernel_end = memory.end(), page = memory.place(kStartInfoAddress, kPageSize);
    StartInfo info;
    info.rsdp = rsdp;
    info.command_line = memory.place(kCommandLineAddress, files.command_line.size() + 1);
    place_command_line(bus, files.command_line, info.command_line);
    if (files.initrd) {
        const Module module{
            place_initrd(bus, files.initrd->name, files.initrd->bytes, kernel_end, kInitrdLimit),
            files.initrd->bytes.size(), 0, 0};
        info.modules = 1;
        info.module_list = page + kModuleList;
        bus.dma_write(info.module_list, &module, sizeof module);
    }
    info.memory_map = page + kMemoryMap;
    for (const MemoryRange& range : memory_map(bus)) {
        const MapEntry map_entry{range.base, range.length, static_cast<u32>(range.type), 0};
        bus.dma_write(info.memory_map + info.memory_map_entries * sizeof map_entry, &map_entry,
                      sizeof map_entry);
        ++info.memory_map_entries;
    }
    bus.dma_write(page, &info, sizeof info);

    EntryState state;
    state.rip = entry;
    state.gpr[3] = page;  // EBX
    state.cr0 = 0x11;     // PE, and ET that is always 1
    for (auto& segment : state.segments) segment = {0x10, 0, 0xffff'ffff, kFlatData};
    state.segments[1] = {0x08, 0, 0xffff'ffff, kFlatCode32};
    state.tr = {0x18, 0, 0x67, kBusyTss32};
    return state;
}

}  // namespace orrery
