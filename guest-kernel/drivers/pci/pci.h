// PCI: the functions on the buses, their registers, memory windows and MSI-X (PCI Local Bus Specification 3.0).
//
// Guarantees: pci_init finds every function on bus 0 and behind bridges, once, at boot; the list never changes. A memory
// BAR that firmware left empty gets a place. Configuration accesses of several CPUs do not mix.
#pragma once

#include "core/result.h"
#include "core/types.h"
#include "drivers/irq.h"

struct PciDevice {
    static constexpr unsigned kBars = 6;
    u8 bus, slot, function;
    u8 header_type;
    u16 vendor, device;
    u16 subsystem_vendor, subsystem;
    u32 class_code;  // class, subclass, interface: 24 bits
    u8 revision;
    u8 irq_line, irq_pin;
    struct Bar {
        u64 address = 0;
        u64 length = 0;
        u32 flags = 0;  // the register's low bits: 1 port, 4 of 64 bits, 8 prefetchable
        volatile u8* mapped = nullptr;
    } bars[kBars];
    PciDevice* next = nullptr;

    u32 read(unsigned offset, unsigned size) const;
    void write(unsigned offset, unsigned size, u32 value) const;
    /// The offset of the first capability of this kind after `after` (0: from the start), or 0.
    unsigned find_capability(u8 id, unsigned after = 0) const;
    /// The memory of a BAR, mapped at first use; null when there is none.
    volatile u8* map_bar(unsigned bar);
    /// Memory accesses and bus mastering on.
    void enable() const;
    /// Turns MSI-X on and makes entry `entry` call `handler(data)` on this CPU. ENODEV: no MSI-X, or no vector left.
    Result<void> enable_msix(unsigned entry, const char* name, IrqHandler handler, void* data);
};

/// The functions in the order of bus, slot and function.
PciDevice* first_pci_device();
void pci_init();
