// What the CPU remembers while it delivers an exception or interrupt, and why it shut down. Part of Cpu
// (cpu.h); exceptions.h has the functions.
#pragma once

#include "emulator/core/state/archive.h"
#include "emulator/isa/types.h"

namespace orrery {

// One of a chain of faults.
struct DeliveredFault {
    u8 vector = 0;
    u32 error_code = 0;
    u64 address = 0;  // of a #PF
};

// The event whose delivery has begun. A fault within it comes back to deliver_exception(), which combines the
// two as SDM vol. 3A, table 6-5 says. Never active at an instruction boundary.
struct DeliveryState {
    bool active = false;
    bool exception = false;  // a fault or trap; false: an interrupt or NMI, with which nothing combines
    u8 vector = 0;
    u8 fault_count = 0;
    DeliveredFault faults[3];  // those that led here, oldest first
};

// Events in a row with no instruction between them end a turn, and a run(), after so many.
inline constexpr u64 kBarrenDeliveriesPerTurn = 64;

// A triple fault (SDM vol. 3A, 6.15, interrupt 8): a fault that could not be delivered, the one met on the
// way, and the one met on the way to the double-fault handler.
struct ShutdownReason {
    bool valid = false;
    u8 fault_count = 0;
    DeliveredFault faults[3];
    u64 rip = 0;
    u16 cs = 0;
    u8 cpl = 0;

    void visit(Archive& archive) {
        archive.field("valid", valid);
        archive.field("fault_count", fault_count);
        for (DeliveredFault& fault : faults) {
            archive.field("vector", fault.vector);
            archive.field("error_code", fault.error_code);
            archive.field("address", fault.address);
        }
        archive.field("rip", rip);
        archive.field("cs", cs);
        archive.field("cpl", cpl);
    }
};

}  // namespace orrery
