// MC146818A real-time clock and CMOS RAM (Motorola MC146818A data sheet, 1984; the PC's use of the RAM:
// Linux's and SeaBIOS's common ground, listed below).
//
//   port 70  index (bit 7: NMI mask, kept only)      port 71  data
//   index 00 seconds 02 minutes 04 hours 06 weekday 07 day 08 month 09 year 32 century; 01 03 05 alarm
//         0A  UIP, divider, rate    0B  SET PIE AIE UIE SQWE DM 24/12 DSE    0C  IRQF PF AF UF    0D  VRT
//         0F  shutdown status; 15/16 base memory, 17/18 and 30/31 extended memory in KiB;
//         34/35 memory above 16 MiB and 5B-5D memory above 4 GiB in 64 KiB; 5F number of CPUs - 1
//
// The clock starts at the machine's configured time at tick 0 and follows virtual time only. The registers
// are bytes that an update cycle increments once a second, in whatever format register B names. A cycle takes
// 1984 µs, UIP leads it by 244 µs. Daylight saving is not done (its rule of 1984 helps nobody); DSE reads
// back as written.
#pragma once

#include <array>

#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Mc146818 : public Device {
  public:
    struct Config {
        i64 base_seconds = 1'704'067'200;  // since 1970-01-01T00:00:00Z, at tick 0: 2024-01-01T00:00:00Z
        u64 ram_size = 0;                  // bytes below and above 4 GiB as the bus places them
        u64 low_ram = 0;                   // bytes below 4 GiB
        unsigned cpus = 1;
    };

    Mc146818(const Config& config, EventQueue& events, IrqLine irq8);

    std::string_view name() const override { return "mc146818"; }
    // A reset of the machine does not stop the clock: it clears only the interrupt enables and flags (data
    // sheet, "RESET"); the first one sets the time.
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;

    // The clock's time as it reads, in seconds since 1970; the century register gives the hundreds of the
    // year.
    i64 seconds() const;

  private:
    bool running() const;
    void set_clock(i64 seconds);
    void fill_memory_sizes(const Config& config);
    void update_cycle();
    void catch_up();
    bool alarm_matches() const;
    void advance_second();
    u8 encode(unsigned value) const;
    unsigned decode(u8 value) const;
    unsigned hour() const;
    void set_hour(unsigned hour);
    bool update_in_progress() const;
    u64 periodic_hz() const;
    void note_periodic(Ticks now);
    void schedule_periodic();
    void update_irq();
    u8 read_register(u8 index);
    void write_register(u8 index, u8 value);

    EventQueue& events_;
    IrqLine irq_;
    EventQueue::TimerId update_timer_;
    EventQueue::TimerId periodic_timer_;
    u8 index_ = 0;
    u64 periods_seen_ = 0;  // of the periodic rate, when PF was last cleared or set
    Ticks next_update_ = 0;
    std::array<u8, 128> cmos_{};
};

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; month 1-12, day 1-31.
i64 days_from_civil(i64 year, unsigned month, unsigned day);

}  // namespace orrery
