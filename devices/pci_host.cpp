#include "devices/pci_host.h"

namespace orrery {

namespace {

constexpr PciIdentity kHostBridge = {0x8086, 0x1237, 0x060000, 2, 0x1af4, 0x1100};

}  // namespace

PciHost::PciHost(Bus& bus, PirqRouter& router)
    : bridge_("pci_host.bridge", bus, kHostBridge), isa_bridge_("pci_host.isa", bus, router) {
    attach(0, bridge_);
    attach(1, isa_bridge_);
}

// The other functions are the board's, and reset by it.
void PciHost::reset() {
    bridge_.reset();
    isa_bridge_.reset();
    address_ = 0;
}

void PciHost::visit(Archive& archive) {
    archive.field("address", address_);
    archive.field("bridge", bridge_);
    archive.field("isa_bridge", isa_bridge_);
}

PciFunction* PciHost::selected() const {
    if ((address_ >> 31) == 0 || (address_ >> 16 & 0xff) != 0) return nullptr;
    return functions_[address_ >> 8 & 0xff];
}

u32 PciHost::io_read(u16 port, unsigned size) {
    if (port < 0xcfc) return size == 4 ? address_ : ~u32{0};
    const unsigned within = port & 3u;
    PciFunction* function = selected();
    if (function == nullptr || within + size > 4) return ~u32{0};
    return function->config_read((address_ & 0xfc) + within, size);
}

void PciHost::io_write(u16 port, unsigned size, u32 value) {
    if (port < 0xcfc) {
        if (size == 4) address_ = value & 0x80ff'fffc;
        return;
    }
    const unsigned within = port & 3u;
    PciFunction* function = selected();
    if (function != nullptr && within + size <= 4)
        function->config_write((address_ & 0xfc) + within, size, value);
}

u64 PciHost::mmio_read(unsigned, u64 offset, unsigned size) {
    PciFunction* function = functions_[offset >> 12 & 0xff];
    const unsigned reg = offset & 0xfff;
    if (function == nullptr || size > 4 || (reg & (size - 1)) != 0) return ~u64{0};
    // Beyond the 256 bytes of PCI: no extended capabilities.
    return reg < PciFunction::kConfigSize ? function->config_read(reg, size) : 0;
}

void PciHost::mmio_write(unsigned, u64 offset, unsigned size, u64 value) {
    PciFunction* function = functions_[offset >> 12 & 0xff];
    const unsigned reg = offset & 0xfff;
    if (function == nullptr || size > 4 || (reg & (size - 1)) != 0 || reg >= PciFunction::kConfigSize) return;
    function->config_write(reg, size, static_cast<u32>(value));
}

}  // namespace orrery
