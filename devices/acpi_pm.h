// The fixed hardware of ACPI (ACPI specification 6.4, section 4.8.3): PM1a event and control blocks and the
// PM timer.
//
//   600 PM1_STS  write 1 to clear: 0 timer carry, 5 global, 8 power button, 10 RTC, 15 wake
//   602 PM1_EN   the same bits 0, 5, 8, 10
//   604 PM1_CNT  bit 0 SCI_EN (always set: there is no SMI_CMD), 10-12 SLP_TYP, 13 SLP_EN (write-only)
//   608 PM_TMR   3.579545 MHz, 32 or 24 bits, read-only
//
// S5 is SLP_TYP kSleepTypeS5; other sleep states do not exist and are ignored. There are no general-purpose
// events. The interrupt is level-triggered. An input of any byte presses the power button.
#pragma once

#include <functional>

#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class AcpiPm : public Device {
  public:
    static constexpr u16 kBase = 0x600;
    static constexpr u16 kPorts = 16;
    static constexpr u16 kPm1Event = kBase;
    static constexpr u16 kPm1Control = kBase + 4;
    static constexpr u16 kTimer = kBase + 8;
    static constexpr u8 kSleepTypeS5 = 5;

    AcpiPm(EventQueue& events, IrqLine sci, bool timer_32_bits, std::function<void()> power_off);

    std::string_view name() const override { return "acpi_pm"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    void input(std::span<const u8> data) override;

    u32 timer() const;

  private:
    u64 timer_periods() const;
    u64 carries() const { return timer_periods() >> (timer_bits_ - 1); }
    void note_carry();
    void update();
    u8 read_byte(unsigned offset);
    void write_byte(unsigned offset, u8 value);

    EventQueue& events_;
    IrqLine sci_;
    unsigned timer_bits_;
    std::function<void()> power_off_;
    EventQueue::TimerId carry_timer_;
    u16 status_ = 0;
    u16 enable_ = 0;
    u16 control_ = 1;
    u64 carries_seen_ = 0;
};

}  // namespace orrery
