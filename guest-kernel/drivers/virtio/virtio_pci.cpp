// Setting up a virtio device on PCI (drivers/virtio/virtio_pci.h).
#include "drivers/virtio/virtio_pci.h"

namespace {

// Common configuration structure.
enum Common : unsigned {
    kDeviceFeatureSelect = 0x00,
    kDeviceFeature = 0x04,
    kDriverFeatureSelect = 0x08,
    kDriverFeature = 0x0c,
    kConfigVector = 0x10,
    kStatus = 0x14,
    kQueueSelect = 0x16,
    kQueueSize = 0x18,
    kQueueVector = 0x1a,
    kQueueEnable = 0x1c,
    kQueueNotifyOffset = 0x1e,
    kQueueDescriptors = 0x20,
    kQueueDriver = 0x28,
    kQueueDevice = 0x30,
};
enum Status : u8 { kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kFailed = 128 };
enum Structure : u8 { kCommonStructure = 1, kNotifyStructure = 2, kDeviceStructure = 4 };
constexpr u8 kVendorCapability = 0x09;
constexpr u16 kNoVector = 0xffff;

}  // namespace

u16 VirtioPci::type_of(const PciDevice& f) {
    if (f.vendor != kVirtioVendor) return 0;
    if (f.device >= 0x1040 && f.device < 0x1080) return static_cast<u16>(f.device - 0x1040);
    return f.device >= 0x1000 && f.device < 0x1040 ? f.subsystem : u16{0};  // transitional
}

/// The structure of this kind in one of the BARs, mapped; null when there is none.
volatile u8* VirtioPci::structure(u8 kind, unsigned* capability) const {
    for (unsigned at = pci.find_capability(kVendorCapability); at;
         at = pci.find_capability(kVendorCapability, at)) {
        if (pci.read(at + 3, 1) != kind) continue;
        volatile u8* base = pci.map_bar(pci.read(at + 4, 1));
        if (!base) continue;
        if (capability) *capability = at;
        return base + pci.read(at + 8, 4);
    }
    return nullptr;
}

Result<u64> VirtioPci::begin(u64 wanted) {
    pci.enable();
    unsigned notify_capability = 0;
    common_ = structure(kCommonStructure, nullptr);
    notify_ = structure(kNotifyStructure, &notify_capability);
    device_ = structure(kDeviceStructure, nullptr);
    if (!common_ || !notify_ || !device_) return Errno::ENODEV;
    notify_multiplier_ = pci.read(notify_capability + 16, 4);
    common<u8>(kStatus) = 0;
    while (common<u8>(kStatus) != 0) {
    }
    common<u8>(kStatus) = kAcknowledge | kDriver;
    u64 offered = 0;
    for (u32 half = 0; half < 2; half++) {
        common<u32>(kDeviceFeatureSelect) = half;
        offered |= u64{common<u32>(kDeviceFeature)} << (32 * half);
    }
    const u64 agreed = offered & (wanted | kVirtioVersion1);
    if (!(agreed & kVirtioVersion1)) return Errno::ENODEV;
    for (u32 half = 0; half < 2; half++) {
        common<u32>(kDriverFeatureSelect) = half;
        common<u32>(kDriverFeature) = static_cast<u32>(agreed >> (32 * half));
    }
    common<u8>(kStatus) = kAcknowledge | kDriver | kFeaturesOk;
    if (!(common<u8>(kStatus) & kFeaturesOk)) return Errno::ENODEV;
    common<u16>(kConfigVector) = kNoVector;
    return u64{agreed};
}

Result<void> VirtioPci::add_queue(u16 index, Vring& ring, const char* name, IrqHandler handler, void* data) {
    BUG_ON(index >= kMaxQueues);
    common<u16>(kQueueSelect) = index;
    const u32 offered = common<u16>(kQueueSize);
    if (offered == 0) return Errno::ENODEV;
    u32 size = 1;
    while (size * 2 <= offered && size < Vring::kMaxSize) size *= 2;
    TRY(ring.init(size));
    common<u16>(kQueueSize) = static_cast<u16>(size);
    // Entry n of the MSI-X table is queue n's.
    TRY(pci.enable_msix(index, name, handler, data));
    common<u16>(kQueueVector) = index;
    if (common<u16>(kQueueVector) != index) return Errno::ENODEV;
    const auto set_address = [this](unsigned offset, u64 phys) {
        common<u32>(offset) = static_cast<u32>(phys);
        common<u32>(offset + 4) = static_cast<u32>(phys >> 32);
    };
    set_address(kQueueDescriptors, ring.descriptors_phys());
    set_address(kQueueDriver, ring.available_phys());
    set_address(kQueueDevice, ring.used_phys());
    notify_address_[index] =
        reinterpret_cast<volatile u16*>(notify_ + common<u16>(kQueueNotifyOffset) * notify_multiplier_);
    common<u16>(kQueueEnable) = 1;
    return {};
}

void VirtioPci::finish() {
    common<u8>(kStatus) = kAcknowledge | kDriver | kFeaturesOk | kDriverOk;
}

void VirtioPci::fail() {
    if (common_) common<u8>(kStatus) = kFailed;
}
