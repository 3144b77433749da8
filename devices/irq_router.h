// Board wiring of interrupt lines: wired-OR inputs, fan-out to several controllers, and inverted wires.
//
// A wire is asserted while at least one of its sources drives it. Each output sees the wire's electrical
// level: the same as asserted for an active-high wire (ISA), the opposite for an active-low one (PCI INTx,
// PCI 3.0, 2.2.6).
#pragma once

#include <vector>

#include "emulator/core/bus/device.h"

namespace orrery {

class IrqRouter : public IrqSink {
  public:
    struct Output {
        IrqSink* sink;
        unsigned line;
        bool active_low = false;
    };

    // Makes a wire to `outputs` and drives it to its idle level. To be called while the machine is built
    // only.
    unsigned add_wire(std::vector<Output> outputs);
    // A new source on `wire`. Its line is one more input of the wired OR.
    IrqLine connect(unsigned wire);

    // `source` as connect() numbered it; `level` true asserts.
    void set_irq(unsigned source, bool level) override;
    // Cuts a source off its wire, or joins it again (the HPET's legacy replacement).
    void block(const IrqLine& source, bool blocked);

    bool asserted(unsigned wire) const { return wires_[wire].drivers != 0; }
    // All sources released and joined, every wire idle.
    void reset();
    void visit(Archive& archive);

  private:
    struct Wire {
        std::vector<Output> outputs;
        u32 drivers = 0;  // how many sources assert it
    };
    struct Source {
        unsigned wire;
        bool level = false;
        bool blocked = false;
    };
    static void drive(const Wire& wire);
    void change(Source& source, bool level, bool blocked);

    std::vector<Wire> wires_;
    std::vector<Source> sources_;
};

}  // namespace orrery
