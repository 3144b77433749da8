// PCI functions as devices: the bus "pci" in /sys, and who drives them (Linux, Documentation/PCI/sysfs-pci.rst).
#pragma once

#include "drivers/base/device.h"
#include "drivers/pci/pci.h"

/// A PCI function in /sys/devices/pciDDDD:BB.
class PciFunction final : public Device {
  public:
    explicit PciFunction(PciDevice& function) : pci(function) {}
    PciDevice& pci;
};

/// A driver of PCI functions.
class PciDriver : public Driver {
  public:
    using Driver::Driver;
    virtual bool wants(const PciDevice& function) const = 0;
};

/// Shows the functions that pci_init has found, and enters their windows as resources.
void init_pci_bus();
Bus& pci_bus();
/// /proc/bus/pci/devices.
Result<void> show_proc_pci(KString& out);
