// The interrupt message bus between local APICs, IOAPICs and devices that send MSIs (Intel SDM vol.
// 3A, 11.6.2 on destinations, 11.11 on message-signalled interrupts).
//
// Messages are delivered at once, to local APICs in the order of their CPUs. Lowest-priority arbitration
// picks the lowest processor priority, and of equals the lowest CPU: never chance.
#pragma once

#include <functional>
#include <vector>

#include "emulator/core/bus/device.h"

namespace orrery {

class Lapic;

// Delivery modes as the ICR, the LVT, redirection entries and MSI data encode them.
enum class DeliveryMode : u8 {
    Fixed = 0,
    LowestPriority = 1,
    Smi = 2,
    Nmi = 4,
    Init = 5,
    Startup = 6,
    ExtInt = 7
};

struct ApicMessage {
    u32 destination = 0;
    bool logical = false;
    bool wide = false;  // a 32-bit x2APIC destination, else 8 bits
    DeliveryMode mode = DeliveryMode::Fixed;
    u8 vector = 0;
    bool level = false;        // trigger mode
    bool asserted = true;      // level of an INIT message
    Lapic* exclude = nullptr;  // all excluding self
    bool everyone = false;     // shorthands: the destination does not count
};

class ApicBus : public MsiSink {
  public:
    // Local APICs in the order of their CPUs; to be called while the machine is built only.
    void attach(Lapic& lapic) { lapics_.push_back(&lapic); }
    // An IOAPIC's ear for EOI broadcasts.
    void on_eoi(std::function<void(u8 vector)> hook) { eoi_hooks_.push_back(std::move(hook)); }

    // False: no local APIC took it (the sender's "send accept error" does not exist any more; for tests and
    // tracing).
    bool deliver(const ApicMessage& message);
    void send_msi(u64 address, u32 data) override;
    void broadcast_eoi(u8 vector);

    const std::vector<Lapic*>& lapics() const { return lapics_; }

  private:
    std::vector<Lapic*> lapics_;
    std::vector<std::function<void(u8)>> eoi_hooks_;
};

}  // namespace orrery
