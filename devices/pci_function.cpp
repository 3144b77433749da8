#include "devices/pci_function.h"

#include <stdexcept>

namespace orrery {

namespace {

constexpr unsigned kCommand = 4, kStatus = 6, kBar0 = 0x10, kCapabilityPointer = 0x34;
constexpr u8 kMemorySpace = 2;
constexpr u8 kIntxDisable = 4;      // in the command register's upper byte
constexpr u8 kInterruptStatus = 8;  // in the status register
constexpr u8 kCapabilityList = 0x10;

}  // namespace

PciFunction::PciFunction(std::string name, Bus& bus, const PciIdentity& identity, IrqLine intx)
    : name_(std::move(name)), bus_(bus), intx_(intx) {
    set_config(0x00, 2, identity.vendor);
    set_config(0x02, 2, identity.device);
    set_config(0x08, 4, identity.class_code << 8 | identity.revision);
    set_config(0x0c, 2, 0, 0xffff);  // cache line size, latency timer
    set_config(0x2c, 2, identity.subsystem_vendor);
    set_config(0x2e, 2, identity.subsystem);
    set_config(0x3c, 1, 0, 0xff);
    set_config(0x3d, 1, intx.sink != nullptr ? 1 : 0);
    set_config(kCommand, 2, 0, 0x0546);  // memory, bus master, parity, SERR, INTx disable
}

void PciFunction::set_config(unsigned offset, unsigned size, u32 value, u32 writable) {
    for (unsigned i = 0; i < size; ++i) {
        initial_[offset + i] = config_[offset + i] = static_cast<u8>(value >> (8 * i));
        writable_[offset + i] = static_cast<u8>(writable >> (8 * i));
    }
}

void PciFunction::put_config(unsigned offset, unsigned size, u32 value) {
    for (unsigned i = 0; i < size; ++i) config_[offset + i] = static_cast<u8>(value >> (8 * i));
}

u32 PciFunction::config(unsigned offset, unsigned size) const {
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= u32{config_[offset + i]} << (8 * i);
    return value;
}

void PciFunction::add_memory_bar(unsigned bar, u32 length) {
    bars_[bar] = {length, bus_.map_mmio(Bus::kUnmapped, length, *this, bar), false};
    set_config(kBar0 + 4 * bar, 4, 0, ~(length - 1));
}

void PciFunction::add_video_bar(unsigned bar) {
    constexpr u32 kPrefetchable = 8;
    const u32 length = static_cast<u32>(bus_.video_size());
    bars_[bar] = {length, 0, true};
    set_config(kBar0 + 4 * bar, 4, kPrefetchable, ~(length - 1));
}

unsigned PciFunction::add_capability(u8 id, unsigned size) {
    const unsigned offset = next_capability_;
    if (offset + size > kConfigSize) throw std::logic_error(name_ + ": too many PCI capabilities");
    next_capability_ = (offset + size + 3) & ~3u;
    set_config(kStatus, 1, kCapabilityList);
    set_config(last_capability_ + 1, 1, offset);
    set_config(offset, 2, id);
    last_capability_ = offset;
    static_assert(kCapabilityPointer == 0x33 + 1);
    return offset;
}

void PciFunction::reset() {
    config_ = initial_;
    intx_wanted_ = false;
    place_bars();
    drive_intx();
}

void PciFunction::place_bars() {
    const bool enabled = (config_[kCommand] & kMemorySpace) != 0;
    for (unsigned bar = 0; bar < kBars; ++bar) {
        if (bars_[bar].length == 0) continue;
        const u64 base = config(kBar0 + 4 * bar, 4) & ~u64{15};
        const u64 place = enabled ? base : Bus::kUnmapped;
        if (bars_[bar].video)
            bus_.map_video_memory(place);
        else
            bus_.remap_mmio(bars_[bar].mapping, place);
    }
}

u32 PciFunction::config_read(unsigned offset, unsigned size) {
    if (offset + size > kConfigSize) return ~u32{0};
    config_reading(offset, size);
    return config(offset, size);
}

void PciFunction::config_write(unsigned offset, unsigned size, u32 value) {
    if (offset + size > kConfigSize) return;
    for (unsigned i = 0; i < size; ++i) {
        u8& byte = config_[offset + i];
        const u8 mask = writable_[offset + i];
        byte = static_cast<u8>((byte & ~mask) | (static_cast<u8>(value >> (8 * i)) & mask));
    }
    if (offset < kBar0 + 4 * kBars && offset + size > kCommand) {
        place_bars();
        drive_intx();
    }
    config_written(offset, size);
}

void PciFunction::set_intx(bool asserted) {
    intx_wanted_ = asserted;
    drive_intx();
}

void PciFunction::drive_intx() {
    config_[kStatus] =
        static_cast<u8>((config_[kStatus] & ~kInterruptStatus) | (intx_wanted_ ? kInterruptStatus : 0));
    intx_.set(intx_wanted_ && (config_[kCommand + 1] & kIntxDisable) == 0);
}

// Where the BARs are on the bus is the bus's state.
void PciFunction::visit(Archive& archive) {
    archive.field("config", config_);
    archive.field("intx_wanted", intx_wanted_);
}

}  // namespace orrery
