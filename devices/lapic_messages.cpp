// The local APIC on the message bus: which messages are for it, what they do, and the IPIs it sends (Intel
// SDM vol. 3A, 11.6 and 11.12.10).
#include "devices/lapic.h"

namespace orrery {

namespace {

constexpr u32 kLevelTriggered = 1u << 15;

// ESR bits (11.5.3).
constexpr u32 kSendIllegalVector = 1u << 5;
constexpr u32 kReceiveIllegalVector = 1u << 6;

}  // namespace

u32 Lapic::logical_id() const {
    return x2apic() ? (id_ & ~0xfu) << 12 | 1u << (id_ & 0xf) : ldr_ >> 24;
}

// 11.6.2 and 11.12.10.
bool Lapic::is_destination(const ApicMessage& message) const {
    const u32 destination = message.destination;
    if (destination == (message.wide ? ~u32{0} : 0xffu)) return true;
    if (!message.logical) return destination == (x2apic() ? id_ : xapic_id_);
    const u32 mine = logical_id();
    if (x2apic()) return (mine >> 16) == (destination >> 16) && (mine & destination & 0xffff) != 0;
    if (destination > 0xff) return false;
    if ((dfr_ >> 28) == 0xf) return (mine & destination) != 0;                    // flat
    return (mine >> 4) == (destination >> 4) && (mine & destination & 0xf) != 0;  // cluster
}

bool Lapic::receive(const ApicMessage& message) {
    if (!globally_enabled()) return false;
    switch (message.mode) {
        case DeliveryMode::Fixed:
        case DeliveryMode::LowestPriority:
            if (!software_enabled()) return false;
            if (message.vector < 16) {
                if (message.vector != (lvt_[kError] & 0xff)) raise_error(kReceiveIllegalVector);
                return false;
            }
            request(message.vector, message.level);
            return true;
        case DeliveryMode::Nmi:
            if (cpu_ != nullptr) cpu_->raise_nmi();
            return true;
        case DeliveryMode::Init:
            if (!message.asserted) return true;  // INIT level de-assert: nothing since the Pentium 4
            initialise();
            if (cpu_ != nullptr) cpu_->raise_init();
            return true;
        case DeliveryMode::Startup:
            if (cpu_ != nullptr) cpu_->raise_startup(message.vector);
            return true;
        case DeliveryMode::ExtInt:
            external_pending_ = true;
            update();
            return true;
        default:
            return false;  // SMI: there is no SMM
    }
}

// 11.6.1. The command is the whole ICR; in xAPIC mode its destination is bits 63-56.
void Lapic::send_ipi(u64 command) {
    ApicMessage message;
    message.vector = static_cast<u8>(command);
    message.mode = static_cast<DeliveryMode>(command >> 8 & 7);
    message.logical = (command & 0x800) != 0;
    message.level = (command & kLevelTriggered) != 0;
    message.asserted = (command & 0x4000) != 0 || !message.level;
    message.wide = x2apic();
    message.destination = static_cast<u32>(command >> (x2apic() ? 32 : 56));
    const bool fixed = message.mode == DeliveryMode::Fixed || message.mode == DeliveryMode::LowestPriority;
    // Only INIT has a level: IPIs are edges whatever bit 15 says.
    message.level = message.level && !fixed;
    if (fixed && message.vector < 16) {
        raise_error(kSendIllegalVector);
        return;
    }
    switch (command >> 18 & 3) {
        case 1:
            if (fixed) receive(message);
            return;
        case 2:
            message.everyone = true;
            break;
        case 3:
            message.everyone = true;
            message.exclude = this;
            break;
        default:
            break;
    }
    bus_.deliver(message);
}

}  // namespace orrery
