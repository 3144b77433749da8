// i8042 keyboard controller with a PS/2 keyboard and mouse (IBM PS/2 Technical Reference, "Keyboard and
// auxiliary device controller", 1987; keyboard and mouse commands: the devices' chapters there).
//
//   60   data: read the output buffer; write to the keyboard (or as the last command to 64 says)
//   64   read status: 0 output full, 1 input full (never seen), 2 system flag, 3 last write was to 64, 4 not
//   inhibited,
//        5 output is the mouse's;  write commands: 20-3F read RAM, 60-7F write RAM, A7/A8 mouse off/on, A9
//        test mouse, AA self-test, AB test keyboard, AD/AE keyboard off/on, C0 input port, D0/D1 output port,
//        D2/D3 fake output, D4 to mouse, FE reset (F0-FF pulse output bits)
//
// input(): 'k' and scan codes of set 2 as a keyboard sends them, or 'm' and bytes of mouse packets. Bytes
// wait in each device's queue; one is handed over when the output buffer is free, kByteTime after the last
// was read.
#pragma once

#include <functional>
#include <vector>

#include "emulator/bus/device.h"
#include "emulator/time/event_queue.h"

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

  private:
    // A PS/2 device: bytes on their way to the host, and an unfinished command.
    struct Port {
        std::vector<u8> queue;
        u8 command = 0;  // a command that waits for its argument
        bool scanning = false;
        u8 scan_set = 2;  // keyboard
        u8 leds = 0;
        u8 rate = 100;  // mouse: samples a second
        u8 resolution = 2;
        bool break_prefix = false;  // F0 seen by the translation
        void visit(Archive& archive);
    };
    void controller_command(u8 value);
    void controller_data(u8 value);
    void keyboard_byte(u8 value);
    void mouse_byte(u8 value);
    void queue(Port& port, std::initializer_list<u8> bytes);
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
    Port keyboard_;
    Port mouse_;
    u8 command_byte_ = 0;
    u8 output_port_ = 0;
    u8 pending_command_ = 0;  // a controller command that waits for a write to port 60
    bool last_was_command_ = false;
    bool output_full_ = false;
    bool output_from_mouse_ = false;
    u8 output_ = 0;
};

// Scan code set 2 to set 1, as the controller translates (IBM PS/2 Technical Reference, keyboard controller).
u8 translate_scan_code(u8 set2);

}  // namespace orrery
