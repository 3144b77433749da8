#include "devices/ps2_mouse.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace orrery {

namespace {

constexpr i32 kMostMovement = 255, kMostWheel = 7;
constexpr i32 kMostPending = 1 << 16;
constexpr u8 kWheelIdentity = 3;
constexpr u8 kWheelRates[] = {200, 100, 80};

}  // namespace

void Ps2Mouse::defaults() {
    reporting_ = remote_ = wrap_ = double_scale_ = false;
    rate_ = 100;
    resolution_ = 2;
    right_ = up_ = wheel_ = 0;
}

void Ps2Mouse::reset() {
    clear_queue();
    command_ = rates_seen_ = 0;
    wheel_mode_ = false;
    buttons_ = reported_buttons_ = 0;
    defaults();
}

void Ps2Mouse::move(i32 right, i32 down, i32 wheel, u8 buttons) {
    const auto add = [](i32& sum, i32 value) { sum = std::clamp(sum + value, -kMostPending, kMostPending); };
    add(right_, std::clamp(right, -kMostPending, kMostPending));
    add(up_, -std::clamp(down, -kMostPending, kMostPending));
    add(wheel_, std::clamp(wheel, -kMostPending, kMostPending));
    buttons_ = buttons & 7;
    if (!reporting_ || remote_) return;
    // A long way takes several packets.
    const auto something = [this] {
        return right_ != 0 || up_ != 0 || (wheel_mode_ && wheel_ != 0) || buttons_ != reported_buttons_;
    };
    for (unsigned packets = 0; something() && packets < 16; ++packets) packet();
}

// 2:1 scaling stretches long ways and shortens none of five counts and less (the manual's table).
i32 Ps2Mouse::scaled(i32 value) const {
    static constexpr i32 kTable[] = {0, 1, 1, 3, 6, 9};
    if (!double_scale_) return value;
    const i32 size = value < 0 ? -value : value;
    const i32 result = size < 6 ? kTable[size] : 2 * size;
    return value < 0 ? -result : result;
}

void Ps2Mouse::packet() {
    const i32 most = double_scale_ ? kMostMovement / 2 : kMostMovement;
    const i32 step_right = std::clamp(right_, -most, most), step_up = std::clamp(up_, -most, most);
    const i32 x = reporting_ && !remote_ ? scaled(step_right) : step_right;
    const i32 y = reporting_ && !remote_ ? scaled(step_up) : step_up;
    const u8 head = static_cast<u8>(8 | buttons_ | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0));
    bool sent = false;
    const i32 turn = std::clamp(wheel_, -kMostWheel - 1, kMostWheel);
    if (wheel_mode_)
        sent = send({head, static_cast<u8>(x), static_cast<u8>(y), static_cast<u8>(turn)});
    else
        sent = send({head, static_cast<u8>(x), static_cast<u8>(y)});
    right_ -= step_right;
    up_ -= step_up;
    wheel_ = wheel_mode_ ? wheel_ - turn : 0;
    if (sent) reported_buttons_ = buttons_;
}

void Ps2Mouse::status() {
    const u8 held = static_cast<u8>((buttons_ & 1) << 2 | (buttons_ & 4) >> 1 | (buttons_ & 2) >> 1);
    const u8 flags =
        static_cast<u8>((remote_ ? 0x40 : 0) | (reporting_ ? 0x20 : 0) | (double_scale_ ? 0x10 : 0));
    send({kAck, static_cast<u8>(flags | held), resolution_, rate_});
}

void Ps2Mouse::set_rate(u8 rate) {
    rate_ = rate;
    rates_seen_ = rate == kWheelRates[rates_seen_] ? static_cast<u8>(rates_seen_ + 1)
                                                   : static_cast<u8>(rate == kWheelRates[0]);
    if (rates_seen_ < std::size(kWheelRates)) return;
    wheel_mode_ = true;
    rates_seen_ = 0;
}

void Ps2Mouse::receive(u8 value) {
    if (wrap_ && value != 0xec && value != 0xff) {
        send({value});
        return;
    }
    if (const u8 command = std::exchange(command_, u8{0}); command != 0) {
        if (command == 0xf3) set_rate(value);
        if (command == 0xe8) resolution_ = value & 3;
        send({kAck});
        return;
    }
    switch (value) {
        case 0xe8:
        case 0xf3:
            command_ = value;
            break;
        case 0xe9:
            status();
            return;
        case 0xeb:
            send({kAck});
            packet();
            return;
        case 0xf2:
            send({kAck, wheel_mode_ ? kWheelIdentity : u8{0}});
            return;
        case 0xff:
            reset();
            send({kAck, kSelfTestPassed, 0});
            return;
        case 0xe6:
        case 0xe7:
            double_scale_ = value == 0xe7;
            break;
        case 0xea:
        case 0xf0:
            remote_ = value == 0xf0;
            break;
        case 0xec:
        case 0xee:
            wrap_ = value == 0xee;
            break;
        case 0xf4:
        case 0xf5:
            reporting_ = value == 0xf4;
            right_ = up_ = wheel_ = 0;
            break;
        case 0xf6:
            defaults();
            break;
        case 0xfe:
            send({last()});
            return;
        default:
            send({kResend});
            return;
    }
    send({kAck});
}

void Ps2Mouse::visit(Archive& archive) {
    visit_queue(archive);
    archive.field("command", command_);
    archive.field("reporting", reporting_);
    archive.field("remote", remote_);
    archive.field("wrap", wrap_);
    archive.field("wheel_mode", wheel_mode_);
    archive.field("double_scale", double_scale_);
    archive.field("rate", rate_);
    archive.field("resolution", resolution_);
    archive.field("rates_seen", rates_seen_);
    archive.field("buttons", buttons_);
    archive.field("reported_buttons", reported_buttons_);
    archive.field("right", right_);
    archive.field("up", up_);
    archive.field("wheel", wheel_);
    if (archive.loading() && rates_seen_ >= std::size(kWheelRates))
        throw ArchiveError("snapshot: the mouse's state is damaged");
}

}  // namespace orrery
