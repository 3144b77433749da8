// The two ports that reset a PC and gate its A20 line.
//
//   92   bit 0: a rising edge resets the CPUs; bit 1: A20 (IBM PS/2's port A; Intel 82371SB PIIX3, 2.5.9)
//   CF9  bit 1: the kind of reset, bit 2: a rising edge resets the machine (PIIX3, 2.5.10); also ACPI's reset
//   register
#pragma once

#include <functional>

#include "emulator/core/bus/device.h"

namespace orrery {

class SystemControl : public Device {
  public:
    static constexpr u16 kFastPort = 0x92;
    static constexpr u16 kResetPort = 0xcf9;
    static constexpr u8 kResetValue = 6;  // a full reset through kResetPort

    SystemControl(std::function<void()> reset_machine, std::function<void(bool)> set_a20);

    std::string_view name() const override { return "system_control"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;

    // The line as this port drives it. On from power-on, as firmware leaves it.
    bool a20() const { return (fast_ & 2) != 0; }

  private:
    std::function<void()> reset_machine_;
    std::function<void(bool)> set_a20_;
    u8 fast_ = 2;
    u8 reset_control_ = 0;
};

}  // namespace orrery
