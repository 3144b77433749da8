// A PS/2 mouse, and with the well-known sequence of sample rates one with a wheel (IBM PS/2 Technical
// Reference, "Mouse"; Microsoft, "Windows support for a mouse with a wheel", 1996).
//
//   commands: E6/E7 scaling 1:1, 2:1, E8 resolution, E9 status, EA stream mode, EB read, EC/EE wrap mode off,
//   on, F0 remote mode, F2 identify (0, or 3 with a wheel), F3 sample rate, F4/F5 reporting on, off, F6
//   defaults, FE resend, FF reset; the rates 200, 100, 80 turn the wheel on packet: buttons (0 left, 1 right,
//   2 middle), 8, signs and overflows; movement right; movement up; the wheel
#pragma once

#include "devices/ps2_device.h"

namespace orrery {

class Ps2Mouse : public Ps2Device {
  public:
    void reset();
    void visit(Archive& archive);
    void receive(u8 byte) override;

    // The mouse moved by `right` and `down`, its wheel by `wheel` notches towards the user, and these buttons
    // are held (bit 0 left, 1 right, 2 middle).
    void move(i32 right, i32 down, i32 wheel, u8 buttons);

  private:
    void defaults();
    void packet();
    i32 scaled(i32 value) const;
    void status();
    void set_rate(u8 rate);

    // State.
    u8 command_ = 0;  // waits for its argument
    bool reporting_ = false;
    bool remote_ = false;
    bool wrap_ = false;
    bool wheel_mode_ = false;
    bool double_scale_ = false;
    u8 rate_ = 100;      // samples a second
    u8 resolution_ = 2;  // 4 counts a millimetre
    u8 rates_seen_ = 0;  // how far the sequence that turns the wheel on has come
    u8 buttons_ = 0;
    u8 reported_buttons_ = 0;
    i32 right_ = 0;  // not yet reported
    i32 up_ = 0;
    i32 wheel_ = 0;
};

}  // namespace orrery
