// i8042 keyboard controller, with a keyboard and a mouse at its two ports (IBM PS/2 Technical Reference,
// "Keyboard and auxiliary device controller", 1987).
//
//   60   data: read the output buffer; write to the keyboard (or as the last command to 64 says)
//   64   read status: 0 output full, 1 input full (never seen), 2 system flag, 3 last write was to 64, 4 not
//        inhibited, 5 output is the mouse's
//        write commands: 20 read, 60 write the command byte, A7/A8 mouse off/on, A9 test mouse, AA self-test,
//        AB test keyboard, AD/AE keyboard off/on, C0 input port, D0/D1 output port, D2/D3 fake output, D4 to
//        mouse, FE reset (F0-FF pulse output bits)
//
// input(): 'k' and scan codes of set 2 (Ps2Keyboard::keys), or 'm' and six bytes: buttons, movement right and
// down (two bytes each, low one first), wheel (Ps2Mouse::move). Bytes wait in each device's queue; one is
// handed over when the output buffer is free, kByteTime after the last was read.
#pragma once

#include <functional>

#include "devices/ps2_keyboard.h"
#include "devices/ps2_mouse.h"
#include "emulator/core/bus/device.h"
#include "emulator/core/time/event_queue.h"

namespace orrery {

class I8042 : public Device {
  public:
    struct Lines {
        IrqLine keyboard;  // IRQ 1
        IrqLine mouse;     // IRQ 12
    };
    static constexpr Ticks kByteTime = 100'000;  // 100 µs: an 11-bit frame at 12.5 kHz would be 900 µs

    I8042(EventQueue& events, const Lines& lines, std::function<void()> reset_machine,
          std::function<void(bool)> set_a20);

    std::string_view name() const override { return "i8042"; }
    void reset() override;
    void visit(Archive& archive) override;
    u32 io_read(u16 port, unsigned size) override;
    void io_write(u16 port, unsigned size, u32 value) override;
    void input(std::span<const u8> data) override;

    const Ps2Keyboard& keyboard() const { return keyboard_; }

  private:
    void controller_command(u8 value);
    void controller_data(u8 value);
    void put_output(u8 value, bool from_mouse);
    void hand_over();
    void schedule();
    void update_irq();
    u8 status() const;

    EventQueue& events_;
    Lines lines_;
    std::function<void()> reset_machine_;
    std::function<void(bool)> set_a20_;
    EventQueue::TimerId timer_;
    Ps2Keyboard keyboard_;
    Ps2Mouse mouse_;
    bool release_prefix_ = false;  // F0 seen by the translation
    u8 command_byte_ = 0;
    u8 output_port_ = 0;
    u8 pending_command_ = 0;  // a controller command that waits for a write to port 60
    bool last_was_command_ = false;
    bool output_full_ = false;
    bool output_from_mouse_ = false;
    u8 output_ = 0;
};

}  // namespace orrery
