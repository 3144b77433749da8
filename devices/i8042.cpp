#include "devices/i8042.h"

namespace orrery {

namespace {

constexpr u8 kCmdKeyboardIrq = 1, kCmdMouseIrq = 2, kCmdSystem = 4, kCmdKeyboardOff = 0x10,
             kCmdMouseOff = 0x20, kCmdTranslate = 0x40;

}  // namespace

I8042::I8042(EventQueue& events, const Lines& lines, std::function<void()> reset_machine,
             std::function<void(bool)> set_a20)
    : events_(events),
      lines_(lines),
      reset_machine_(std::move(reset_machine)),
      set_a20_(std::move(set_a20)),
      keyboard_(events, [this] { schedule(); }) {
    timer_ = events.add_timer("i8042", [this](Ticks) { hand_over(); });
    reset();
}

// As firmware leaves it: both devices tested, the keyboard scanning and translated, interrupts off.
void I8042::reset() {
    events_.cancel(timer_);
    keyboard_.reset();
    mouse_.reset();
    release_prefix_ = false;
    command_byte_ = kCmdSystem | kCmdTranslate | kCmdMouseOff;
    output_port_ = 0x03;  // not in reset, A20 on
    pending_command_ = 0;
    last_was_command_ = output_full_ = output_from_mouse_ = false;
    output_ = 0;
    update_irq();
}

u8 I8042::status() const {
    return static_cast<u8>((output_full_ ? 1 : 0) | ((command_byte_ & kCmdSystem) != 0 ? 4 : 0) |
                           (last_was_command_ ? 8 : 0) | 0x10 |
                           (output_full_ && output_from_mouse_ ? 0x20 : 0));
}

void I8042::update_irq() {
    lines_.keyboard.set(output_full_ && !output_from_mouse_ && (command_byte_ & kCmdKeyboardIrq) != 0);
    lines_.mouse.set(output_full_ && output_from_mouse_ && (command_byte_ & kCmdMouseIrq) != 0);
}

void I8042::put_output(u8 value, bool from_mouse) {
    output_ = value;
    output_full_ = true;
    output_from_mouse_ = from_mouse;
    update_irq();
}

void I8042::schedule() {
    const bool keyboard_waits = keyboard_.waiting() && (command_byte_ & kCmdKeyboardOff) == 0;
    const bool mouse_waits = mouse_.waiting() && (command_byte_ & kCmdMouseOff) == 0;
    if (output_full_ || (!keyboard_waits && !mouse_waits)) return;
    if (events_.deadline(timer_) == kNever) events_.schedule(timer_, events_.now() + kByteTime);
}

void I8042::hand_over() {
    if (output_full_) return;
    const bool keyboard_ready = keyboard_.waiting() && (command_byte_ & kCmdKeyboardOff) == 0;
    if (keyboard_ready) {
        const u8 byte = keyboard_.take();
        if ((command_byte_ & kCmdTranslate) == 0) {
            put_output(byte, false);
        } else if (byte == 0xf0) {
            release_prefix_ = true;  // becomes bit 7 of the next code
            schedule();
        } else {
            const u8 code = translate_scan_code(byte);
            put_output(release_prefix_ ? code | 0x80 : code, false);
            release_prefix_ = false;
        }
        return;
    }
    if (!mouse_.waiting() || (command_byte_ & kCmdMouseOff) != 0) return;
    put_output(mouse_.take(), true);
}

void I8042::input(std::span<const u8> data) {
    constexpr size_t kMovement = 7;
    if (data.empty()) return;
    if (data[0] == 'k') keyboard_.keys(data.subspan(1));
    if (data[0] == 'm' && data.size() == kMovement) {
        const auto word = [&](size_t at) { return static_cast<i16>(data[at] | data[at + 1] << 8); };
        mouse_.move(word(2), word(4), static_cast<i8>(data[6]), data[1]);
    }
    schedule();
}

void I8042::controller_command(u8 value) {
    pending_command_ = 0;
    if (value >= 0xf0) {  // pulses output bits that are 0: bit 0 is the CPU's reset
        if ((value & 1) == 0) reset_machine_();
        return;
    }
    switch (value) {
        case 0x20:
            put_output(command_byte_, false);
            break;
        case 0x60:
        case 0xd1:
        case 0xd2:
        case 0xd3:
        case 0xd4:
            pending_command_ = value;
            break;
        case 0xa7:
            command_byte_ |= kCmdMouseOff;
            break;
        case 0xa8:
            command_byte_ &= static_cast<u8>(~kCmdMouseOff);
            break;
        case 0xa9:
        case 0xab:
            put_output(0, false);
            break;  // no line is stuck
        case 0xaa:
            command_byte_ |= kCmdSystem;
            put_output(0x55, false);
            break;
        case 0xad:
            command_byte_ |= kCmdKeyboardOff;
            break;
        case 0xae:
            command_byte_ &= static_cast<u8>(~kCmdKeyboardOff);
            break;
        case 0xc0:
            put_output(0x80, false);
            break;  // keyboard not locked
        case 0xd0:
            put_output(output_port_, false);
            break;
        default:
            break;
    }
    schedule();
}

void I8042::controller_data(u8 value) {
    const u8 command = pending_command_;
    pending_command_ = 0;
    switch (command) {
        case 0x60:
            command_byte_ = value;
            update_irq();
            break;
        case 0xd1: {
            const u8 before = output_port_;
            output_port_ = value;
            if (((before ^ value) & 2) != 0) set_a20_((value & 2) != 0);
            if ((value & 1) == 0) reset_machine_();
            break;
        }
        case 0xd2:
            put_output(value, false);
            break;
        case 0xd3:
            put_output(value, true);
            break;
        case 0xd4:
            mouse_.receive(value);
            break;
        default:
            command_byte_ &= static_cast<u8>(~kCmdKeyboardOff);  // writing to the keyboard enables it
            keyboard_.receive(value);
            break;
    }
    schedule();
}

u32 I8042::io_read(u16 port, unsigned) {
    if (port == 0x64) return status();
    const u8 value = output_;
    output_full_ = false;
    update_irq();
    schedule();
    return value;
}

void I8042::io_write(u16 port, unsigned, u32 value) {
    last_was_command_ = port == 0x64;
    if (port == 0x64)
        controller_command(static_cast<u8>(value));
    else
        controller_data(static_cast<u8>(value));
}

void I8042::visit(Archive& archive) {
    archive.field("keyboard", keyboard_);
    archive.field("mouse", mouse_);
    archive.field("release_prefix", release_prefix_);
    archive.field("command_byte", command_byte_);
    archive.field("output_port", output_port_);
    archive.field("pending_command", pending_command_);
    archive.field("last_was_command", last_was_command_);
    archive.field("output_full", output_full_);
    archive.field("output_from_mouse", output_from_mouse_);
    archive.field("output", output_);
}

}  // namespace orrery
