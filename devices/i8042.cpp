#include "devices/i8042.h"

namespace orrery {

namespace {

constexpr u8 kCmdKeyboardIrq = 1, kCmdMouseIrq = 2, kCmdSystem = 4, kCmdKeyboardOff = 0x10,
             kCmdMouseOff = 0x20, kCmdTranslate = 0x40;
constexpr u8 kAck = 0xfa, kResend = 0xfe, kSelfTestPassed = 0xaa;
constexpr size_t kQueueLimit = 256;

// Indexed by set 2; 0 stands for itself where no key has that code.
constexpr u8 kSet1[0x84] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, 0x65,
    0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, 0x67, 0x2e,
    0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, 0x69, 0x31, 0x30,
    0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17,
    0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a,
    0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a,
    0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01,
    0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41};

}  // namespace

u8 translate_scan_code(u8 set2) {
    return set2 < sizeof kSet1 ? kSet1[set2] : set2;
}

I8042::I8042(EventQueue& events, const Lines& lines, std::function<void()> reset_machine,
             std::function<void(bool)> set_a20)
    : events_(events), lines_(lines), reset_machine_(std::move(reset_machine)), set_a20_(std::move(set_a20)) {
    timer_ = events.add_timer("i8042", [this](Ticks) { hand_over(); });
    reset();
}

// As firmware leaves it: both devices tested, the keyboard scanning and translated, interrupts off.
void I8042::reset() {
    events_.cancel(timer_);
    keyboard_ = Port();
    keyboard_.scanning = true;
    mouse_ = Port();
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
    const bool keyboard_waits = !keyboard_.queue.empty() && (command_byte_ & kCmdKeyboardOff) == 0;
    const bool mouse_waits = !mouse_.queue.empty() && (command_byte_ & kCmdMouseOff) == 0;
    if (output_full_ || (!keyboard_waits && !mouse_waits)) return;
    if (events_.deadline(timer_) == kNever) events_.schedule(timer_, events_.now() + kByteTime);
}

void I8042::hand_over() {
    if (output_full_) return;
    const bool keyboard_ready = !keyboard_.queue.empty() && (command_byte_ & kCmdKeyboardOff) == 0;
    if (keyboard_ready) {
        const u8 byte = keyboard_.queue.front();
        keyboard_.queue.erase(keyboard_.queue.begin());
        if ((command_byte_ & kCmdTranslate) == 0) {
            put_output(byte, false);
        } else if (byte == 0xf0) {
            keyboard_.break_prefix = true;  // becomes bit 7 of the next code
            schedule();
        } else {
            const u8 code = translate_scan_code(byte);
            put_output(keyboard_.break_prefix ? code | 0x80 : code, false);
            keyboard_.break_prefix = false;
        }
        return;
    }
    if (mouse_.queue.empty() || (command_byte_ & kCmdMouseOff) != 0) return;
    const u8 byte = mouse_.queue.front();
    mouse_.queue.erase(mouse_.queue.begin());
    put_output(byte, true);
}

void I8042::queue(Port& port, std::initializer_list<u8> bytes) {
    if (port.queue.size() + bytes.size() > kQueueLimit) return;  // answers that nobody reads are lost
    port.queue.insert(port.queue.end(), bytes);
    schedule();
}

void I8042::input(std::span<const u8> data) {
    if (data.size() < 2) return;
    Port& port = data[0] == 'm' ? mouse_ : keyboard_;
    // A device that is off, or whose buffer is full, loses what happens (a keyboard would beep).
    if (!port.scanning || port.queue.size() + data.size() - 1 > kQueueLimit) return;
    port.queue.insert(port.queue.end(), data.begin() + 1, data.end());
    schedule();
}

void I8042::keyboard_byte(u8 value) {
    Port& port = keyboard_;
    const u8 command = port.command;
    port.command = 0;
    if (command != 0 && value < 0xed) {
        if (command == 0xed) port.leds = value;
        if (command == 0xf0 && value == 0) {
            queue(port, {kAck, port.scan_set});
            return;
        }
        if (command == 0xf0 && value <= 3) port.scan_set = value;
        queue(port, {kAck});
        return;
    }
    switch (value) {
        case 0xed:
        case 0xf0:
        case 0xf3:  // LEDs, scan code set, repeat rate: an argument follows
            port.command = value;
            queue(port, {kAck});
            break;
        case 0xee:
            queue(port, {0xee});
            break;  // echo
        case 0xf2:
            queue(port, {kAck, 0xab, 0x83});
            break;
        case 0xf4:
            port.scanning = true;
            queue(port, {kAck});
            break;
        case 0xf5:
        case 0xf6:  // defaults, off and on
            port.scanning = value == 0xf6;
            port.scan_set = 2;
            port.leds = 0;
            queue(port, {kAck});
            break;
        case 0xff:
            port.queue.clear();
            port.scanning = true;
            port.scan_set = 2;
            port.leds = 0;
            queue(port, {kAck, kSelfTestPassed});
            break;
        default:
            queue(port, {kResend});
            break;
    }
}

void I8042::mouse_byte(u8 value) {
    Port& port = mouse_;
    const u8 command = port.command;
    port.command = 0;
    if (command != 0) {
        if (command == 0xf3) port.rate = value;
        if (command == 0xe8) port.resolution = value & 3;
        queue(port, {kAck});
        return;
    }
    switch (value) {
        case 0xe6:
        case 0xe7:
        case 0xea:
        case 0xf6:
            queue(port, {kAck});
            break;
        case 0xe8:
        case 0xf3:
            port.command = value;
            queue(port, {kAck});
            break;
        case 0xe9:
            queue(port, {kAck, static_cast<u8>(port.scanning ? 0x20 : 0), port.resolution, port.rate});
            break;
        case 0xeb:
            queue(port, {kAck, 0x08, 0, 0});
            break;  // a packet: nothing moved
        case 0xf2:
            queue(port, {kAck, 0});
            break;  // a standard mouse
        case 0xf4:
        case 0xf5:
            port.scanning = value == 0xf4;
            queue(port, {kAck});
            break;
        case 0xff:
            port = Port();
            queue(port, {kAck, kSelfTestPassed, 0});
            break;
        default:
            queue(port, {kResend});
            break;
    }
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
            mouse_byte(value);
            break;
        default:
            command_byte_ &= static_cast<u8>(~kCmdKeyboardOff);  // writing to the keyboard enables it
            keyboard_byte(value);
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

void I8042::Port::visit(Archive& archive) {
    archive.field("queue", queue, kQueueLimit);
    archive.field("command", command);
    archive.field("scanning", scanning);
    archive.field("scan_set", scan_set);
    archive.field("leds", leds);
    archive.field("rate", rate);
    archive.field("resolution", resolution);
    archive.field("break_prefix", break_prefix);
}

void I8042::visit(Archive& archive) {
    archive.field("keyboard", keyboard_);
    archive.field("mouse", mouse_);
    archive.field("command_byte", command_byte_);
    archive.field("output_port", output_port_);
    archive.field("pending_command", pending_command_);
    archive.field("last_was_command", last_was_command_);
    archive.field("output_full", output_full_);
    archive.field("output_from_mouse", output_from_mouse_);
    archive.field("output", output_);
}

}  // namespace orrery
