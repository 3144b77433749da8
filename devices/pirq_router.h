// Where PCI's interrupt pins go among the ISA lines while nobody uses the IOAPIC: the routing registers of
// Intel's PIIX3 (82371SB data sheet, 2.5.10), as part of its ISA bridge.
//
//   configuration space of the bridge: 60-63 PIRQ A-D: bit 7 not routed, bits 3-0 the line (3-7, 9-12, 14,
//   15)
//
// The lines are shared: each is asserted while one of the pins routed to it is, or another device drives it.
#pragma once

#include <array>

#include "devices/pci_function.h"

namespace orrery {

// The wires.
class PirqRouter : public IrqSink {
  public:
    static constexpr unsigned kPins = 4;
    static constexpr u8 kOff = 0x80;

    // The router's source on ISA line `line`. To be called while the machine is built only.
    void connect(unsigned line, IrqLine source) { lines_[line] = source; }
    static bool may_go_to(unsigned line) { return line < 16 && (0xdef8u >> line & 1) != 0; }

    void set_irq(unsigned pin, bool asserted) override;
    void route(unsigned pin, u8 value);
    // Pins idle, nothing routed.
    void reset();
    void visit(Archive& archive);

  private:
    void drive();

    std::array<IrqLine, 16> lines_{};
    std::array<bool, kPins> asserted_{};
    std::array<u8, kPins> routes_{kOff, kOff, kOff, kOff};
};

// The bridge's function: the registers.
class IsaBridge : public PciFunction {
  public:
    static constexpr unsigned kFirstRoute = 0x60;
    IsaBridge(std::string name, Bus& bus, PirqRouter& router);
    void reset() override;
    void visit(Archive& archive) override;

  private:
    void config_written(unsigned offset, unsigned size) override;
    PirqRouter& router_;
};

}  // namespace orrery
