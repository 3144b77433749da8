#include "emulator/machine/boot/bzimage.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "emulator/machine/boot/boot_error.h"
#include "emulator/machine/boot/linear_display.h"
#include "emulator/machine/boot/memory_map.h"

namespace orrery {

namespace {

// Offsets in the file's setup header and, the same, in boot_params.
constexpr u64 kSetupSects = 0x1f1, kSysSize = 0x1f4, kBootFlag = 0x1fe, kJumpLength = 0x201, kMagic = 0x202,
              kVersion = 0x206, kTypeOfLoader = 0x210, kLoadFlags = 0x211, kRamdiskImage = 0x218,
              kRamdiskSize = 0x21c, kCommandLinePointer = 0x228, kInitrdMax = 0x22c, kXloadFlags = 0x236,
              kCommandLineSize = 0x238, kPreferredAddress = 0x258, kInitSize = 0x260, kHeaderEnd = 0x268;
// Offsets in boot_params only.
constexpr u64 kRsdpAddress = 0x70, kE820Entries = 0x1e8, kE820Table = 0x2d0, kE820Max = 128;

constexpr u16 kXlfKernel64 = 1;
constexpr u64 kEntry64 = 0x200;

[[noreturn]] void fail(const BootImage& image, const std::string& why) {
    throw BootError(image.name + ": " + why);
}

struct BootParams {
    std::array<u8, kPageSize> bytes{};
    template <typename T>
    void put(u64 offset, T value) {
        std::memcpy(&bytes[offset], &value, sizeof value);
    }
};

void put_memory_map(const Bus& bus, BootParams& params) {
    u64 at = kE820Table;
    u8 count = 0;
    for (const MemoryRange& range : memory_map(bus)) {
        if (count == kE820Max) break;
        params.put(at, range.base);
        params.put(at + 8, range.length);
        params.put(at + 16, static_cast<u32>(range.type));
        at += 20;
        ++count;
    }
    params.put(kE820Entries, count);
}

// struct screen_info (include/uapi/linux/screen_info.h): a linear framebuffer, as VESA's BIOS describes it.
void put_display(const LinearDisplay& display, BootParams& params) {
    constexpr u8 kVesaLinear = 0x23;
    params.put<u8>(0x0f, kVesaLinear);
    params.put<u16>(0x12, display.width);
    params.put<u16>(0x14, display.height);
    params.put<u16>(0x16, 32);
    params.put<u32>(0x18, static_cast<u32>(display.address));
    params.put<u32>(0x1c, static_cast<u32>(display.size >> 16));
    params.put<u16>(0x24, display.stride);
    const u8 fields[] = {8, 16, 8, 8, 8, 0, 8, 24};  // size and position of red, green, blue, and the rest
    std::memcpy(&params.bytes[0x26], fields, sizeof fields);
    params.put<u16>(0x32, 1);  // pages
    params.put<u32>(0x36, 2);  // VBE's mode attribute: no VGA registers
}

// The low 4 GiB by 2 MiB pages (boot.rst asks for the kernel, boot_params and the command line at least).
void put_page_tables(Bus& bus) {
    constexpr u64 kPresentWritable = 3, kLarge = 0x80;
    const u64 pml4 = kPageTablesAddress;
    const u64 pdpt = pml4 + kPageSize;
    std::array<u64, 512> table{};
    table[0] = pdpt | kPresentWritable;
    bus.dma_write(pml4, table.data(), kPageSize);
    table.fill(0);
    for (u64 i = 0; i < 4; ++i) table[i] = (pdpt + (i + 1) * kPageSize) | kPresentWritable;
    bus.dma_write(pdpt, table.data(), kPageSize);
    for (u64 i = 0; i < 4; ++i) {
        for (u64 j = 0; j < 512; ++j) table[j] = (i * 512 + j) << 21 | kPresentWritable | kLarge;
        bus.dma_write(pdpt + (i + 1) * kPageSize, table.data(), kPageSize);
    }
}

EntryState entry_state(Bus& bus, u64 entry) {
    // Null, unused, __BOOT_CS at 10H, __BOOT_DS at 18H, a TSS at 20H.
    const u64 gdt[] = {0, 0, 0x00af'9b00'0000'ffff, 0x00cf'9300'0000'ffff, 0x0080'8b00'0000'0067, 0};
    bus.dma_write(kGdtAddress, gdt, sizeof gdt);
    put_page_tables(bus);

    EntryState state;
    state.rip = entry;
    state.gpr[6] = kBootParamsAddress;  // RSI
    state.cr0 = 0x8000'0011;            // PG, ET, PE
    state.cr3 = kPageTablesAddress;
    state.cr4 = 0x20;    // PAE
    state.efer = 0x500;  // LME, LMA
    for (auto& segment : state.segments) segment = {0x18, 0, 0xffff'ffff, kFlatData};
    state.segments[1] = {0x10, 0, 0xffff'ffff, kFlatCode64};
    state.tr = {0x20, 0, 0x67, kBusyTss32};
    state.gdtr = {kGdtAddress, sizeof gdt - 1};
    return state;
}

// Checks the header; returns the length of the real-mode part, which the kernel itself follows.
u64 check_header(const BootImage& image) {
    if (!image.has(0, kHeaderEnd)) fail(image, "is a truncated Linux bzImage");
    const u16 version = image.u16_at(kVersion);
    if (version < 0x20c)
        fail(image, "has Linux boot protocol " + std::to_string(version >> 8) + "." +
                        std::to_string(version & 0xff) + "; 2.12 or later is needed");
    if ((image.u16_at(kXloadFlags) & kXlfKernel64) == 0) fail(image, "is not a 64-bit Linux kernel");
    const u64 sectors = image.bytes[kSetupSects] == 0 ? 4 : image.bytes[kSetupSects];
    const u64 setup = (sectors + 1) * 512;
    const u64 payload = u64{image.u32_at(kSysSize)} * 16;
    // The last paragraph may be cut short by the build.
    if (payload <= kEntry64 || !image.has(setup, payload - 15))
        fail(image, "is truncated: its header speaks of " + std::to_string(setup + payload) +
                        " bytes, it has " + std::to_string(image.bytes.size()));
    return setup;
}

}  // namespace

bool is_bzimage(const BootImage& image) {
    return image.has(kMagic, 4) && image.u32_at(kMagic) == 0x5372'6448 && image.u16_at(kBootFlag) == 0xaa55;
}

EntryState load_bzimage(Bus& bus, const GuestFiles& files, u64 rsdp) {
    const BootImage& image = files.kernel;
    const u64 setup = check_header(image);
    const u64 load = image.u64_at(kPreferredAddress);
    const u64 size = image.bytes.size() - setup;
    const u64 end = load + std::max<u64>(image.u32_at(kInitSize), size);
    if (load < kHighMemory || end < load || end > kPciHoleStart)
        fail(image, "wants to be loaded at physical addresses that are not memory");
    if (end > bus.ram_size())
        fail(image, "needs " + mebibytes(end) + " of memory, the machine has " + mebibytes(bus.ram_size()));
    bus.dma_write(load, image.bytes.data() + setup, size);

    BootParams params;
    const u64 header_end = std::min<u64>(kMagic + image.bytes[kJumpLength], 0x290);
    std::memcpy(&params.bytes[kSetupSects], &image.bytes[kSetupSects],
                std::min<u64>(header_end, image.bytes.size()) - kSetupSects);
    params.put<u8>(kTypeOfLoader, 0xff);  // no number of its own
    params.put<u8>(kLoadFlags, static_cast<u8>(image.bytes[kLoadFlags] | 1));
    params.put<u32>(kCommandLinePointer, kCommandLineAddress);
    place_command_line(bus, files.command_line, kCommandLineAddress, image.u32_at(kCommandLineSize));
    params.put<u32>(kRamdiskImage, 0);
    params.put<u32>(kRamdiskSize, 0);
    if (files.initrd) {
        const u64 limit = u64{image.u32_at(kInitrdMax)} + 1;
        const u64 base = place_initrd(bus, files.initrd->name, files.initrd->bytes, end, limit);
        params.put<u32>(kRamdiskImage, static_cast<u32>(base));
        params.put<u32>(kRamdiskSize, static_cast<u32>(files.initrd->bytes.size()));
    }
    params.put<u64>(kRsdpAddress, rsdp);
    put_memory_map(bus, params);
    if (const auto display = find_display(bus)) put_display(*display, params);
    bus.dma_write(kBootParamsAddress, params.bytes.data(), params.bytes.size());
    return entry_state(bus, load + kEntry64);
}

}  // namespace orrery
