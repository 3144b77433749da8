// 82093AA I/O APIC with 24 inputs (Intel 82093AA data sheet, May 1996; the EOI register as in Intel's
// ICH9, 13.5).
//
//   FEC00000 IOREGSEL   FEC00010 IOWIN   FEC00040 EOI
//   index 00 ID, 01 version (20H: has the EOI register), 02 arbitration, 10-3F redirection entries, low and
//   high
//
// set_irq() takes the pin's electrical level; the entry's polarity says which level asserts. Edges on a
// masked pin are lost, as the data sheet says.
#pragma once

#include <array>
#include <functional>

#include "devices/apic_bus.h"
#include "emulator/core/bus/device.h"

namespace orrery {

class Ioapic : public Device, public IrqSink {
  public:
    static constexpr unsigned kPins = 24;
    static constexpr u64 kBase = 0xfec0'0000;

    explicit Ioapic(ApicBus& bus);

    std::string_view name() const override { return "ioapic"; }
    void reset() override;
    void visit(Archive& archive) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    void set_irq(unsigned pin, bool level) override;
    u64 redirection(unsigned pin) const { return entries_[pin]; }
    bool pin_level(unsigned pin) const { return (levels_ >> pin & 1) != 0; }

  private:
    void eoi(u8 vector);
    bool asserted(unsigned pin) const;
    void service_level(unsigned pin);
    void send(unsigned pin);
    u32 read_register() const;
    void write_register(u32 value);

    ApicBus& bus_;
    u8 select_ = 0;
    u8 id_ = 0;
    u32 levels_ = 0;
    std::array<u64, kPins> entries_{};
};

}  // namespace orrery
