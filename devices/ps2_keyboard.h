// A PS/2 keyboard with 101 keys (IBM PS/2 Technical Reference, "Keyboard (101- and 102-key)").
//
//   commands: ED LEDs, EE echo, F0 scan code set (1 or 2), F2 identify (AB 83), F3 typematic rate and delay,
//   F4 enable, F5 defaults and disable, F6 defaults, FE resend, FF reset
//
// A key that is held is repeated by the keyboard itself, in virtual time: after the delay, at the rate.
#pragma once

#include <functional>

#include "devices/ps2_device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class Ps2Keyboard : public Ps2Device {
  public:
    // `sent` is called when bytes have been queued outside of receive().
    Ps2Keyboard(EventQueue& events, std::function<void()> sent);

    void reset();
    void visit(Archive& archive);
    void receive(u8 byte) override;

    // Keys pressed and released, as codes of set 2: 1C, F0 1C, E0 75, E0 F0 75, E1 14 77 E1 F0 14 F0 77.
    void keys(std::span<const u8> codes);
    u8 leds() const { return leds_; }

  private:
    static constexpr size_t kLongest = 8;  // the code of Pause
    void defaults();
    void argument(u8 command, u8 value);
    void key(std::span<const u8> code);
    void report(std::span<const u8> code);
    void repeat();
    Ticks delay() const;
    Ticks period() const;

    EventQueue& events_;
    std::function<void()> sent_;
    EventQueue::TimerId timer_;
    // State.
    u8 command_ = 0;  // waits for its argument
    bool scanning_ = true;
    u8 scan_set_ = 2;
    u8 leds_ = 0;
    u8 typematic_ = 0;
    std::vector<u8> held_;  // the code of the key that repeats
};

// Scan code set 2 to set 1, as the controller translates (IBM PS/2 Technical Reference, keyboard controller).
u8 translate_scan_code(u8 set2);

}  // namespace orrery
