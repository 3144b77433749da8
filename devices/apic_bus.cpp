#include "devices/apic_bus.h"

#include "devices/lapic.h"

namespace orrery {

bool ApicBus::deliver(const ApicMessage& message) {
    bool taken = false;
    Lapic* lowest = nullptr;
    for (Lapic* lapic : lapics_) {
        if (lapic == message.exclude) continue;
        if (!message.everyone && !lapic->is_destination(message)) continue;
        if (message.mode != DeliveryMode::LowestPriority) {
            taken = lapic->receive(message) || taken;
        } else if (lapic->accepts_fixed() &&
                   (lowest == nullptr || lapic->processor_priority() < lowest->processor_priority())) {
            lowest = lapic;
        }
    }
    if (lowest != nullptr) taken = lowest->receive(message);
    return taken;
}

void ApicBus::send_msi(u64 address, u32 data) {
    if ((address >> 20) != 0xfee) return;
    ApicMessage message;
    message.destination = static_cast<u32>(address >> 12) & 0xff;
    message.logical = (address & 4) != 0;
    message.mode = static_cast<DeliveryMode>((data >> 8) & 7);
    message.vector = static_cast<u8>(data);
    message.level = (data & 0x8000) != 0;
    // The redirection hint asks for one of the destinations, whatever the delivery mode says.
    if ((address & 8) != 0 && message.logical && message.mode == DeliveryMode::Fixed)
        message.mode = DeliveryMode::LowestPriority;
    deliver(message);
}

void ApicBus::broadcast_eoi(u8 vector) {
    for (const auto& hook : eoi_hooks_) hook(vector);
}

}  // namespace orrery
