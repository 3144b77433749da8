// High-precision event timer (Intel IA-PC HPET specification 1.0a, October 2004, section 2.3).
//
//   FED00000 000 capabilities and period   010 configuration   020 interrupt status   0F0 main counter
//            100+20n timer n configuration, 108+20n comparator, 110+20n FSB route
//
// 10 MHz (a period of 100 ns, 100 ticks), a 64-bit counter, three timers, all of them able to be periodic, to
// use 64 bits and to send messages. Legacy replacement puts timers 0 and 1 on the lines of the PIT and the
// RTC. Other timers may use IOAPIC inputs 20-23.
//
// An edge-triggered output is driven high and stays there until just before its next edge, so that an 8259,
// which drops a request whose line falls, holds it until it is acknowledged.
#pragma once

#include <array>
#include <functional>

#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Hpet : public Device {
  public:
    static constexpr u64 kBase = 0xfed0'0000;
    static constexpr u64 kLength = 0x400;
    static constexpr unsigned kTimers = 3;
    static constexpr Ticks kTicksPerPeriod = 100;
    static constexpr u32 kPeriodFemtoseconds = 100'000'000;
    static constexpr unsigned kFirstRoute = 20;
    static constexpr unsigned kRoutes = 4;

    struct Lines {
        IrqLine legacy0;                                           // the timer interrupt
        IrqLine legacy8;                                           // the RTC's
        std::array<std::array<IrqLine, kRoutes>, kTimers> routes;  // each timer's own input to GSIs 20-23
    };
    // While legacy replacement is on, the PIT and the RTC must not reach their lines: `legacy_mode` is told.
    Hpet(EventQueue& events, const Lines& lines, MsiSink& msi, std::function<void(bool)> legacy_mode);

    std::string_view name() const override { return "hpet"; }
    void reset() override;
    void visit(Archive& archive) override;
    u64 mmio_read(unsigned region, u64 offset, unsigned size) override;
    void mmio_write(unsigned region, u64 offset, unsigned size, u64 value) override;

    u64 counter() const;

  private:
    struct Timer {
        u64 config = 0;
        u64 comparator = ~u64{0};
        u64 period = 0;  // the last value written to the accumulator of a periodic timer
        u64 fsb = 0;
        bool line = false;  // as driven
        void visit(Archive& archive);
    };
    bool enabled() const { return (config_ & 1) != 0; }
    bool legacy() const { return (config_ & 2) != 0; }
    bool wide(const Timer& timer) const { return (timer.config & 0x100) == 0; }
    u64 read_register(u64 offset) const;
    void write_register(u64 offset, u64 value, u64 mask);
    void write_config(u64 value);
    void write_timer(unsigned index, u64 offset, u64 value, u64 mask);
    const IrqLine& output(unsigned index) const;
    void drive(unsigned index, bool level);
    void arm(unsigned index);
    void fired(unsigned index);
    void clear_status(u32 bits);

    EventQueue& events_;
    Lines lines_;
    MsiSink& msi_;
    std::function<void(bool)> legacy_mode_;
    std::array<EventQueue::TimerId, kTimers> timer_ids_{};
    u64 config_ = 0;
    u32 status_ = 0;
    u64 offset_ = 0;   // the counter is this while stopped, and this plus elapsed periods while it runs
    Ticks start_ = 0;  // when it was started
    std::array<Timer, kTimers> timers_{};
};

}  // namespace orrery
