// The bus "virtio": what is behind a PCI function of virtio's vendor, as a device of its own, and its drivers (Virtual I/O
// Device specification 1.1, section 5 has the types).
#pragma once

#include "drivers/base/device.h"
#include "drivers/virtio/virtio_pci.h"

class VirtioDevice final : public Device {
  public:
    VirtioDevice(PciDevice& function, u16 its_type) : pci(function), device_type(its_type) {}
    PciDevice& pci;
    const u16 device_type;
};

/// A driver of one type of virtio devices.
class VirtioDriver : public Driver {
  public:
    VirtioDriver(const char* its_name, u16 its_type) : Driver(its_name), device_type(its_type) {}
    const u16 device_type;
};

Bus& virtio_bus();
/// Makes a device of each virtio function on the PCI bus.
void init_virtio_bus();
