#include "emulator/machine/boot/multiboot.h"

#include <elf.h>

#include <algorithm>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/memory_map.h"
#include "emulator/machine/boot/multiboot_image.h"
#include "emulator/machine/boot/pvh.h"

namespace orrery {

namespace {

constexpr u32 kHeaderMagic = 0x1bad'b002, kLoaderMagic = 0x2bad'b002;
constexpr u64 kSearched = 8192;
// Required features, bits 0-15 of the flags: what this loader always does, and what it cannot.
constexpr u32 kVideoMode = 1 << 2, kUnknownFeatures = 0xfff8;

// Flags of the information structure: which of its fields hold.
constexpr u32 kMemory = 1, kCommandLine = 1 << 2, kModules = 1 << 3, kMemoryMap = 1 << 6,
              kLoaderName = 1 << 9;

struct Information {
    u32 flags = kMemory | kCommandLine | kModules | kMemoryMap | kLoaderName;
    u32 memory_lower = 0, memory_upper = 0;  // KiB
    u32 boot_device = 0;
    u32 command_line = 0;
    u32 module_count = 0, modules = 0;
    u32 symbols[4] = {};
    u32 map_length = 0, map = 0;
    u32 drives[2] = {};
    u32 config_table = 0;
    u32 loader_name = 0;
    u32 apm_and_video[12] = {};
};
static_assert(sizeof(Information) == 116);

struct Module {
    u32 start, end, text, reserved;
};

struct MapEntry {
    u32 size;  // of what follows
    u32 base[2], length[2];
    u32 type;
};

// Of the page with the structures.
constexpr u64 kName = 0x100, kMap = 0x200, kModuleList = 0x800;
constexpr size_t kMaxModules = 64;
constexpr u64 kStrings = kCommandLineAddress + kCommandLineRoom, kStringsRoom = 0x10000;

bool has_magic(const BootImage& image, u64 offset) {
    return image.u32_at(offset) == kHeaderMagic;
}

bool is_elf_class(const BootImage& image, u8 wanted) {
    return is_elf(image) && image.has(0, EI_NIDENT) && image.bytes[EI_CLASS] == wanted;
}

u64 search_end(const BootImage& image) {
    return std::min<u64>(image.bytes.size(), kSearched);
}

std::string file_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

void put_memory_map(Bus& bus, u64 at, Information& info) {
    info.memory_lower = kEbdaAddress >> 10;
    info.memory_upper = static_cast<u32>((low_memory_end(bus) - kHighMemory) >> 10);
    info.map = static_cast<u32>(at);
    for (const MemoryRange& range : memory_map(bus)) {
        const MapEntry entry{sizeof entry - 4,
                             {static_cast<u32>(range.base), static_cast<u32>(range.base >> 32)},
                             {static_cast<u32>(range.length), static_cast<u32>(range.length >> 32)},
                             static_cast<u32>(range.type)};
        bus.dma_write(info.map + info.map_length, &entry, sizeof entry);
        info.map_length += sizeof entry;
    }
}

void put_modules(Bus& bus, const std::vector<GuestModule>& modules, KernelMemory& memory, u64 list,
                 Information& info) {
    if (modules.size() > kMaxModules)
        throw BootError("--initrd: at most " + std::to_string(kMaxModules) + " modules are possible");
    info.modules = static_cast<u32>(list);
    info.module_count = static_cast<u32>(modules.size());
    u64 at = memory.end(), room = kStringsRoom;
    for (size_t i = 0; i < modules.size(); ++i) {
        const BootImage& image = modules[i].image;
        at = (at + kPageSize - 1) & ~(kPageSize - 1);
        const u64 end = at + image.bytes.size();
        if (end > low_memory_end(bus))
            throw BootError(image.name + ": does not fit into memory beside the kernel: it would need " +
                            mebibytes(end) + ", the machine has " + mebibytes(bus.ram_size()));
        const u64 size = modules[i].text.size() + 1;
        if (size > room) throw BootError(image.name + ": the modules' arguments are too long");
        room -= size;
        const u64 text = memory.place(kStrings + (kStringsRoom - room - size), size);
        bus.dma_write(at, image.bytes.data(), image.bytes.size());
        bus.dma_write(text, modules[i].text.c_str(), size);
        const Module entry{static_cast<u32>(at), static_cast<u32>(end), static_cast<u32>(text), 0};
        bus.dma_write(list + i * sizeof entry, &entry, sizeof entry);
        at = end;
    }
}

}  // namespace

std::optional<MultibootHeader> find_multiboot_header(const BootImage& image) {
    for (u64 offset = 0; offset + 12 <= search_end(image); offset += 4) {
        if (!has_magic(image, offset)) continue;
        const u32 flags = image.u32_at(offset + 4);
        if (kHeaderMagic + flags + image.u32_at(offset + 8) == 0) return MultibootHeader{offset, flags};
    }
    return std::nullopt;
}

bool is_multiboot(const BootImage& image) {
    // A 64-bit kernel may carry the header for other loaders; its own way in is the PVH note.
    return !is_elf_class(image, ELFCLASS64) && find_multiboot_header(image).has_value();
}

std::string multiboot_complaint(const BootImage& image) {
    if (is_elf_class(image, ELFCLASS64)) return {};
    for (u64 offset = 0; offset + 4 <= search_end(image); offset += 4) {
        if (!has_magic(image, offset)) continue;
        return offset + 12 <= search_end(image) ? "has a multiboot header with a wrong checksum"
                                                : "has a truncated multiboot header";
    }
    if (is_elf_class(image, ELFCLASS32)) return "is a 32-bit ELF file without a multiboot header";
    return {};
}

std::vector<GuestModule> read_modules(const std::string& list) {
    std::vector<GuestModule> modules;
    for (size_t begin = 0; begin <= list.size();) {
        const size_t end = std::min(list.find(',', begin), list.size());
        const std::string text = list.substr(begin, end - begin);
        modules.push_back({read_boot_image(text.substr(0, text.find(' '))), text});
        begin = end + 1;
    }
    return modules;
}

EntryState load_multiboot(Bus& bus, const GuestFiles& files) {
    const auto header = find_multiboot_header(files.kernel);
    if (!header) throw BootError(files.kernel.name + ": has no multiboot header");
    if ((header->flags & kVideoMode) != 0)
        throw BootError(files.kernel.name + ": asks for a video mode by its multiboot header; there is none");
    if ((header->flags & kUnknownFeatures) != 0)
        throw BootError(files.kernel.name + ": asks for features that multiboot 1 does not know");
    KernelMemory memory(bus, files.kernel);
    const u64 entry = load_multiboot_image(memory, files.kernel, *header);
    const u64 page = memory.place(kStartInfoAddress, kPageSize);

    Information info;
    std::string text = file_name(files.kernel.name);
    if (!files.arguments.empty()) text += " " + files.arguments;
    info.command_line = static_cast<u32>(memory.place(kCommandLineAddress, text.size() + 1));
    place_command_line(bus, text, info.command_line);
    put_memory_map(bus, page + kMap, info);
    put_modules(bus, files.modules, memory, page + kModuleList, info);
    info.loader_name = static_cast<u32>(page + kName);
    static constexpr char kLoader[] = "Orrery";
    bus.dma_write(info.loader_name, kLoader, sizeof kLoader);
    bus.dma_write(page, &info, sizeof info);

    EntryState state;
    state.rip = entry;
    state.gpr[0] = kLoaderMagic;  // EAX
    state.gpr[3] = page;          // EBX
    state.cr0 = 0x11;             // PE, and ET that is always 1
    for (auto& segment : state.segments) segment = {0x10, 0, 0xffff'ffff, kFlatData};
    state.segments[1] = {0x08, 0, 0xffff'ffff, kFlatCode32};
    state.tr = {0x18, 0, 0x67, kBusyTss32};
    return state;
}

}  // namespace orrery
