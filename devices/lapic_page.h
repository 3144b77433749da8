// The local APICs' register pages on the bus (Intel SDM vol. 3A, 11.4.1): every CPU sees its own at the same
// address.
//
// The machine tells which CPU runs before it runs it; accesses then reach that CPU's local APIC, at that
// CPU's own IA32_APIC_BASE. A page moved onto RAM is not seen: RAM answers first.
#pragma once

#include <vector>

#include "devices/lapic.h"
#include "emulator/core/bus/bus.h"

namespace orrery {

class LapicPage : public Device {
  public:
    explicit LapicPage(Bus& bus);

    std::string_view name() const override { return "lapic"; }
    void reset() override { select(0); }
    void visit(Archive& archive) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    // To be called while the machine is built only, in the order of the CPUs.
    void add(Lapic& lapic);
    void select(unsigned cpu);
    unsigned selected() const { return current_; }

  private:
    Bus& bus_;
    unsigned mapping_;
    std::vector<Lapic*> lapics_;
    u32 current_ = 0;
};

}  // namespace orrery
