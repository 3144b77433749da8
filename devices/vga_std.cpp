#include "devices/vga_std.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr unsigned kLinearBar = 0, kRegisterBar = 2;
constexpr u32 kRegisterLength = 0x1000;
constexpr u64 kDispi = 0x500;  // in the register BAR
constexpr unsigned kXOffset = 8, kYOffset = 9, kMemoryUnits = 10;
constexpr u16 kLatestVersion = 0xb0c5;
constexpr u16 kEnabled = 1, kCapabilities = 2, kKeepMemory = 0x80;
constexpr u16 kMaxBits = 32;

// Bytes of a pixel; 0: there is no such depth.
u32 pixel_bytes(u16 bits) {
    return bits == 15 || bits == 16 || bits == 24 || bits == 32 ? (bits + 7u) / 8 : 0;
}

}  // namespace

VgaStd::VgaStd(std::string name, Bus& bus)
    : PciFunction(std::move(name), bus, {0x1234, 0x1111, 0x030000, 2, 0x1af4, 0x1100}) {
    bus.add_video_memory(kMemory);
    add_video_bar(kLinearBar);
    add_memory_bar(kRegisterBar, kRegisterLength);
    VgaStd::reset();
}

void VgaStd::reset() {
    PciFunction::reset();
    registers_.fill(0);
    registers_[kVersion] = kLatestVersion;
    index_ = 0;
}

u32 VgaStd::stride() const {
    return registers_[kVirtualWidth] * pixel_bytes(registers_[kBits]);
}

u16 VgaStd::read(unsigned index) const {
    if (index == kMemoryUnits) return kMemory >> 16;
    if (index >= kRegisters) return 0;
    if ((registers_[kEnable] & kCapabilities) != 0) {
        if (index == kWidth) return kMaxWidth;
        if (index == kHeight) return kMaxHeight;
        if (index == kBits) return kMaxBits;
    }
    return registers_[index];
}

void VgaStd::write(unsigned index, u16 value) {
    const bool on = (registers_[kEnable] & kEnabled) != 0;
    switch (index) {
        case kVersion:
            if (value >= 0xb0c0 && value <= kLatestVersion) registers_[index] = value;
            return;
        case kWidth:
        case kHeight:
        case kBits:
            if (!on) registers_[index] = value;  // a mode is set while the display is off
            return;
        case kEnable:
            enable(value);
            return;
        case kVirtualWidth: {
            const u32 bytes = value * pixel_bytes(registers_[kBits]);
            if (!on || value < registers_[kWidth] || u64{bytes} * registers_[kHeight] > kMemory) return;
            registers_[index] = value;
            registers_[kVirtualHeight] = static_cast<u16>(std::min<u64>(kMemory / bytes, 0xffff));
            registers_[kXOffset] = registers_[kYOffset] = 0;
            return;
        }
        case kXOffset:
            if (on && u32{value} + registers_[kWidth] <= registers_[kVirtualWidth]) registers_[index] = value;
            return;
        case kYOffset:
            if (on && u32{value} + registers_[kHeight] <= registers_[kVirtualHeight])
                registers_[index] = value;
            return;
        default:
            return;  // one bank only; the others are read-only
    }
}

void VgaStd::enable(u16 value) {
    const bool was_on = (registers_[kEnable] & kEnabled) != 0;
    const u32 bytes = registers_[kWidth] * pixel_bytes(registers_[kBits]);
    const bool possible = bytes != 0 && registers_[kHeight] != 0 && registers_[kWidth] <= kMaxWidth &&
                          registers_[kHeight] <= kMaxHeight && u64{bytes} * registers_[kHeight] <= kMemory;
    if (!possible) value &= static_cast<u16>(~kEnabled);
    registers_[kEnable] = value;
    if (was_on || (value & kEnabled) == 0) return;
    registers_[kVirtualWidth] = registers_[kWidth];
    registers_[kVirtualHeight] = static_cast<u16>(std::min<u64>(kMemory / bytes, 0xffff));
    registers_[kXOffset] = registers_[kYOffset] = 0;
    if ((value & kKeepMemory) == 0) bus().clear_video_memory();
}

DisplayMode VgaStd::mode() const {
    DisplayMode mode;
    mode.enabled = (registers_[kEnable] & kEnabled) != 0;
    if (!mode.enabled) return mode;
    mode.width = registers_[kWidth];
    mode.height = registers_[kHeight];
    mode.bits = registers_[kBits];
    mode.stride = stride();
    mode.origin =
        u64{registers_[kYOffset]} * mode.stride + u64{registers_[kXOffset]} * pixel_bytes(registers_[kBits]);
    return mode;
}

u32 VgaStd::io_read(u16 port, unsigned size) {
    if (size != 2) return ~u32{0};
    return port == kIndexPort ? index_ : read(index_);
}

void VgaStd::io_write(u16 port, unsigned size, u32 value) {
    if (size != 2) return;
    if (port == kIndexPort)
        index_ = static_cast<u16>(value);
    else
        write(index_, static_cast<u16>(value));
}

u64 VgaStd::mmio_read(unsigned, u64 offset, unsigned size) {
    if (offset < kDispi || offset >= kDispi + 2 * kRegisters || size != 2 || offset % 2 != 0) return ~u64{0};
    return read(static_cast<unsigned>(offset - kDispi) / 2);
}

void VgaStd::mmio_write(unsigned, u64 offset, unsigned size, u64 value) {
    if (offset < kDispi || offset >= kDispi + 2 * kRegisters || size != 2 || offset % 2 != 0) return;
    write(static_cast<unsigned>(offset - kDispi) / 2, static_cast<u16>(value));
}

void VgaStd::visit(Archive& archive) {
    PciFunction::visit(archive);
    for (u16& value : registers_) archive.field("register", value);
    archive.field("index", index_);
    if (!archive.loading()) return;
    const DisplayMode now = mode();
    if (now.enabled && (stride() == 0 || now.width > kMaxWidth || now.height > kMaxHeight ||
                        now.origin + u64{now.stride} * now.height > kMemory))
        throw ArchiveError("snapshot: a display mode is damaged");
}

}  // namespace orrery
