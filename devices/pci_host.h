// The PCI host bridge: configuration access and the functions of bus 0 (PCI Local Bus
// Specification 3.0, 3.2.2.3.2, mechanism #1; PCI Express Base Specification 3.0, 7.2.2, enhanced
// configuration access).
//
//   CF8  address, dword accesses only: bit 31 enable, 23-16 bus, 15-11 device, 10-8 function, 7-2 register
//   CFC  data, any size
//   C0000000-C00FFFFF  configuration space of bus 0, 4 KiB a function
//
// Its own function 00:00.0 has the ids of Intel's 440FX, which every guest knows, but none of its registers:
// memory is where the bus says. What nobody claims reads as all ones.
#pragma once

#include <array>

#include "devices/pci_function.h"
#include "devices/pirq_router.h"

namespace orrery {

class PciHost : public Device {
  public:
    static constexpr u64 kEcamBase = 0xc000'0000;
    static constexpr u64 kEcamLength = 0x10'0000;
    // Where BARs go; from the end of ECAM and its neighbourhood to the IOAPIC.
    static constexpr u64 kWindowBase = 0xd000'0000;
    static constexpr u64 kWindowEnd = 0xfec0'0000;
    // INTA-INTD of each slot go round these IOAPIC inputs.
    static constexpr unsigned kFirstGsi = 16;
    static constexpr unsigned kGsis = 4;
    static unsigned gsi_of(unsigned slot, unsigned pin) { return kFirstGsi + (slot + pin) % kGsis; }
    // The ISA lines that firmware routes them to, for who does without the IOAPIC.
    static unsigned isa_line_of(unsigned slot, unsigned pin) { return 10 + (slot + pin) % 2; }

    PciHost(Bus& bus, PirqRouter& router);

    std::string_view name() const override { return "pci_host"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    // Function 0 of `slot`. To be called while the machine is built only; the function is not owned.
    void attach(unsigned slot, PciFunction& function) { functions_[slot * 8] = &function; }
    // nullptr: none there.
    PciFunction* function(unsigned slot) const { return functions_[slot * 8]; }

  private:
    PciFunction* selected() const;

    std::array<PciFunction*, 256> functions_{};
    PciFunction bridge_;
    IsaBridge isa_bridge_;
    u32 address_ = 0;
};

}  // namespace orrery
