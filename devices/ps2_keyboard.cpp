#include "devices/ps2_keyboard.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr u8 kSetLeds = 0xed, kEcho = 0xee, kScanSet = 0xf0, kIdentify = 0xf2, kTypematic = 0xf3,
             kEnable = 0xf4, kDisable = 0xf5, kDefaults = 0xf6, kResendLast = 0xfe, kReset = 0xff;
constexpr u8 kRelease = 0xf0, kExtended = 0xe0, kPause = 0xe1;
constexpr u8 kDefaultTypematic = 0x2b;  // 500 ms, 10.9 a second
constexpr Ticks kMillisecond = kTicksPerSecond / 1000;

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

// How many bytes the first key of `codes` has; 0: it is cut short.
size_t first_length(std::span<const u8> codes) {
    size_t at = 0;
    if (codes[0] == kPause) return codes.size() >= 8 ? 8 : 0;
    if (at < codes.size() && codes[at] == kExtended) ++at;
    if (at < codes.size() && codes[at] == kRelease) ++at;
    return at < codes.size() ? at + 1 : 0;
}

}  // namespace

u8 translate_scan_code(u8 set2) {
    return set2 < sizeof kSet1 ? kSet1[set2] : set2;
}

Ps2Keyboard::Ps2Keyboard(EventQueue& events, std::function<void()> sent)
    : events_(events), sent_(std::move(sent)) {
    timer_ = events.add_timer("ps2_keyboard", [this](Ticks) { repeat(); });
}

void Ps2Keyboard::defaults() {
    scan_set_ = 2;
    leds_ = 0;
    typematic_ = kDefaultTypematic;
    held_.clear();
    events_.cancel(timer_);
}

void Ps2Keyboard::reset() {
    clear_queue();
    command_ = 0;
    scanning_ = true;
    defaults();
}

// The argument of F3: bits 6-5 the delay in quarters of a second less one, bits 4-0 the rate:
// (8 + bits 2-0) << bits 4-3, in units of 1/240 s.
Ticks Ps2Keyboard::delay() const {
    return (Ticks{typematic_} >> 5 & 3) * 250 * kMillisecond + 250 * kMillisecond;
}

Ticks Ps2Keyboard::period() const {
    return ((8 + (Ticks{typematic_} & 7)) << (typematic_ >> 3 & 3)) * kTicksPerSecond / 240;
}

void Ps2Keyboard::keys(std::span<const u8> codes) {
    while (!codes.empty()) {
        const size_t length = first_length(codes);
        if (length == 0) return;
        key(codes.first(length));
        codes = codes.subspan(length);
    }
}

void Ps2Keyboard::key(std::span<const u8> code) {
    if (!scanning_) return;
    const bool release = code[0] != kPause && code.size() > 1 && code[code.size() - 2] == kRelease;
    if (release || code[0] == kPause) {
        // The release of the key that repeats ends it; Pause has no release.
        std::vector<u8> pressed(code.begin(), code.end());
        if (release) pressed.erase(pressed.end() - 2);
        if (pressed == held_ || !release) {
            held_.clear();
            events_.cancel(timer_);
        }
    } else {
        held_.assign(code.begin(), code.end());
        events_.schedule(timer_, events_.now() + delay());
    }
    report(code);
    sent_();
}

void Ps2Keyboard::report(std::span<const u8> code) {
    if (scan_set_ == 2) {
        send(code);
        return;
    }
    std::vector<u8> set1;
    bool release = false;
    for (const u8 byte : code) {
        if (byte == kRelease) {
            release = true;
        } else if (byte == kExtended || byte == kPause) {
            set1.push_back(byte);
        } else {
            set1.push_back(static_cast<u8>(translate_scan_code(byte) | (release ? 0x80 : 0)));
            release = false;
        }
    }
    send(set1);
}

void Ps2Keyboard::repeat() {
    if (held_.empty()) return;
    events_.schedule(timer_, events_.now() + period());
    report(held_);
    sent_();
}

void Ps2Keyboard::argument(u8 command, u8 value) {
    if (command == kScanSet && value == 0) {
        send({kAck, scan_set_});
        return;
    }
    if (command == kScanSet && (value > 2 || value == 0)) {
        send({kResend});
        return;
    }
    if (command == kSetLeds) leds_ = value & 7;
    if (command == kTypematic) typematic_ = value & 0x7f;
    if (command == kScanSet) scan_set_ = value;
    send({kAck});
}

void Ps2Keyboard::receive(u8 value) {
    const u8 command = command_;
    command_ = 0;
    if (command != 0 && value < kSetLeds) {
        argument(command, value);
        return;
    }
    switch (value) {
        case kSetLeds:
        case kScanSet:
        case kTypematic:
            command_ = value;
            send({kAck});
            break;
        case kEcho:
            send({kEcho});
            break;
        case kIdentify:
            send({kAck, 0xab, 0x83});
            break;
        case kEnable:
            scanning_ = true;
            clear_queue();
            send({kAck});
            break;
        case kDisable:
        case kDefaults:
            defaults();
            clear_queue();
            scanning_ = value == kDefaults;
            send({kAck});
            break;
        case kReset:
            reset();
            send({kAck, kSelfTestPassed});
            break;
        case kResendLast:
            send({last()});
            break;
        default:
            send({kResend});
            break;
    }
}

void Ps2Keyboard::visit(Archive& archive) {
    visit_queue(archive);
    archive.field("command", command_);
    archive.field("scanning", scanning_);
    archive.field("scan_set", scan_set_);
    archive.field("leds", leds_);
    archive.field("typematic", typematic_);
    archive.field("held", held_, kLongest);
}

}  // namespace orrery
