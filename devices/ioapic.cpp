#include "devices/ioapic.h"

namespace orrery {

namespace {

constexpr u64 kMasked = 1u << 16;
constexpr u64 kLevelTriggered = 1u << 15;
constexpr u64 kRemoteIrr = 1u << 14;
constexpr u64 kActiveLow = 1u << 13;
constexpr u64 kReadOnly = kRemoteIrr | 1u << 12;
constexpr u64 kWritable = 0xff00'0000'0001'ffff & ~kReadOnly;

}  // namespace

Ioapic::Ioapic(ApicBus& bus) : bus_(bus) {
    bus.on_eoi([this](u8 vector) { eoi(vector); });
    reset();
}

void Ioapic::reset() {
    select_ = 0;
    id_ = 0;
    entries_.fill(kMasked);  // the pins' levels are the wires' affair
}

bool Ioapic::asserted(unsigned pin) const {
    return pin_level(pin) != ((entries_[pin] & kActiveLow) != 0);
}

void Ioapic::send(unsigned pin) {
    const u64 entry = entries_[pin];
    ApicMessage message;
    message.vector = static_cast<u8>(entry);
    message.mode = static_cast<DeliveryMode>(entry >> 8 & 7);
    message.logical = (entry & 0x800) != 0;
    message.level = (entry & kLevelTriggered) != 0;
    message.destination = static_cast<u32>(entry >> 56);
    bus_.deliver(message);
}

// A level-triggered request is sent once, and again after its EOI if the pin still asks.
void Ioapic::service_level(unsigned pin) {
    u64& entry = entries_[pin];
    if ((entry & kLevelTriggered) == 0 || (entry & (kMasked | kRemoteIrr)) != 0 || !asserted(pin)) return;
    const unsigned mode = entry >> 8 & 7;
    if (mode < 2) entry |= kRemoteIrr;  // fixed and lowest priority
    send(pin);
}

void Ioapic::set_irq(unsigned pin, bool level) {
    if (pin >= kPins) return;
    const bool before = asserted(pin);
    levels_ = (levels_ & ~(1u << pin)) | static_cast<u32>(level) << pin;
    const bool now = asserted(pin);
    const u64 entry = entries_[pin];
    if ((entry & kLevelTriggered) != 0)
        service_level(pin);
    else if (now && !before && (entry & kMasked) == 0)
        send(pin);
}

void Ioapic::eoi(u8 vector) {
    for (unsigned pin = 0; pin < kPins; ++pin) {
        u64& entry = entries_[pin];
        if ((entry & kRemoteIrr) == 0 || static_cast<u8>(entry) != vector) continue;
        entry &= ~kRemoteIrr;
        service_level(pin);
    }
}

u32 Ioapic::read_register() const {
    switch (select_) {
        case 0:
            return static_cast<u32>(id_) << 24;
        case 1:
            return (kPins - 1) << 16 | 0x20;
        case 2:
            return static_cast<u32>(id_) << 24;
        default:
            break;
    }
    if (select_ < 0x10 || select_ >= 0x10 + 2 * kPins) return 0;
    const u64 entry = entries_[(select_ - 0x10u) / 2];
    return static_cast<u32>((select_ & 1) != 0 ? entry >> 32 : entry);
}

void Ioapic::write_register(u32 value) {
    if (select_ == 0) id_ = value >> 24 & 0xf;
    if (select_ < 0x10 || select_ >= 0x10 + 2 * kPins) return;
    const unsigned pin = (select_ - 0x10u) / 2;
    u64& entry = entries_[pin];
    const u64 written = (select_ & 1) != 0 ? (entry & 0xffff'ffff) | static_cast<u64>(value) << 32
                                           : (entry & ~u64{0xffff'ffff}) | value;
    entry = (written & kWritable) | (entry & kReadOnly);
    // An entry made edge-triggered forgets that it waits for an EOI (what Linux relies on for older parts).
    if ((entry & kLevelTriggered) == 0) entry &= ~kRemoteIrr;
    service_level(pin);
}

u64 Ioapic::mmio_read(unsigned, u64 offset, unsigned) {
    switch (offset) {
        case 0x00:
            return select_;
        case 0x10:
            return read_register();
        default:
            return 0;
    }
}

void Ioapic::mmio_write(unsigned, u64 offset, unsigned, u64 value) {
    switch (offset) {
        case 0x00:
            select_ = static_cast<u8>(value);
            break;
        case 0x10:
            write_register(static_cast<u32>(value));
            break;
        case 0x40:
            eoi(static_cast<u8>(value));
            break;
        default:
            break;
    }
}

void Ioapic::visit(Archive& archive) {
    archive.field("select", select_);
    archive.field("id", id_);
    archive.field("levels", levels_);
    archive.field("entries", entries_);
}

}  // namespace orrery
