// The virtual clock's event queue: the only source of "when".
//
// Time is counted in ticks of the time-stamp counter, from power-on, at kTicksPerSecond. What a tick means is
// the machine's choice (--clock cycles: modelled core cycles; icount: one instruction); devices see only
// ticks. Each timer is made once, when its device is; its state is one deadline. Timers that are due at the
// same tick fire in the order of their making, so a run never depends on anything but the deadlines.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

using Ticks = u64;

// 1 GHz: one tick is one nanosecond of virtual time.
inline constexpr u64 kTicksPerSecond = 1'000'000'000;
inline constexpr Ticks kNever = ~Ticks{0};

class EventQueue {
  public:
    using TimerId = u32;
    using Handler = std::function<void(Ticks now)>;

    // Makes a timer, unarmed. To be called while the machine is built only.
    TimerId add_timer(std::string name, Handler handler);

    // Arms `timer` for the absolute tick `when` (moving it if it was armed); kNever disarms it.
    void schedule(TimerId timer, Ticks when);
    void cancel(TimerId timer) { schedule(timer, kNever); }
    Ticks deadline(TimerId timer) const { return timers_[timer].when; }

    // The earliest deadline, kNever if nothing is armed.
    Ticks next_deadline() const { return next_; }

    // The current virtual time. Within an instruction that touches a device it is that instruction's own
    // time.
    Ticks now() const { return now_; }
    // The machine moves time forward; it never goes back but by restoring a snapshot.
    void set_now(Ticks now) { now_ = now; }

    // Fires every timer whose deadline is at or before now(), earliest first.
    void run_due();

    // Called whenever next_deadline() becomes earlier, so that a running CPU can shorten its stretch.
    void on_earlier_deadline(std::function<void()> hook) { earlier_ = std::move(hook); }

    struct TimerView {
        const std::string* name;
        Ticks when;
    };
    std::vector<TimerView> timers() const;

    void visit(Archive& archive);

  private:
    struct Timer {
        std::string name;
        Handler handler;
        Ticks when = kNever;
    };
    void find_next();

    std::vector<Timer> timers_;
    Ticks now_ = 0;
    Ticks next_ = kNever;
    std::function<void()> earlier_;
};

// `ticks` of virtual time in periods of a `hz` clock, rounded down, without overflow.
constexpr u64 ticks_to_periods(Ticks ticks, u64 hz) {
    return static_cast<u64>(static_cast<unsigned __int128>(ticks) * hz / kTicksPerSecond);
}
// The first tick at which a `hz` clock that started at tick 0 has made `periods` periods.
constexpr Ticks periods_to_ticks(u64 periods, u64 hz) {
    return static_cast<Ticks>((static_cast<unsigned __int128>(periods) * kTicksPerSecond + hz - 1) / hz);
}

}  // namespace orrery
